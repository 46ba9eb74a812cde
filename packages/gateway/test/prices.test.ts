// Price books through the port: where the `cost` strategy sends a request.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { settle } from './fleet.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string
beforeEach(async () => {
  bed = await Bed.start()
  engine = await ScriptedUpstream.start()
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

type Unit = 'tok.in.*' | 'tok.out.*'
const rate = (model: string, unit: Unit, price: string) => ({ model, unit, price })

describe('the cost strategy', () => {
  const names = ['east', 'west'] as const

  beforeEach(() => {
    for (const name of names) settle(bed, engine, name, 'openai')
    const targets = names.map(provider => ({ provider, model: 'm' }))
    bed.route('m', { expose: 'upstream', tiers: [{ strategy: 'cost', targets }] })
  })

  /** What each provider asks for a million tokens in and out. */
  function asked(prices: Readonly<Record<(typeof names)[number], readonly [input: string, output: string]>>) {
    const rates = names.flatMap(name => {
      const provider = `default/${name}`
      const [input, output] = prices[name]
      return [
        { ...rate('m', 'tok.in.*', input), provider },
        { ...rate('m', 'tok.out.*', output), provider },
      ]
    })
    bed.priceBook('costs', { side: 'cost', rates })
  }

  /** The upstreams that six requests went to. */
  async function gone(): Promise<ReadonlySet<string | null>> {
    const answers = await Promise.all(Array.from({ length: 6 }, () => bed.chat(key, { model: 'm' })))
    await Promise.all(answers.map(answer => answer.arrayBuffer()))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200))
    return new Set(answers.map(({ headers }) => headers.get('x-switchyard-upstream')))
  }

  test('goes to the cheaper upstream by its book, and to the other when the prices swap', async () => {
    asked({ east: ['2', '4'], west: ['1', '2'] })
    expect(await gone()).toEqual(new Set(['west']))
    asked({ east: ['1', '2'], west: ['2', '4'] })
    expect(await gone()).toEqual(new Set(['east']))
  })

  test('compares three parts of input with one of output', async () => {
    // (3 x 1 + 8) / 4 = 2.75 and (3 x 2 + 4) / 4 = 2.5, though input alone is cheaper in the east.
    asked({ east: ['1', '8'], west: ['2', '4'] })
    expect(await gone()).toEqual(new Set(['west']))
    // (3 x 1 + 6) / 4 = 2.25 and 2.5, though one of each is cheaper in the west.
    asked({ east: ['1', '6'], west: ['2', '4'] })
    expect(await gone()).toEqual(new Set(['east']))
  })

  test('takes what has a price before what has none, or one in another currency', async () => {
    const east = [rate('m', 'tok.in.*', '90'), rate('m', 'tok.out.*', '90')].map(one => ({
      ...one,
      provider: 'default/east',
    }))
    bed.priceBook('costs', { side: 'cost', rates: east })
    bed.priceBook('elsewhere', {
      side: 'cost',
      currency: 'EUR',
      rates: [rate('m', 'tok.in.*', '0'), rate('m', 'tok.out.*', '0')],
    })
    expect(await gone()).toEqual(new Set(['east']))
  })

  test('goes by the book that holds when the snapshot is made', async () => {
    asked({ east: ['2', '4'], west: ['1', '2'] })
    const cheap = { provider: 'default/east', price: '0' }
    bed.priceBook('next', {
      side: 'cost',
      from: '2030-01-01T00:00:00Z',
      rates: [
        { ...cheap, model: 'm', unit: 'tok.in.*' },
        { ...cheap, model: 'm', unit: 'tok.out.*' },
      ],
    })
    expect(await gone()).toEqual(new Set(['west']))
    bed.swap(Date.parse('2030-01-01T00:00:00Z'))
    expect(await gone()).toEqual(new Set(['east']))
  })
})
