// `switchyard context …`
import type { Command } from 'commander'
import type { Start } from '../start.ts'

export function register(program: Command, start: Start): void {
  const context = program
    .command('context')
    .summary('list, show, choose and change saved contexts')
    .description(
      'A context is a server, a workspace and a session. Without a further word, lists them. The flag --context, the environment and the folder of `switchyard up` come before the current one.',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchyard context
  switchyard context show                       which server this folder speaks to, and why
  switchyard context use prod
  switchyard context set prod -W research
  switchyard context delete old --yes`,
    )
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/context.ts')).list(cli)),
    )
  context
    .command('list')
    .summary('list the saved contexts')
    .description('Lists the saved contexts; a star marks the current one.')
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/context.ts')).list(cli)),
    )
  context
    .command('show')
    .summary('tell which server is spoken to from here, and why')
    .description(
      'Tells which server, workspace and identity a command from this folder would use, and what chose them.',
    )
    .action((_: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/context.ts')).show(cli)),
    )
  context
    .command('use')
    .summary('make a context the current one')
    .description('Makes a context the current one.')
    .argument('<name>', 'name of the context')
    .action((name: string, _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/context.ts')).use(cli, name)),
    )
  context
    .command('set')
    .summary('make or change a context')
    .description('Makes a context, or changes its address, its workspace (--workspace) or its key for chat.')
    .argument('<name>', 'name of the context')
    .option('--url <address>', 'address of the server')
    .option('--key-stdin', 'read the API key that `chat` calls with from standard input')
    .action(
      (name: string, options: { readonly url?: string; readonly keyStdin?: boolean }, command: Command) =>
        start(command, async cli => (await import('../verbs/context.ts')).set(cli, name, options)),
    )
  context
    .command('delete')
    .summary('forget a context')
    .description('Forgets a context and its tokens. Asks first; without a terminal --yes is needed.')
    .argument('<name>', 'name of the context')
    .action((name: string, _: unknown, command: Command) =>
      start(command, async cli => (await import('../verbs/context.ts')).remove(cli, name)),
    )
}
