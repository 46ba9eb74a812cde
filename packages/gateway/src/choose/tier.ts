// A route's tiers made ready for picking: what is the same for every request is worked out once, with the snapshot.
import { Fault } from '@switchyard/kinds'
import type { Health } from '../health/health.ts'
import type { Vitals } from '../health/vitals.ts'
import { hashText, mix } from './hash.ts'
import type { BlockMemory, Memories } from './memory.ts'

export const strategies = ['weighted', 'least_load', 'latency', 'cost', 'prefix', 'session'] as const
export type Strategy = (typeof strategies)[number]

export interface TargetSpec<U> {
  /** Names the upstream in health, metrics and explanations: a replica, or a provider. */
  readonly upstream: string
  readonly model: string
  /** Changes when the upstream's configuration does, which clears its misconfigured mark. */
  readonly generation?: string
  /** 0..1000; 0 gets nothing. */
  readonly weight: number
  /** Targets of one group share one weight, as replicas of an endpoint do: the group's is that of its first. */
  readonly group?: string
  /** What a request costs there, in any unit that is the same for the tier; without one it is the dearest. */
  readonly cost?: bigint
  /** What a pick leads to. */
  readonly to: U
}

export interface TierSpec<U> {
  readonly strategy: Strategy
  readonly targets: readonly TargetSpec<U>[]
}

export interface Target<U> {
  readonly upstream: string
  readonly model: string
  readonly weight: number
  /** Index of its group in the tier. */
  readonly group: number
  /** 0 is the cheapest of the tier; equal costs have equal ranks. */
  readonly costRank: number
  readonly tier: number
  readonly vitals: Vitals
  /** Only where the tier's strategy is `prefix`. */
  readonly memory: BlockMemory | undefined
  readonly to: U
}

/** One tier, and the scratch space in which a pick is made: nothing is allocated for a request. */
export class Tier<U> {
  readonly strategy: Strategy
  readonly targets: readonly Target<U>[]
  readonly pool: readonly Vitals[]
  /** By group: a hash of its name and its weight. */
  readonly groupHashes: Int32Array
  readonly groupWeights: Float64Array
  /** By target: a hash of its name. */
  readonly hashes: Int32Array
  /** Indexes of the targets that the strategy may choose from: the first `count`. */
  readonly eligible: Int32Array
  count = 0
  /** By target: 2 speaks the caller's dialect, 1 is converted to, 0 cannot serve the request. */
  readonly able: Uint8Array
  /** By target: what the strategy thought of it at the last pick, less is better; NaN when it did not look. */
  readonly scores: Float64Array
  /** By group, for one pick: its weight when it has an eligible target. */
  readonly openWeights: Float64Array
  /** When outliers were last looked for, in milliseconds. */
  sweptAt = 0

  constructor(strategy: Strategy, targets: readonly Target<U>[], groups: readonly string[]) {
    this.strategy = strategy
    this.targets = targets
    this.pool = targets.map(({ vitals }) => vitals)
    this.groupHashes = Int32Array.from(groups, hashText)
    this.groupWeights = Float64Array.from(
      groups,
      (_, group) => targets.find(target => target.group === group)?.weight ?? 0,
    )
    this.hashes = Int32Array.from(targets, ({ upstream, model }) => mix(hashText(upstream) + hashText(model)))
    this.eligible = new Int32Array(targets.length)
    this.able = new Uint8Array(targets.length)
    this.scores = new Float64Array(targets.length)
    this.openWeights = new Float64Array(groups.length)
  }
}

/** What outlives a snapshot: the same for every compilation in one gateway. */
export interface Ground {
  readonly health: Health
  readonly memories: Memories
}

/** Fails with `invalid` when a weight is out of 0..1000 or an upstream stands twice in a tier. */
export function compileTiers<U>(specs: readonly TierSpec<U>[], ground: Ground): readonly Tier<U>[] {
  return Object.freeze(specs.map((spec, tier) => compileTier(spec, tier, ground)))
}

function compileTier<U>({ strategy, targets }: TierSpec<U>, tier: number, ground: Ground): Tier<U> {
  const groups = [...new Set(targets.map(groupOf))]
  const places = new Map(groups.map((group, index) => [group, index]))
  const costs = [...new Set(targets.map(({ cost }) => cost).filter(cost => cost !== undefined))].toSorted(
    (one, other) => (one < other ? -1 : 1),
  )
  const ranks = new Map(costs.map((cost, rank) => [cost, rank]))
  const seen = new Set<Vitals>()
  const made = targets.map((target): Target<U> => {
    const { upstream, model, generation, weight, cost, to } = target
    if (!Number.isFinite(weight) || weight < 0 || weight > 1000)
      throw new Fault('invalid', `The weight of '${upstream}' is ${weight}: give one from 0 to 1000.`)
    const vitals = ground.health.at(upstream, model, generation)
    if (seen.has(vitals))
      throw new Fault(
        'invalid',
        `'${upstream}' stands twice in tier ${tier + 1}: add its weights up instead.`,
      )
    seen.add(vitals)
    return Object.freeze({
      upstream,
      model,
      weight,
      group: places.get(groupOf(target)) ?? 0,
      costRank: cost === undefined ? costs.length : (ranks.get(cost) ?? 0),
      tier,
      vitals,
      memory: strategy === 'prefix' ? ground.memories.at(vitals) : undefined,
      to,
    })
  })
  return new Tier(strategy, Object.freeze(made), groups)
}

/** A target without a group is one of its own. */
function groupOf({ group, upstream, model }: TargetSpec<unknown>): string {
  return group === undefined ? `${upstream}\n${model}` : `\n${group}`
}
