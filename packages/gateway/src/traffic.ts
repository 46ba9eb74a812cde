// What is kept of a route while requests and snapshots come and go: its budgets, and its tiers made ready for choice.
import { RetryBudget } from './choose/budget.ts'
import { Hedges } from './choose/hedge.ts'
import { Shadow } from './choose/shadow.ts'
import { compileTiers, type Ground, type Tier } from './choose/tier.ts'
import type { Vitals } from './health/vitals.ts'
import type { Route, Upstream } from './route.ts'

export interface Picking {
  readonly tiers: readonly Tier<Upstream>[]
}

export class Traffic {
  readonly budget = new RetryBudget()
  readonly #ground: Ground
  #route: Route
  #picking: Picking
  hedges: Hedges | undefined
  shadow: Shadow | undefined

  constructor(route: Route, ground: Ground) {
    this.#ground = ground
    this.#route = route
    this.#picking = this.#compile(route)
    this.hedges = route.hedge ? new Hedges(route.hedge.percent) : undefined
    this.shadow = route.shadow ? new Shadow(route.shadow.percent) : undefined
  }

  deposit(now: number): void {
    this.budget.deposit(now)
    this.hedges?.deposit()
  }

  /** The route's tiers as it stands in the newest snapshot. */
  at(route: Route): Picking {
    if (route !== this.#route) {
      if (route.hedge?.percent !== this.#route.hedge?.percent)
        this.hedges = route.hedge ? new Hedges(route.hedge.percent) : undefined
      if (route.shadow?.percent !== this.#route.shadow?.percent)
        this.shadow = route.shadow ? new Shadow(route.shadow.percent) : undefined
      this.#route = route
      this.#picking = this.#compile(route)
    }
    return this.#picking
  }

  /** The health of the upstream that copies go to. */
  vitalsOf({ key, served = '*', generation }: Upstream): Vitals {
    return this.#ground.health.at(key, served, generation)
  }

  #compile({ tiers }: Route): Picking {
    const specs = tiers.map(({ strategy, upstreams }) => ({
      strategy,
      targets: upstreams.map(to => ({
        upstream: to.key,
        model: to.served ?? '*',
        weight: to.weight,
        to,
        ...(to.endpoint !== '' && { group: to.endpoint }),
        ...(to.generation !== undefined && { generation: to.generation }),
        ...(to.tariff?.blend !== undefined && { cost: to.tariff.blend }),
      })),
    }))
    return { tiers: compileTiers(specs, this.#ground) }
  }
}
