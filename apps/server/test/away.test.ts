// The promises about a store that is away: the gateway goes on, starts on what it has on disk, and loses nothing.
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Embedded, startEmbedded } from '@switchyard/store/embedded'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Answer, connection, freePort, recorded, startYard, type Yard } from './yard.ts'

/** A PostgreSQL of its own, which can be stopped and started again at the same place. */
class Database implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'away-'))
  #running: Embedded | undefined
  url = ''

  async start(): Promise<void> {
    await chmod(this.#directory, 0o711) // as root: the unprivileged user walks in to its own folders
    this.#running = await startEmbedded({ directory: this.#directory, durable: false })
    this.url = this.#running.url
  }

  async stop(): Promise<void> {
    await this.#running?.[Symbol.asyncDispose]()
    this.#running = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

const patience = { timeout: 40_000, interval: 50 }

/** Callers who ask without pause until they are stopped; what was not a good answer is remembered. */
class Callers {
  readonly ids: string[] = []
  readonly bad: unknown[] = []
  #going = true
  readonly #ended: Promise<unknown>

  constructor(yard: Yard, count: number, key?: string) {
    const agents = Array.from({ length: count }, connection)
    this.#ended = Promise.all(
      agents.map(async agent => {
        while (this.#going)
          await yard.chat(agent, key).then(
            answer => (answer.status === 200 ? this.ids.push(answer.id) : this.bad.push(answer)),
            (error: unknown) => this.bad.push(error),
          )
        agent.destroy()
      }),
    )
  }

  async stop(): Promise<void> {
    this.#going = false
    await this.#ended
  }
}

async function crash(yard: Yard): Promise<void> {
  const gone = once(yard.server, 'exit')
  yard.server.kill('SIGKILL')
  await gone
}

const file = (yard: Yard) => join(yard.folder, 'snapshot.sealed')

/** Resolves when the snapshot on disk was written after this moment. */
function keptAfter(yard: Yard, moment: number): Promise<void> {
  return vi.waitFor(() => expect(statSync(file(yard)).mtimeMs).toBeGreaterThan(moment), patience)
}

async function booksAgree(db: Database, ids: readonly string[]): Promise<void> {
  await vi.waitFor(async () => {
    const books = await recorded(db.url, ids)
    expect(ids.filter(id => books.get(id) !== 1)).toEqual([])
  }, patience)
}

/** By a connection of its own. */
async function once200(yard: Yard, key?: string): Promise<Answer> {
  return vi.waitFor(async () => {
    const agent = connection()
    const answer = await yard.chat(agent, key).finally(() => agent.destroy())
    expect(answer.status, answer.text).toBe(200)
    return answer
  }, patience)
}

const readiness = async (yard: Yard) => {
  const { status, text } = await yard.ask(new Agent(), '/readyz', '')
  const { waitingFor, degraded } = JSON.parse(text) as { waitingFor: string[]; degraded: string[] } // as the API's row says
  return { status, waitingFor, degraded }
}

describe('one process whose store is away', () => {
  const db = new Database()
  let yard: Yard
  let operations: number
  let key: string
  beforeAll(async () => {
    await db.start()
    operations = await freePort()
    yard = await startYard(db, { SWITCHYARD_OPERATIONS_PORT: String(operations) })
    key = await yard.newKey('held')
    await once200(yard, key)
    await keptAfter(yard, Date.now())
  })
  afterAll(async () => {
    await yard?.[Symbol.asyncDispose]()
    await db[Symbol.asyncDispose]()
  })

  const metric = async (name: string) => {
    const text = await (await fetch(`http://127.0.0.1:${operations}/metrics`)).text()
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
  }
  const age = 'switchyard_gateway_snapshot_age_seconds'

  test('the file holds no key, hash or name in the clear', () => {
    const text = readFileSync(file(yard), 'latin1')
    expect(statSync(file(yard)).mode & 0o777).toBe(0o600)
    for (const word of [key, yard.facts.apiKey, yard.facts.model, 'quickstart'])
      expect(text).not.toContain(word)
  })

  test('it follows the store again after it was away under it: no request fails, no usage is lost', async () => {
    expect(await metric(age)).toBeLessThan(5)
    const callers = new Callers(yard, 2, key)
    await db.stop()
    await vi.waitFor(async () => expect(await metric(age)).toBeGreaterThan(2), patience)
    expect(await readiness(yard)).toEqual({
      status: 200,
      waitingFor: [],
      degraded: [
        expect.stringMatching(/^the store: it is away; the gateway serves its snapshot of \d+ s ago$/),
      ],
    })
    await db.start()
    await vi.waitFor(async () => expect(await readiness(yard)).toMatchObject({ degraded: [] }), patience)
    await callers.stop()
    expect(callers.bad).toEqual([])
    await booksAgree(db, callers.ids)
  })

  test('E2: started without the store, it serves from disk, and goes over to the store with no request lost', async () => {
    await crash(yard)
    await db.stop()
    const ready = yard.again()
    const { id } = await once200(yard, key)
    expect(await readiness(yard)).toMatchObject({
      status: 200,
      degraded: [expect.stringMatching('snapshot of')],
    })
    expect(await yard.ask(new Agent(), '/api/v1/endpoints', yard.facts.adminToken)).toMatchObject({
      status: 503,
    })
    expect(await metric('switchyard_gateway_snapshot_generation')).toBe(1)
    expect(await metric(age)).toBeGreaterThan(0)

    const callers = new Callers(yard, 2, key)
    await vi.waitFor(() => expect(callers.ids.length).toBeGreaterThan(10), patience)
    await db.start()
    await ready
    expect(await metric(age)).toBeLessThan(5)
    expect(await readiness(yard)).toMatchObject({ status: 200, degraded: [] })
    const fresh = await yard.newKey('fresh')
    const began = performance.now()
    await once200(yard, fresh)
    expect(performance.now() - began).toBeLessThan(1000)
    await callers.stop()
    expect(callers.bad).toEqual([])
    await booksAgree(db, [id, ...callers.ids])
    expect(await metric('switchyard_gateway_snapshot_generation')).toBeGreaterThan(1)
  })

  test('started without the store and stopped before it is back, it ships at the next start; E3: streams end', async () => {
    await crash(yard)
    await db.stop()
    const stopped = expect(yard.again()).rejects.toThrow('Stopped while starting')
    const { id } = await once200(yard, key)
    const begun = Promise.withResolvers<void>()
    const stream = yard.chat(connection(), key, { max_tokens: 300, stream: true }, begun.resolve)
    await begun.promise
    const gone = once(yard.server, 'exit')
    yard.server.kill('SIGTERM')
    expect((await stream).text).toMatch(/data: \[DONE\]\n\n$|"draining"/)
    await stopped
    await gone

    // With a bound it starts too, and says why it answers nothing.
    const ready = yard.again({ SWITCHYARD_MAX_STALE_SECONDS: '1' })
    await vi.waitFor(async () => {
      const answer = await yard.chat(connection(), key)
      expect(answer).toMatchObject({
        status: 503,
        text: expect.stringContaining('snapshot_stale') as unknown,
      })
    }, patience)
    expect(await readiness(yard)).toMatchObject({
      status: 503,
      waitingFor: ['the store: it is away, and the snapshot is older than 1 s'],
    })
    await db.start()
    await ready
    await once200(yard, key)
    await booksAgree(db, [id])
  })

  test('a snapshot that was altered is not served: the start fails as without one', async () => {
    await crash(yard)
    await db.stop()
    const whole = readFileSync(file(yard))
    writeFileSync(file(yard), whole.subarray(0, -1))
    await expect(yard.again()).rejects.toThrow('The database cannot be reached')
    writeFileSync(file(yard), whole)
    const ready = yard.again()
    await once200(yard, key)
    await db.start()
    await ready
  })
})

describe('two workers whose store is away', () => {
  const db = new Database()
  let yard: Yard
  beforeAll(async () => {
    await db.start()
    yard = await startYard(db, { SWITCHYARD_WORKERS: '2' })
    await once200(yard)
    await keptAfter(yard, 0)
  })
  afterAll(async () => {
    await yard?.[Symbol.asyncDispose]()
    await db[Symbol.asyncDispose]()
  })

  test('E2: one that is killed meanwhile comes back on the snapshot on disk, and what it answers is recorded once', async () => {
    await db.stop()
    const [victim, other] = yard.workers()
    process.kill(victim?.pid ?? Number.NaN, 'SIGKILL')
    await vi.waitFor(() => expect(yard.workers()[0]).toMatchObject({ state: 'ready', restarts: 1 }), patience)
    process.kill(other?.pid ?? Number.NaN, 'SIGKILL')
    await vi.waitFor(() => expect(yard.workers()[1]).toMatchObject({ state: 'ready', restarts: 1 }), patience)
    const callers = new Callers(yard, 4)
    await vi.waitFor(() => expect(callers.ids.length).toBeGreaterThan(20), patience)
    expect(await readiness(yard)).toMatchObject({
      status: 200,
      degraded: [expect.stringMatching('snapshot of')],
    })
    await db.start()
    await vi.waitFor(async () => expect(await readiness(yard)).toMatchObject({ degraded: [] }), patience)
    await callers.stop()
    expect(callers.bad).toEqual([])
    await booksAgree(db, callers.ids)
  })
})
