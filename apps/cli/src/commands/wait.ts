// `switchyard wait`
import type { Command } from 'commander'
import type { Start } from '../start.ts'

export function register(program: Command, start: Start): void {
  program
    .command('wait')
    .summary('wait until a document is ready, in a phase, or gone')
    .description(
      'Waits by watching, at most --timeout (5m). Exits 0 when it came true, 8 when time ran out, 1 when it can no longer come true because the document was deleted.',
    )
    .argument('<kind>', 'kind, or KIND/NAME')
    .argument('[name...]', 'names of documents')
    .option('--for <what>', 'condition=TYPE[=STATUS], phase=PHASE or delete', 'condition=Ready')
    .addHelpText(
      'after',
      `
Examples:
  switchyard wait endpoint chat
  switchyard wait endpoint chat --for phase=Paused --timeout 30s
  switchyard wait model/tiny --for condition=Validated
  switchyard wait endpoint/chat --for delete`,
    )
    .action((kind: string, names: string[], options: { readonly for: string }, command: Command) =>
      start(command, async cli =>
        (await import('../verbs/wait.ts')).wait(cli, [kind, ...names], options.for),
      ),
    )
}
