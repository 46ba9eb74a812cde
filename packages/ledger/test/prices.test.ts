import { type ServiceTier, serviceTiers } from '@switchyard/kinds'
import { compilePrices, type Tariff } from '@switchyard/ledger'
import { describe, expect, test } from 'vitest'
import { book } from './books.ts'

const rate = (model: string, unit: 'tok.in.*' | 'tok.out.*' | 'tok.in.cache_read', price: string) => ({
  model,
  unit,
  price,
})
const million = { 'tok.in.uncached': 1_000_000n }
const quoted = (tariff: Tariff | undefined, quantities: Parameters<Tariff['quote']>[0] = million) =>
  tariff?.quote(quantities)
const talk = ['tok.in.*', 'tok.out.*'] as const
const at = (text: string) => Date.parse(text)

describe('prices', () => {
  test('are those of the model itself before those of its longest beginning, and of the class before its family', () => {
    const prices = compilePrices([
      book({
        rates: [
          rate('*', 'tok.in.*', '9'),
          rate('gpt-*', 'tok.in.*', '3'),
          rate('gpt-4*', 'tok.in.*', '2'),
          rate('gpt-4o', 'tok.in.*', '1'),
          rate('gpt-4o', 'tok.in.cache_read', '0.5'),
        ],
      }),
    ])
    const price = (model: string) => quoted(prices.sale(model, 'USD', 0))
    expect(['gpt-4o', 'gpt-4o-mini', 'gpt-3', 'llama'].map(price)).toEqual(['1', '2', '3', '9'])
    const cached = { 'tok.in.cache_read': 300n, 'tok.in.uncached': 512n }
    expect(quoted(prices.sale('gpt-4o', 'USD', 0), cached)).toBe('0.000662')
  })

  test('[MB2] hold from one moment to another; of two that are as exact the one whose book began last holds', () => {
    const prices = compilePrices([
      book({ from: '2026-01-01T00:00:00Z', rates: [rate('*', 'tok.in.*', '1'), rate('a', 'tok.in.*', '2')] }),
      book({
        from: '2026-02-01T00:00:00Z',
        to: '2026-03-01T00:00:00+08:00',
        rates: [rate('a', 'tok.in.*', '3'), rate('a', 'tok.out.*', '4')],
      }),
    ])
    const price = (model: string, moment: string) => quoted(prices.sale(model, 'USD', at(moment)))
    expect(price('a', '2025-12-31T23:59:59.999Z')).toBeUndefined()
    expect(price('a', '2026-01-01T00:00:00Z')).toBe('2')
    expect(price('a', '2026-01-31T23:59:59.999Z')).toBe('2')
    expect(price('a', '2026-02-01T00:00:00Z')).toBe('3')
    expect(price('b', '2026-02-01T00:00:00Z')).toBe('1')
    expect(price('a', '2026-02-28T16:00:00Z')).toBe('2')
    const then = prices.sale('a', 'USD', at('2026-02-10T00:00:00Z'))
    const before = prices.sale('a', 'USD', at('2026-01-10T00:00:00Z'))
    expect([then?.lacks(talk), before?.lacks(talk), before?.lacks(['tok.in.*'])]).toEqual([
      undefined,
      'tok.out.*',
      undefined,
    ])
    expect(quoted(before, { 'tok.out.text': 1n })).toBeUndefined()
  })

  test('[MB2] ask for one of several measures of a thing, the one that is priced most exactly', () => {
    const prices = compilePrices([
      book({
        rates: [
          { model: '*', unit: 'img.out.count', price: '0.04', per: 1 },
          rate('*', 'tok.in.*', '1'),
          rate('image-1', 'tok.out.*', '40'),
        ],
      }),
    ])
    const used = { 'img.out.count': 1n, 'tok.in.uncached': 1000n, 'tok.out.image': 1000n }
    const price = (model: string) => prices.sale(model, 'USD', 0)
    expect(quoted(price('other'), used)).toBe('0.041')
    expect(quoted(price('image-1'), used)).toBe('0.041')
    expect(quoted(price('image-1'), { ...used, 'tok.out.image': 2000n })).toBe('0.081')
    const images = ['img.out.count', 'img.out.px', 'tok.in.*', 'tok.out.*'] as const
    expect([price('other')?.lacks(images), price('other')?.lacks(talk)]).toEqual([undefined, 'tok.out.*'])
    expect(price('other')?.lacks(['req'])).toBe('req')
    expect(price('other')?.reserve({ 'img.out.count': 3n, 'tok.in.*': 100n })).toBe(120_101n)
  })

  test('are of one side and one currency', () => {
    const prices = compilePrices([
      book({ rates: [rate('m', 'tok.in.*', '1')] }),
      book({ currency: 'CNY', rates: [rate('m', 'tok.in.*', '7')] }),
      book({ side: 'cost', rates: [rate('m', 'tok.in.*', '0.6')] }),
    ])
    expect([
      quoted(prices.sale('m', 'USD', 0)),
      quoted(prices.sale('m', 'CNY', 0)),
      quoted(prices.sale('m', 'EUR', 0)),
      quoted(prices.cost({ model: 'm' }, 'USD', 0)),
    ]).toEqual(['1', '7', undefined, '0.6'])
  })

  test('of a cost are those of the provider or endpoint before those of anybody', () => {
    const both = (provider: string | undefined, input: string, output: string) =>
      (
        [
          ['tok.in.*', input],
          ['tok.out.*', output],
        ] as const
      ).map(([unit, price]) => ({ model: '*', unit, price, ...(provider !== undefined && { provider }) }))
    const prices = compilePrices([
      book({ side: 'cost', rates: [...both(undefined, '1', '5'), ...both('platform/dear', '3', '9')] }),
      book({
        side: 'cost',
        rates: [{ model: 'own', endpoint: 'default/own', unit: 'tok.in.*', price: '0' }],
      }),
    ])
    const blend = (provider: string) => prices.cost({ model: 'm', provider }, 'USD', 0)?.blend
    // Three parts of input to one of output: (3 x 1 + 5) / 4 and (3 x 3 + 9) / 4.
    expect([blend('platform/cheap'), blend('platform/dear')]).toEqual([2n * 10n ** 12n, 45n * 10n ** 11n])
    expect(quoted(prices.cost({ model: 'own', endpoint: 'default/own' }, 'USD', 0))).toBe('0')
  })

  test('[MB2] by tier and region are held for at their dearest, whichever the request turns out to be', () => {
    const prices = compilePrices([
      book({
        rates: [
          rate('m', 'tok.out.*', '2'),
          { ...rate('m', 'tok.out.*', '3'), tier: 'priority' },
          { ...rate('m', 'tok.out.*', '4'), tier: 'priority', region: 'eu' },
          { ...rate('m', 'tok.out.*', '1'), tier: 'cache' },
          rate('n', 'tok.out.*', '9'),
        ],
      }),
    ])
    const out = { 'tok.out.text': 1_000_000n }
    const reserved = prices.sale('m', 'USD', 0)?.reserve({ 'tok.out.*': 1_000_000n })
    expect(reserved).toBe(4_000_001n)
    const served = (tier: ServiceTier, region?: string) =>
      quoted(prices.sale('m', 'USD', 0, { tier, ...(region !== undefined && { region }) }), out)
    expect(serviceTiers.map(tier => served(tier))).toEqual(['2', '2', '3', '1'])
    expect([served('priority', 'eu'), served('priority', 'us'), served('standard', 'eu')]).toEqual([
      '4',
      '3',
      '2',
    ])
    expect(prices.sale('m', 'USD', 0, { tier: 'standard' })?.reserve({ 'tok.out.*': 1_000_000n })).toBe(
      2_000_001n,
    )
  })

  test('[GW5] are reserved and charged in micro-units, rounded up, and what no limit holds stays above every one', () => {
    const prices = compilePrices([
      book({
        rates: [
          rate('m', 'tok.in.*', '0.02'),
          rate('m', 'tok.in.cache_read', '0.01'),
          rate('m', 'tok.out.*', '2'),
        ],
      }),
      book({ rates: [rate('x', 'tok.in.*', '9'.repeat(20))] }),
      book({ rates: [rate('free', 'tok.in.*', '0'), rate('free', 'tok.out.*', '0')] }),
    ])
    const tariff = prices.sale('m', 'USD', 0)
    expect(tariff?.charge({ 'tok.in.cache_read': 8n })).toBe(1n)
    expect(tariff?.charge({ 'tok.in.uncached': 812n, 'tok.out.text': 96n })).toBe(209n) // 16.24 + 192
    expect(tariff?.reserve({ 'tok.in.*': 812n, 'tok.out.*': 96n })).toBe(209n)
    expect(prices.sale('x', 'USD', 0)?.reserve({ 'tok.in.*': 1_000_000n })).toBe(2n ** 52n + 1n)
    expect(prices.sale('free', 'USD', 0)?.charge({ 'tok.out.text': 5n })).toBe(0n)
  })

  test('of answers of the cache are those that name the cache; what has none of these is free', () => {
    const kept = { 'tok.in.uncached': 1_000_000n, 'tok.out.text': 1_000_000n }
    const cacheOf = (rates: Parameters<typeof book>[0]['rates'], currency = 'USD') =>
      compilePrices([book({ rates })]).sale('m', currency, 0, { tier: 'cache', workspace: 'acme' })
    const plain = [rate('m', 'tok.in.*', '7'), rate('m', 'tok.out.*', '9')]
    const own = { ...rate('m', 'tok.out.*', '0.5'), tier: 'cache' } as const
    const cases: readonly [Parameters<typeof book>[0]['rates'], string, readonly string[]][] = [
      [[rate('other', 'tok.out.*', '9')], '0', []],
      [plain, '0', []],
      [[...plain, own], '0.5', ['tok.out.text']],
    ]
    for (const [rates, price, lines] of cases) {
      const tariff = cacheOf(rates)
      const rated = tariff?.rate(kept, () => 0n)
      expect([rated?.type, tariff?.quote(kept)]).toEqual(['rated', price])
      expect(rated?.type === 'rated' ? rated.lines.map(({ unit }) => unit) : undefined).toEqual(lines)
      expect(tariff?.charge(kept)).toBe(price === '0' ? 0n : 500_000n)
      expect(tariff?.lacks(['tok.in.*'])).toBeUndefined()
    }
    expect(cacheOf(plain, 'EUR')?.quote(kept)).toBe('0')
  })

  test('MB2: may be others for a tier, a region, a workspace and the tokens in, the one that says most before the others', () => {
    const per = (price: string, more: object) => ({ ...rate('m', 'tok.in.*', price), ...more })
    const prices = compilePrices([
      book({
        rates: [
          per('1', {}),
          per('0.5', { tier: 'batch' }),
          per('0.4', { tier: 'batch', workspace: 'acme' }),
          per('3', { tier: 'standard', region: 'eu', workspace: 'acme' }),
          per('2', { model: 'long', context: { from: 200_000 } }),
          per('1', { model: 'long', context: { to: 200_000 } }),
        ],
      }),
    ])
    const price = (circumstances: object) => quoted(prices.sale('m', 'USD', 0, circumstances))
    expect([
      price({}),
      price({ tier: 'standard', workspace: 'acme', region: 'us' }),
      price({ tier: 'batch', workspace: 'other' }),
      price({ tier: 'batch', workspace: 'acme' }),
      price({ workspace: 'acme', region: 'eu' }),
    ]).toEqual(['1', '1', '0.5', '0.4', '3'])
    const long = prices.sale('long', 'USD', 0)
    expect(quoted(long, { 'tok.in.uncached': 100_000n, 'tok.in.cache_read': 99_999n })).toBe('0.199999')
    expect(quoted(long, { 'tok.in.uncached': 100_000n, 'tok.in.cache_read': 100_000n })).toBe('0.4')
    // Which of them it will be is not known before: the dearest is held.
    expect(long?.reserve({ 'tok.in.*': 1_000_000n })).toBe(2_000_001n)
  })

  test('MB2: by steps go on counting through the versions of their book, and limits take them for the dearest', () => {
    const its = {
      model: 'm',
      unit: 'tok.in.*' as const,
      per: 1,
      charge: 'graduated' as const,
      steps: [{ upTo: '10', price: '2', flat: '1' }, { price: '1' }],
    }
    const prices = compilePrices([
      book({ to: '2026-02-01T00:00:00Z', rates: [its] }, 'steps'),
      book({ from: '2026-02-01T00:00:00Z', rates: [its] }, 'steps'),
    ])
    const counts = new Map<string, bigint>()
    const rated = (quantities: Parameters<Tariff['quote']>[0], moment: string) => {
      const answer = prices.sale('m', 'USD', at(moment))!.rate(quantities, series => counts.get(series) ?? 0n)
      if (answer.type === 'unpriced') throw new Error(answer.unit)
      for (const { rate: one, quantity } of answer.lines)
        counts.set(one.series!, (counts.get(one.series!) ?? 0n) + quantity)
      return answer.amount
    }
    const amounts = [
      rated({ 'tok.in.uncached': 4n, 'tok.in.cache_read': 4n }, '2026-01-10T00:00:00Z'),
      rated({ 'tok.in.uncached': 4n }, '2026-02-10T00:00:00Z'),
    ]
    expect(amounts).toEqual([17n * 10n ** 12n, 6n * 10n ** 12n])
    expect([...counts.values()]).toEqual([12n])
    const tariff = prices.sale('m', 'USD', 0)!
    expect(tariff.charge({ 'tok.in.uncached': 4n })).toBe(8_000_000n)
    expect(tariff.reserve({ 'tok.in.*': 4n })! >= 9_000_000n).toBe(true)
  })
})
