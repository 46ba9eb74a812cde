// What upstreams charge, beside each of a route's targets: the `cost` strategy goes by it.
import type { Charger, Prices } from '@switchyard/ledger'
import type { Route, Upstream } from '../route.ts'
import type { Found } from './found.ts'
import { currencyOf } from './principals.ts'

export interface Costs {
  readonly prices: Prices
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Costs in another currency than the workspace's are not known: no exchange rate is. */
export function withCosts(route: Route, found: Found, { prices, at }: Costs): Route {
  const { workspace, tiers } = route
  const currency = currencyOf(workspace, found)
  return Object.freeze({
    ...route,
    tiers: tiers.map(tier => ({
      ...tier,
      upstreams: tier.upstreams.map(upstream =>
        Object.freeze({ ...upstream, tariff: prices.cost(chargerOf(upstream, workspace), currency, at) }),
      ),
    })),
  })
}

function chargerOf({ by, endpoint, key, served = '' }: Upstream, workspace: string): Charger {
  const where = by.region === undefined ? {} : { region: by.region }
  return endpoint === ''
    ? { model: served, provider: key, ...where }
    : { model: served, endpoint: `${workspace}/${endpoint}`, ...where }
}
