// `switchyard events`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { EventsOptions } from '../verbs/events.ts'
import { positive } from './options.ts'

export function register(program: Command, start: Start): void {
  program
    .command('events')
    .summary('show what happened, newest last')
    .description('Shows what happened to the documents of a workspace, newest last.')
    .option('--for <kind/name>', 'only of this document')
    .option('-w, --watch', 'go on with every new event')
    .option('--limit <n>', 'at most this many of the newest', positive, 100)
    .addHelpText(
      'after',
      `
Examples:
  switchyard events
  switchyard events --for endpoint/chat -w
  switchyard events -A -o json`,
    )
    .action((options: EventsOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/events.ts')).events(cli, options)),
    )
}
