// The PostgreSQL that comes with the package: made on first use, kept running while we run, adopted when it
// outlived us, stopped when we stop. Reached by a unix socket (or loopback) with a password of its own.
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '@switchyard/kinds'
import { type Address, chooseAddress, leave, urlOf } from './address.ts'
import { type Binaries, findBinaries } from './binaries.ts'
import { checkData, initialise, lastLine, makeFolder, passwordOf } from './files.ts'
import { endPostmaster, findPostmaster, isRunning, type Postmaster } from './postmaster.ts'
import { chooseRunner, nameOf, type Runner, spawnAs } from './runner.ts'

export type EmbeddedObservation =
  | { readonly type: 'database_initialising'; readonly directory: string }
  | { readonly type: 'database_started'; readonly pid: number; readonly adopted: boolean }
  | { readonly type: 'database_lost'; readonly pid: number }
  | { readonly type: 'database_failed'; readonly error: Error }
  | { readonly type: 'database_stopped' }

export interface EmbeddedOptions {
  /** Folder of the server's files; made when absent. */
  readonly directory: string
  /** Stops waiting for the start; a running server is stopped by disposing. */
  readonly signal?: AbortSignal
  readonly observe?: (observation: EmbeddedObservation) => void
  /** false: no fsync anywhere, for tests. Default true. */
  readonly durable?: boolean
}

export interface Embedded extends AsyncDisposable {
  /** Connection URL of the database `switchyard`, as its superuser. */
  readonly url: string
  /** Process id of the postmaster that runs now. */
  readonly pid: number
}

interface Running {
  readonly postmaster: Postmaster
  readonly child?: ChildProcess
}

const startSeconds = 60

export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { signal, observe = () => {}, durable = true } = options
  const directory = resolve(options.directory)
  const data = join(directory, 'data')
  await makeFolder(directory)
  const password = await passwordOf(directory)
  // Kept for our life, so that a restarted server is found where the first one was.
  let address: Address | undefined

  const bring = async (): Promise<Running> => {
    const standing = findPostmaster(data)
    if (standing) {
      const postmaster = await ready(data, standing.pid, signal)
      if (postmaster) {
        address = postmaster
        observe({ type: 'database_started', pid: postmaster.pid, adopted: true })
        return { postmaster }
      }
    }
    const runner = chooseRunner(data)
    const binaries = await findBinaries(directory, runner)
    if (!existsSync(data)) {
      observe({ type: 'database_initialising', directory })
      await initialise(directory, binaries, runner, password, durable)
    }
    checkData(data, binaries.major)
    address ??= await chooseAddress(directory, runner)
    const running = await launch(directory, address, binaries, runner, durable, signal)
    observe({ type: 'database_started', pid: running.postmaster.pid, adopted: running.child === undefined })
    return running
  }

  let running = await bring()
  let stopped = false
  let repair: Promise<void> | undefined

  // A postmaster that dies is started again, on the same data and address.
  const restore = async (): Promise<void> => {
    observe({ type: 'database_lost', pid: running.postmaster.pid })
    for (let wait = 50; !stopped; wait = Math.min(wait * 2, 5000)) {
      try {
        running = await bring()
        return
      } catch (error) {
        observe({ type: 'database_failed', error: error instanceof Error ? error : new Error(String(error)) })
        await sleep(wait)
      }
    }
  }
  const watch = setInterval(() => {
    if (stopped || repair || isRunning(running.postmaster.pid)) return
    // One that was stopped has taken its file away: someone wanted it so.
    if (!existsSync(join(data, 'postmaster.pid'))) {
      clearInterval(watch)
      observe({ type: 'database_stopped' })
      return
    }
    repair = restore().finally(() => {
      repair = undefined
    })
  }, 250)
  watch.unref()

  const url = urlOf(running.postmaster, password, 'postgres')
  await ensureDatabase(url)
  return {
    url: urlOf(running.postmaster, password),
    get pid() {
      return running.postmaster.pid
    },
    async [Symbol.asyncDispose]() {
      if (stopped) return
      stopped = true
      clearInterval(watch)
      await repair
      if (!isRunning(running.postmaster.pid)) return
      await endPostmaster(running.postmaster.pid)
      await leave(directory, running.postmaster)
      observe({ type: 'database_stopped' })
    },
  }
}

/** URL of the database `switchyard` where the server of a folder runs, whoever started it. */
export async function embeddedUrl({
  directory,
}: {
  readonly directory: string
}): Promise<string | undefined> {
  const postmaster = findPostmaster(join(resolve(directory), 'data'))
  return postmaster && urlOf(postmaster, await passwordOf(resolve(directory)))
}

/** Stops the server of a folder, whoever started it; false when none ran. */
export async function stopEmbedded({ directory }: { readonly directory: string }): Promise<boolean> {
  const postmaster = findPostmaster(join(resolve(directory), 'data'))
  if (!postmaster) return false
  await endPostmaster(postmaster.pid)
  await leave(resolve(directory), postmaster)
  return true
}

async function launch(
  directory: string,
  address: Address,
  binaries: Binaries,
  runner: Runner,
  durable: boolean,
  signal: AbortSignal | undefined,
  patience = 100,
): Promise<Running> {
  const data = join(directory, 'data')
  // No server runs here (see findPostmaster): a file that still names one would only be believed if that
  // process number has been given to another program of the same user since.
  await rm(join(data, 'postmaster.pid'), { force: true })
  const path = join(directory, 'server.log')
  const log = await open(path, 'w', 0o600)
  let child: ChildProcess
  try {
    child = spawnAs(runner, binaries.postgres, ['-D', nameOf(data, runner), ...settings(address, durable)], {
      cwd: data,
      stdio: ['ignore', log.fd, log.fd],
      detached: true, // an interrupt from the terminal is for us; we drain first
    })
  } finally {
    await log.close()
  }
  child.unref()
  const failed = new Promise<never>((_, reject) => {
    child.once('error', cause =>
      reject(
        new Fault(
          'unavailable',
          `PostgreSQL cannot be run from ${binaries.postgres}: install Switchyard again.`,
          {
            reason: 'database_start_failed',
            cause,
          },
        ),
      ),
    )
  })
  const { pid } = child
  const postmaster = await Promise.race([pid === undefined ? failed : ready(data, pid, signal), failed])
  if (postmaster) return { postmaster, child }
  // Perhaps another process was faster on the same data.
  const rival = findPostmaster(data)
  const adopted = rival && rival.pid !== pid ? await ready(data, rival.pid, signal) : undefined
  if (adopted) return { postmaster: adopted }
  const said = await readFile(path, 'utf8')
  // The children of a killed postmaster need a moment to notice; until then they hold its memory.
  if (patience > 0 && said.includes('shared memory block')) {
    await sleep(100, undefined, signal ? { signal } : {})
    return launch(directory, address, binaries, runner, durable, signal, patience - 1)
  }
  throw new Fault(
    'unavailable',
    `PostgreSQL did not start in ${directory} (${lastLine(said)}): see ${path}, or name another folder with --data.`,
    { reason: 'database_start_failed', cause: new Error(said) },
  )
}

/** Waits until that postmaster takes connections; undefined when it ends before. */
async function ready(
  data: string,
  pid: number,
  signal: AbortSignal | undefined,
): Promise<Postmaster | undefined> {
  for (let waited = 0; waited < startSeconds * 1000; waited += 10) {
    if (!isRunning(pid)) return undefined
    const postmaster = findPostmaster(data)
    if (postmaster?.pid === pid && postmaster.ready) return postmaster
    await sleep(10, undefined, signal ? { signal } : {})
  }
  throw new Fault(
    'unavailable',
    `PostgreSQL is not ready after ${startSeconds} s: see server.log beside ${data}.`,
    {
      reason: 'database_start_failed',
    },
  )
}

function settings({ socket, port }: Address, durable: boolean): string[] {
  const given: Readonly<Record<string, string>> = {
    listen_addresses: socket ? '' : '127.0.0.1',
    unix_socket_directories: socket,
    unix_socket_permissions: '0700',
    port: String(port),
    max_connections: '100',
    shared_buffers: '64MB',
    max_wal_size: '512MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_messages: 'warning',
    // Statements may hold what callers wrote; the log holds none of them.
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  return Object.entries(given).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

async function ensureDatabase(url: string): Promise<void> {
  const { Client } = await import('pg')
  const client = new Client({ connectionString: url })
  client.on('error', () => {}) // a lost connection fails the query that runs
  await client.connect()
  try {
    const { rowCount } = await client.query("select from pg_database where datname = 'switchyard'")
    if (rowCount === 0) await client.query('create database switchyard')
  } finally {
    await client.end()
  }
}
