// Limits through the port: what can never fit, shared limits that are lost, and seats of long streams.
import { openLayeredLimiter } from '@switchyard/drivers/limits/layered'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { Fault, limitsSchema } from '@switchyard/kinds'
import { type Limiter, renewEveryMs, seatMs, systemClock, systemRandom } from '@switchyard/runtime'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Bed } from './bed.ts'
import { ScriptedUpstream } from './upstream.ts'

const patient = { timeout: 20_000, interval: 10 }

let stack: AsyncDisposableStack
let engine: ScriptedUpstream
beforeEach(async () => {
  stack = new AsyncDisposableStack()
  engine = stack.use(await ScriptedUpstream.start())
})
afterEach(() => stack.disposeAsync())

/** A gateway with an endpoint, which keeps its limits there. */
async function gateway(limiter?: Limiter): Promise<Bed> {
  const bed = stack.use(await Bed.start({}, {}, limiter ? { limiter } : {}))
  bed.endpoint('tiny', [engine.address])
  return bed
}

const limited = (bed: Bed, limits: object) => bed.key({ spec: { limits: limitsSchema.parse(limits) } })

describe('L5: a request whose reservation is more than a limit ever allows', () => {
  test.each([
    ['input tokens', { inputTokens: { perMinute: 1_000_000, burst: 10 } }, {}],
    ['output tokens', { outputTokens: { perMinute: 1_000_000, burst: 50 } }, { max_tokens: 51 }],
    ['tokens', { tokens: { perMinute: 1_000_000, burst: 60 } }, { max_tokens: 51 }],
  ])('of %s is refused at once, for good, and takes nothing', async (words, limits, more) => {
    const bed = await gateway()
    const key = limited(bed, { ...limits, requests: { perMinute: 60 } })
    const refused = await bed.chat(key, { messages: [{ role: 'user', content: 'x'.repeat(30) }], ...more })
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([429, 'false'])
    expect(refused.headers.get('retry-after')).toBeNull()
    expect(await refused.json()).toMatchObject({
      error: {
        code: 'reservation_exceeds_limit',
        message: expect.stringContaining(`${words} of the key`) as unknown,
      },
    })
    expect(engine.seen).toEqual([])
    const told = await bed.gateway.explain({ workspace: 'default', model: 'tiny', key: 'key-0' })
    expect(told.limits.find(({ dimension }) => dimension === 'requests')?.remaining).toBe(60)
  })
})

describe('L4: shared limits that are lost', () => {
  /** Two gateways' limits, which answer, hang or fail. */
  function shared() {
    const inner = openMemoryLimiter({ clock: systemClock })
    const state = { now: 'there' as 'there' | 'silent' | 'gone' }
    const asked = async <T>(work: () => T): Promise<T> => {
      if (state.now === 'silent') return new Promise(() => undefined)
      if (state.now === 'gone')
        throw new Fault('unavailable', 'The limits are lost.', { reason: 'limiter_unavailable' })
      return work()
    }
    const away: Limiter = {
      admit: claim => asked(() => inner.admit(claim)),
      settle: (claim, used) => asked(() => inner.settle(claim, used)),
      renew: claims => asked(() => inner.renew(claims)),
      book: (id, bookings) => asked(() => inner.book(id, bookings)),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    }
    const limiter = openLayeredLimiter({
      shared: away,
      clock: systemClock,
      id: () => systemRandom.id(),
      gateways: () => 2,
      observe: () => undefined,
      coolMs: 200,
    })
    stack.use(limiter)
    return { limiter, state }
  }

  test.each(['silent', 'gone'] as const)(
    '(%s) let requests pass from the local share, refuse what costs money with 503, and agree on return',
    async how => {
      const { limiter, state } = shared()
      const bed = await gateway(limiter)
      bed.priceBook('sale', {
        side: 'sale',
        rates: [
          { model: 'tiny', unit: 'tok.in.*', price: '1' },
          { model: 'tiny', unit: 'tok.out.*', price: '1' },
        ],
      })
      const plain = limited(bed, { requests: { perMinute: 20, burst: 20 } })
      const paying = limited(bed, { money: { perMonth: '10', currency: 'USD' } })
      state.now = how
      const statuses: number[] = []
      const took: number[] = []
      for (let i = 0; i < 12; i++) {
        const start = performance.now()
        statuses.push((await bed.chat(plain)).status)
        took.push(performance.now() - start)
      }
      console.info(`limits that are ${how}: ${took.map(one => one.toFixed(0)).join(' ')} ms`)
      // 50 ms are waited for an answer; after five of them nobody waits any more. The machine may be busy.
      expect(Math.min(...took.slice(0, 5))).toBeLessThan(150)
      expect(Math.min(...took.slice(5))).toBeLessThan(40)
      // One half of twenty is its share.
      expect(statuses).toEqual([...Array<number>(10).fill(200), 429, 429])
      const refused = await bed.chat(paying)
      expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([503, 'true'])
      expect(await refused.json()).toMatchObject({ error: { code: 'limiter_unavailable' } })
      state.now = 'there'
      await vi.waitFor(async () => expect((await bed.chat(paying)).status).toBe(200), patient)
      await vi.waitFor(async () => {
        const told = await bed.gateway.explain({ workspace: 'default', model: 'tiny', key: 'key-0' })
        // In the meantime it refills by one each three seconds.
        expect(Number(told.limits[0]?.remaining)).toBeGreaterThanOrEqual(10)
        expect(Number(told.limits[0]?.remaining)).toBeLessThan(20)
      }, patient)
    },
  )
})

describe('L10: a seat', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is kept by a stream for longer than a lease lasts, and then is free', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    let time = 0
    const bed = await gateway(
      openMemoryLimiter({ clock: { now: () => 1_700_000_000_000, monotonic: () => time } }),
    )
    const key = limited(bed, { concurrency: 1 })
    engine.always('one by one')
    engine.step(3)
    const stream = await bed.chat(key, { stream: true })
    for (let passed = 0; passed < 4 * seatMs; passed += renewEveryMs) {
      time += renewEveryMs
      vi.advanceTimersByTime(renewEveryMs)
      const refused = await bed.chat(key)
      expect(refused.status, `after ${passed} ms`).toBe(429)
      expect(await refused.json()).toMatchObject({ error: { code: 'concurrency_exceeded' } })
    }
    engine.step(1000)
    expect(await stream.text()).toContain('[DONE]')
    await vi.waitUntil(() => bed.gateway.inflight === 0, patient)
    engine.always('good')
    expect((await bed.chat(key)).status).toBe(200)
  })
})
