// What the server and its gateway workers say to each other. Connections come beside the message that tells of them.
import type { ExplainAsk, Explanation } from '@switchyard/gateway'
import type { Code } from '@switchyard/kinds'
import type { SnapshotStanding } from './snapshot.ts'
import type { Answered } from './workers-questions.ts'

/** What a worker must know that stands in no setting. It goes by message: a command line is read by everybody. */
export interface Begin {
  readonly type: 'begin'
  /** From 1. */
  readonly worker: number
  readonly databaseUrl: string
  /** Unix socket on which the server answers for the control plane. */
  readonly control: string
}

export type ToWorker =
  | Begin
  /** With a connection, unread, that the worker owns from now on; `secure` begins with TLS. */
  | { readonly type: 'connection'; readonly secure: boolean }
  /** How many workers live: each gives its share of the limits while those that they share are away. */
  | { readonly type: 'gateways'; readonly count: number }
  | { readonly type: 'metrics' }
  | { readonly type: 'explain'; readonly number: number; readonly ask: ExplainAsk }
  | { readonly type: 'drain'; readonly seconds: number }

export type FromWorker =
  | { readonly type: 'ready' }
  /** It takes no more connections, and ends when its requests have. */
  | { readonly type: 'leaving' }
  /** The store has gone away, or is back; until the first the worker follows it. */
  | { readonly type: 'snapshot'; readonly standing: SnapshotStanding }
  | { readonly type: 'failed'; readonly code: Code; readonly message: string }
  /** It holds the oldest connection that was handed to it and not yet told of. */
  | { readonly type: 'taken' }
  /** So many connections have ended since the last time. */
  | { readonly type: 'closed'; readonly count: number }
  /** Prometheus' text. */
  | { readonly type: 'metrics'; readonly text: string }
  | { readonly type: 'explained'; readonly number: number; readonly answer: Answered<Explanation> }

/** How one worker stands. */
export interface WorkerState {
  readonly worker: number
  /** `away` while a worker that ended waits for its successor. */
  readonly state: 'starting' | 'ready' | 'leaving' | 'away'
  readonly pid: number | undefined
  /** Processes before this one. */
  readonly restarts: number
}
