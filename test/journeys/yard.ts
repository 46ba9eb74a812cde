// A whole Switchyard started as a person starts it: by the command line, in a folder of its own.
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createClient } from '@switchyard/client'
import type { Quickstart } from '@switchyard/server'
import OpenAI from 'openai'

const root = resolve(import.meta.dirname, '../..')
const bin = join(root, 'bin/switchyard.mjs')

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Circumstances {
  /** Flags of every `up`. */
  readonly argv?: readonly string[]
  /** Settings beside the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>
  /** The Node that runs the command line; the tests' own when absent. */
  readonly node?: string
}

export interface Yard {
  readonly folder: string
  /** The first `up`. */
  readonly started: Ran
  readonly facts: Quickstart
  /** `switchyard …` in the yard's folder. */
  run(...argv: string[]): Promise<Ran>
  /** The official OpenAI client with this key, or the quickstart's; it never retries, so that a test sees each answer. */
  openai(apiKey?: string): OpenAI
  api: ReturnType<typeof createClient>
  serverPid(): number
  up(...argv: string[]): Promise<Ran>
  [Symbol.asyncDispose](): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  await new Promise<void>(done => server.close(() => done()))
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return address.port
}

/** Runs the command line; `cwd` decides which folder's context it takes. */
export function switchyard(
  cwd: string,
  argv: readonly string[],
  { env, node = process.execPath }: Circumstances = {},
): Promise<Ran> {
  return new Promise(done => {
    const { SWITCHYARD_URL: _, SWITCHYARD_TOKEN: __, ...environment } = process.env
    execFile(
      node,
      [bin, ...argv],
      {
        cwd,
        env: { ...environment, XDG_CONFIG_HOME: join(cwd, 'config'), NO_COLOR: '1', ...env },
        maxBuffer: 16 << 20,
        timeout: 170_000,
      },
      (error, stdout, stderr) => done({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    )
  })
}

export async function startYard(circumstances: Circumstances = {}): Promise<Yard> {
  const folder = mkdtempSync(join(tmpdir(), 'yard-'))
  const data = join(folder, '.switchyard')
  const port = await freePort()
  const up = (...argv: string[]) =>
    switchyard(
      folder,
      ['up', '--detach', '--data', data, '--port', String(port), ...(circumstances.argv ?? []), ...argv],
      circumstances,
    )
  const started = await up()
  if (started.code !== 0) throw new Error(`up failed (${started.code}): ${started.stderr}\n${readLog(data)}`)
  const facts = JSON.parse(readFileSync(join(data, 'quickstart.json'), 'utf8')) as Quickstart // written by `up`
  return {
    folder,
    started,
    facts,
    up,
    run: (...argv) => switchyard(folder, argv, circumstances),
    openai: (apiKey = facts.apiKey) => new OpenAI({ baseURL: `${facts.baseUrl}/v1`, apiKey, maxRetries: 0 }),
    api: createClient({ url: facts.baseUrl, token: () => facts.adminToken }),
    serverPid: () => (JSON.parse(readFileSync(join(data, 'server.json'), 'utf8')) as { pid: number }).pid, // written by the server
    async [Symbol.asyncDispose]() {
      await switchyard(folder, ['down', '--data', data], circumstances)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Pids of the processes whose environment holds this yard's installation id: its engines. */
export function engines(yard: Yard): number[] {
  const installation = readFileSync(join(yard.folder, '.switchyard/installation'), 'utf8')
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(installation)
      } catch {
        return false // ended between the listing and the look
      }
    })
    .map(Number)
}

function readLog(data: string): string {
  try {
    return readFileSync(join(data, 'server.log'), 'utf8').split('\n').slice(-20).join('\n')
  } catch (error) {
    return `no server.log: ${String(error)}`
  }
}

/** Tries until `check` answers something, or says what it waited for. */
export async function eventually<T>(
  what: string,
  seconds: number,
  check: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const until = performance.now() + seconds * 1000
  for (;;) {
    const found = await check()
    if (found !== undefined) return found
    if (performance.now() > until) throw new Error(`waited ${seconds} s for ${what}`)
    await new Promise(done => setTimeout(done, 100))
  }
}
