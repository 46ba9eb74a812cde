// Picks by what is under way at each target, alone or beside its price or its pace.
import type { Facts } from './choose.ts'
import { lowest } from './lowest.ts'
import type { Target, Tier } from './tier.ts'

/** Loads stay below this, so that a rank weighs more than any of them. */
const beyondLoad = 2 ** 30

/** An upstream that has not answered yet and is being asked: behind all that are measured, the idler the better. */
const unmeasured = 2 ** 40

/** The least busy for its weight. */
export function pickByLoad(tier: Tier<unknown>, facts: Facts): number {
  const { targets, eligible, count, scores } = tier
  for (let k = 0; k < count; k++) {
    const i = eligible[k]!
    scores[i] = (targets[i]!.vitals.load(facts.now) + 1) / targets[i]!.weight
  }
  return lowest(tier, facts)
}

/** The cheapest; among equals the least busy. */
export function pickByCost(tier: Tier<unknown>, facts: Facts): number {
  const { targets, eligible, count, scores } = tier
  for (let k = 0; k < count; k++) {
    const i = eligible[k]!
    const { vitals, weight, costRank } = targets[i]!
    scores[i] = costRank * beyondLoad + (vitals.load(facts.now) + 1) / weight
  }
  return lowest(tier, facts)
}

/** The better of two at random by peak-EWMA x (in flight + 1): not everyone runs to the one that was quickest last. */
export function pickByLatency(tier: Tier<unknown>, facts: Facts): number {
  const { targets, eligible, count, scores, able } = tier
  const first = Math.floor(facts.random() * count)
  const one = eligible[first]!
  scores[one] = delay(targets[one]!, facts)
  if (count === 1) return one
  const second = Math.floor(facts.random() * (count - 1))
  const other = eligible[second < first ? second : second + 1]!
  scores[other] = delay(targets[other]!, facts)
  if (scores[one] === scores[other]) return able[one]! >= able[other]! ? one : other
  return scores[one]! < scores[other]! ? one : other
}

/** One that has never answered is asked once; what it does then is told by its answer. */
function delay({ vitals }: Target<unknown>, { now, streamed }: Facts): number {
  const pace = streamed ? vitals.streams : vitals.replies
  const load = vitals.load(now)
  if (pace.measured) return pace.average(now) * (load + 1)
  return load === 0 ? 0 : unmeasured + load
}
