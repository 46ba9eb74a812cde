// Which upstream a route's tiers would choose now, and how each of the others stands. Nothing is begun, and no
// outlier is ejected for having been asked about.
import { choose, type Facts } from '../choose/choose.ts'
import { type Reason, refusalOf, sentence, stepOf } from '../choose/reason.ts'
import type { Target, Tier } from '../choose/tier.ts'
import type { Upstream } from '../route.ts'
import type { ExplainedTarget, ExplainedTier } from './explanation.ts'

export interface Choice {
  readonly tiers: readonly ExplainedTier[]
  readonly chosen: Target<Upstream> | undefined
  /** What the caller is told when nothing was chosen. */
  readonly refusal: ReturnType<typeof refusalOf> | undefined
}

export function explainTiers(tiers: readonly Tier<Upstream>[], facts: Facts): Choice {
  const reasons: Reason[] = []
  const swept = tiers.map(({ sweptAt }) => sweptAt)
  for (const tier of tiers) tier.sweptAt = facts.now
  const chosen = choose(tiers, facts, { able: ableFor }, reasons)
  for (const [index, tier] of tiers.entries()) tier.sweptAt = swept[index] ?? 0
  return {
    tiers: tiers.map(({ strategy, targets }, index) => ({
      strategy,
      targets: targets.map(target =>
        explained(
          target,
          shareOf(target, targets, strategy, reasons),
          facts.now,
          reasons.find(of(target, index)),
        ),
      ),
    })),
    chosen,
    refusal: chosen ? undefined : refusalOf(reasons, facts.now),
  }
}

/** Chats are explained: they are converted to every dialect. */
const ableFor = () => 2 as const

const of =
  ({ upstream, model }: Target<unknown>, tier: number) =>
  (reason: Reason) =>
    reason.tier === tier && reason.upstream === upstream && reason.model === model

function explained(
  { to, weight, vitals, upstream, model, tier }: Target<Upstream>,
  share: number | undefined,
  now: number,
  reason: Reason | undefined,
): ExplainedTarget {
  const told = reason ?? { tier, upstream, model, word: 'passed_over', until: undefined, score: undefined }
  return Object.freeze({
    name: to.name,
    endpoint: to.endpoint === '' ? undefined : to.endpoint,
    provider: to.provider,
    dialect: to.speech.dialect,
    model,
    weight,
    share,
    step: stepOf(told),
    word: told.word,
    says: sentence({ ...told, upstream: to.name }, now),
    score: told.score !== undefined && Number.isFinite(told.score) ? told.score : undefined,
    health: vitals.state(now),
  })
}

/** Weights are of groups: the replicas of an endpoint share its own. */
function shareOf(
  target: Target<Upstream>,
  targets: readonly Target<Upstream>[],
  strategy: Tier<Upstream>['strategy'],
  reasons: readonly Reason[],
): number | undefined {
  if (strategy !== 'weighted') return undefined
  const fit = targets.filter(one => {
    const reason = reasons.find(of(one, one.tier))
    return reason === undefined || ['strategy', 'chosen'].includes(stepOf(reason))
  })
  if (!fit.includes(target)) return 0
  const groups = new Map(fit.map(({ group, weight }) => [group, weight]))
  const total = [...groups.values()].reduce((sum, weight) => sum + weight, 0)
  const members = fit.filter(({ group }) => group === target.group).length
  return total === 0 ? 0 : target.weight / total / members
}
