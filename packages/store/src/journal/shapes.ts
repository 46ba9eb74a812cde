// What ends have in common, by its number in the segment: how and where a request ended, and which units were counted.
import type { AnsweredBy, AttemptTimes, Ended } from '@switchyard/runtime'
import type { FrameBuffer, Shape } from './frame.ts'
import { Numbers } from './numbers.ts'

type Quantities = NonNullable<Ended['usage']>['quantities']

export const shapesOf = (frames: FrameBuffer) =>
  new Numbers({
    keyOf: ({ upstream }: Ended) => upstream,
    same,
    tell(number: number, { end, status, attempt, upstream, by, billable, part, times, usage }: Ended) {
      const counted = usage && {
        source: usage.source,
        flags: usage.flags,
        tier: usage.tier,
        units: unitsOf(usage.quantities),
      }
      const tries = times?.attempts.map(triedOf)
      const shape = { number, end, status, attempt, upstream, by, billable, part, tries, usage: counted }
      frames.shape(number, shape)
      return shape
    },
  })

const triedOf = ({ upstream, outcome, status }: AttemptTimes) => [upstream, outcome, status] as const

const largest = BigInt(Number.MAX_SAFE_INTEGER)

/** Whether an f64 holds each of them. */
export function fits({ usage }: Ended): boolean {
  if (!usage) return true
  const { quantities } = usage
  for (const unit in quantities) {
    const quantity = quantities[unit as keyof Quantities]
    if (quantity !== undefined && (quantity > largest || quantity < -largest)) return false
  }
  return true
}

function unitsOf(quantities: Quantities): (keyof Quantities)[] {
  const units: (keyof Quantities)[] = []
  let unit: keyof Quantities
  for (unit in quantities) if (quantities[unit] !== undefined) units.push(unit)
  return units
}

function same(one: Shape, other: Ended): boolean {
  if (one.end !== other.end || one.status !== other.status || one.attempt !== other.attempt) return false
  if (one.billable !== other.billable || one.part !== other.part) return false
  if (!isSameWay(one.tries, other.times?.attempts)) return false
  if (one.by !== other.by && !isSameUpstream(one.by, other.by)) return false
  const { usage } = other
  if (!one.usage || !usage) return one.usage === usage
  if (one.usage.source !== usage.source || one.usage.tier !== usage.tier) return false
  if (!equal(one.usage.flags, usage.flags)) return false
  const { units } = one.usage
  const { quantities } = usage
  let at = 0
  for (const unit in quantities) {
    if (quantities[unit as keyof Quantities] === undefined) continue
    if (units[at++] !== unit) return false
  }
  return at === units.length
}

function isSameWay(one: Shape['tries'], other: readonly AttemptTimes[] | undefined): boolean {
  if (!one || !other) return one === other
  if (one.length !== other.length) return false
  return one.every(([upstream, outcome, status], at) => {
    const tried = other[at]
    return tried?.upstream === upstream && tried.outcome === outcome && tried.status === status
  })
}

function isSameUpstream(one: AnsweredBy | undefined, other: AnsweredBy | undefined): boolean {
  if (!one || !other) return false
  if (one.model !== other.model || one.provider !== other.provider) return false
  return one.endpoint === other.endpoint && one.region === other.region
}

function equal(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false
  return true
}
