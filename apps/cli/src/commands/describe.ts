// `switchyard describe`
import type { Command } from 'commander'
import type { Start } from '../start.ts'

export function register(program: Command, start: Start): void {
  program
    .command('describe')
    .summary('tell all about a document: conditions, events, what uses it')
    .description(
      'Tells all about documents: fields, conditions with what to do, who uses them, and what happened.',
    )
    .argument('<kind>', 'kind, or KIND/NAME')
    .argument('[name...]', 'names of documents')
    .addHelpText(
      'after',
      `
Examples:
  switchyard describe endpoint chat
  switchyard describe model/switchyard-tiny`,
    )
    .action((kind: string, names: string[], _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/describe.ts')).describe(cli, [kind, ...names])),
    )
}
