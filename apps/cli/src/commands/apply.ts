// `switchyard apply`
import { type Command, Option } from 'commander'
import type { Start } from '../start.ts'
import type { ApplyOptions } from '../verbs/apply.ts'
import { collect } from './options.ts'

export function register(program: Command, start: Start): void {
  program
    .command('apply')
    .summary('create or change documents as files say')
    .description(
      'Reads every document of the files, checks them all, and writes them so that what is referred to comes first. If anything is wrong in any file, nothing is written. A document that names no workspace goes to the workspace of the context; `workspace: null` makes a platform document.',
    )
    .requiredOption('-f, --filename <path>', 'file, folder or - for standard input; may be repeated', collect)
    .addOption(
      new Option('--dry-run <where>', 'check here, or at the server, and write nothing').choices([
        'client',
        'server',
      ]),
    )
    .option('--wait', 'return once everything is ready, at most --timeout (5m)')
    .addHelpText(
      'after',
      `
Examples:
  switchyard apply -f endpoint.yaml
  switchyard apply -f models/ -f endpoints.yaml --wait
  switchyard get endpoint chat -o yaml | sed 's/replicas: 1/replicas: 2/' | switchyard apply -f -
  switchyard apply -f endpoint.yaml --dry-run server

endpoint.yaml, the smallest that works:
  apiVersion: switchyard.dev/v1
  kind: Endpoint
  metadata: { name: chat }
  spec: { model: { name: switchyard-tiny } }

Prints created, configured, unchanged or failed for each document.`,
    )
    .action((options: ApplyOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/apply.ts')).apply(cli, options)),
    )
}
