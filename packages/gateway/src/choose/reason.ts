// Why a request went where it went, and why not elsewhere: what `route explain` says and a refusal is made of.
import { Fault } from '@switchyard/kinds'
import type { Unfit } from '../health/vitals.ts'

/** Stages of narrowing, in their order. */
export type Step = 'allowed' | 'able' | 'healthy' | 'strategy' | 'chosen'

export type Word =
  | Unfit
  | 'weightless'
  | 'not_allowed'
  | 'not_able'
  | 'tried'
  | 'outdone'
  | 'passed_over'
  | 'chosen'
  | 'chosen_whole'
  | 'chosen_again'
  | 'chosen_last'

export interface Reason {
  /** From 0. */
  readonly tier: number
  readonly upstream: string
  readonly model: string
  readonly word: Word
  /** When the word may cease to hold, in milliseconds; undefined when no time is known. */
  readonly until: number | undefined
  /** What the strategy thought of it, less is better; undefined when it did not look. */
  readonly score: number | undefined
}

interface Row {
  readonly step: Step
  /** After the name of the target. */
  readonly says: string
}

const rows = {
  weightless: { step: 'allowed', says: 'has a weight of 0' },
  not_allowed: { step: 'allowed', says: 'is not open to this caller' },
  not_able: { step: 'able', says: 'cannot serve this kind of request' },
  misconfigured: { step: 'healthy', says: 'refuses our credentials or does not know the model' },
  cooling: { step: 'healthy', says: 'asked for a pause (429)' },
  ejected: { step: 'healthy', says: 'fails far more often than those beside it' },
  failing_checks: { step: 'healthy', says: 'fails its active checks' },
  open: { step: 'healthy', says: 'failed or was slow too often: its breaker is open' },
  probing: { step: 'healthy', says: 'is being tried with one request: its breaker is half open' },
  tried: { step: 'healthy', says: 'was tried by this request already' },
  outdone: { step: 'strategy', says: 'was eligible, another one was chosen' },
  passed_over: { step: 'strategy', says: 'stands in a tier that was not needed' },
  chosen: { step: 'chosen', says: 'was chosen' },
  chosen_whole: {
    step: 'chosen',
    says: 'was chosen although it may be ill: more than half of its tier looks so',
  },
  chosen_again: { step: 'chosen', says: 'was chosen again: no other one is left' },
  chosen_last: { step: 'chosen', says: 'was chosen although it is misconfigured: nothing else is left' },
} as const satisfies Record<Word, Row>

export function stepOf({ word }: Pick<Reason, 'word'>): Step {
  return rows[word].step
}

/** A line for a person: `chat-0 failed or was slow too often: its breaker is open (4 s left)`. */
export function sentence({ upstream, word, until }: Reason, now: number): string {
  const left = until === undefined ? '' : ` (${secondsUntil(until, now)} s left)`
  return `${upstream} ${rows[word].says}${left}`
}

/** What the caller is told when nothing could be chosen: the reasons of a `choose` that gave nothing. */
export function refusalOf(reasons: readonly Reason[], now: number): Fault {
  const able = reasons.filter(({ word }) => stepOf({ word }) === 'healthy')
  const times = able.map(({ until }) => until).filter(until => until !== undefined)
  const retryAfterSeconds = times.length === 0 ? 5 : Math.max(1, secondsUntil(Math.min(...times), now))
  if (able.length > 0 && able.every(({ word }) => word === 'cooling'))
    return new Fault(
      'exhausted',
      'The upstreams of this model take no more requests for now: try again later.',
      {
        reason: 'upstream_rate_limited',
        retryAfterSeconds,
      },
    )
  if (able.length === 0 && reasons.some(({ word }) => word === 'not_able'))
    return new Fault('invalid', 'No upstream of this model offers this operation: use another model.', {
      reason: 'unsupported_by_model',
    })
  if (able.length === 0 && reasons.some(({ word }) => word === 'not_allowed'))
    return new Fault('denied', 'No upstream of this model is open to this key: use another key or model.', {
      reason: 'model_not_allowed',
    })
  return new Fault('unavailable', 'No upstream of this model can answer for now: try again shortly.', {
    reason: 'no_upstream',
    retryAfterSeconds,
  })
}

const secondsUntil = (until: number, now: number) => Math.ceil((until - now) / 1000)
