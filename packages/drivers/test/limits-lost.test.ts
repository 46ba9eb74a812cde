// What happens to requests while the shared limits are paused, killed, slow or dead, and when they are back.
import { type LimiterObservation, openLayeredLimiter } from '@switchyard/drivers/limits/layered'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter } from '@switchyard/drivers/limits/redis'
import { Fault } from '@switchyard/kinds'
import {
  type Admitted,
  type Amounts,
  type Bucket,
  type LimitClaim,
  type Limiter,
  noMoney,
  nothingUsed,
  quotaBucket,
  rateBucket,
  seatBucket,
  systemClock,
  systemRandom,
  tightest,
  type Verdict,
} from '@switchyard/runtime'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type RedisServer, redisBinary, startRedis } from './limits-redis-server.ts'
import { slowLink } from './limits-slow-link.ts'

const day = 86_400_000
const requests = (limit: number) =>
  rateBucket({ key: 'requests', level: 'key', dimension: 'requests', limit, windowMs: day })
const forever = Number.POSITIVE_INFINITY
const tokens = quotaBucket({
  key: 'tokens',
  level: 'project',
  dimension: 'tokens',
  limit: 9000n,
  resetsAtMs: forever,
})
const money = quotaBucket({
  key: 'money',
  level: 'workspace',
  dimension: 'money',
  limit: 100n,
  resetsAtMs: forever,
  currency: 'USD',
})
const amounts: Amounts = { requests: 1, inputTokens: 10, outputTokens: 20, money: noMoney }
const claim = (buckets: readonly Bucket[], given = amounts): LimitClaim => ({
  id: systemRandom.id(),
  buckets,
  amounts: given,
})

/** A gateway of three, over what it shares with the others. */
function gateway(shared: Limiter, options: Partial<Parameters<typeof openLayeredLimiter>[0]> = {}) {
  const seen: LimiterObservation[] = []
  const limiter = openLayeredLimiter({
    shared,
    clock: systemClock,
    id: () => systemRandom.id(),
    gateways: () => 3,
    observe: observation => seen.push(observation),
    coolMs: 150,
    ...options,
  })
  onTestFinished(() => limiter[Symbol.asyncDispose]())
  const types = () => seen.map(({ type }) => type)
  return {
    limiter,
    seen,
    /** Asks until the breaker opens; what every answer took. */
    async degrade(buckets: readonly Bucket[]): Promise<{ took: number[]; verdicts: Verdict[] }> {
      const took: number[] = []
      const verdicts: Verdict[] = []
      while (!types().includes('limiter_degraded')) {
        const start = performance.now()
        verdicts.push(await limiter.admit(claim(buckets)))
        took.push(performance.now() - start)
      }
      return { took, verdicts }
    },
    /** Asks for nothing until the shared limits are back. */
    back: () =>
      vi.waitFor(
        async () => {
          await limiter.admit(claim([]))
          expect(types()).toContain('limiter_recovered')
        },
        { timeout: 15_000, interval: 20 },
      ),
  }
}

/** Uses up what this gateway may give by itself; every answer comes without a wait. */
function exhaust(limiter: Limiter, buckets: readonly Bucket[]): Admitted[] {
  const passed: Admitted[] = []
  for (;;) {
    const verdict = limiter.admit(claim(buckets))
    if (verdict instanceof Promise) throw new TypeError('an answer waited for what is lost')
    if (verdict.type === 'refused') return passed
    passed.push(verdict)
  }
}

const left = async (limiter: Limiter, bucket: Bucket): Promise<number> => {
  const probe = claim([bucket], nothingUsed)
  const verdict = await limiter.admit(probe)
  await limiter.settle(probe, nothingUsed)
  return tightest(verdict, bucket.dimension)?.remaining ?? Number.NaN
}

const refusal = (work: () => unknown): string => {
  try {
    work()
    return 'answered'
  } catch (error) {
    return error instanceof Fault ? `${error.code} ${error.reason}` : String(error)
  }
}

async function redis(): Promise<{ server: RedisServer; direct: Limiter; open: () => Promise<Limiter> }> {
  const server = await startRedis()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const direct = await openRedisLimiter({ url: server.url })
  onTestFinished(() => direct[Symbol.asyncDispose]())
  return { server, direct, open: () => openRedisLimiter({ url: server.url }) }
}

// Deadlines of 50 ms are met by a machine that is not busy with something else: another try is given.
const timed = { retry: 2 }

describe.skipIf(!redisBinary)('L4: a Redis that is paused', timed, () => {
  test('costs the first answers its deadline and later ones nothing; three gateways stay within the limit; totals agree after', async () => {
    const { server, direct, open } = await redis()
    const three = [gateway(await open()), gateway(await open()), gateway(await open())]
    const buckets = [requests(90), tokens]
    server.signal('SIGSTOP')
    const first = await Promise.all(three.map(({ degrade }) => degrade(buckets)))
    for (const { took } of first) {
      expect(took).toHaveLength(5)
      expect(Math.min(...took)).toBeLessThan(100)
    }
    const early = first.flatMap(({ verdicts }) => verdicts)
    expect(early.every(({ type }) => type === 'admitted')).toBe(true)
    const later = three.flatMap(({ limiter }) => exhaust(limiter, buckets))
    expect(early.length + later.length).toBe(90)
    // Nobody pays while the account cannot be read; who pays nothing may go on.
    const one = three[0]!
    expect(refusal(() => one.limiter.admit(claim([money], { ...amounts, money: { USD: 1n } })))).toBe(
      'unavailable limiter_unavailable',
    )
    expect(refusal(() => one.limiter.admit(claim([money])))).toBe('answered')
    server.signal('SIGCONT')
    await Promise.all(three.map(({ back }) => back()))
    await vi.waitFor(
      async () =>
        expect([await left(direct, requests(90)), await left(direct, tokens)]).toEqual([0, 9000 - 90 * 30]),
      { timeout: 10_000 },
    )
    // One is settled in the new era on what it really used.
    await one.limiter.settle(later[0]!, { ...amounts, outputTokens: 0 })
    await one.limiter.settle(later[0]!, { ...amounts, outputTokens: 0 })
    await vi.waitFor(async () => expect(await left(direct, tokens)).toBe(9000 - 90 * 30 + 20), {
      timeout: 10_000,
    })
  })

  test('keeps what is settled meanwhile, once', async () => {
    const { server, direct, open } = await redis()
    const { limiter, degrade, back } = gateway(await open())
    const before = claim([tokens, requests(900)])
    expect(await limiter.admit(before)).toMatchObject({ type: 'admitted' })
    server.signal('SIGSTOP')
    await degrade([])
    await limiter.settle(before, { ...amounts, outputTokens: 5 })
    server.signal('SIGCONT')
    await back()
    await vi.waitFor(async () => expect(await left(direct, tokens)).toBe(9000 - 15), { timeout: 10_000 })
    expect(await left(direct, requests(900))).toBe(899)
  })
})

describe.skipIf(!redisBinary)('L4: a Redis that is killed', timed, () => {
  test('is done without at once, and takes what was given when it is back', async () => {
    const { server, open } = await redis()
    const { limiter, degrade, back, seen } = gateway(await open())
    const buckets = [requests(90), tokens]
    await server.kill()
    const { verdicts } = await degrade(buckets)
    const given = [...verdicts, ...exhaust(limiter, buckets)]
    expect(given).toHaveLength(30)
    await server.restart()
    await back()
    expect(seen).toContainEqual(expect.objectContaining({ type: 'limiter_recovered', booked: 2 }))
    await using direct = await openRedisLimiter({ url: server.url })
    await vi.waitFor(
      async () =>
        expect([await left(direct, requests(90)), await left(direct, tokens)]).toEqual([60, 9000 - 900]),
      { timeout: 10_000 },
    )
  })
})

describe.skipIf(!redisBinary)('L4: a Redis that is slow by 5 s', timed, () => {
  test('is asked no more, and what it counted late is taken back', async () => {
    const { server, direct } = await redis()
    await using link = await slowLink(server.port)
    const { limiter, degrade, back } = gateway(
      await openRedisLimiter({ url: `redis://127.0.0.1:${link.port}` }),
    )
    const buckets = [requests(90), tokens]
    expect(await limiter.admit(claim(buckets))).toMatchObject({ type: 'admitted' })
    link.delay(5000)
    const { took } = await degrade(buckets)
    expect(Math.min(...took)).toBeLessThan(100)
    // Redis has counted all of them, and none of them knows.
    expect(await left(direct, requests(90))).toBe(90 - 1 - took.length)
    const given = exhaust(limiter, buckets).length + took.length
    link.delay(0)
    await back()
    await vi.waitFor(
      async () =>
        expect([await left(direct, requests(90)), await left(direct, tokens)]).toEqual([
          90 - 1 - given,
          9000 - 30 * (1 + given),
        ]),
      { timeout: 10_000 },
    )
  })
})

describe('a PostgreSQL that is not there', () => {
  test('is treated alike, with a deadline of its own', async () => {
    const shared = openPostgresLimiter({ url: 'postgresql://nobody:x@127.0.0.1:1/none' })
    const { limiter, degrade } = gateway(shared, { deadlineMs: 250, gateways: () => 2 })
    const { verdicts } = await degrade([requests(20)])
    expect(verdicts.length + exhaust(limiter, [requests(20)]).length).toBe(10)
  })
})

/** Shared limits in memory whose answers can be held back or refused. */
function switched() {
  const inner = openMemoryLimiter({ clock: systemClock })
  const state = { asked: 0, lost: false }
  const answer = async <T>(work: () => T): Promise<T> => {
    state.asked++
    if (state.lost) throw new Fault('unavailable', 'The limits are lost.', { reason: 'limiter_unavailable' })
    return work()
  }
  const shared: Limiter = {
    admit: given => answer(() => inner.admit(given)),
    settle: (given, used) => answer(() => inner.settle(given, used)),
    renew: given => answer(() => inner.renew(given)),
    book: (id, bookings) => answer(() => inner.book(id, bookings)),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  }
  return { shared, inner, state }
}

describe('shared limits that are lost', () => {
  test('are not asked while the breaker is open, and asked once when it may close', async () => {
    const { shared, state } = switched()
    let time = 0
    const clock = { now: () => 1_700_000_000_000, monotonic: () => time }
    const { limiter, degrade, seen } = gateway(shared, { clock, coolMs: 5000 })
    state.lost = true
    await degrade([requests(900)])
    expect(state.asked).toBe(5)
    time += 4999
    for (let i = 0; i < 10; i++) await limiter.admit(claim([requests(900)]))
    expect(state.asked).toBe(5)
    time += 1
    for (let i = 0; i < 10; i++) await limiter.admit(claim([requests(900)]))
    expect(state.asked).toBe(6)
    expect(seen.map(({ type }) => type)).toEqual(['limiter_degraded'])
  })

  test('refuse everything under the policy `closed`', async () => {
    const { shared, state } = switched()
    const { limiter } = gateway(shared, { onLoss: 'closed' })
    state.lost = true
    await expect(limiter.admit(claim([requests(900)]))).rejects.toMatchObject({
      reason: 'limiter_unavailable',
    })
  })

  test('let everything pass under the policy `open` but what costs money, and are told of it on return', async () => {
    const { shared, inner, state } = switched()
    const { limiter, degrade, back } = gateway(shared, { onLoss: 'open' })
    const seats = seatBucket({ key: 'seats', level: 'key', limit: 1 })
    const buckets = [requests(3), tokens, seats]
    state.lost = true
    await degrade(buckets)
    const passed = Array.from({ length: 500 }, () => limiter.admit(claim(buckets)))
    for (const verdict of passed) expect(verdict).toMatchObject({ type: 'admitted', buckets: [] })
    expect(refusal(() => limiter.admit(claim([money], { ...amounts, money: { USD: 1n } })))).toBe(
      'unavailable limiter_unavailable',
    )
    const [first, second] = passed as Admitted[] // each has passed
    await limiter.settle(first!, nothingUsed)
    state.lost = false
    await back()
    await limiter.settle(second!, nothingUsed)
    // The five that were asked for before the breaker opened have passed too.
    const spent = 30 * (5 + 500 - 2)
    await vi.waitFor(async () =>
      expect(await left(inner, { ...tokens, bound: 100_000 })).toBe(100_000 - spent),
    )
    expect(inner.admit(claim([requests(3)]))).toMatchObject({ reason: 'rate_limit_exceeded' })
  })

  test('leave no share of a limit smaller than the gateways, but a seat', async () => {
    const { shared, state } = switched()
    const { limiter, degrade } = gateway(shared)
    state.lost = true
    await degrade([])
    expect(refusal(() => limiter.admit(claim([requests(2)])))).toBe('unavailable limiter_unavailable')
    const seat = seatBucket({ key: 'seat', level: 'key', limit: 1 })
    expect(exhaust(limiter, [seat])).toHaveLength(1)
  })

  test('do not make a request too large for its share one that can never pass', async () => {
    const { shared, state } = switched()
    const { limiter, degrade } = gateway(shared)
    state.lost = true
    await degrade([])
    const small = rateBucket({ key: 'small', level: 'key', dimension: 'tokens', limit: 60, windowMs: day })
    expect(refusal(() => limiter.admit(claim([small])))).toBe('unavailable limiter_unavailable')
    const large: Amounts = { ...amounts, inputTokens: 61 }
    expect(limiter.admit(claim([small], large))).toMatchObject({ reason: 'reservation_exceeds_limit' })
  })

  test('that fail once are made up for with the next answer', async () => {
    const { shared, inner, state } = switched()
    const { limiter, seen } = gateway(shared)
    state.lost = true
    expect(await limiter.admit(claim([requests(90), tokens]))).toMatchObject({ type: 'admitted' })
    state.lost = false
    await limiter.admit(claim([]))
    await vi.waitFor(async () =>
      expect([await left(inner, requests(90)), await left(inner, tokens)]).toEqual([89, 8970]),
    )
    expect(seen).toEqual([])
  })

  test('lose the oldest settlements when more wait than are kept, and say so', async () => {
    const { shared, state } = switched()
    const { limiter, degrade, seen } = gateway(shared, { backlog: 20, coolMs: 60_000 })
    const open = Array.from({ length: 30 }, () => claim([tokens]))
    for (const one of open) await limiter.admit(one)
    state.lost = true
    await degrade([])
    for (const one of open) await limiter.settle(one, amounts)
    expect(seen.filter(({ type }) => type === 'limiter_settlement_dropped')).toHaveLength(15)
  })

  test('keep the seats of what runs through a loss', async () => {
    const { shared, inner, state } = switched()
    const { limiter, degrade, back } = gateway(shared)
    const seats = seatBucket({ key: 'seats', level: 'key', limit: 2 })
    const one = claim([seats])
    await limiter.admit(one)
    state.lost = true
    await degrade([])
    await limiter.renew([one])
    state.lost = false
    await back()
    await limiter.renew([one])
    expect(inner.admit(claim([seats]))).toMatchObject({ type: 'admitted' })
    expect(inner.admit(claim([seats]))).toMatchObject({ reason: 'concurrency_exceeded' })
    await limiter.settle(one, amounts)
    await vi.waitFor(() => expect(inner.admit(claim([seats]))).toMatchObject({ type: 'admitted' }))
  })
})
