// What a caller asks of the gateway itself, in `x-switchyard-*`: it may lower what the route allows, never raise it.
import { type Ask, metadataText } from '@switchyard/dialects'
import type { Limits } from './limits.ts'
import type { Asked } from './resolve.ts'
import type { Route, Times } from './route.ts'

/** Values by the rest of the header's name, in lower case; undefined where there are none. */
export type Wishes = ReadonlyMap<string, string> | undefined

const noTags: readonly string[] = []

/** What a route may ask of a request; `parsed` is false where the body is no JSON. */
export function askedOf(ask: Ask, headers: readonly string[], wishes: Wishes, parsed: boolean): Asked {
  const tags = wishes?.get('tags')
  return {
    headers,
    tags: tags === undefined ? noTags : tags.split(',').map(tag => tag.trim()),
    metadata: name => (parsed ? metadataText(ask, name) : undefined),
  }
}

/** What a wish makes of the most that is allowed. */
export function lowered(most: number, wishes: Wishes, name: string, more = 0): number {
  const wish = wishes?.get(name)
  if (wish === undefined || !/^\d{1,9}$/.test(wish)) return most
  return Math.min(most, Math.max(1, Number(wish) + more))
}

/** Attempts, the first included. */
export function attemptsOf({ attempts }: Route, limits: Limits, wishes: Wishes): number {
  return lowered(attempts ?? limits.attempts, wishes, 'retries', 1)
}

export function timesOf({ times }: Route, limits: Limits, wishes: Wishes): Times {
  if (!times && !wishes) return limits
  const whole = { ...limits, ...times }
  return {
    ...whole,
    firstContent: lowered(whole.firstContent, wishes, 'first-token-ms'),
    total: lowered(whole.total, wishes, 'timeout-ms'),
  }
}
