// What gateways write down before anything can be lost, and what becomes of those that were killed over a request.
import { createHash } from 'node:crypto'
import type { Ask } from './traffic.ts'

export interface GatewayTask {
  readonly url: string
  readonly now: string
  readonly wave: number
  /** Of the journal. */
  readonly folder: string
  /** File that the truth is added to. */
  readonly truth: string
  readonly asks: readonly Ask[]
  readonly ships: boolean
  /** Milliseconds that a request waits for each thing. */
  readonly pause: number
}

/** A usage event as it is asked; it counts if `ended` follows. */
export interface Begun {
  readonly kind: 'begun'
  readonly number: number
  /** Whoever was not answered asks again, as another request. */
  readonly attempt: number
  readonly wave: number
  /** When it came, by the clocks. */
  readonly came: string
  readonly id: string
  readonly at: string
  readonly workspace: string
  readonly project: string | null
  readonly key: string
  readonly model: string
  readonly billable: 'caller' | 'cost'
  readonly quantities: Ask['quantities']
  readonly progress?: Ask['quantities']
}

export type Told =
  | Begun
  | { readonly kind: 'ended'; readonly number: number; readonly id: string }
  | { readonly kind: 'twice' | 'conflict'; readonly id: string }

/** A UUIDv7 of its moment and of nothing else than what it is. */
export function requestOf({ number, at }: Pick<Ask, 'number' | 'at'>, attempt: number): string {
  const time = at.toString(16).padStart(12, '0')
  const rest = createHash('sha256').update(`${number} ${attempt}`).digest('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-8${rest.slice(3, 6)}-${rest.slice(6, 18)}`
}

/** An event as the database holds it. */
export interface Held {
  readonly id: string
  readonly end: string
  readonly billable: 'caller' | 'cost'
  readonly quantities: Ask['quantities']
  /** In which it was taken. */
  readonly batch: number
}

/** What counts: an event with the batch in which it was taken. */
export interface Counted extends Omit<Begun, 'kind' | 'attempt' | 'number' | 'progress'> {
  /** 0 of one that was not. */
  readonly batch: number
}

const textOf = (quantities: Ask['quantities']) =>
  Object.entries(quantities)
    .map(([unit, count]) => `${unit} ${count}`)
    .toSorted()
    .join()
const same = (one: Ask['quantities'], other: Ask['quantities']) => textOf(one) === textOf(other)

/**
 * What must have been counted. Of a request that its gateway was killed over, and that nobody was told the end of, the
 * event says which of its possible ends it has: its own, what was last told of it, or none. An Error for any other.
 */
export function countedOf(told: readonly Told[], held: ReadonlyMap<string, Held>): readonly Counted[] {
  const ended = new Set(told.flatMap(each => (each.kind === 'ended' ? [each.id] : [])))
  return told.flatMap(each => {
    if (each.kind !== 'begun') return []
    const { kind: _, attempt: __, number: ___, progress, ...asked } = each
    const stands = held.get(each.id)
    const event = { ...asked, batch: stands?.batch ?? 0 }
    if (ended.has(each.id)) return [event]
    if (!stands) return []
    if (stands.end !== 'gateway_lost') {
      if (!same(stands.quantities, each.quantities)) throw new Error(`${each.id} is not what was used`)
      return [event]
    }
    const possible = [
      { billable: 'caller', quantities: {} },
      ...(progress ? [{ billable: each.billable, quantities: progress }] : []),
    ]
    if (!possible.some(one => one.billable === stands.billable && same(one.quantities, stands.quantities)))
      throw new Error(`${each.id} was lost with what nobody has told`)
    return [{ ...event, billable: stands.billable, quantities: stands.quantities }]
  })
}
