// How far a stream has come, told to the journal now and then: should this gateway be lost, that is how it ended.
import type { Ended } from '@switchyard/runtime'
import type { Answering } from './answering.ts'

/** The journal is told after so many tokens, or so many milliseconds. */
const toldTokens = 1024
const toldMilliseconds = 5000

/** What the journal was told last of one stream. */
export class Progress {
  #tokens = 0
  #at: number

  /** `now` in milliseconds of any clock. */
  constructor(now: number) {
    this.#at = now
  }

  /** Whether it is time to tell of so many tokens, which are then taken for told. */
  due(tokens: number, now: number): boolean {
    const more = tokens - this.#tokens
    if (more === 0 || (more < toldTokens && now - this.#at < toldMilliseconds)) return false
    this.#tokens = tokens
    this.#at = now
    return true
  }
}

/** Its end, should this gateway be lost from now on; `at` in milliseconds since 1970. */
export function lostAt(at: number, answering: Answering): Ended {
  return {
    at,
    end: 'gateway_lost',
    status: 0,
    attempt: Math.max(1, answering.attempts),
    upstream: answering.upstream,
    by: answering.by,
    billable: 'caller',
    usage: answering.progress(),
  }
}
