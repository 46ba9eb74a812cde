// `switchyard up` and `switchyard down`: start the whole of Switchyard on this machine, and stop all of it.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '@switchyard/kinds'
import type { Progress } from '@switchyard/server'
import type { Command } from 'commander'
import { display } from './display.ts'
import { summary } from './summary.ts'

const server = fileURLToPath(import.meta.resolve('@switchyard/server/main'))

interface UpOptions {
  readonly data: string
  readonly port?: string
  readonly host?: string
  readonly model?: string
  readonly databaseUrl?: string
  readonly detach?: boolean
  readonly reset?: boolean
}

export function registerUp(program: Command): void {
  program
    .command('up')
    .summary('start database, control plane, gateway and a model on this machine')
    .description(
      'Starts PostgreSQL, the control plane, the gateway and an engine with a real model, and prints a URL, an API key and a call that works.',
    )
    .option('--data <dir>', 'folder for everything that is kept', '.switchyard')
    .option('--port <port>', 'port of the API and the gateway (default 8080)')
    .option('--host <address>', 'address to listen on (default 127.0.0.1)')
    .option('--model <file>', 'GGUF file to serve instead of the bundled model')
    .option('--database-url <url>', 'PostgreSQL 15 or later to use instead of the embedded one')
    .option('--detach', 'return once the model answers, and go on in the background')
    .option('--reset', 'stop what runs there and delete the data folder first')
    .addHelpText(
      'after',
      `
Examples:
  switchyard up                                start here, in ./.switchyard; Ctrl-C stops everything
  switchyard up --detach --port 9000           start in the background on port 9000
  switchyard up --model ~/models/qwen3.gguf    serve a model of your own
  switchyard up --database-url postgres://switchyard:secret@db:5432/switchyard`,
    )
    .action(async (options: UpOptions) => up(options))
  program
    .command('down')
    .summary('stop all that `up` started')
    .description(
      'Stops the server after its running requests, then the engines and the embedded PostgreSQL. Data stays.',
    )
    .option('--data <dir>', 'folder that `up` was given', '.switchyard')
    .addHelpText('after', '\nExample:\n  switchyard down')
    .action(async (options: { readonly data: string }) => down(options.data))
}

async function up(options: UpOptions): Promise<void> {
  const child = start(options)
  const show = display(process.stderr)
  const ready = await outcome(child, show)
  process.stdout.write(
    summary(ready.quickstart, {
      bundled: ready.bundled,
      data: options.data,
      detached: options.detach === true,
    }),
  )
  if (options.detach) {
    child.disconnect()
    child.unref()
    return
  }
  await untilStopped(child, options.data)
}

async function down(data: string): Promise<void> {
  const child = run(['down'], { SWITCHYARD_DATA: resolve(data) }, 'inherit')
  child.on('message', (progress: Progress) => {
    if (progress.type === 'stopped') process.stderr.write(`Stopped ${progress.what}.\n`)
    if (progress.type === 'failed') process.stderr.write(`${progress.message}\n`)
  })
  process.exitCode = await exitOf(child)
}

function start(options: UpOptions): ChildProcess {
  const environment = {
    SWITCHYARD_DATA: resolve(options.data),
    SWITCHYARD_PORT: options.port,
    SWITCHYARD_HOST: options.host,
    SWITCHYARD_MODEL: options.model && resolve(options.model),
    SWITCHYARD_DATABASE_URL: options.databaseUrl,
  }
  return run(options.reset ? ['up', '--reset'] : ['up'], environment, logFile(resolve(options.data)))
}

function run(
  argv: readonly string[],
  given: Readonly<Record<string, string | undefined>>,
  output: number | 'inherit' | 'ignore',
): ChildProcess {
  const chosen = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const child = spawn(process.execPath, [server, ...argv], {
    detached: true,
    env: { ...process.env, ...chosen },
    stdio: ['ignore', output, output, 'ipc'],
  })
  if (typeof output === 'number') closeSync(output)
  return child
}

/** Where a crash of the server leaves its last words. A folder that can't be made is the server's to refuse. */
function logFile(folder: string): number | 'ignore' {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return openSync(join(folder, 'server.log'), 'a', 0o600)
  } catch {
    return 'ignore'
  }
}

/** Resolves when the server is ready; throws its own fault, or what its sudden end means. */
function outcome(
  child: ChildProcess,
  show: (progress: Progress) => void,
): Promise<Extract<Progress, { type: 'ready' }>> {
  return new Promise((resolve, reject) => {
    child.on('message', (progress: Progress) => {
      show(progress)
      if (progress.type === 'ready') resolve(progress)
      if (progress.type === 'failed') reject(new Fault(progress.code, progress.message))
    })
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(
        new Fault(
          'internal',
          `The server ended at start (${signal ?? `exit ${code}`}): see server.log in the data folder.`,
        ),
      ),
    )
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal))
  })
}

async function untilStopped(child: ChildProcess, data: string): Promise<void> {
  process.stderr.write('\nRunning. Press Ctrl-C to stop everything.\n')
  await exitOf(child)
  await down(data)
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise(resolve => {
    if (child.exitCode !== null) resolve(child.exitCode)
    else child.once('exit', (code, signal) => resolve(code ?? (signal ? 10 : 0)))
  })
}
