// `switchyard login`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { LoginOptions } from '../verbs/login.ts'

export function register(program: Command, start: Start): void {
  program
    .command('login')
    .summary('sign in to a server and keep it as a context')
    .description(
      'Signs in and keeps the server as a context, which becomes the current one. The password is asked for on the terminal and kept nowhere; the session is kept in ~/.config/switchyard/config.yaml, readable by you alone, and renewed as needed.',
    )
    .argument('[url]', 'address of the server (default: the one in use)')
    .option('--email <address>', 'who signs in')
    .option('--password-stdin', 'read the password from standard input')
    .option('--token-stdin', 'read a token from standard input instead: an operator’s token or an API key')
    .option('--sso [provider]', 'sign in with a browser at an identity provider (default: the only one)')
    .option('--name <name>', 'name of the context (default: the host of the address)')
    .addHelpText(
      'after',
      `
Examples:
  switchyard login https://ai.example.com --email ada@example.com
  pass show switchyard | switchyard login https://ai.example.com --email ada@example.com --password-stdin
  switchyard login https://ai.example.com --sso
  switchyard login http://127.0.0.1:8080 --token-stdin < token.txt
  switchyard login --name prod https://ai.example.com --email ada@example.com -W research`,
    )
    .action((url: string | undefined, options: LoginOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/login.ts')).login(cli, url, options)),
    )
}
