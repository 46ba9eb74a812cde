// `switchyard delete`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { DeleteOptions } from '../verbs/delete.ts'
import { collect } from './options.ts'

export function register(program: Command, start: Start): void {
  program
    .command('delete')
    .summary('delete documents')
    .description(
      'Deletes the documents that are named, or all documents of files, those that refer before what they refer to. Asks first; without a terminal --yes is needed.',
    )
    .argument('[kind]', 'kind, or KIND/NAME')
    .argument('[name...]', 'names of documents')
    .option('-f, --filename <path>', 'file, folder or - for standard input; may be repeated', collect)
    .option('--cascade', 'delete what depends on them too')
    .option('--ignore-not-found', 'a document that is not there counts as deleted')
    .option('--wait', 'return once they are gone, at most --timeout (5m)')
    .addHelpText(
      'after',
      `
Examples:
  switchyard delete endpoint chat
  switchyard delete endpoint/chat model/tiny --yes
  switchyard delete -f stack.yaml --yes --wait --ignore-not-found`,
    )
    .action((kind: string | undefined, names: string[], options: DeleteOptions, command: Command) =>
      start(command, async cli =>
        (await import('../verbs/delete.ts')).remove(cli, kind === undefined ? [] : [kind, ...names], options),
      ),
    )
}
