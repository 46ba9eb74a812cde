// `switchyard admin …`
import type { Command } from 'commander'
import type { Start } from '../start.ts'

export function register(program: Command, start: Start): void {
  const admin = program
    .command('admin')
    .summary('versions of the master key')
    .description('What who runs an installation needs, beside its documents.')
  const keys = admin
    .command('keys')
    .summary('list, rotate and drop versions of the master key')
    .description('Versions of the master key, which wraps the keys of every secret. Asks for system:keys.')
    .addHelpText(
      'after',
      `
Examples:
  switchyard admin keys list
  switchyard admin keys rotate
  switchyard admin keys drop 1 --yes`,
    )
  keys
    .command('list')
    .summary('list the versions, and what is sealed under each')
    .description('Lists the versions, the newest first, and how much is sealed under each.')
    .addHelpText('after', '\nExample:\n  switchyard admin keys list -o json')
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/admin-keys.ts')).list(cli)),
    )
  keys
    .command('rotate')
    .summary('add a version, and bring every secret under it')
    .description(
      'Adds a version, which seals from now on, and waits until the server has brought every secret under it. The server goes on with that when this is ended, and after a crash.',
    )
    .option('--detach', 'do not wait for the secrets that are there')
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard admin keys rotate\n  switchyard admin keys rotate --detach',
    )
    .action((options: { readonly detach?: boolean }, command: Command) =>
      start(command, async cli =>
        (await import('../verbs/admin-keys.ts')).rotate(cli, options.detach === true),
      ),
    )
  keys
    .command('drop')
    .summary('take a version away that has no use any more')
    .description(
      'Takes a version away under which nothing is sealed any more: backups from before do not open without it. Asks first; else --yes is needed.',
    )
    .argument('<version>', 'its number')
    .addHelpText('after', '\nExample:\n  switchyard admin keys drop 1 --yes')
    .action((version: string, _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/admin-keys.ts')).drop(cli, version)),
    )
}
