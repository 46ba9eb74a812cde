// The PostgreSQL that comes with the package, as root and as an ordinary user, over kills and bad folders.
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type EmbeddedObservation, startEmbedded, stopEmbedded } from '@switchyard/store/embedded'
import { Client } from 'pg'
import { afterEach, expect, test } from 'vitest'
import { reachable } from '../src/embedded/runner.ts'

const folders: string[] = []

async function folder(below = tmpdir()): Promise<string> {
  const made = await mkdtemp(join(below, 'switchyard-embedded-'))
  folders.push(made)
  return made
}

afterEach(async () => {
  for (const made of folders.splice(0)) {
    await stopEmbedded({ directory: made })
    await rm(made, { recursive: true, force: true })
  }
})

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query<{ value: unknown }>(sql)
    return rows[0]?.value
  } finally {
    await client.end()
  }
}

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  const until = Date.now() + 20_000
  for (;;) {
    const found = await look().catch(() => undefined)
    if (found !== undefined) return found
    if (Date.now() > until) throw new Error('it did not come')
    await sleep(20)
  }
}

const isRoot = process.getuid?.() === 0
const program = `
  const { startEmbedded } = await import(process.argv[1])
  const embedded = await startEmbedded({ directory: process.argv[2] })
  console.log(JSON.stringify({ url: embedded.url, pid: embedded.pid }))
  setInterval(() => {}, 1000)
`
const module = new URL('../src/embedded/index.ts', import.meta.url).href

/** Starts a server in a process of its own, so that the process can be killed. */
async function startElsewhere(directory: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, module, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').once('data', resolve)
    child.once('exit', () => reject(new Error('it ended before it was ready')))
  })
  // Why `as`: the program above prints exactly this.
  return { child, ...(JSON.parse(line) as { url: string; pid: number }) }
}

test('a new folder becomes a running server, and the second start takes less than a second', async () => {
  const directory = await folder()
  const observations: EmbeddedObservation[] = []
  {
    await using first = await startEmbedded({
      directory,
      observe: observation => observations.push(observation),
    })
    await ask(first.url, "create table kept as select 'x' as value")
    expect(await ask(first.url, "select current_setting('fsync') as value")).toBe('on')
    expect(await ask(first.url, "select current_setting('listen_addresses') as value")).toBe('')
  }
  expect(observations.map(({ type }) => type)).toEqual([
    'database_initialising',
    'database_started',
    'database_stopped',
  ])
  // The best of three: the machine of a test run is busy with others.
  const starts: number[] = []
  for (let n = 0; n < 3; n++) {
    const began = performance.now()
    await using again = await startEmbedded({ directory })
    starts.push(performance.now() - began)
    expect(await ask(again.url, 'select value from kept')).toBe('x')
  }
  expect(Math.min(...starts)).toBeLessThan(1000)
})

test('a wrong password is refused, on the socket too', async () => {
  await using embedded = await startEmbedded({ directory: await folder() })
  await expect(ask(embedded.url.replace(/:[0-9a-f]{48}@/, ':wrong@'), 'select 1')).rejects.toThrow(/password/)
})

test('a server that outlived its killed starter is adopted with its data, and can be stopped by folder', async () => {
  const directory = await folder()
  const before = await startElsewhere(directory)
  before.child.kill('SIGKILL')
  const observations: EmbeddedObservation[] = []
  const adopted = await startEmbedded({ directory, observe: observation => observations.push(observation) })
  expect(adopted.pid).toBe(before.pid)
  expect(adopted.url).toBe(before.url)
  expect(observations).toEqual([{ type: 'database_started', pid: before.pid, adopted: true }])
  expect(await stopEmbedded({ directory })).toBe(true)
  // And it stays stopped, though its adopter watches over it.
  await eventually(async () =>
    observations.some(({ type }) => type === 'database_stopped') ? true : undefined,
  )
  expect(await stopEmbedded({ directory })).toBe(false)
  await adopted[Symbol.asyncDispose]()
})

test('a postmaster that is killed is started again on the same address, with what was committed', async () => {
  const directory = await folder()
  await using embedded = await startEmbedded({ directory })
  const { url, pid } = embedded
  await ask(url, 'create table kept as select 7 as value')
  process.kill(pid, 'SIGKILL')
  expect(
    await eventually(async () => (embedded.pid === pid ? undefined : ask(url, 'select value from kept'))),
  ).toBe(7)
  expect(embedded.url).toBe(url)
})

test('a stale postmaster.pid that names a living stranger does not stop the start', async () => {
  const directory = await folder()
  const first = await startEmbedded({ directory })
  await first[Symbol.asyncDispose]()
  const stranger = spawn('sleep', ['60'], isRoot ? { uid: 65534, gid: 65534 } : {})
  await writeFile(
    join(directory, 'data', 'postmaster.pid'),
    `${stranger.pid}\n${directory}/data\n0\n5432\n\n\n\n`,
  )
  try {
    await using again = await startEmbedded({ directory })
    expect(await ask(again.url, 'select 1 as value')).toBe(1)
  } finally {
    stranger.kill()
  }
})

test('a folder whose path is too long for a socket is served from a short one', async () => {
  const directory = join(await folder(), 'x'.repeat(120))
  await using embedded = await startEmbedded({ directory })
  expect(new URL(embedded.url).searchParams.get('host')?.length).toBeLessThan(100)
  expect(await ask(embedded.url, 'select 1 as value')).toBe(1)
})

test('where no path is short enough it listens on loopback, behind its password', async () => {
  const long = join(await folder(), 'y'.repeat(120))
  const { TMPDIR } = process.env
  process.env.TMPDIR = long
  try {
    await using embedded = await startEmbedded({ directory: join(long, 'data') })
    expect(new URL(embedded.url).hostname).toBe('127.0.0.1')
    expect(await ask(embedded.url, 'select 1 as value')).toBe(1)
    await expect(ask(embedded.url.replace(/:[0-9a-f]{48}@/, ':wrong@'), 'select 1')).rejects.toThrow(
      /password/,
    )
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  }
})

test('two starts of one folder at once share one server', async () => {
  const directory = await folder()
  await (await startEmbedded({ directory }))[Symbol.asyncDispose]()
  const [a, b] = await Promise.all([startEmbedded({ directory }), startEmbedded({ directory })])
  expect(a.pid).toBe(b.pid)
  await a[Symbol.asyncDispose]()
  await b[Symbol.asyncDispose]()
})

test('data of another major version is refused with a sentence that says what to do', async () => {
  const directory = await folder()
  await (await startEmbedded({ directory }))[Symbol.asyncDispose]()
  await writeFile(join(directory, 'data', 'PG_VERSION'), '14\n')
  await expect(startEmbedded({ directory })).rejects.toThrow(/written by PostgreSQL 14 .* --data/)
})

test('a folder that cannot be made is refused with a sentence that says what to do', async () => {
  const file = join(await folder(), 'file')
  await writeFile(file, '')
  await expect(startEmbedded({ directory: join(file, 'below') })).rejects.toThrow(/cannot be written.*--data/)
})

test.runIf(isRoot)(
  'root runs it as an unprivileged user, also in a folder that this user cannot walk to',
  async () => {
    const home = await folder(homedir())
    await chmod(home, 0o700)
    await using embedded = await startEmbedded({ directory: join(home, 'deep', 'data') })
    expect((await stat(`/proc/${embedded.pid}`)).uid).toBe(65534)
    expect(await ask(embedded.url, 'select 1 as value')).toBe(1)
  },
)

test.runIf(isRoot)('an ordinary user runs it as themselves', async context => {
  const here = import.meta.dirname
  if (!reachable(here, { uid: 65534 })) {
    const reason = `${here} is closed to other users: move the checkout, or open its folders with chmod o+x`
    console.warn(`SKIPPED: an ordinary user runs it as themselves: ${reason}`)
    context.skip(reason)
  }
  const directory = await folder()
  await promisify(execFile)('chown', ['65534:65534', directory])
  const script = `
    const { startEmbedded } = await import(process.argv[1])
    await using embedded = await startEmbedded({ directory: process.argv[2] })
    console.log(process.getuid(), embedded.url.startsWith('postgresql://'))`
  const { stdout } = await promisify(execFile)(
    'setpriv',
    [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      process.execPath,
      '--input-type=module',
      '-e',
      script,
      module,
      directory,
    ],
    { env: { PATH: '/usr/bin:/bin', HOME: directory } },
  )
  expect(stdout.trim()).toBe('65534 true')
  // The same folder then serves root, as its owner.
  await using embedded = await startEmbedded({ directory })
  expect((await stat(`/proc/${embedded.pid}`)).uid).toBe(65534)
})
