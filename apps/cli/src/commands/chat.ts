// `switchyard chat`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { ChatOptions } from '../verbs/chat.ts'

export function register(program: Command, start: Start): void {
  program
    .command('chat')
    .summary('talk to a model through the gateway')
    .description(
      'Sends a message to a model and prints the answer as it comes. With no message and a terminal it goes on as a conversation; with no message and no terminal it reads the message from standard input. It calls with an API key, so it is limited and metered like any call.',
    )
    .argument('[model]', 'model, which is the name of an endpoint; the bundled one in a folder of `up`')
    .argument('[message...]', 'what to say')
    .option('--system <text>', 'instructions that stand before the conversation')
    .option('--file <path>', 'put the text of this file before the message')
    .option('--json', 'print the whole answer as JSON, at once')
    .option('--key <key>', 'API key; else SWITCHYARD_API_KEY, else that of the folder or context')
    .addHelpText(
      'after',
      `
Examples:
  switchyard chat switchyard-tiny "What is a switchyard?"
  switchyard chat switchyard-tiny                a conversation; /exit or Ctrl-D ends it
  switchyard chat switchyard-tiny "Sum it up" --file notes.txt --system "Answer in one sentence."
  git diff | switchyard chat switchyard-tiny
  SWITCHYARD_API_KEY=sk-sy-… switchyard chat switchyard-tiny "Hello" --json`,
    )
    .action((model: string | undefined, message: string[], options: ChatOptions, command: Command) =>
      start(command, async cli => (await import('../verbs/chat.ts')).chat(cli, model, message, options)),
    )
}
