// `switchyard get`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { GetOptions } from '../verbs/get.ts'
import { positive } from './options.ts'

export function register(program: Command, start: Start): void {
  program
    .command('get')
    .summary('list documents, or show some')
    .description(
      'Lists the documents of one or more kinds, or shows those that are named. `all` is every kind of a workspace. A platform document is named platform/NAME.',
    )
    .argument('<kind[,kind]>', 'kinds by singular, plural or short name, or KIND/NAME')
    .argument('[name...]', 'names of documents')
    .option('-w, --watch', 'go on with every change')
    .option('-l, --selector <labels>', 'only documents with these labels: app=chat,tier in (a,b)')
    .option('--field-selector <fields>', 'only documents with these fields: status.phase=Ready')
    .option('--sort-by <path>', 'sort by a field, such as metadata.name or -metadata.creationTimestamp')
    .option('--limit <n>', 'at most this many of each kind', positive)
    .addHelpText(
      'after',
      `
Examples:
  switchyard get endpoints                      in the workspace of the context
  switchyard get endpoints,models -o wide       two kinds, more columns
  switchyard get ep chat -o yaml                one document, ready to be applied again
  switchyard get endpoint/chat engine/platform/llama-cpp
  switchyard get endpoints -w                   go on with every change; Ctrl-C ends it
  switchyard get all -A                         everything, everywhere
  switchyard get endpoints -o name --field-selector status.phase=Failed`,
    )
    .action((kinds: string, names: string[], options: GetOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/get.ts')).get(cli, [kinds, ...names], options)),
    )
}
