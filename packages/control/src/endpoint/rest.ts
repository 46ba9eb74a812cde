// Whether an endpoint sleeps: nobody has asked for it for so long, and it serves nobody who has waited for it.
import type { EndpointDocument, ReplicaDocument } from '../documents.ts'

export interface Rest {
  readonly asleep: boolean
  /** Milliseconds after which it would fall asleep. */
  readonly again?: number
}

const awake: Rest = Object.freeze({ asleep: false })

/** What was begun for somebody is finished, and its time to be asked for begins when it is ready. */
export function restOf(
  { spec }: EndpointDocument,
  live: readonly ReplicaDocument[],
  quietMs: number,
  now: number,
): Rest {
  if (spec.idleSeconds === undefined || spec.paused || spec.replicas === 0) return awake
  if (live.some(isStarting)) return awake
  const readyMs = live.flatMap(({ status }) =>
    status.state === 'Ready' && status.readyAt !== undefined ? now - Date.parse(status.readyAt) : [],
  )
  const left = spec.idleSeconds * 1000 - Math.min(quietMs, ...readyMs)
  return left <= 0 ? { asleep: true } : { asleep: false, again: left }
}

const isStarting = ({ status: { state } }: ReplicaDocument) =>
  state === undefined || state === 'Placed' || state === 'Starting'
