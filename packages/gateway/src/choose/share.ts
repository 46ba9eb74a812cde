// Picks by shares of the traffic. With a session key they are rendezvous hashing: each session ranks the targets by a
// hash of both, to their weights exactly, and when a target comes, goes or changes weight only its own share moves.
import type { Facts } from './choose.ts'
import { hashText, mix } from './hash.ts'
import { pickByLoad } from './load.ts'
import { lowest } from './lowest.ts'
import type { Tier } from './tier.ts'

/** A session stays with its target while that is eligible; without a session, the least busy. */
export function pickBySession(tier: Tier<unknown>, facts: Facts): number {
  if (facts.session === undefined) return pickByLoad(tier, facts)
  const { targets, eligible, count, scores, hashes } = tier
  const session = hashText(facts.session)
  for (let k = 0; k < count; k++) {
    const i = eligible[k]!
    scores[i] = distance(hashes[i]! ^ session, targets[i]!.weight)
  }
  return lowest(tier, facts)
}

/** A group by its weight, sticky by session, so that a canary's callers stay with it; within it the least busy. */
export function pickByWeight(tier: Tier<unknown>, facts: Facts): number {
  const { targets, eligible, count, scores, openWeights, groupWeights } = tier
  openWeights.fill(0)
  let total = 0
  for (let k = 0; k < count; k++) {
    const { group } = targets[eligible[k]!]!
    if (openWeights[group] !== 0) continue
    openWeights[group] = groupWeights[group]!
    total += groupWeights[group]!
  }
  const chosen =
    facts.session === undefined ? drawn(openWeights, facts.random() * total) : nearest(tier, facts.session)
  let members = 0
  let last = -1
  for (let k = 0; k < count; k++) {
    const i = eligible[k]!
    const { group, vitals } = targets[i]!
    scores[i] = Number.POSITIVE_INFINITY
    if (group !== chosen) continue
    scores[i] = vitals.load(facts.now)
    members++
    last = i
  }
  return members === 1 ? last : lowest(tier, facts)
}

/** The group in whose part of the line the point falls. */
function drawn(weights: Float64Array, point: number): number {
  let left = point
  let last = 0
  for (let group = 0; group < weights.length; group++) {
    const weight = weights[group]!
    if (weight === 0) continue
    if (left < weight) return group
    left -= weight
    last = group
  }
  return last
}

function nearest({ openWeights, groupHashes }: Tier<unknown>, session: string): number {
  const hash = hashText(session)
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let group = 0; group < openWeights.length; group++) {
    if (openWeights[group] === 0) continue
    const far = distance(groupHashes[group]! ^ hash, openWeights[group]!)
    if (far >= least) continue
    least = far
    best = group
  }
  return best
}

/** Exponential with the weight as its rate: the least of several is each one's as often as its weight says. */
function distance(hash: number, weight: number): number {
  return -Math.log(((mix(hash) >>> 0) + 0.5) / 2 ** 32) / weight
}
