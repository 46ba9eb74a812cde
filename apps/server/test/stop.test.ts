// What a stop promises: who watches is told first, who has begun is answered or told, and what was answered is recorded.
import { once } from 'node:events'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ScriptedUpstream } from '../../../packages/gateway/test/upstream.ts'
import { type Answer, connection, freePort, recorded, startYard, type Yard } from './yard.ts'

const patience = { timeout: 20_000, interval: 20 }

describe.each([
  ['one process', '0'],
  ['two workers', '2'],
])('E3: SIGTERM to %s under streams', (_, workers) => {
  let db: TestDatabase
  let yard: Yard
  let engine: ScriptedUpstream
  let operations: number
  beforeAll(async () => {
    db = await testDatabase()
    engine = await ScriptedUpstream.start()
    operations = await freePort()
    yard = await startYard(db, {
      SWITCHYARD_WORKERS: workers,
      SWITCHYARD_OPERATIONS_PORT: String(operations),
      SWITCHYARD_STOP_DELAY_SECONDS: '2',
      SWITCHYARD_DRAIN_SECONDS: '2',
    })
    await yard.api.create({
      kind: 'Provider',
      metadata: { workspace: 'default', name: 'endless' },
      spec: {
        type: 'deepseek',
        baseUrl: engine.url('slow events', '/v1'),
        allowCidrs: ['127.0.0.0/8'],
        models: [{ name: 'endless' }],
      },
    })
    await yard.api.create({
      kind: 'Route',
      metadata: { workspace: 'default', name: 'endless' },
      spec: { names: ['endless'], tiers: [{ targets: [{ provider: 'endless', model: 'endless' }] }] },
    })
    await vi.waitFor(async () => {
      const { text } = await yard.ask(connection(), '/v1/models/endless', yard.facts.apiKey)
      expect(text).toContain('"endless"')
    }, patience)
  })
  afterAll(async () => {
    await yard?.[Symbol.asyncDispose]()
    await engine?.[Symbol.asyncDispose]()
    await db?.close()
  })

  const readiness = async () => (await fetch(`http://127.0.0.1:${operations}/readyz`)).status

  /** One that has begun; its end is awaited apart. */
  async function stream(model: string): Promise<{ readonly end: Promise<Answer> }> {
    const begun = Promise.withResolvers<void>()
    const more = { model, stream: true, max_tokens: 40 }
    const end = yard.chat(connection(), undefined, more, begun.resolve)
    await begun.promise
    return { end }
  }

  test('is told at once, ends streams whole or as draining, exits with 0 and leaves a whole journal', async () => {
    const [short, endless] = await Promise.all(
      [yard.facts.model, 'endless'].map(model => Promise.all([1, 2, 3].map(() => stream(model)))),
    )
    expect(await readiness()).toBe(200)
    const gone = once(yard.server, 'exit')
    yard.server.kill('SIGTERM')
    const told = performance.now()
    await vi.waitFor(async () => expect(await readiness()).toBe(503), { timeout: 1000, interval: 10 })
    // Who has not heard of it yet is still answered, and then the port closes while streams go on.
    const late = await yard.chat(connection())
    expect(late.status).toBe(200)
    await vi.waitFor(
      () => expect(yard.chat(connection())).rejects.toMatchObject({ code: 'ECONNREFUSED' }),
      patience,
    )
    expect(performance.now() - told).toBeGreaterThan(1900)
    expect(yard.server.exitCode).toBe(null)

    const whole = await Promise.all((short ?? []).map(({ end }) => end))
    for (const { status, text } of whole)
      expect([status, text]).toEqual([200, expect.stringMatching(/data: \[DONE\]\n\n$/)])
    const cut = await Promise.all((endless ?? []).map(({ end }) => end))
    for (const { status, text } of cut) {
      expect(status).toBe(200)
      expect(text).toMatch(/"code":"draining"/)
      expect(text).not.toContain('[DONE]')
    }
    expect((await gone)[0]).toBe(0)
    expect(yard.unshipped()).toEqual([])
    const ids = [late, ...whole, ...cut].map(({ id }) => id)
    const books = await recorded(db.url, ids)
    expect(ids.map(id => books.get(id))).toEqual(ids.map(() => 1))
  })
})
