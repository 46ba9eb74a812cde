// `switchyard logout`
import type { Command } from 'commander'
import type { Start } from '../start.ts'

export function register(program: Command, start: Start): void {
  program
    .command('logout')
    .summary('end the session of a context')
    .description('Ends the session at the server and forgets its tokens. The context itself stays.')
    .addHelpText('after', '\nExamples:\n  switchyard logout\n  switchyard logout --context prod')
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/login.ts')).logout(cli)),
    )
}
