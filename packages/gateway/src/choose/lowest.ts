// The last step of every strategy that gives each eligible target a score.
import type { Facts } from './choose.ts'
import type { Tier } from './tier.ts'

/** The eligible target with the least score; among equals one that speaks the caller's dialect, then any. */
export function lowest({ eligible, count, scores, able }: Tier<unknown>, { random }: Facts): number {
  let k = Math.floor(random() * count)
  let best = eligible[k]!
  for (let left = count - 1; left > 0; left--) {
    k = k + 1 === count ? 0 : k + 1
    const i = eligible[k]!
    const score = scores[i]!
    const least = scores[best]!
    if (score < least || (score === least && able[i]! > able[best]!)) best = i
  }
  return best
}
