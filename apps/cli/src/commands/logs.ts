// `switchyard logs`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { LogsOptions } from '../verbs/logs.ts'
import { count } from './options.ts'

export function register(program: Command, start: Start): void {
  program
    .command('logs')
    .summary('show what the engine of an endpoint wrote')
    .description('Shows the newest log lines of the engine that serves an endpoint.')
    .argument('<endpoint>', 'name of the endpoint')
    .option('-f, --follow', 'go on with every new line')
    .option('--tail <lines>', 'how many of the newest lines', count)
    .option('--replica <name>', 'of this replica only')
    .option('--previous', 'of the run before the current one')
    .addHelpText(
      'after',
      `
Examples:
  switchyard logs chat --tail 50
  switchyard logs chat -f
  switchyard logs chat --previous              why it died`,
    )
    .action((endpoint: string, options: LogsOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/logs.ts')).logs(cli, endpoint, options)),
    )
}
