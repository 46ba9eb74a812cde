// Finds the upstream that fails far more often than those beside it, before its own breaker would.
import type { Vitals } from './vitals.ts'

const leastCalls = 10
const leastFaults = 5
const sigmas = 3

/**
 * Ejects outliers of a pool for 30 s, the worst first, and returns how many. An outlier's share of faults in 10 s is
 * more than 3 sigma above that of its siblings together, where sigma is what chance alone gives a sample of its size.
 * (The deviation of all shares would not do: in a pool of n no member can stand (n-1)/sqrt(n) deviations out, so that
 * below eleven members nobody would ever be ejected.) At most half of the pool is out at once.
 */
export function eject(pool: readonly Vitals[], now: number): number {
  let out = 0
  for (const vitals of pool) if (vitals.ejected(now)) out++
  const most = Math.floor(pool.length / 2)
  let ejected = 0
  while (out < most) {
    const worst = outlier(pool, now)
    if (!worst) break
    worst.eject(now)
    out++
    ejected++
  }
  return ejected
}

function outlier(pool: readonly Vitals[], now: number): Vitals | undefined {
  let calls = 0
  let faults = 0
  for (const vitals of pool) {
    if (vitals.ejected(now)) continue
    calls += vitals.breaker.calls(now)
    faults += vitals.breaker.faults(now)
  }
  let worst: Vitals | undefined
  let furthest = sigmas
  for (const vitals of pool) {
    if (vitals.ejected(now)) continue
    const own = vitals.breaker.calls(now)
    const bad = vitals.breaker.faults(now)
    if (own < leastCalls || bad < leastFaults || calls - own < leastCalls) continue
    // One fault in two more calls: siblings without a fault have not proved that they never fail.
    const share = (faults - bad + 1) / (calls - own + 2)
    const distance = (bad / own - share) / Math.sqrt((share * (1 - share)) / own)
    if (distance <= furthest) continue
    furthest = distance
    worst = vitals
  }
  return worst
}
