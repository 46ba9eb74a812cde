// Limits of money through the port: a token in costs 1, a token out 2, and every answer is 7 in and 3 out.
import { limitsSchema } from '@switchyard/kinds'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Bed, document } from './bed.ts'
import { callerNames, callers } from './callers.ts'
import { settle } from './fleet.ts'
import { send } from './raw.ts'
import { expectTold } from './told.ts'
import { answering, MediaUpstream } from './upload.bed.ts'
import { model } from './upstream/speaker.ts'
import { type Name, ScriptedUpstream } from './upstream.ts'

const cost = 7 + 2 * 3
const patient = { timeout: 20_000, interval: 10 }

let bed: Bed
let engine: ScriptedUpstream
beforeEach(async () => {
  bed = await Bed.start()
  engine = await ScriptedUpstream.start()
  settle(bed, engine, 'p', 'openai')
  bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }], retries: { attempts: 1 } })
  bed.priceBook('sale', { side: 'sale', rates })
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

const rates = [
  { model: 'm', unit: 'tok.in.*' as const, price: '1', per: 1 },
  { model: 'm', unit: 'tok.out.*' as const, price: '2', per: 1 },
]

type Money = { readonly [period: string]: string }
const limits = (money: Money, more: object = {}) =>
  limitsSchema.parse({ ...more, money: { currency: 'USD', ...money } })
const keyOf = (money: Money, more: object = {}) => bed.key({ spec: { limits: limits(money, more) } })

/** A call that may use a hundred tokens. */
const ask = (key: string, more: object = {}, init = {}) =>
  bed.chat(key, { model: 'm', max_tokens: 100, ...more }, init)
const bodyOf = (more: object = {}) =>
  JSON.stringify({ model: 'm', messages: [], max_tokens: 100, ...more }).length
/** What is held for it: a token for three bytes, and the answer. */
const held = (more: object = {}) => Math.ceil(bodyOf(more) / 3) + 200

/** What remains of a key's limits of money, and whose they are. */
async function left(name = 'key-0', of = 'm'): Promise<readonly (readonly [string, string])[]> {
  const { limits: standing } = await bed.gateway.explain({ workspace: 'default', model: of, key: name })
  return standing
    .filter(({ dimension }) => dimension === 'money')
    .map(({ level, remaining }) => [level, String(remaining)] as const)
}

/** The same, once everything is settled. */
const rests = (amount: string) =>
  vi.waitFor(async () => expect(await left()).toEqual([['key', amount]]), patient)

async function message(answer: Response): Promise<string> {
  // Why `as`: it is what a refusal holds; another would fail the test.
  const { error } = (await answer.json()) as { error: { message: string } }
  return error.message
}

describe('a request under a limit of money', () => {
  test('holds the most that it may cost and is settled on what it has', async () => {
    const key = keyOf({ perDay: '1000' })
    engine.always('one by one')
    const answer = await Promise.race([
      ask(key, { stream: true }),
      vi.waitUntil(() => engine.seen.length > 0, patient),
    ])
    expect(answer).toBe(true)
    const reserved = Math.ceil(bodyOf({ stream: true }) / 3) + 200
    const rest = (await left())[0]?.[1]
    // Above it by what classes of tokens may be rounded up: less than a thousandth.
    expect(1000 - reserved - Number(rest)).toBeGreaterThanOrEqual(0)
    expect(1000 - reserved - Number(rest)).toBeLessThan(0.001)
    engine.step(1000)
    await rests(String(1000 - cost))
  })

  test('tells what a whole answer has cost, to the last digit, and nothing where no cost is limited', async () => {
    const price = '0.123456789012'
    bed.priceBook('sale', { side: 'sale', rates: rates.map(rate => ({ ...rate, price })) })
    const cost = async (key: string, more: object = {}) => {
      const answer = await ask(key, more)
      await answer.text()
      return answer.headers.get('x-switchyard-cost')
    }
    const key = keyOf({ perDay: '1000' })
    expect(await cost(key)).toBe('1.23456789012')
    expect(await cost(key, { stream: true })).toBeNull()
    // Rounded up to a millionth, each of them.
    await rests('997.530864')
    engine.will('refuse with 400')
    expect([await cost(key), await cost(bed.key())]).toEqual([null, null])
  })

  test('is refused when the most that it may cost is not left, and nothing changes', async () => {
    const key = keyOf({ perDay: String(held() + 2 * cost) }, { requests: { perMinute: 100 } })
    for (let i = 0; i < 2; i++) expect((await ask(key)).status).toBe(200)
    await rests(String(held()))
    // A little is held above it.
    const refused = await ask(key)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('98')
    expect([...refused.headers.keys()].filter(name => /money|quota/.test(name))).toEqual([])
    await rests(String(held()))
    expect(engine.seen).toHaveLength(2)
    expect(bed.journal.events).toHaveLength(2)
    // Who asks for less has enough.
    expect((await ask(key, { max_tokens: 50 })).status).toBe(200)
    expect(bed.gateway.metrics()).toContain(
      'switchyard_gateway_limit_decisions_total{level="key",dimension="money",outcome="insufficient_quota"} 1',
    )
  })

  test.each([
    ['platform', () => (bed.limits = limits({ perMonth: '1' }))],
    ['workspace', () => bed.change('Workspace', 'default', { spec: { limits: limits({ perMonth: '1' }) } })],
    ['project', () => bed.change('Project', 'lab', { spec: { limits: limits({ perMonth: '1' }) } })],
    ['key', () => bed.change('ApiKey', 'key-0', { spec: { limits: limits({ perMonth: '1' }) } })],
    [
      'key',
      () => {
        const models = { 'm*': { money: { perMonth: '1', currency: 'USD' } } }
        bed.change('ApiKey', 'key-0', { spec: { limits: limitsSchema.parse({ models }) } })
      },
    ],
  ])(
    'L2: is refused at the level of the %s, which is named, and the others are left as they were',
    async (level, tighten) => {
      bed.limits = limits({ perMonth: '5000' })
      bed.add(
        document('Project', 'default', 'lab', { archived: false, limits: limits({ perMonth: '5000' }) }),
      )
      bed.change('Workspace', 'default', { spec: { limits: limits({ perMonth: '5000' }) } })
      const key = bed.key({ project: 'lab', spec: { limits: limits({ perMonth: '5000' }) } })
      expect((await ask(key)).status).toBe(200)
      const rest = String(5000 - cost)
      await vi.waitFor(async () =>
        expect(await left()).toEqual(['platform', 'workspace', 'project', 'key'].map(each => [each, rest])),
      )
      tighten()
      bed.swap()
      const refused = await ask(key)
      expect(refused.status).toBe(429)
      expect(await message(refused)).toMatch(`of the ${level} `)
      const others = (await left()).filter(([, remaining]) => remaining !== '0' && remaining !== '1')
      expect(others.map(([, remaining]) => remaining)).toEqual(Array(others.length).fill(rest))
      expect(others.length).toBeGreaterThanOrEqual(3)
    },
  )

  test('that nobody may make is refused without a moment to come back at', async () => {
    const key = keyOf({ perDay: '100' })
    const refused = await ask(key)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, null])
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect(await message(refused)).toMatch('may cost more than the limit of money of the key ever allows')
  })

  test('two hundred at once get no further than the money goes', async () => {
    const stream = true
    const most = 10 * (held({ stream }) + 1)
    const key = keyOf({ perDay: String(most) })
    engine.always('one by one')
    const answers = Array.from({ length: 200 }, () => ask(key, { stream }))
    const refused = () => bed.observed.filter(one => one.type === 'request_ended' && one.status === 429)
    await vi.waitFor(() => expect(refused()).toHaveLength(190), patient)
    await vi.waitFor(() => expect(engine.seen).toHaveLength(10), patient)
    engine.step(10_000)
    const statuses = await Promise.all(
      answers.map(async answer => {
        await (await answer).text()
        return (await answer).status
      }),
    )
    expect(statuses.filter(status => status === 200)).toHaveLength(10)
    expect(statuses.filter(status => status === 429)).toHaveLength(190)
    await rests(String(most - 10 * cost))
  })
})

describe('L2: the difference comes back once', () => {
  test.each<[Name, boolean, number]>([
    ['good', false, cost],
    ['good', true, cost],
    ['refuse with 400', false, 0],
    ['error in mid-stream', true, 0],
    ['cut after 2', true, 0],
    ['status 500', false, 0],
  ])('after %s (streamed: %s) %i is spent', async (act, stream, spent) => {
    const key = keyOf({ perDay: '1000' }, { tokens: { perMinute: 10_000 }, concurrency: 3 })
    engine.will(act)
    await (await ask(key, { stream })).text()
    await rests(String(1000 - spent))
    const { limits: standing } = await bed.gateway.explain({ workspace: 'default', model: 'm', key: 'key-0' })
    expect(standing.find(({ dimension }) => dimension === 'concurrency')?.remaining).toBe(3)
  })

  test('a caller that leaves pays for what was made until then', async () => {
    const key = keyOf({ perDay: '1000' })
    engine.always('a hundred one by one')
    const leaving = new AbortController()
    const answer = await Promise.all([
      ask(key, { stream: true }, { signal: leaving.signal }),
      vi.waitUntil(() => engine.seen.length > 0, patient).then(() => engine.step(10)),
    ])
    const reader = answer[0].body!.getReader()
    await reader.read()
    leaving.abort()
    await reader.read().catch(() => undefined)
    await vi.waitUntil(() => bed.gateway.inflight === 0, patient)
    const { quantities, end } = bed.journal.last
    expect([end, Object.keys(quantities)]).toEqual(['client_gone', ['tok.out.text']])
    // What the upstream did not come to tell of the input is taken for what was held.
    const made = Math.ceil(bodyOf({ stream: true }) / 3) + 2 * Number(quantities['tok.out.text'])
    await vi.waitFor(async () => expect(Number((await left())[0]?.[1])).toBeCloseTo(1000 - made, 2), patient)
  })

  test('a caller that leaves before there is any answer pays for what it has sent', async () => {
    const key = keyOf({ perDay: '1000' })
    engine.will('headers then silence')
    const leaving = new AbortController()
    const answer = ask(key, { stream: true }, { signal: leaving.signal }).catch(() => undefined)
    await vi.waitUntil(() => engine.seen.length > 0, patient)
    leaving.abort()
    await answer
    await vi.waitUntil(() => bed.gateway.inflight === 0, patient)
    expect(bed.journal.last).toMatchObject({ end: 'client_gone', quantities: {} })
    expect(Number((await left())[0]?.[1])).toBeCloseTo(1000 - held({ stream: true }) + 200, 2)
  })

  test('a request that no upstream has heard of costs nothing', async () => {
    const key = keyOf({ perDay: '1000' })
    bed.journal.failing = true
    expect((await ask(key)).status).toBe(503)
    await rests('1000')
  })

  test('an upstream that says nothing of its usage leaves what was held', async () => {
    const key = keyOf({ perDay: '1000' })
    await using silent = await MediaUpstream.start(answering('application/json', '{"choices":[]}'))
    bed.provider('q', { type: 'deepseek', baseUrl: `http://${silent.address}/v1` })
    bed.change('Route', 'm', {
      spec: { tiers: [{ strategy: 'weighted', targets: [{ provider: 'q', model, weight: 1 }] }] },
    })
    expect((await ask(key)).status).toBe(200)
    await vi.waitUntil(() => bed.gateway.inflight === 0, patient)
    expect(bed.journal.last.usageSource).toBe('none')
    const rest = (await left())[0]?.[1]
    expect(Number(rest)).toBeCloseTo(1000 - held(), 2)
  })
})

describe('a period', () => {
  const noon = Date.parse('2026-03-29T10:00:00Z')

  test.each([
    ['perHour', 'UTC', '2026-03-29T11:00:00.000Z'],
    ['perDay', 'UTC', '2026-03-30T00:00:00.000Z'],
    // The night in which its clocks go forward is behind it.
    ['perDay', 'Europe/Berlin', '2026-03-29T22:00:00.000Z'],
    ['perWeek', 'Asia/Shanghai', '2026-03-29T16:00:00.000Z'],
    ['perMonth', 'America/New_York', '2026-04-01T04:00:00.000Z'],
  ])(
    '%s in %s ends at the moment that is told, and then all is there again',
    async (period, timezone, end) => {
      bed.now = () => noon
      const key = keyOf({ [period]: String(held() + 1), timezone })
      expect((await ask(key)).status).toBe(200)
      await rests(String(held() + 1 - cost))
      const refused = await ask(key)
      expect(await message(refused)).toContain('ask for less output')
      bed.now = () => Date.parse(end) - 1
      expect((await ask(key)).status).toBe(429)
      bed.now = () => Date.parse(end)
      await rests(String(held() + 1))
      // The gateway's own timers have to learn of the new time first.
      await vi.waitFor(async () => expect((await ask(key)).status).toBe(200), patient)
    },
  )

  test('is that of the workspace where the limit has none', async () => {
    bed.change('Workspace', 'default', { spec: { timezone: 'Asia/Tokyo' } })
    bed.now = () => Date.parse('2026-03-29T14:59:59Z')
    const key = keyOf({ perDay: '1000' })
    await ask(key)
    await rests(String(1000 - cost))
    bed.now = () => Date.parse('2026-03-29T15:00:00Z')
    await rests('1000')
  })

  test('MB3.27: that ends while a call runs has what was held for it: the call counts where it was admitted', async () => {
    const before = Date.parse('2099-03-29T23:59:59Z')
    bed.now = () => before
    const key = keyOf({ perDay: '1000', timezone: 'UTC' })
    engine.will('one by one')
    const answering = ask(key, { stream: true, stream_options: { include_usage: true } })
    await vi.waitFor(() => expect(engine.seen.length).toBe(1), patient)
    bed.now = () => before + 2000
    engine.step(100)
    expect((await (await answering).text()).endsWith('data: [DONE]\n\n')).toBe(true)
    await rests('1000')
    expect(bed.limiter.spent().map(({ bucket, by }) => [bucket.key.split('/').at(-1), by])).toEqual([
      [String(Date.parse('2099-03-29T00:00:00Z')), cost * 1_000_000],
    ])
  })

  test('is one of several: the last to end is told, to the millisecond', async () => {
    const key = keyOf({ perHour: String(held() + 1), perDay: String(held() + 2), timezone: 'UTC' })
    expect((await ask(key)).status).toBe(200)
    const before = Date.now()
    const refused = await ask(key)
    const after = Date.now()
    const midnight = Math.ceil((before + 1) / 86_400_000) * 86_400_000
    const text = await message(refused)
    expect(text).toContain(new Date(midnight).toISOString())
    const wait = Number(refused.headers.get('retry-after-ms'))
    expect(wait).toBeGreaterThanOrEqual(midnight - after - 50)
    expect(wait).toBeLessThanOrEqual(midnight - before + 50)
    expect(Number(refused.headers.get('retry-after'))).toBe(Math.ceil(wait / 1000))
  })

  test('goes on where the limit is raised in it', async () => {
    const key = keyOf({ perDay: '250' })
    await ask(key)
    await rests(String(250 - cost))
    bed.change('ApiKey', 'key-0', { spec: { limits: limits({ perDay: '400' }) } })
    await rests(String(400 - cost))
    expect((await ask(key)).status).toBe(200)
  })
})

describe('a price', () => {
  test.each([
    ['no book', () => bed.removeBook('sale')],
    ['none for what is answered', () => bed.priceBook('sale', { side: 'sale', rates: rates.slice(0, 1) })],
    ['none in the currency', () => bed.priceBook('sale', { side: 'sale', currency: 'EUR', rates })],
    ['only what it costs us', () => bed.priceBook('sale', { side: 'cost', rates })],
    ['one that is over', () => bed.priceBook('sale', { side: 'sale', rates, to: '2026-01-02T00:00:00Z' })],
  ])('that is missing, %s, refuses before anything is claimed', async (_, change) => {
    const key = keyOf({ perDay: '1000' })
    change()
    const refused = await ask(key)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect(await message(refused)).toMatch(/^'m' has no price in USD for tok\.(in|out)\.\*/)
    expect(bed.journal.records).toEqual([])
    await rests('1000')
    expect(bed.gateway.metrics()).toContain('{level="",dimension="money",outcome="unpriced"} 1')
    const told = await bed.gateway.explain({ workspace: 'default', model: 'm', key: 'key-0' })
    expect(told.verdict).toMatchObject({ type: 'refused', reason: 'unpriced' })
    // Whom no limit of money stands above is not asked for a price.
    expect((await ask(bed.key())).status).toBe(200)
  })

  test('of 0 passes when nothing is left', async () => {
    const free = rates.map(rate => ({ ...rate, model: 'free', price: '0' }))
    bed.priceBook('sale', { side: 'sale', rates: [...rates, ...free] })
    bed.route('free', { tiers: [{ targets: [{ provider: 'p', model }] }] })
    const key = keyOf({ perDay: '0' })
    expect((await ask(key)).status).toBe(429)
    expect((await ask(key, { model: 'free' })).status).toBe(200)
  })

  test('in each currency is counted by itself, and all must pass', async () => {
    bed.priceBook('yuan', {
      side: 'sale',
      currency: 'CNY',
      rates: rates.map(rate => ({ ...rate, price: '10' })),
    })
    bed.change('Workspace', 'default', {
      spec: { limits: limitsSchema.parse({ money: { perDay: '3000', currency: 'CNY' } }) },
    })
    const key = keyOf({ perDay: '1000' })
    expect((await ask(key)).status).toBe(200)
    await vi.waitFor(async () =>
      expect(await left()).toEqual([
        ['workspace', '2900'],
        ['key', String(1000 - cost)],
      ]),
    )
    const told = await bed.gateway.explain({ workspace: 'default', model: 'm', key: 'key-0' })
    expect(told.limits[0]).toMatchObject({ currency: 'CNY', limit: '3000' })
    expect(told.sentences.join('\n')).toMatch(/The workspace may spend 3000 CNY until \S+Z: 2900 remain\./)
    const refused = await ask(key, { max_tokens: 400 })
    expect(await message(refused)).toMatch('of the workspace ')
    await vi.waitFor(async () => expect((await left())[1]).toEqual(['key', String(1000 - cost)]))
  })

  test('that changes does not change what was admitted before', async () => {
    const key = keyOf({ perDay: '1000' })
    engine.always('one by one')
    const answer = ask(key, { stream: true })
    await vi.waitUntil(() => engine.seen.length > 0, patient)
    bed.priceBook('sale', { side: 'sale', rates: rates.map(rate => ({ ...rate, price: '50' })) })
    engine.step(1000)
    expect(await (await answer).text()).toMatch('[DONE]')
    await rests(String(1000 - cost))
  })

  test('is paid in full where more was used than was held, and then nothing is left', async () => {
    const key = keyOf({ perDay: '230' })
    // 30 tokens are held, and 3 come.
    for (let i = 0; i < 17; i++) expect((await ask(key, { max_tokens: 1 })).status, String(i)).toBe(200)
    await rests(String(230 - 17 * cost))
    expect((await ask(key, { max_tokens: 1 })).status).toBe(429)
  })
})

describe.each(callerNames)('A2: a caller of %s', caller => {
  const call = (key: string) => {
    const { path, body } = callers[caller]
    const headers = ['content-type', 'application/json', 'authorization', `Bearer ${key}`]
    const text = JSON.stringify(body('m', true))
    return send(bed.port, { path: path('m', true), method: 'POST', headers, body: text })
  }

  test('is told that its money is spent, and that what it asks for has no price', async () => {
    const key = keyOf({ perDay: '20000' })
    expect((await call(key)).status).toBe(200)
    bed.change('ApiKey', 'key-0', { spec: { limits: limits({ perDay: '10' }) } })
    bed.priceBook('sale', { side: 'sale', rates: rates.map(rate => ({ ...rate, price: '0.00000001' })) })
    const refused = await call(key)
    expect(refused.headers.get('x-should-retry')).toBe('false')
    await expectTold(refused, caller, 'insufficient_quota')
    bed.removeBook('sale')
    await expectTold(await call(key), caller, 'unpriced')
  })
})
