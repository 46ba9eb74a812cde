// The places of servers made ready for choice, and what the gateway keeps for all of their calls.
import { compileTiers, type Ground, type Target, type Tier } from '../choose/tier.ts'
import type { McpServer, McpUpstream } from './server.ts'

export type McpTarget = Target<McpUpstream>

export class McpPlaces {
  readonly #ground: Ground
  /** Those of one snapshot leave with it. */
  readonly #tiers = new WeakMap<McpServer, readonly Tier<McpUpstream>[]>()

  constructor(ground: Ground) {
    this.#ground = ground
  }

  tiers(server: McpServer): readonly Tier<McpUpstream>[] {
    let tiers = this.#tiers.get(server)
    if (!tiers) {
      tiers = compileTiers(
        [{ strategy: 'least_load', targets: server.upstreams.map(targetOf(server)) }],
        this.#ground,
      )
      this.#tiers.set(server, tiers)
    }
    return tiers
  }

  /** The place that has a session; undefined where it is no place of the server any more. */
  at(server: McpServer, place: string): McpTarget | undefined {
    return this.tiers(server)[0]?.targets.find(({ to }) => to.place === place)
  }
}

const targetOf =
  ({ model }: McpServer) =>
  (to: McpUpstream) => ({ upstream: to.key, model, generation: to.generation, weight: 100, to })
