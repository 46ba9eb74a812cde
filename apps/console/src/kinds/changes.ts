// Everything that the screens look at, kept by one stream: a browser opens six connections to a server and no more.
import { type WatchEvent, watch } from '@switchyard/client/watch'
import { Fault } from '@switchyard/kinds/fault'
import type { Document } from '../api/catalogue.ts'
import type { Exchange } from '../api/exchange.ts'

/** What is known of one kind. The same value for as long as nothing of it changes. */
export interface Live {
  readonly documents: readonly Document[]
  /** The first list is complete. */
  readonly isComplete: boolean
  /** Milliseconds since 1970 when the stream was cut; undefined while it runs. */
  readonly staleSince: number | undefined
  readonly fault: Fault | undefined
}

export interface Changes {
  /** Follows a kind for as long as somebody listens. */
  subscribe(kind: string, listener: () => void): () => void
  current(kind: string): Live
  /** Tries again what has failed. */
  again(): void
}

interface Followed {
  readonly documents: Map<string, Document>
  readonly listeners: Set<() => void>
  live: Live
  changed: boolean
}

const nothing: Live = { documents: [], isComplete: false, staleSince: undefined, fault: undefined }

/** A kind that nobody looks at is followed on for so long: people go back and forth. */
const lingering = 30_000

/** Milliseconds between two showings: to draw a list of thousands anew takes a frame or more, and more changes may come. */
const beat = 200

/** Twice as long after each attempt, up to five seconds. */
function pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, Math.min(5000, 100 * 2 ** Math.min(attempt, 10)))
  signal?.addEventListener('abort', () => {
    clearTimeout(timer)
    reject(signal.reason)
  })
  return promise
}

export function openChanges(exchange: Exchange, now: () => number): Changes {
  const followed = new Map<string, Followed>()
  let stream: AbortController | undefined
  let staleSince: number | undefined
  let complete = false
  let fault: Fault | undefined
  let isDue = false
  let shownAt = Number.NEGATIVE_INFINITY
  let restarting = false

  /** What has come since the last time is shown at once. */
  function show(): void {
    isDue = false
    shownAt = now()
    for (const one of followed.values()) {
      const { live } = one
      if (!one.changed && live.staleSince === staleSince && live.fault === fault) continue
      // A list that is not whole yet is not shown in place of one that was.
      const isNews = one.changed && complete
      const documents = isNews ? [...one.documents.values()] : live.documents
      one.live = { documents, isComplete: live.isComplete || complete, staleSince, fault }
      if (isNews) one.changed = false
      for (const listener of one.listeners) listener()
    }
  }
  const later = () => {
    if (isDue) return
    isDue = true
    const wait = shownAt + beat - now()
    if (wait <= 0) requestAnimationFrame(show)
    else setTimeout(() => requestAnimationFrame(show), wait)
  }

  function take(event: WatchEvent): void {
    if (event.type === 'RELISTED') {
      complete = false
      for (const one of followed.values()) one.documents.clear()
      return
    }
    if (event.type === 'SYNCED') {
      complete = true
      for (const one of followed.values()) one.changed = true
      later()
      return
    }
    const { document } = event
    const one = followed.get(document.kind)
    if (!one) return
    if (event.type === 'DELETED') one.documents.delete(document.metadata.id)
    else one.documents.set(document.metadata.id, document)
    one.changed = true
    if (complete) later()
  }

  async function follow(signal: AbortSignal): Promise<void> {
    const kinds = [...followed.keys()].join(',')
    const events = watch(
      exchange,
      `/api/v1/watch?${new URLSearchParams({ kinds })}`,
      { signal },
      {
        attempts: Number.POSITIVE_INFINITY,
        begun() {
          if (staleSince === undefined) return
          staleSince = undefined
          later()
        },
        pause(attempt, until) {
          staleSince ??= now()
          later()
          return pause(attempt, until)
        },
      },
    )
    for await (const event of events) take(event)
  }

  /** Begins anew with the kinds that are looked at now. */
  function restart(): void {
    restarting = false
    stream?.abort()
    stream = undefined
    fault = undefined
    complete = false
    if (followed.size === 0) return
    const own = new AbortController()
    stream = own
    for (const one of followed.values()) one.documents.clear()
    follow(own.signal).catch((error: unknown) => {
      if (own.signal.aborted) return
      fault = error instanceof Fault ? error : new Fault('internal', String(error), { cause: error })
      later()
    })
  }
  function restartSoon(): void {
    if (restarting) return
    restarting = true
    queueMicrotask(restart)
  }

  return {
    subscribe(kind, listener) {
      let one = followed.get(kind)
      if (!one) {
        one = { documents: new Map(), listeners: new Set(), live: nothing, changed: false }
        followed.set(kind, one)
        restartSoon()
      }
      const { listeners } = one
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        setTimeout(() => {
          if (listeners.size === 0 && followed.get(kind)?.listeners === listeners) followed.delete(kind)
        }, lingering)
      }
    },
    current: kind => followed.get(kind)?.live ?? nothing,
    again: restartSoon,
  }
}
