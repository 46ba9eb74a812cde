// Which target a request goes to. Narrowing: allowed -> able -> healthy -> the tier's strategy.
//
// Tiers are tried in order, and in each round every tier before the next round begins:
//   fresh  targets that are fit and that this request has not tried. A tier of which more than half looks ill is
//          passed by while a later one has a fit target.
//   whole  all of a tier of which more than half looks ill: when that many fail, suspect yourself.
//   again  targets tried before, also those whose pause ends within 5 s: the caller waits (see retry).
//   last   misconfigured ones, so that their success can say that they no longer are.
import { eject } from '../health/outliers.ts'
import type { Unfit } from '../health/vitals.ts'
import type { Blocks } from './blocks.ts'
import { pickers } from './pickers.ts'
import type { Reason, Word } from './reason.ts'
import type { Target, Tier } from './tier.ts'

/** What is known of a request when its target is chosen. */
export interface Facts {
  /** Milliseconds of the clock that health is told by. */
  readonly now: number
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly streamed: boolean
  /** `x-switchyard-session`, `previous_response_id` or `prompt_cache_key`. */
  readonly session?: string | undefined
  /** The prompt, for tiers whose strategy is `prefix`. */
  readonly blocks?: Blocks | undefined
}

/** What the caller of `choose` adds: what has been tried, and what may be. */
export interface Narrowing<U> {
  readonly tried?: readonly Target<U>[]
  /**
   * First tier that is looked at, 0 by default: after a `next_tier` outcome the one behind it. What is fit in the tiers
   * before it comes after, so that one wrong key of many costs no request its answer.
   */
  readonly fromTier?: number
  /** False for a target that the caller may not use. */
  readonly allowed?: (target: Target<U>) => boolean
  /** 2: speaks the caller's dialect; 1: by conversion; 0: cannot. Ties go to 2. All are 2 by default. */
  readonly able?: (target: Target<U>) => 0 | 1 | 2
  /** Only a target that has not been tried, as for a hedge. */
  readonly onlyFresh?: boolean
}

type Round = 'fresh' | 'whole' | 'again' | 'again_whole' | 'last'

const mostPause = 5_000
const sweepEvery = 1_000
const anything = Object.freeze({})

/**
 * The target, or undefined when there is none. With `reasons` it also says why each target was left out; without,
 * nothing is allocated. It changes nothing but scratch space and, once a second, who is ejected as an outlier.
 */
export function choose<U>(
  tiers: readonly Tier<U>[],
  facts: Facts,
  narrowing: Narrowing<U> = anything,
  reasons?: Reason[],
): Target<U> | undefined {
  const tier = narrowed(tiers, facts, narrowing, reasons)
  if (!tier) return undefined
  if (reasons) tier.scores.fill(Number.NaN)
  const chosen = pickers[tier.strategy](tier, facts)
  if (reasons) tell(tiers, tier, chosen, reasons)
  return tier.targets[chosen]
}

/** Remembers that the prompt went there. Not part of `choose`, which may be asked without a request being sent. */
export function remember({ memory }: Target<unknown>, { blocks }: Facts): void {
  if (memory && blocks) memory.record(blocks)
}

/** The tier that has something eligible. */
function narrowed<U>(
  tiers: readonly Tier<U>[],
  facts: Facts,
  narrowing: Narrowing<U>,
  reasons: Reason[] | undefined,
): Tier<U> | undefined {
  const from = narrowing.fromTier ?? 0
  for (let t = from; t < tiers.length; t++) {
    const tier = tiers[t]!
    sweep(tier, facts.now)
    const ill = narrow(tier, 'fresh', facts, narrowing, reasons)
    if (tier.count === 0) continue
    if (!ill || fitFrom(tiers, t + 1, facts, narrowing)) return tier
    narrow(tier, 'whole', facts, narrowing)
    return tier
  }
  for (let t = 0; t < Math.min(from, tiers.length); t++) {
    const tier = tiers[t]!
    narrow(tier, 'fresh', facts, narrowing, reasons)
    if (tier.count > 0) return tier
  }
  for (let t = from; t < tiers.length; t++) {
    const tier = tiers[t]!
    if (narrow(tier, 'whole', facts, narrowing) && tier.count > 0) return tier
  }
  if (narrowing.onlyFresh) return undefined
  if (narrowing.tried && narrowing.tried.length > 0)
    for (let t = from; t < tiers.length; t++) {
      const tier = tiers[t]!
      const ill = narrow(tier, 'again', facts, narrowing)
      if (tier.count === 0 && ill) narrow(tier, 'again_whole', facts, narrowing)
      if (tier.count > 0) return tier
    }
  for (let t = from; t < tiers.length; t++) {
    const tier = tiers[t]!
    narrow(tier, 'last', facts, narrowing)
    if (tier.count > 0) return tier
  }
  return undefined
}

function sweep(tier: Tier<unknown>, now: number): void {
  if (tier.pool.length < 2 || now - tier.sweptAt < sweepEvery) return
  tier.sweptAt = now
  eject(tier.pool, now)
}

function fitFrom<U>(tiers: readonly Tier<U>[], from: number, facts: Facts, by: Narrowing<U>): boolean {
  for (let t = from; t < tiers.length; t++) {
    const tier = tiers[t]!
    narrow(tier, 'fresh', facts, by)
    if (tier.count > 0) return true
  }
  return false
}

/** Fills `eligible`; true when more than half of those that could serve look ill. */
function narrow<U>(
  tier: Tier<U>,
  round: Round,
  { now }: Facts,
  { tried, allowed, able }: Narrowing<U>,
  reasons?: Reason[],
): boolean {
  const { targets, eligible } = tier
  let count = 0
  let members = 0
  let ill = 0
  let broken = 0
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i]!
    const closed =
      target.weight === 0 ? 'weightless' : allowed?.(target) === false ? 'not_allowed' : undefined
    const rank = closed === undefined && able ? able(target) : 2
    tier.able[i] = rank
    if (closed !== undefined || rank === 0) {
      if (reasons) reasons.push(reasonOf(target, closed ?? 'not_able'))
      continue
    }
    const unfit = target.vitals.unfit(now)
    if (unfit !== 'misconfigured') members++
    if (unfit !== undefined && looksIll[unfit]) {
      ill++
      if (unfit === 'open' || unfit === 'probing') broken++
    }
    const before = tried !== undefined && includes(tried, target)
    if (takes(round, target, unfit, before, now)) eligible[count++] = i
    else if (reasons) reasons.push(reasonOf(target, unfit ?? 'tried', target.vitals.fitAt(now)))
  }
  tier.count = count
  // A breaker that stands alone is believed: there is nobody beside it to tell that the fault is ours.
  return ill * 2 > members && (members > 1 || broken === 0)
}

/** A pause that was asked for and a wrong key are no illness. */
const looksIll = {
  misconfigured: false,
  cooling: false,
  ejected: true,
  failing_checks: true,
  open: true,
  probing: true,
} as const satisfies Record<Unfit, boolean>

function takes(
  round: Round,
  { vitals }: Target<unknown>,
  unfit: Unfit | undefined,
  before: boolean,
  now: number,
): boolean {
  if (round === 'last') return unfit === 'misconfigured' && !before
  if (round === 'fresh') return unfit === undefined && !before
  if (round === 'again')
    return unfit === undefined ? before : unfit === 'cooling' && vitals.fitAt(now)! - now <= mostPause
  return before === (round === 'again_whole') && (unfit === undefined || looksIll[unfit])
}

/** Targets are of a snapshot, vitals outlive it. */
function includes(tried: readonly Target<unknown>[], { vitals }: Target<unknown>): boolean {
  for (let i = 0; i < tried.length; i++) if (tried[i]!.vitals === vitals) return true
  return false
}

function reasonOf(target: Target<unknown>, word: Word, until?: number, score?: number): Reason {
  const { tier, upstream, model } = target
  return Object.freeze({ tier, upstream, model, word, until, score })
}

/** One reason for each target: those that turned out to be eligible are not left out. */
function tell(
  tiers: readonly Tier<unknown>[],
  { targets, eligible, count, scores }: Tier<unknown>,
  chosen: number,
  reasons: Reason[],
): void {
  const nameOf = ({ tier, upstream, model }: Reason | Target<unknown>) => `${tier}\n${upstream}\n${model}`
  const told = new Map(reasons.map(reason => [nameOf(reason), reason]))
  const scoreOf = (i: number) => (Number.isNaN(scores[i]) ? undefined : scores[i])
  const outdone = new Map<Target<unknown>, Reason>()
  for (const i of eligible.subarray(0, count)) {
    const target = targets[i]!
    const word = i === chosen ? chosenAs(told.get(nameOf(target))) : 'outdone'
    outdone.set(target, reasonOf(target, word, undefined, scoreOf(i)))
  }
  reasons.length = 0
  for (const tier of tiers)
    for (const target of tier.targets)
      reasons.push(outdone.get(target) ?? told.get(nameOf(target)) ?? reasonOf(target, 'passed_over'))
}

/** How it came to be chosen follows from why it had been left out at first. */
function chosenAs(before: Reason | undefined): Word {
  if (before === undefined) return 'chosen'
  if (before.word === 'misconfigured') return 'chosen_last'
  return before.word === 'tried' || before.word === 'cooling' ? 'chosen_again' : 'chosen_whole'
}
