// The promises of several gateway processes behind one port: shared limits, own journals, nothing lost with one of them.
import { once } from 'node:events'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { connection, recorded, startYard, type Yard } from './yard.ts'

const dead = (pid: number) => {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

describe('two workers', () => {
  let db: TestDatabase
  let yard: Yard
  beforeAll(async () => {
    db = await testDatabase()
    yard = await startYard(db, { SWITCHYARD_WORKERS: '2', SWITCHYARD_DRAIN_SECONDS: '5' })
  })
  afterAll(async () => {
    await yard?.[Symbol.asyncDispose]()
    await db?.close()
  })

  const metric = async (pattern: RegExp) => {
    const { text } = await yard.ask(connection(), '/metrics', yard.facts.adminToken)
    return text.split('\n').flatMap(line => (pattern.test(line) ? [Number(line.split(' ').at(-1))] : []))
  }
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0)

  test('one connection reaches the gateway and the control plane', async () => {
    const agent = connection()
    expect((await yard.chat(agent)).status).toBe(200)
    expect(await yard.ask(agent, '/readyz', '')).toMatchObject({
      status: 200,
      text: '{"status":"ready","waitingFor":[],"degraded":[]}',
    })
    const { text } = await yard.ask(agent, '/api/v1/endpoints', yard.facts.adminToken)
    expect(text).toContain(yard.facts.model)
    expect((await yard.chat(agent)).status).toBe(200)
    agent.destroy()
  })

  test('sixteen kept connections are shared evenly, and counters are told as one sum', async () => {
    const before = sum(await metric(/^switchyard_gateway_requests_total{/))
    const agents = Array.from({ length: 16 }, connection)
    await Promise.all(agents.map(agent => yard.chat(agent)))
    expect(await metric(/^switchyard_gateway_connections_open{/)).toHaveLength(2)
    for (const open of await metric(/^switchyard_gateway_connections_open{/))
      expect(open).toBeGreaterThanOrEqual(8)
    expect(sum(await metric(/^switchyard_gateway_requests_total{/)) - before).toBe(16)
    for (const agent of agents) agent.destroy()
  })

  test('a limit of a key holds over both', async () => {
    const key = await yard.newKey('limited', { limits: { requests: { perMinute: 6, burst: 10 } } })
    const agents = Array.from({ length: 4 }, connection)
    await vi.waitFor(
      async () => {
        for (const agent of agents) expect((await yard.ask(agent, '/v1/models', key)).status).toBe(200)
      },
      { timeout: 10_000 },
    )
    // Four at once: an answer that takes the database longer than 250 ms would be given from a local share.
    const answers = (
      await Promise.all(
        agents.map(async agent => {
          const all = []
          for (let i = 0; i < 5; i++) all.push(await yard.chat(agent, key))
          return all
        }),
      )
    ).flat()
    const admitted = answers.filter(({ status }) => status === 200).length
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(20 - admitted)
    // One more comes free in ten seconds.
    expect(admitted).toBeGreaterThanOrEqual(10)
    expect(admitted).toBeLessThanOrEqual(11)
    for (const agent of agents) agent.destroy()
  })

  test('A5: a key that is revoked is refused by both within a second', async () => {
    const key = await yard.newKey('revoked')
    const agents = [connection(), connection()]
    const both = (status: number) =>
      vi.waitFor(
        async () => {
          for (const agent of agents) expect((await yard.ask(agent, '/v1/models', key)).status).toBe(status)
        },
        { timeout: 10_000, interval: 20 },
      )
    await both(200)
    await yard.api.patch('ApiKey', { workspace: 'default', name: 'revoked' }, { spec: { disabled: true } })
    const began = performance.now()
    await both(401)
    expect(performance.now() - began).toBeLessThan(1000)
    for (const agent of agents) agent.destroy()
  })

  test('kill -9 of one under load loses no answered request, and the other goes on', async () => {
    const answered: string[] = []
    const broken: unknown[] = []
    let going = true
    const callers = Array.from({ length: 8 }, async () => {
      let agent = connection()
      while (going)
        try {
          const { status, id } = await yard.chat(agent)
          if (status === 200) answered.push(id)
        } catch (error) {
          broken.push(error)
          agent = connection()
        }
      agent.destroy()
    })
    await vi.waitFor(() => expect(answered.length).toBeGreaterThan(20), { timeout: 20_000 })
    const [victim] = yard.workers()
    process.kill(victim?.pid ?? Number.NaN, 'SIGKILL')
    const then = answered.length
    await vi.waitFor(
      () =>
        expect(yard.workers()[0]).toMatchObject({
          state: 'ready',
          restarts: 1,
        }),
      { timeout: 20_000 },
    )
    expect(answered.length).toBeGreaterThan(then)
    going = false
    await Promise.all(callers)
    // At most the four that the killed one held, and one that it was being handed.
    expect(broken.length).toBeLessThanOrEqual(8)
    await vi.waitFor(
      async () => {
        const books = await recorded(db.url, answered)
        expect(answered.filter(id => books.get(id) !== 1)).toEqual([])
      },
      { timeout: 15_000, interval: 200 },
    )
  })

  test("connections that a stuck worker had not taken are another worker's when it is killed", async () => {
    const [, stuck] = yard.workers()
    process.kill(stuck?.pid ?? Number.NaN, 'SIGSTOP')
    const agents = Array.from({ length: 24 }, connection)
    let answered = 0
    const ends = Promise.allSettled(
      agents.map(async agent => {
        await yard.chat(agent)
        answered++
      }),
    )
    try {
      await vi.waitFor(() => expect(answered).toBeGreaterThanOrEqual(2), { timeout: 10_000 })
    } finally {
      process.kill(stuck?.pid ?? Number.NaN, 'SIGKILL')
    }
    // One connection is on its way at a time, and may have been read.
    expect((await ends).filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(23)
    await vi.waitFor(() => expect(yard.workers()[1]).toMatchObject({ state: 'ready', restarts: 1 }), {
      timeout: 20_000,
    })
    for (const agent of agents) agent.destroy()
  })

  test('E3: SIGTERM lets streams end, whole or told why, leaves with 0 and leaves nothing unshipped', async () => {
    const pids = yard.workers().map(({ pid }) => pid ?? Number.NaN)
    const agents = Array.from({ length: 6 }, connection)
    const begun = agents.map(() => Promise.withResolvers<void>())
    const streams = agents.map((agent, i) =>
      yard.chat(agent, undefined, { max_tokens: 400, stream: true }, begun[i]?.resolve),
    )
    await Promise.all(begun.map(({ promise }) => promise))
    const gone = once(yard.server, 'exit')
    yard.server.kill('SIGTERM')
    const ends = await Promise.all(streams)
    for (const { status, text } of ends) {
      expect(status).toBe(200)
      expect(text).toMatch(/data: \[DONE\]\n\n$|"draining"/)
    }
    expect((await gone)[0]).toBe(0)
    expect(pids.filter(pid => !dead(pid))).toEqual([])
    expect(yard.unshipped()).toEqual([])
  })
})
