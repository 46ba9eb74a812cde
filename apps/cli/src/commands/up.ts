// `switchyard up`
import type { Command } from 'commander'
import type { Start } from '../start.ts'
import type { UpOptions } from '../up/up.ts'

export function register(program: Command, start: Start): void {
  program
    .command('up')
    .summary('start database, control plane, gateway and a model on this machine')
    .description(
      'Starts PostgreSQL, the control plane, the gateway and an engine with a real model, and prints a URL, an API key and a call that works.',
    )
    .option('--data <dir>', 'folder for everything that is kept (default .switchyard, or SWITCHYARD_DATA)')
    .option('--port <port>', 'port of the API and the gateway (default 8080)')
    .option('--host <address>', 'address to listen on (default 127.0.0.1)')
    .option('--model <file>', 'GGUF file to serve instead of the bundled model')
    .option('--database-url <url>', 'PostgreSQL 15 or later to use instead of the embedded one')
    .option('--config <file>', 'YAML file of documents to keep in force, followed as it changes')
    .option('--secret-key-file <file>', 'file with the master keys that secrets are sealed under, one a line')
    .option('--workers <n>', 'processes of the gateway behind the port (default 0: in the server itself)')
    .option(
      '--limits <where>',
      'where limits are counted: memory, postgres or redis://host:6379/0 (default memory; postgres from 2 workers)',
    )
    .option('--detach', 'return once the model answers, and go on in the background')
    .option('--reset', 'stop what runs there and delete the data folder first')
    .addHelpText(
      'after',
      `
Examples:
  switchyard up                                start here, in ./.switchyard; Ctrl-C stops everything
  switchyard up --detach --port 9000           start in the background on port 9000
  switchyard up --model ~/models/qwen3.gguf    serve a model of your own
  switchyard up --config switchyard.yaml       documents from a file; switchyard config check looks at it first
  switchyard up --workers 4                    four gateway processes that share their limits
  switchyard up --database-url postgres://switchyard:secret@db:5432/switchyard`,
    )
    .action((options: UpOptions, command: Command) =>
      start(command, async cli => (await import('../up/up.ts')).up(cli, options)),
    )
}
