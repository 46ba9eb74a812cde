// A whole server in a process of its own, with workers, on a database of the tests: what they ask it and what it does.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '@switchyard/client'
import type { TestDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import type { Progress, Quickstart } from '../src/progress.ts'
import type { WorkerState } from '../src/workers-messages.ts'

const program = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface Answer {
  readonly status: number
  readonly id: string
  readonly text: string
}

export interface Yard extends AsyncDisposable {
  /** The one that was started last. */
  readonly server: ChildProcess
  readonly facts: Quickstart
  readonly api: ReturnType<typeof createClient>
  readonly folder: string
  workers(): readonly WorkerState[]
  /** Starts a server anew on the same folder and port, the last one having ended; `ready` is as at a first start. */
  again(settings?: Readonly<Record<string, string>>): Promise<Quickstart>
  /** Asks on one kept connection of the agent; `begun` is called with the head of the answer. */
  ask(agent: Agent, path: string, token: string, body?: object, begun?: () => void): Promise<Answer>
  /** A short answer of the model. */
  chat(agent: Agent, key?: string, more?: object, begun?: () => void): Promise<Answer>
  newKey(name: string, spec?: object): Promise<string>
  /** Segments of journals that are not in the store. */
  unshipped(): readonly string[]
}

/** One connection, kept. */
export const connection = () => new Agent({ keepAlive: true, maxSockets: 1 })

export async function startYard(
  db: Pick<TestDatabase, 'url'>,
  settings: Readonly<Record<string, string>>,
): Promise<Yard> {
  const folder = mkdtempSync(join(tmpdir(), 'yard-'))
  const port = await freePort()
  let server: ChildProcess
  const launch = (more: Readonly<Record<string, string>> = {}) => {
    const launched = fork(program, ['up'], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...process.env,
        SWITCHYARD_DATA: folder,
        SWITCHYARD_PORT: String(port),
        SWITCHYARD_DATABASE_URL: db.url,
        ...settings,
        ...more,
      },
    })
    server = launched
    return new Promise<Quickstart>((resolve, reject) => {
      launched.on('message', (progress: Progress) => {
        if (progress.type === 'ready') resolve(progress.quickstart)
        if (progress.type === 'failed') reject(new Error(progress.message))
      })
      launched.once('exit', code => reject(new Error(`the server ended with ${code}`)))
    })
  }
  const facts = await launch()
  const api = createClient({ url: facts.baseUrl, token: () => facts.adminToken })
  const ask = (agent: Agent, path: string, token: string, body?: object, begun?: () => void) =>
    new Promise<Answer>((resolve, reject) => {
      const asking = request({
        agent,
        port,
        path,
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      })
      asking.once('error', reject)
      asking.once('response', response => {
        begun?.()
        let text = ''
        response.setEncoding('utf8')
        response.on('data', part => {
          text += part
        })
        response.once('error', reject)
        response.once('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            id: String(response.headers['x-request-id']),
            text,
          }),
        )
      })
      asking.end(body && JSON.stringify(body))
    })
  return {
    get server() {
      return server
    },
    again: launch,
    facts,
    api,
    folder,
    workers: () => JSON.parse(readFileSync(join(folder, 'workers.json'), 'utf8')) as readonly WorkerState[], // written by the server
    ask,
    chat: (agent, key = facts.apiKey, more = { max_tokens: 4 }, begun = () => undefined) =>
      ask(
        agent,
        '/v1/chat/completions',
        key,
        { model: facts.model, messages: [{ role: 'user', content: 'Hello!' }], ...more },
        begun,
      ),
    async newKey(name, spec = {}) {
      const answer = await api.create({
        kind: 'ApiKey',
        metadata: { workspace: 'default', name },
        spec: { owner: { kind: 'ServiceAccount', name: 'quickstart' }, ...spec },
      })
      if ('secret' in answer && typeof answer.secret === 'string') return answer.secret
      throw new Error('a new key shows its secret')
    },
    unshipped: () =>
      readdirSync(join(folder, 'journal'), { recursive: true, encoding: 'utf8' }).filter(name =>
        name.endsWith('.seg'),
      ),
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]()
      if (server.exitCode === null && server.signalCode === null) {
        const gone = once(server, 'exit')
        server.kill('SIGTERM')
        await gone
      }
      const down = fork(program, ['down'], {
        execArgv: [],
        stdio: 'ignore',
        env: { ...process.env, SWITCHYARD_DATA: folder },
      })
      await once(down, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** How often each of these requests stands in the books. */
export async function recorded(url: string, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ request: string; times: string }>(
      'select request::text, count(*) as times from switchyard.usage_events where request::text = any($1) group by 1',
      [ids],
    )
    return new Map(rows.map(({ request, times }) => [request, Number(times)]))
  } finally {
    await client.end()
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
