// `switchyard version`
import type { Command } from 'commander'
import type { Start } from '../start.ts'

export function register(program: Command, start: Start): void {
  program
    .command('version')
    .summary('print the versions of this program, its Node and the server')
    .description(
      'Prints the versions of this program, of the Node that runs it, and of the server if it answers.',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchyard version
  switchyard version -o json`,
    )
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/version.ts')).version(cli)),
    )
}
