// `switchyard down`
import type { Command } from 'commander'
import type { Start } from '../start.ts'

export function register(program: Command, start: Start): void {
  program
    .command('down')
    .summary('stop all that `up` started')
    .description(
      'Stops the server after its running requests, then the engines and the embedded PostgreSQL. Data stays.',
    )
    .option('--data <dir>', 'folder that `up` was given (default .switchyard, or SWITCHYARD_DATA)')
    .addHelpText(
      'after',
      `
Examples:
  switchyard down
  switchyard down --data /var/lib/switchyard`,
    )
    .action((options: { readonly data?: string }, command: Command) =>
      start(command, async cli => (await import('../up/down.ts')).down(cli, options)),
    )
}
