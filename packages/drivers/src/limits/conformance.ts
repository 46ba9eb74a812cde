// What every limiter must do, as cases; a driver's test runs them over state of its own.
import assert from 'node:assert/strict'
import { Fault } from '@switchyard/kinds'
import {
  type Admitted,
  type Amounts,
  type Bucket,
  type LimitClaim,
  type LimitDimension,
  type Limiter,
  noMoney,
  nothingUsed,
  quotaBucket,
  type Refused,
  rateBucket,
  seatBucket,
  tightest,
  type Verdict,
} from '@switchyard/runtime'

/** What a case works with: seats lapse after `seatMs`. Each case gets a fresh one. */
export interface Subject {
  readonly limiter: Limiter
  readonly seatMs: number
  /** Lets time pass for the clock that decides. */
  pass(milliseconds: number): Promise<void>
  /** A fresh word for keys and ids. */
  word(): string
}

export interface Case {
  readonly name: string
  run(subject: Subject): Promise<void>
}

const day = 86_400_000
const one: Amounts = { requests: 1, inputTokens: 0, outputTokens: 0, money: noMoney }
const tokens = (inputTokens: number, outputTokens: number): Amounts => ({
  ...one,
  inputTokens,
  outputTokens,
})

/** Makes buckets and asks, under fresh keys. */
function hand({ limiter, word }: Subject) {
  const ask = async (buckets: readonly Bucket[], amounts = one): Promise<Verdict> =>
    limiter.admit({ id: word(), buckets, amounts })
  return {
    rate: (limit: number, windowMs = day, rest: Partial<Parameters<typeof rateBucket>[0]> = {}) =>
      rateBucket({ key: word(), level: 'key', dimension: 'requests', limit, windowMs, ...rest }),
    quota: (limit: bigint, rest: Partial<Parameters<typeof quotaBucket>[0]> = {}) =>
      quotaBucket({
        key: word(),
        level: 'workspace',
        dimension: 'money',
        limit,
        resetsAtMs: Number.POSITIVE_INFINITY,
        ...(rest.dimension === undefined && { currency: 'USD' }),
        ...rest,
      }),
    seats: (limit: number) => seatBucket({ key: word(), level: 'project', limit }),
    ask,
    async pass(buckets: readonly Bucket[], amounts = one): Promise<Admitted> {
      const verdict = await ask(buckets, amounts)
      if (verdict.type === 'refused') assert.fail(`refused by ${verdict.level} ${verdict.dimension}`)
      return verdict
    },
    async refuse(buckets: readonly Bucket[], amounts = one): Promise<Refused> {
      const verdict = await ask(buckets, amounts)
      assert.ok(verdict.type === 'refused', 'it passed')
      return verdict
    },
    /** What remains in a bucket. */
    async left(bucket: Bucket): Promise<number> {
      const quiet = { ...nothingUsed, requests: 0 }
      const verdict = await ask([bucket], quiet)
      const left = tightest(verdict, bucket.dimension)?.remaining ?? Number.NaN
      if (verdict.type === 'admitted') await limiter.settle(verdict, quiet)
      return left
    },
  }
}

const fault = async (work: () => unknown): Promise<string> => {
  try {
    await work()
    return 'done'
  } catch (error) {
    if (error instanceof Fault) return `${error.code} ${error.reason}`
    throw error
  }
}

const dimensions: Readonly<Record<Exclude<LimitDimension, 'concurrency' | 'money'>, Amounts>> = {
  requests: one,
  input_tokens: tokens(1, 0),
  output_tokens: tokens(0, 1),
  tokens: tokens(1, 0),
}

export const conformance: readonly Case[] = [
  {
    name: 'a burst passes to the last, and then no more',
    async run(subject) {
      const { rate, pass, refuse, left } = hand(subject)
      for (const [dimension, amounts] of Object.entries(dimensions)) {
        // Why `as`: the table's keys are these words.
        const bucket = rate(7, day, { dimension: dimension as keyof typeof dimensions, burst: 3 })
        for (let i = 0; i < 3; i++) await pass([bucket], amounts)
        const { level, reason, dimension: named } = await refuse([bucket], amounts)
        assert.deepEqual([level, reason, named], ['key', 'rate_limit_exceeded', dimension])
        assert.equal(await left(bucket), 0)
      }
    },
  },
  {
    name: 'the moment at which a refused claim passes is stated, and true to 50 ms',
    async run(subject) {
      const { rate, pass, refuse, ask } = hand(subject)
      const bucket = rate(2, 1000)
      await pass([bucket])
      await pass([bucket])
      const { retryAfterMs, atUs } = await refuse([bucket])
      assert.ok(retryAfterMs !== undefined && retryAfterMs > 300 && retryAfterMs <= 500)
      await subject.pass(retryAfterMs - 60)
      const early = await ask([bucket])
      // A slow machine may have slept past it, which its own clock tells.
      if (early.atUs - atUs < (retryAfterMs - 1) * 1000) assert.equal(early.type, 'refused')
      if (early.type === 'refused') {
        await subject.pass(early.retryAfterMs ?? 0)
        await pass([bucket])
      }
    },
  },
  {
    name: 'a refusal by any bucket leaves every other one unchanged, and names the one that refused',
    async run(subject) {
      const { rate, quota, seats, pass, refuse, left } = hand(subject)
      const buckets = [
        rate(100, day, { level: 'platform' }),
        quota(100n),
        seats(100),
        rate(1000, day, { dimension: 'tokens' }),
      ]
      const amounts: Amounts = { requests: 1, inputTokens: 3, outputTokens: 4, money: { USD: 5n } }
      const full = [rate(1, day, { level: 'provider' }), seats(1), quota(5n)]
      for (const bucket of full) await pass([bucket], amounts)
      for (const bucket of full)
        for (const order of [
          [bucket, ...buckets],
          [...buckets, bucket],
        ]) {
          const { level, dimension } = await refuse(order, amounts)
          assert.deepEqual([level, dimension], [bucket.level, bucket.dimension])
        }
      assert.deepEqual(await Promise.all([buckets[0]!, buckets[1]!, buckets[3]!].map(left)), [100, 100, 1000])
      const verdict = await pass(buckets, amounts)
      assert.equal(tightest(verdict, 'concurrency')?.remaining, 99)
    },
  },
  {
    name: 'settling gives back what was not used, once',
    async run(subject) {
      const { rate, quota, pass, left } = hand(subject)
      const buckets = [
        rate(1000, day, { dimension: 'output_tokens' }),
        quota(1000n),
        rate(1000, day, { dimension: 'tokens' }),
      ]
      const reserved: Amounts = { requests: 1, inputTokens: 100, outputTokens: 300, money: { USD: 70n } }
      const verdict = await pass(buckets, reserved)
      assert.deepEqual(await Promise.all(buckets.map(left)), [700, 930, 600])
      const used: Amounts = { requests: 1, inputTokens: 90, outputTokens: 20, money: { USD: 8n } }
      for (let i = 0; i < 3; i++) await subject.limiter.settle(verdict, used)
      assert.deepEqual(await Promise.all(buckets.map(left)), [980, 992, 890])
    },
  },
  {
    name: 'usage above what was reserved is charged, into debt, and time pays for it',
    async run(subject) {
      const { rate, quota, pass, refuse, left } = hand(subject)
      const rated = rate(100, 1000, { dimension: 'tokens' })
      const summed = quota(100n)
      const verdict = await pass([rated, summed], { ...tokens(10, 0), money: { USD: 10n } })
      await subject.limiter.settle(verdict, { ...tokens(10, 130), money: { USD: 130n } })
      assert.equal(await left(summed), 0)
      const { reason, retryAfterMs } = await refuse([summed], { ...one, money: { USD: 1n } })
      assert.deepEqual([reason, retryAfterMs], ['insufficient_quota', undefined])
      // 140 of 100 are used; 41 must drain before the next one fits: 410 ms, less what has passed.
      const rates = await refuse([rated], tokens(1, 0))
      const wait = rates.retryAfterMs ?? 0
      assert.ok(wait > 100 && wait <= 410, `it says ${wait} ms`)
      await subject.pass(wait)
      await pass([rated], tokens(1, 0))
    },
  },
  {
    name: 'what costs nothing passes a bucket in debt',
    async run(subject) {
      const { rate, pass } = hand(subject)
      const bucket = rate(10, day, { dimension: 'output_tokens' })
      const verdict = await pass([bucket], tokens(0, 5))
      await subject.limiter.settle(verdict, tokens(0, 50))
      await pass([bucket], tokens(9, 0))
    },
  },
  {
    name: 'a reservation larger than the burst can never pass, and takes nothing',
    async run(subject) {
      const { rate, quota, pass, refuse, left } = hand(subject)
      const open = rate(100)
      const small = rate(100, 1000, { dimension: 'tokens', burst: 50 })
      const { reason, retryAfterMs, level } = await refuse([open, small], tokens(30, 21))
      assert.deepEqual([reason, retryAfterMs, level], ['reservation_exceeds_limit', undefined, 'key'])
      assert.equal(
        (await refuse([open, quota(4n)], { ...one, money: { USD: 5n } })).reason,
        'insufficient_quota',
      )
      assert.equal(await left(open), 100)
      await pass([open, small], tokens(30, 20))
    },
  },
  {
    name: 'a seat is taken until its claim is settled',
    async run(subject) {
      const { seats, pass, refuse } = hand(subject)
      const bucket = seats(2)
      const first = await pass([bucket])
      await pass([bucket])
      const { reason, dimension, retryAfterMs } = await refuse([bucket])
      assert.deepEqual([reason, dimension, retryAfterMs], ['concurrency_exceeded', 'concurrency', 1000])
      await subject.limiter.settle(first, one)
      await subject.limiter.settle(first, one)
      await pass([bucket])
      await refuse([bucket])
    },
  },
  {
    name: 'a seat that nobody renews lapses; one that is renewed stays',
    async run(subject) {
      const { seats, pass, refuse } = hand(subject)
      const bucket = seats(2)
      const kept = await pass([bucket])
      const lost = await pass([bucket])
      for (let i = 0; i < 3; i++) {
        await subject.pass(subject.seatMs / 2)
        await subject.limiter.renew([kept])
      }
      await pass([bucket])
      await refuse([bucket])
      await subject.limiter.settle(lost, one)
      await refuse([bucket])
      await subject.limiter.settle(kept, one)
      await subject.limiter.renew([kept])
      await pass([bucket])
    },
  },
  {
    name: 'a quota of a period states its end, and the next period is another bucket',
    async run(subject) {
      const { quota, pass, refuse } = hand(subject)
      const probe = await pass([quota(1n)])
      const resetsAtMs = Math.floor(probe.atUs / 1000) + 3_600_000
      const bucket = quota(10n, { dimension: 'tokens', resetsAtMs })
      await pass([bucket], tokens(6, 4))
      const { reason, retryAfterMs, atUs } = await refuse([bucket], tokens(1, 0))
      assert.equal(reason, 'rate_limit_exceeded')
      assert.equal(retryAfterMs, Math.ceil(resetsAtMs - atUs / 1000))
      await pass([quota(10n, { dimension: 'tokens', resetsAtMs })], tokens(6, 4))
    },
  },
  {
    name: 'a period that has just ended still counts, for gateways whose clocks are behind',
    async run(subject) {
      const { quota, pass, refuse, left } = hand(subject)
      const probe = await pass([quota(1n)])
      const bucket = quota(10n, { resetsAtMs: Math.floor(probe.atUs / 1000) - 5000 })
      const verdict = await pass([bucket], { ...one, money: { USD: 8n } })
      await refuse([bucket], { ...one, money: { USD: 3n } })
      await subject.limiter.settle(verdict, { ...one, money: { USD: 4n } })
      assert.equal(await left(bucket), 6)
    },
  },
  {
    name: 'money is exact to the micro-unit near the largest sums',
    async run(subject) {
      const { quota, pass, refuse, left } = hand(subject)
      const limit = 2n ** 52n
      const bucket = quota(limit)
      await pass([bucket], { ...one, money: { USD: limit - 3n } })
      await refuse([bucket], { ...one, money: { USD: 4n } })
      await pass([bucket], { ...one, money: { USD: 2n } })
      assert.equal(await left(bucket), 1)
    },
  },
  {
    name: 'an id is admitted once, and not after it was settled',
    async run({ limiter, word, ...rest }) {
      const { rate, left } = hand({ limiter, word, ...rest })
      const buckets = [rate(10)]
      const claim: LimitClaim = { id: word(), buckets, amounts: one }
      await limiter.admit(claim)
      assert.equal(await fault(() => limiter.admit(claim)), 'conflict claim_used')
      const late: LimitClaim = { ...claim, id: word() }
      await limiter.settle(late, one)
      assert.equal(await fault(() => limiter.admit(late)), 'conflict claim_used')
      assert.equal(await left(buckets[0]!), 9)
    },
  },
  {
    name: 'a booking counts once, may give back, and never below empty',
    async run({ limiter, word, ...rest }) {
      const { quota, rate, left } = hand({ limiter, word, ...rest })
      const money = quota(100n)
      const rated = rate(24, day)
      const id = word()
      const hour = day * 1000 * (1 / 24)
      for (let i = 0; i < 2; i++)
        await limiter.book(id, [
          { bucket: money, by: 130 },
          { bucket: rated, by: 2 * hour },
        ])
      assert.deepEqual([await left(money), await left(rated)], [0, 22])
      await limiter.book(word(), [
        { bucket: money, by: -90 },
        { bucket: rated, by: -30 * hour },
      ])
      assert.deepEqual([await left(money), await left(rated)], [60, 24])
      await limiter.book(word(), [])
    },
  },
  {
    name: 'callers that race get no more than there is',
    async run(subject) {
      const { rate, quota, seats, ask, left } = hand(subject)
      const buckets = [rate(40), quota(1000n), seats(35), rate(50, day, { dimension: 'tokens' })]
      const amounts: Amounts = { requests: 1, inputTokens: 1, outputTokens: 0, money: { USD: 3n } }
      const verdicts = await Promise.all(
        Array.from({ length: 120 }, (_, i) => ask(i % 2 ? buckets : buckets.toReversed(), amounts)),
      )
      assert.equal(verdicts.filter(({ type }) => type === 'admitted').length, 35)
      assert.deepEqual([await left(buckets[0]!), await left(buckets[1]!)], [5, 895])
    },
  },
]
