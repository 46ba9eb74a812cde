// Starts the server, shows its progress, and prints what a person needs to begin.
import type { ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'
import { Fault } from '@switchyard/kinds/fault'
import type { Progress } from '@switchyard/server'
import type { Cli } from '../cli.ts'
import { display } from './display.ts'
import { down, stop } from './down.ts'
import { dataFolder, exitOf, logFile, startServer } from './server.ts'
import { summary } from './summary.ts'

export interface UpOptions {
  readonly data?: string
  readonly port?: string
  readonly host?: string
  readonly model?: string
  readonly databaseUrl?: string
  readonly config?: string
  readonly secretKeyFile?: string
  readonly workers?: string
  readonly limits?: string
  readonly detach?: boolean
  readonly reset?: boolean
}

export async function up(cli: Cli, options: UpOptions): Promise<void> {
  const { terminal, colors } = cli
  const data = dataFolder(terminal, options.data)
  const settings = {
    SWITCHYARD_DATA: data,
    SWITCHYARD_PORT: options.port,
    SWITCHYARD_HOST: options.host,
    SWITCHYARD_MODEL: options.model && resolve(terminal.cwd, options.model),
    SWITCHYARD_DATABASE_URL: options.databaseUrl,
    SWITCHYARD_WORKERS: options.workers,
    SWITCHYARD_LIMITER: options.limits,
    SWITCHYARD_CONFIG: options.config && resolve(terminal.cwd, options.config),
    SWITCHYARD_SECRET_KEY_FILE: options.secretKeyFile && resolve(terminal.cwd, options.secretKeyFile),
  }
  if (options.reset) await stop(cli, 'reset', settings)
  const child = startServer(terminal, 'up', settings, logFile(data))
  const forward = () => void child.kill('SIGTERM')
  cli.signal.addEventListener('abort', forward, { once: true })
  const ready = await outcome(child, display(terminal.stderr, colors))
  const { quickstart, bundled, workers } = ready
  const elsewhere = data !== dataFolder({ ...terminal, env: {} }, undefined)
  cli.out(
    summary(quickstart, { bundled, workers, data, elsewhere, detached: options.detach === true }, colors),
  )
  if (options.detach) {
    cli.signal.removeEventListener('abort', forward)
    child.disconnect()
    child.unref()
    return
  }
  cli.note('\nRunning. Press Ctrl-C to stop everything.')
  await exitOf(child)
  await down(cli, { data })
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
  })
}
