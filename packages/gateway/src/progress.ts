// How far a stream has come, told to the journal now and then: should this gateway be lost, that is how it ended.
import type { Ended } from '@switchyard/runtime'
import type { Answering } from './answering.ts'

/** The journal is told after so many deltas, or so many milliseconds. */
const toldDeltas = 1024
const toldMilliseconds = 5000

/** What the journal was told last of one stream. */
export class Progress {
  #deltas = 0
  #at: number

  /** `now` in milliseconds of any clock. */
  constructor(now: number) {
    this.#at = now
  }

  /** Whether it is time to tell of so many deltas, which are then taken for told. */
  due(deltas: number, now: number): boolean {
    const more = deltas - this.#deltas
    if (more === 0 || (more < toldDeltas && now - this.#at < toldMilliseconds)) return false
    this.#deltas = deltas
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
