// What is asked in the simulated months, known before anything happens: the same of the same seed.
import type { UsageEvent } from '@switchyard/runtime'
import { type Place, places } from './terms.ts'

type Counts = UsageEvent['data']['quantities']

/** One request as a gateway meets it. */
export interface Ask {
  readonly number: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly workspace: string
  readonly project: string | null
  readonly key: string
  readonly model: string
  readonly billable: 'caller' | 'cost'
  readonly quantities: Counts
  /** What is journalled before it ends, of a long stream. */
  readonly progress?: Counts
  /** Its end is journalled twice. */
  readonly twice: boolean
  /** Another body comes under its id afterwards. */
  readonly conflict: boolean
}

/** One time at which gateways run. */
export interface Wave {
  readonly name: string
  /** What the clocks show. */
  readonly now: string
  /** By gateway. */
  readonly asks: readonly (readonly Ask[])[]
  /** rivals: gateways only write, and three processes ship copies of what they wrote at once. */
  readonly shipping: 'gateways' | 'rivals'
  /** Invoices are issued at the same time, and each of these words of an invoicer is its last. */
  readonly issuing?: readonly string[]
}

export type Random = () => number

/** Whole numbers below 2^32, after Steele and Vigna's splitmix; the same everywhere. */
export function random(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
}

/** A whole number from 0 up to `below`. */
export const under = (next: Random, below: number): number => next() % below

const models = ['chat', 'chat', 'chat', 'chat-pro', 'chat-pro', 'draw', 'search', 'embed'] as const
const projects = ['web', 'lab', null] as const

function countsOf(next: Random, model: (typeof models)[number]): Counts {
  const count = (below: number) => String(under(next, below))
  if (model === 'search') return { req: '1' }
  if (model === 'embed') return { 'tok.in.uncached': count(9000) }
  if (model === 'draw') return { 'tok.in.uncached': count(60), 'img.out.count': String(1 + under(next, 4)) }
  return {
    'tok.in.uncached': count(3000),
    ...(under(next, 3) === 0 && { 'tok.in.cache_read': count(2500) }),
    ...(under(next, 9) === 0 && { 'tok.in.cache_write_5m': count(500) }),
    'tok.out.text': count(1500),
    ...(under(next, 4) === 0 && { 'tok.out.reasoning': count(900) }),
  }
}

function halfOf(quantities: Counts): Counts {
  return Object.fromEntries(
    Object.entries(quantities).map(([unit, count]) => [unit, String(BigInt(count) / 2n)]),
  )
}

export interface Traffic {
  readonly waves: readonly Wave[]
  /** Tokens in of `lab` under its price by volume, before those that come late, and a share of these. */
  readonly most: bigint
}

/** `events` of January; February has a tenth of it, March a fiftieth; of each a hundredth comes after its invoice. */
export function traffic(seed: number, events: number): Traffic {
  const next = random(seed)
  let number = 0
  const ask = (place: Place, from: number, to: number): Ask => {
    const model = models[under(next, models.length)] ?? 'chat'
    // Some are of the first and the last moment of their time.
    const edge = under(next, 400)
    const at =
      edge === 0
        ? from
        : edge === 1
          ? to - 1
          : from + ((next() * 2 ** 20 + under(next, 2 ** 20)) % (to - from))
    const quantities = countsOf(next, model)
    const isChat = model.startsWith('chat')
    return {
      number: number++,
      at,
      workspace: place.name,
      project: projects[under(next, projects.length)] ?? null,
      key: `key-${under(next, 5)}`,
      model,
      billable: under(next, 50) === 0 ? 'cost' : 'caller',
      quantities,
      ...(isChat && under(next, 3) === 0 && { progress: halfOf(quantities) }),
      twice: under(next, 100) === 0,
      conflict: under(next, 300) === 0,
    }
  }
  const ofMonth = (month: number, count: number, span?: readonly [string, string]): readonly Ask[] =>
    Array.from({ length: count }, () => {
      const place = places[under(next, places.length)] ?? places[0]
      if (!place) throw new TypeError('no workspace')
      const [from = '', to = ''] = place.months.slice(month, month + 2)
      const [low, high] = span ?? [from, to]
      return ask(
        place,
        Math.max(Date.parse(from), Date.parse(low)),
        Math.min(Date.parse(to), Date.parse(high)),
      )
    })
  const dealt = (asks: readonly Ask[], gateways: number): readonly (readonly Ask[])[] =>
    Array.from({ length: gateways }, (_, gateway) => asks.filter(each => each.number % gateways === gateway))
  const [tenth, hundredth] = [Math.ceil(events / 10), Math.ceil(events / 100)]
  const fiftieth = Math.ceil(events / 50)
  const middle = '2100-01-16T00:00:00.000Z'
  const [always, ever] = ['2099-01-01T00:00:00Z', '2101-01-01T00:00:00Z']
  const before = ofMonth(0, Math.floor((events - tenth) / 2), [always, middle])
  const after = ofMonth(0, events - tenth - before.length, [middle, ever])
  // Within 35 days of when they come.
  const grace = ofMonth(0, tenth, ['2100-01-03T00:00:00Z', ever])
  const [oldest, aged] = ['2100-01-04T12:00:00Z', '2100-01-29T00:00:00Z']
  const racing = ofMonth(0, Math.max(hundredth, 60), [oldest, ever])
  const late = ofMonth(0, Math.max(hundredth, 60), [oldest, ever])
  const february = ofMonth(1, tenth)
  const both = () => [
    ...ofMonth(0, Math.max(Math.ceil(hundredth / 4), 6), [aged, ever]),
    ...ofMonth(1, Math.max(Math.ceil(hundredth / 10), 6)),
  ]
  const [racingAgain, later] = [both(), both()]
  const march = ofMonth(2, fiftieth)
  const refused = [
    { ...ofMonth(0, 1)[0], at: Date.parse('2099-12-20T00:00:00Z') },
    { ...ofMonth(0, 1)[0], at: Date.parse('2100-02-01T12:10:00Z') },
  ] as Ask[] // both begin with one that there is
  const wave = (
    name: string,
    now: string,
    asks: readonly Ask[],
    gateways: number,
    more: Partial<Wave> = {},
  ): Wave => ({
    name,
    now,
    asks: dealt(asks, gateways),
    shipping: 'gateways',
    ...more,
  })
  return {
    most: volumeOf([...before, ...after, ...grace, ...racing]) + (volumeOf(late) * 2n) / 3n,
    waves: [
      wave('the first half of January', '2100-01-16T12:00:00Z', before, 3),
      wave('the second half of January', '2100-02-01T12:00:00Z', [...after, ...refused], 3),
      wave('late, within the grace', '2100-02-03T00:00:00Z', grace, 1, { shipping: 'rivals' }),
      wave('while January is invoiced', '2100-02-04T12:00:00Z', racing, 2, { issuing: ['begin', 'finish'] }),
      wave('late, after the invoice', '2100-02-07T12:00:00Z', late, 2),
      wave('February', '2100-03-01T12:00:00Z', february, 2),
      wave('while February is invoiced', '2100-03-04T12:00:00Z', racingAgain, 1, { issuing: ['finish'] }),
      wave('late again', '2100-03-04T18:00:00Z', later, 1),
      wave('March', '2100-04-01T12:00:00Z', march, 1),
      wave('nothing more, but for invoices', '2100-04-04T12:00:00Z', [], 0, { issuing: [] }),
    ],
  }
}

function volumeOf(asks: readonly Ask[]): bigint {
  let sum = 0n
  for (const { workspace, model, billable, quantities } of asks)
    if (workspace === 'lab' && model.startsWith('chat') && billable === 'caller')
      for (const [unit, count] of Object.entries(quantities))
        if (unit.startsWith('tok.in.')) sum += BigInt(count)
  return sum
}
