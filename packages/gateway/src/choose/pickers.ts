// How each strategy picks among the eligible targets of a tier: one row each.

import type { Facts } from './choose.ts'
import { pickByCost, pickByLatency, pickByLoad } from './load.ts'
import { pickByPrefix } from './prefix.ts'
import { pickBySession, pickByWeight } from './share.ts'
import type { Strategy, Tier } from './tier.ts'

/** Index of a target among those eligible, of which there is at least one. */
type Picker = (tier: Tier<unknown>, facts: Facts) => number

export const pickers: Readonly<Record<Strategy, Picker>> = Object.freeze({
  weighted: pickByWeight,
  least_load: pickByLoad,
  latency: pickByLatency,
  cost: pickByCost,
  prefix: pickByPrefix,
  session: pickBySession,
})
