// Picks the target that has least left to do for this prompt: what it has not read yet, and what it is doing.
import type { Facts } from './choose.ts'
import { pickByLoad } from './load.ts'
import { lowest } from './lowest.ts'
import type { Tier } from './tier.ts'

/**
 * What a request under way weighs, as a share of this prompt's own work: those beside it are taken to be like it, and
 * most of them are past their prefill. Simulated (test/choose.fleet.ts, 8 replicas), requests a second against least
 * load at 600 conversations, and with short prompts at 800, where decoding is the knee:
 *   1/16  76 : 22,  120 : 120   taken
 *   1/8   69 : 22,  118 : 120
 *   1/4   55 : 22,  119 : 120
 */
const shareOfWork = 1 / 16

/** A target may have a quarter more than the mean, or 12 more: without the sum a quiet pool would spill at once. */
const factor = 1.25
const slack = 12

export function pickByPrefix(tier: Tier<unknown>, facts: Facts): number {
  const { blocks } = facts
  if (blocks === undefined || blocks.count === 0) return pickByLoad(tier, facts)
  const { targets, eligible, count, scores } = tier
  let loads = 1
  for (let k = 0; k < count; k++) loads += targets[eligible[k]!]!.vitals.load(facts.now)
  const bound = Math.max((factor * loads) / count, loads / count + slack)
  const whole = blocks.work(blocks.count)
  for (let k = 0; k < count; k++) {
    const i = eligible[k]!
    const { vitals, memory } = targets[i]!
    const load = vitals.load(facts.now)
    if (load + 1 > bound) scores[i] = Number.POSITIVE_INFINITY
    else {
      const known = memory === undefined ? 0 : blocks.work(memory.match(blocks))
      scores[i] = whole - known + load * whole * shareOfWork
    }
  }
  return lowest(tier, facts)
}
