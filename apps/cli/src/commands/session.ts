// `switchyard session …`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { ListOptions, RevokeOptions } from '../verbs/sessions.ts'

export function register(program: Command, start: Start): void {
  const session = program
    .command('session')
    .summary('list and end open sessions')
    .description('Open sessions: where you, or another person, are signed in.')
    .addHelpText(
      'after',
      `
Examples:
  switchyard session list
  switchyard session revoke --all
  switchyard session list --user ann`,
    )
  session
    .command('list')
    .summary('list open sessions')
    .description('Lists your open sessions, or those of a person whose account you may read.')
    .option('--user <name>', 'whose sessions (default: yours)')
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard session list\n  switchyard session list --user ann -o json',
    )
    .action((options: ListOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/sessions.ts')).list(cli, options)),
    )
  session
    .command('revoke')
    .summary('end sessions')
    .description(
      'Ends sessions: their tokens are refused at once. With --all every one of a person, or every other one of yours; that asks first, else --yes is needed.',
    )
    .argument('[id...]', 'ids of sessions')
    .option('--user <name>', 'whose sessions (default: yours)')
    .option('--all', 'every one')
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard session revoke --all --yes\n  switchyard session revoke --user ann --all',
    )
    .action((ids: string[], options: RevokeOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/sessions.ts')).revoke(cli, ids, options)),
    )
}
