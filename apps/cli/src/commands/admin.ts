// `switchyard admin …`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { PlaceOptions } from '../up/backup.ts'

export function register(program: Command, start: Start): void {
  const admin = program
    .command('admin')
    .summary('backups, and versions of the master key')
    .description('What who runs an installation needs, beside its documents.')
  place(
    admin
      .command('backup')
      .summary('copy the database into a folder, while everything runs')
      .description(
        'Copies all that the database holds at one moment into a folder: one file a table, with a manifest of their digests. Secrets stay sealed, and their root key is not in it. Run it where the data folder is, or with --database-url.',
      )
      .argument('<dir>', 'folder to make; an empty one may stand'),
  )
    .addHelpText(
      'after',
      `
Examples:
  switchyard admin backup /backup/$(date +%F)
  switchyard admin backup /backup/today --database-url postgres://switchyard:secret@db:5432/switchyard`,
    )
    .action((directory: string, options: PlaceOptions, command: Command) =>
      start(command, async cli => (await import('../up/backup.ts')).backup(cli, directory, options)),
    )
  place(
    admin
      .command('restore')
      .summary('bring a backup into an empty database')
      .description(
        'Checks the digests of a backup, makes the schema, and brings in all rows or none. The database must be empty, and no server may run on the data folder.',
      )
      .argument('<dir>', 'folder of the backup'),
  )
    .addHelpText(
      'after',
      `
Examples:
  switchyard admin restore /backup/2026-11-21 --data /var/lib/switchyard-new
  switchyard admin restore /backup/today --database-url postgres://switchyard:secret@db:5432/empty`,
    )
    .action((directory: string, options: PlaceOptions, command: Command) =>
      start(command, async cli => (await import('../up/backup.ts')).restore(cli, directory, options)),
    )
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

/** Which installation is meant. */
function place(command: Command): Command {
  return command
    .option('--data <dir>', 'data folder of the server (default .switchyard, or SWITCHYARD_DATA)')
    .option('--database-url <url>', 'the external database (or SWITCHYARD_DATABASE_URL)')
}
