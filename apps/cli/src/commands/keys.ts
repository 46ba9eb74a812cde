// `switchyard keys …`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { CreateOptions } from '../verbs/keys.ts'
import { commaList } from './options.ts'

export function register(program: Command, start: Start): void {
  const keys = program
    .command('keys')
    .summary('create, list, rotate, revoke and disable API keys')
    .description('API keys: random secrets that programs call with. A secret is shown once, alone on stdout.')
    .addHelpText(
      'after',
      `
Examples:
  switchyard keys create ci --models chat --expires 90d > key.txt
  switchyard keys list
  switchyard keys rotate ci --overlap 1h > key.txt
  switchyard keys disable ci
  switchyard keys revoke ci --yes`,
    )
  keys
    .command('create')
    .summary('make a key and print its secret, once')
    .description('Makes a key and prints its secret, which is shown this once, alone on stdout.')
    .argument('<name>', 'name of the key')
    .option('--owner <kind/name>', 'user/NAME or serviceaccount/NAME whose rights it carries (default: you)')
    .option('--project <name>', 'project that its usage counts for')
    .option(
      '--models <names>',
      'models that it may call, comma between, * as wildcard (default: any)',
      commaList,
    )
    .option(
      '--scopes <permissions>',
      'rights that it keeps of its owner’s (default: inference:call)',
      commaList,
    )
    .option('--expires <time>', 'when it ends: 90d, or 2026-12-31')
    .addHelpText(
      'after',
      `
Examples:
  switchyard keys create ci --owner serviceaccount/ci --models chat
  KEY=$(switchyard keys create me --expires 90d)`,
    )
    .action((name: string, options: CreateOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/keys.ts')).create(cli, name, options)),
    )
  keys
    .command('list')
    .summary('list the keys of the workspace')
    .description('Lists the keys of the workspace; no secret is ever shown again.')
    .addHelpText('after', '\nExample:\n  switchyard keys list -o wide')
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/get.ts')).get(cli, ['apikey'], {})),
    )
  keys
    .command('rotate')
    .summary('replace the secret of a key and print the new one, once')
    .description(
      'Replaces the secret of a key and prints the new one, which is shown this once, alone on stdout.',
    )
    .argument('<name>', 'name of the key')
    .option('--overlap <duration>', 'how long the old secret goes on working, at most 24h', '0s')
    .addHelpText('after', '\nExample:\n  switchyard keys rotate ci --overlap 1h')
    .action((name: string, options: { readonly overlap: string }, command: Command) =>
      start(command, async cli => (await import('../verbs/keys.ts')).rotate(cli, name, options.overlap)),
    )
  keys
    .command('revoke')
    .summary('delete a key: calls with it are refused within a second')
    .description(
      'Deletes a key. Calls with it are refused within a second. Asks first; else --yes is needed.',
    )
    .argument('<name...>', 'names of keys')
    .addHelpText('after', '\nExample:\n  switchyard keys revoke ci --yes')
    .action((names: string[], _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/delete.ts')).remove(cli, ['apikey', ...names], {})),
    )
  keys
    .command('disable')
    .summary('refuse a key until it is enabled again')
    .description('Refuses every call with a key, until it is enabled again with --undo.')
    .argument('<name>', 'name of the key')
    .option('--undo', 'enable it again')
    .addHelpText('after', '\nExamples:\n  switchyard keys disable ci\n  switchyard keys disable ci --undo')
    .action((name: string, options: { readonly undo?: boolean }, command: Command) =>
      start(command, async cli =>
        (await import('../verbs/keys.ts')).disable(cli, name, options.undo !== true),
      ),
    )
}
