// When the cache is asked and what it may keep: pure decisions on what a request and its answer say.

import { Fault } from '@switchyard/kinds'

const directives = ['use', 'no-store', 'refresh'] as const

/** What a caller may say in `x-switchyard-cache`. */
export type Directive = (typeof directives)[number]

/**
 * Reads the header; undefined where it is absent. Refuses with `invalid` what is no directive: a `no-store` that
 * is misspelled would be kept.
 */
export function readDirective(value: string | undefined): Directive | undefined {
  if (value === undefined) return undefined
  const word = value.trim().toLowerCase()
  const found = directives.find(directive => directive === word)
  if (found) return found
  throw new Fault('invalid', `The header x-switchyard-cache must be one of ${directives.join(', ')}.`, {
    reason: 'invalid_value',
  })
}

export interface CacheRequest {
  /** The route's choice. */
  readonly mode: 'off' | 'exact' | 'semantic'
  readonly directive: Directive | undefined
  /** As the caller sent it; undefined is the provider's default, which is above 0. */
  readonly temperature: number | undefined
  /** The operation draws nothing by chance and so has no temperature: embeddings, rerank, moderations. */
  readonly deterministic: boolean
  /** The upstream keeps or changes something by it: a stored response, a continued one, a background one. */
  readonly stateful: boolean
  readonly bodyBytes: number
}

export interface Plan {
  /** An answer that is kept, or on its way, will do. */
  readonly look: boolean
  /** Equal requests may share this one's upstream call, and its answer may be kept. */
  readonly keep: boolean
  /** A similar question's answer will do. */
  readonly near: boolean
}

/** Larger requests are not looked up: hashing one would hold up the others. */
export const keyedBytes = 1024 * 1024

const plans = {
  bypass: Object.freeze({ look: false, keep: false, near: false }),
  refresh: Object.freeze({ look: false, keep: true, near: false }),
  exact: Object.freeze({ look: true, keep: true, near: false }),
  semantic: Object.freeze({ look: true, keep: true, near: true }),
} as const satisfies Record<string, Plan>

/** `no-store` also looks nothing up: who wants no trace wants an answer of its own. */
export function cacheable(request: CacheRequest): Plan {
  const { mode, directive, temperature, deterministic, stateful, bodyBytes } = request
  if (mode === 'off' || directive === 'no-store' || stateful || bodyBytes > keyedBytes) return plans.bypass
  if (directive === 'refresh') return plans.refresh
  return directive === 'use' || deterministic || temperature === 0 ? plans[mode] : plans.bypass
}

export interface Answered {
  readonly status: number
  /** The upstream's end was seen: a terminal event, or the whole of a body with a length. */
  readonly whole: boolean
  /** The body, or an event in it, is an error in spite of the status. */
  readonly error: boolean
  /** A guardrail blocked, redacted or flagged it, or the upstream's own filter ended it. */
  readonly filtered: boolean
  readonly bytes: number
}

export type Verdict = 'kept' | 'unsuccessful' | 'cut' | 'filtered' | 'too_large'

/** Whether an answer may be kept, and the first reason why not. `most` is in bytes. */
export function storable({ status, whole, error, filtered, bytes }: Answered, most: number): Verdict {
  if (status !== 200 || error) return 'unsuccessful'
  if (!whole) return 'cut'
  if (filtered) return 'filtered'
  return bytes > most ? 'too_large' : 'kept'
}
