// Prepaid and credit through the port: what is let in, what it pays, and what happens when the money ends.
import { Fault } from '@switchyard/kinds'
import type { Balances } from '@switchyard/runtime'
import { describe, expect, test, vi } from 'vitest'
import { document } from './bed.ts'
import { callerNames, callers } from './callers.ts'
import { expectTold } from './told.ts'
import { operator, WalletBed } from './wallet.bed.ts'

/** Every answer is 7 in and 3 out. */
const cost = 7n + 2n * 3n
const patient = { timeout: 20_000, interval: 20 }
const prepaid = { mode: 'prepaid' }

const ask = (bed: WalletBed, key: string, more: object = {}, init = {}) =>
  bed.bed.chat(key, { model: 'm', max_tokens: 100, ...more }, init)

describe('a workspace that pays in advance', () => {
  test('is charged what its calls have cost, exactly, and what was held comes back', async () => {
    await using yard = await WalletBed.start()
    const key = yard.bed.key()
    await yard.pay('100000')
    for (let i = 0; i < 3; i++) expect((await ask(yard, key, { stream: i === 1 })).status).toBe(200)
    const answered = await ask(yard, key)
    expect(answered.headers.get('x-switchyard-cost')).toBe(String(cost))
    await answered.text()
    expect(yard.bed.journal.last.hold).toMatch(/^\d+$/)
    await yard.ship()
    const { balance, pending } = await yard.balance()
    expect([balance, pending]).toEqual([String(100_000n - 4n * cost), '0'])
    await yard.bed.gateway.close()
    expect(await yard.balance()).toEqual({
      balance: String(100_000n - 4n * cost),
      pending: '0',
      sliced: '0',
      available: String(100_000n - 4n * cost),
      overrun: '0',
    })
    expect(await yard.unsound()).toEqual([])
  })

  test('MB3.21: without money not even the first call passes, in every dialect, and no SDK tries again', async () => {
    await using yard = await WalletBed.start()
    const key = yard.bed.key()
    for (const caller of callerNames) {
      const row = callers[caller]
      const refused = await yard.bed.post(row.path('m', false), key, row.body('m', false))
      expect(refused.headers.get('x-should-retry'), caller).toBe('false')
      expect([429, 402], caller).toContain(refused.status)
      expect(await refused.text(), caller).toMatch(
        /insufficient_quota|billing_error|RESOURCE_EXHAUSTED|balance/,
      )
    }
    expect(yard.engine.seen).toEqual([])
    expect(yard.bed.journal.records).toEqual([])
    await yard.pay('1000')
    await vi.waitFor(async () => expect((await ask(yard, key)).status).toBe(200), patient)
  })

  test('is refused a model that has no price', async () => {
    await using yard = await WalletBed.start()
    await yard.pay('1000')
    const key = yard.bed.key()
    yard.bed.removeBook('sale')
    const refused = await ask(yard, key)
    expect(refused.headers.get('x-should-retry')).toBe('false')
    await expectTold(refused, 'openai', 'unpriced')
  })

  test('MB3.26: is refused while neither a slice nor the database is there; who is on credit as it was agreed', async () => {
    let away = false
    const cut = (made: Balances): Balances => ({
      ...made,
      async lease(asked) {
        if (!away) return made.lease(asked)
        await new Promise(resolve => setTimeout(resolve, 500))
        throw new Fault('unavailable', 'away', { reason: 'balance_unavailable', retryAfterSeconds: 1 })
      },
      [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
    })
    {
      await using yard = await WalletBed.start({ balances: cut, wait: 300 })
      const key = yard.bed.key()
      await yard.pay('100000')
      away = true
      const refused = await ask(yard, key)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
      expect(yard.engine.seen).toEqual([])
      away = false
    }
    away = true
    const credit = { mode: 'postpaid', credit: '1000', onStoreLoss: 'open', openAmount: '300' }
    await using yard = await WalletBed.start({ billing: credit, balances: cut, wait: 100 })
    const key = yard.bed.key()
    expect((await ask(yard, key)).status).toBe(200)
    expect((await ask(yard, key)).status).toBe(503)
    away = false
  })

  test('MB3.24: a request that fails after it was held for leaves nothing held', async () => {
    await using yard = await WalletBed.start()
    const key = yard.bed.key()
    await yard.pay('500')
    yard.engine.will('status 500', 'reset', 'status 400')
    for (const status of [502, 502, 400]) expect((await ask(yard, key)).status).toBe(status)
    yard.bed.journal.failing = true
    expect((await ask(yard, key)).status).toBe(503)
    yard.bed.journal.failing = false
    const image = { type: 'image_url', image_url: { url: 'http://nowhere.invalid/x.png' } }
    const unfetched = await ask(yard, key, { messages: [{ role: 'user', content: [image] }] })
    await unfetched.text()
    await yard.ship()
    await yard.bed.gateway.close()
    expect(await yard.balance()).toMatchObject({ pending: '0', sliced: '0' })
    expect(await yard.unsound()).toEqual([])
  })

  test.for([1, 2])(
    'MB3.24: a handler that throws after admission leaves nothing held, is our fault, and is told of (%i requests before it)',
    async before => {
      await using yard = await WalletBed.start()
      const { bed } = yard
      const key = bed.key()
      await yard.pay('5000')
      // The first waits for its money, later ones have it at once from the slice.
      for (let i = 1; i < before; i++) expect((await ask(yard, key)).status).toBe(200)
      const bug = new TypeError('a mistake of ours')
      const append = bed.journal.append.bind(bed.journal)
      bed.journal.append = () => {
        throw bug
      }
      expect((await ask(yard, key)).status).toBe(500)
      // Known to the journal, and not yet to an upstream.
      bed.journal.append = record => {
        bed.journal.append = append
        const appended = append(record)
        const { now } = bed
        bed.now = () => {
          bed.now = now
          throw bug
        }
        return appended
      }
      expect((await ask(yard, key)).status).toBe(500)
      expect(bed.observed.filter(({ type }) => type === 'internal_error')).toMatchObject([
        { error: bug },
        { error: bug },
      ])
      expect(yard.engine.seen).toHaveLength(before - 1)
      await yard.ship()
      await bed.gateway.close()
      const left = String(5000n - BigInt(before - 1) * cost)
      const rest = { pending: '0', sliced: '0', overrun: '0' }
      expect(await yard.balance()).toEqual({ balance: left, available: left, ...rest })
      expect(await yard.unsound()).toEqual([])
    },
  )
})

describe('a stream', () => {
  const stream = { stream: true, stream_options: { include_usage: true }, max_tokens: 50_000 }

  test('holds for a stretch at a time, and goes on as long as there is money', async () => {
    await using yard = await WalletBed.start()
    const key = yard.bed.key()
    await yard.pay('60000')
    yard.engine.will('flood')
    const answered = await ask(yard, key, stream)
    expect(answered.status).toBe(200)
    expect((await answered.text()).endsWith('data: [DONE]\n\n')).toBe(true)
    await yard.ship()
    await yard.bed.gateway.close()
    expect(await yard.balance()).toMatchObject({ pending: '0', sliced: '0', overrun: '0' })
    expect(await yard.unsound()).toEqual([])
  })

  test.for(callerNames.filter(caller => caller !== 'ollama'))(
    'MB3.22: that outlives its balance is cut with an error, billed, and overruns by one stretch at most (%s)',
    async caller => {
      await using yard = await WalletBed.start()
      const key = yard.bed.key()
      await yard.pay('20000')
      yard.engine.will('flood')
      const row = callers[caller]
      const limit =
        caller === 'gemini'
          ? { generationConfig: { maxOutputTokens: 50_000 } }
          : caller === 'responses'
            ? { max_output_tokens: 50_000 }
            : { max_tokens: 50_000 }
      const answered = await yard.bed.post(row.path('m', true), key, { ...row.body('m', true), ...limit })
      expect(answered.status).toBe(200)
      const heard = row.stream(await answered.text())
      expect([heard.whole, JSON.stringify(heard.error)]).toEqual([false, expect.stringContaining('balance')])
      await vi.waitFor(() => expect(yard.bed.journal.events.length).toBe(1), patient)
      const { end, billable, quantities, flags } = yard.bed.journal.last
      expect([end, billable]).toEqual(['budget_cut', 'caller'])
      expect(BigInt(quantities['tok.out.text'] ?? 0)).toBeGreaterThan(5000n)
      expect(flags).toContain('input_estimated')
      await yard.ship()
      await yard.bed.gateway.close()
      const { balance, overrun, pending, sliced } = await yard.balance()
      expect(Number(balance)).toBeGreaterThan(-2 * 4096)
      expect(Number(overrun)).toBeLessThanOrEqual(2 * 4096)
      expect([pending, sliced]).toEqual(['0', '0'])
      expect(await yard.unsound()).toEqual([])
    },
  )

  const cases = [
    [{ disconnect: 'produced' }, true, true],
    [{ disconnect: 'input_only' }, true, false],
    [{ disconnect: 'none' }, false, false],
  ] as const
  test.for(cases)(
    'MB3.23: of a caller that leaves is ended upstream within 100 ms and billed as agreed (%j)',
    async ([charge, input, output]) => {
      await using yard = await WalletBed.start({ billing: { ...prepaid, charge } })
      const key = yard.bed.key()
      await yard.pay('100000')
      yard.engine.will('a hundred one by one')
      yard.engine.step(5)
      const leaving = new AbortController()
      const answered = await ask(yard, key, { stream: true }, { signal: leaving.signal })
      const reader = answered.body?.getReader()
      await reader?.read()
      const left = performance.now()
      leaving.abort()
      await yard.engine.seen[0]?.aborted
      expect(performance.now() - left).toBeLessThan(100 * 5) // of a machine that others use
      await vi.waitFor(() => expect(yard.bed.journal.events.length).toBeGreaterThan(0), patient)
      const paid = yard.bed.journal.events.filter(({ data }) => data.billable === 'caller')
      const sum = (family: string) =>
        paid
          .flatMap(({ data }) => Object.entries(data.quantities))
          .reduce((all, [unit, count]) => all + (unit.startsWith(family) ? BigInt(count) : 0n), 0n)
      expect([sum('tok.in') > 0n, sum('tok.out') > 0n]).toEqual([input, output])
      await yard.ship()
      await yard.bed.gateway.close()
      const due = sum('tok.in') + 2n * sum('tok.out')
      expect(await yard.balance()).toEqual({
        balance: String(100_000n - due),
        pending: '0',
        sliced: '0',
        available: String(100_000n - due),
        overrun: '0',
      })
    },
  )
})

describe('an answer of the cache', () => {
  const cached = { tiers: [{ targets: [{ provider: 'p', model: 'm' }] }], cache: { mode: 'exact' as const } }
  const question = { temperature: 0 }

  test.for([
    ['nothing where no rate names the cache', [], '0', 0n],
    [
      'its own price where one does',
      [{ model: 'm', unit: 'tok.out.*', price: '0.5', per: 1, tier: 'cache' }],
      '1.5',
      3n,
    ],
  ] as const)('costs %s, streamed or not, and is taken as usage', async ([, own, price, twice]) => {
    await using yard = await WalletBed.start({ own })
    const { bed } = yard
    bed.remove('Route', 'm')
    bed.route('m', cached)
    const key = bed.key()
    await yard.pay('100000')
    for (const stream of [false, true])
      for (const how of ['miss', 'hit']) {
        const answered = await ask(yard, key, { ...question, stream })
        await answered.text()
        expect(answered.headers.get('x-switchyard-cache')).toBe(how)
        if (!stream)
          expect(answered.headers.get('x-switchyard-cost')).toBe(how === 'hit' ? price : String(cost))
      }
    expect(yard.engine.seen).toHaveLength(2)
    const quantities = { 'tok.in.uncached': '7', 'tok.out.text': '3' }
    expect(bed.journal.events.map(({ data }) => [data.tier, data.quantities])).toEqual([
      [undefined, quantities],
      ['cache', quantities],
      [undefined, quantities],
      ['cache', quantities],
    ])
    await yard.ship()
    await bed.gateway.close()
    const left = String(100_000n - 2n * cost - twice)
    const rest = { pending: '0', sliced: '0', overrun: '0' }
    expect(await yard.balance()).toEqual({ balance: left, available: left, ...rest })
    const { rows } = await yard.eyes.query<{ tier: string; amount: string | null }>(
      'select tier, sum(amount)::float8::text as amount from usage_events group by tier order by tier',
    )
    expect(rows).toEqual([
      { tier: 'cache', amount: twice === 0n ? null : String(twice) },
      { tier: 'standard', amount: String(2n * cost) },
    ])
    const [told] = await yard.db.usage.explain(operator, 'default', bed.journal.last.request)
    expect(told).toMatchObject({
      tier: 'cache',
      upstream: '',
      lines: own.length === 0 ? [] : [{ unit: 'tok.out.text' }],
    })
    expect(await yard.unsound()).toEqual([])
  })
})

test('a project with an account of its own pays from that, and its workspace is not asked', async () => {
  await using yard = await WalletBed.start({
    billing: { mode: 'none', projects: { lab: { mode: 'postpaid', credit: '500' } } },
  })
  const { bed } = yard
  const inside = bed.key({ project: 'lab' })
  bed.add(document('Project', 'default', 'lab', { archived: false }))
  bed.swap()
  const outside = bed.key()
  expect((await ask(yard, inside)).status).toBe(200)
  expect((await ask(yard, outside)).status).toBe(200)
  expect(bed.journal.events.map(({ data }) => data.hold !== undefined)).toEqual([true, false])
  await yard.ship()
  expect(await yard.balance()).toMatchObject({ balance: String(-cost) })
})
