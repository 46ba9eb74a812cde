// `switchyard user …`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { InviteOptions } from '../verbs/people.ts'
import { commaList } from './options.ts'

export function register(program: Command, start: Start): void {
  const user = program
    .command('user')
    .summary('invite and unlock people, reset and change passwords')
    .description(
      'People: how they come in and look after their accounts. A link is shown once, alone on stdout, or mailed where the server can.',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchyard user invite ann@example.com --role platform/developer
  switchyard user invitations
  switchyard user reset-password ann
  switchyard user password`,
    )
  user
    .command('invite')
    .summary('invite a person by a link that works once')
    .description(
      'Invites a person: whoever opens the link chooses a password, and the account is made with the roles that are promised. You must hold what they grant, now and when the link is opened. A new invitation replaces the old one of the same e-mail.',
    )
    .argument('<email>', 'whom to invite')
    .option(
      '--role <roles>',
      'roles to be held, comma between: platform/developer, or ROLE@WORKSPACE, or ROLE@platform for everywhere (default workspace: the one in use)',
      commaList,
    )
    .option('--name <text>', 'how the person is called')
    .option('--expires <duration>', 'how long the link works, 5m to 30d (default: 7d)')
    .addHelpText(
      'after',
      `
Examples:
  switchyard user invite ann@example.com --role platform/developer@research
  switchyard user invite root@example.com --role platform/admin@platform --expires 1h > link.txt`,
    )
    .action((email: string, options: InviteOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/people.ts')).invite(cli, email, options)),
    )
  user
    .command('invitations')
    .summary('list the invitations that still stand')
    .description('Lists the invitations that still stand, without their links.')
    .addHelpText('after', '\nExample:\n  switchyard user invitations')
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/people.ts')).invitations(cli)),
    )
  user
    .command('uninvite')
    .summary('withdraw an invitation')
    .description('Withdraws an invitation: its link works no more.')
    .argument('<email>', 'e-mail or id of the invitation')
    .addHelpText('after', '\nExample:\n  switchyard user uninvite ann@example.com')
    .action((email: string, _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/people.ts')).uninvite(cli, email)),
    )
  user
    .command('reset-password')
    .summary('make a link with which a person sets a new password')
    .description(
      'Makes a link with which a person whose rights you hold sets a new password. It works once, for a day; with it every session of theirs ends.',
    )
    .argument('<name>', 'name of the user')
    .addHelpText('after', '\nExample:\n  switchyard user reset-password ann > link.txt')
    .action((name: string, _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/people.ts')).resetPassword(cli, name)),
    )
  user
    .command('unlock')
    .summary('let an account be tried again that has had too many wrong passwords')
    .description(
      'Forgets the wrong passwords of an account, which must otherwise wait up to 15 minutes. The address that they came from goes on waiting.',
    )
    .argument('<name>', 'name of the user')
    .addHelpText('after', '\nExample:\n  switchyard user unlock ann')
    .action((name: string, _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/people.ts')).unlock(cli, name)),
    )
  user
    .command('password')
    .summary('change your password')
    .description('Changes your own password, knowing the current one. Your other sessions end.')
    .option('--password-stdin', 'read the current password and the new one, a line each, from standard input')
    .addHelpText('after', '\nExample:\n  switchyard user password')
    .action((options: { readonly passwordStdin?: boolean }, command: Command) =>
      start(command, async cli => (await import('../verbs/people.ts')).changePassword(cli, options)),
    )
}
