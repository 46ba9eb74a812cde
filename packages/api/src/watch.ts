// A stream of changes that misses nothing: NDJSON or SSE, from a version or from a first list, for one caller.
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { type Document, errorBody, Fault, type Kind } from '@switchyard/kinds'
import type { Change, Store } from '@switchyard/runtime'
import type { Authenticate } from './authenticate.ts'
import { type Caller, identityOf, type Place, permits } from './authorize.ts'
import { checkWorkspace, type ListQuery, selectionOf, show } from './listing.ts'
import type { Answer } from './route.ts'
import { type Selection, selects } from './selector.ts'

export interface WatchLimits {
  /** Frames that the client may be behind before it is closed. */
  readonly frames: number
  /** Bytes that the client may be behind. */
  readonly bytes: number
  /** A BOOKMARK after this long without a frame. */
  readonly bookmarkMilliseconds: number
  /** How often rights and the log are looked at when nothing wakes the stream. */
  readonly pollMilliseconds: number
  /** A stream ends after between once and twice this. */
  readonly lifeMilliseconds: number
}

export const watchLimits: WatchLimits = {
  frames: 1_000,
  bytes: 8 * 1024 * 1024,
  bookmarkMilliseconds: 15_000,
  pollMilliseconds: 500,
  lifeMilliseconds: 30 * 60_000,
}

export interface WatchOptions {
  readonly store: Store
  readonly authenticate: Pick<Authenticate, 'standing'>
  readonly now: () => number
  /** 0 to 1, for the length of a stream. */
  readonly chance: () => number
  readonly limits: WatchLimits
}

export interface WatchAsk {
  /** One or several: versions are of the whole log, so that one stream tells of all of them in order. */
  readonly kinds: readonly Kind[]
  readonly caller: Caller
  readonly workspace: Place
  readonly query: Pick<ListQuery, 'labelSelector' | 'fieldSelector' | 'q' | 'view' | 'resourceVersion'>
  readonly accept: string | undefined
  readonly lastEventId: string | undefined
  readonly requestId: string
  readonly signal: AbortSignal
}

type FrameType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
type Frame = { readonly type: FrameType; readonly object: unknown; readonly version?: string }

const batch = 500
const initialEnd = { 'switchyard.dev/initial-events-end': 'true' }

/** Where an EventSource goes on. */
export function lastEventIdOf({ 'last-event-id': given }: IncomingHttpHeaders): string | undefined {
  return Array.isArray(given) ? given[0] : given
}

/** Everything that can refuse is done before the stream begins, so that it refuses with a status. */
export async function watchDocuments(options: WatchOptions, ask: WatchAsk): Promise<Answer> {
  const { store } = options
  const { kinds, caller, workspace, query } = ask
  const selected = kinds.map(kind => ({ kind, selection: selectionOf(kind, workspace, query, caller) }))
  const as = identityOf(caller)
  const from = resumeFrom(ask)
  if (from === undefined) {
    const pages = await store.read(as, async tx => {
      await checkWorkspace(tx, caller, workspace)
      const listed = []
      for (const { kind, selection } of selected)
        listed.push({ kind, ...(await tx.list({ kind: kind.kind, ...selection, sort: 'name' })) })
      return listed
    })
    const readable = pages.flatMap(({ kind, items }) =>
      items.filter(item => permits(caller, kind, 'read', item)),
    )
    const version = pages[0]?.version ?? '0'
    return { stream: response => follow(options, ask, selected, response, version, readable) }
  }
  if (BigInt(from) > BigInt(await store.version(as)))
    throw new Fault('expired', 'This resourceVersion is of another installation. List again.', {
      reason: 'version_unknown',
    })
  // Asked for once before the first byte: a version that the log has lost is 410, not a broken stream.
  const names = kinds.map(({ kind }) => kind)
  await store.changes(as, from, 1, names)
  return { stream: response => follow(options, ask, selected, response, from, undefined) }
}

function resumeFrom({ lastEventId, query }: WatchAsk): string | undefined {
  if (lastEventId === undefined || lastEventId === '') return query.resourceVersion
  if (!/^\d{1,18}$/.test(lastEventId))
    throw new Fault('invalid', 'Last-Event-ID is the id of the last event that was received.', {
      details: [{ path: 'Last-Event-ID', rule: 'version', message: 'must be a resourceVersion' }],
    })
  return lastEventId
}

/** What a change means to this watcher: whoever starts or stops being selected is ADDED or DELETED. */
export function frameOf(change: Change, isSelected: (document: Document) => boolean): FrameType | undefined {
  const { type, document, before } = change
  if (type === 'ADDED') return isSelected(document) ? 'ADDED' : undefined
  if (type === 'DELETED') return isSelected(before ?? document) ? 'DELETED' : undefined
  const was = before === undefined || isSelected(before)
  if (isSelected(document)) return was ? 'MODIFIED' : 'ADDED'
  return was ? 'DELETED' : undefined
}

interface Selected {
  readonly kind: Kind
  readonly selection: Selection
}

async function follow(
  options: WatchOptions,
  ask: WatchAsk,
  selected: readonly Selected[],
  response: ServerResponse,
  version: string,
  first: readonly Document[] | undefined,
): Promise<void> {
  const { store, authenticate, now, chance, limits } = options
  const { kinds, caller, query, requestId } = ask
  const names = kinds.map(({ kind }) => kind)
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const signal = AbortSignal.any([ask.signal, gone.signal])
  const sse = ask.accept?.includes('text/event-stream') ?? false
  const line = createLine(response, sse, limits, signal)
  const as = identityOf(caller)
  const byKind = new Map(selected.map(one => [one.kind.kind, one]))
  const isSelected = (document: Document) => {
    const of = byKind.get(document.kind)
    return of !== undefined && selects(of.selection, document) && permits(caller, of.kind, 'read', document)
  }
  const send = (type: FrameType, document: Document) =>
    line.send({ type, object: show(document, query.view), version: document.metadata.resourceVersion })
  const bookmark = (at: string, annotations: Readonly<Record<string, string>> = {}) =>
    line.send({
      type: 'BOOKMARK',
      object: {
        kind: names.length === 1 ? names[0] : 'Change',
        metadata: { resourceVersion: at, annotations },
      },
      version: at,
    })

  response.writeHead(200, {
    'content-type': sse ? 'text/event-stream' : 'application/x-ndjson',
    'cache-control': 'no-store',
    'x-request-id': requestId,
    'x-accel-buffering': 'no',
  })
  response.flushHeaders()
  const ends = now() + limits.lifeMilliseconds * (1 + chance())
  let at = version
  try {
    if (first) {
      for (const [place, document] of first.entries()) {
        // The id of a frame of the first list is no place to resume from: only its end is.
        line.send({ type: 'ADDED', object: show(document, query.view) })
        if (place % batch === batch - 1) await line.caughtUp()
      }
      bookmark(at, initialEnd)
    }
    let quietSince = now()
    let checkedAt = Number.NEGATIVE_INFINITY
    while (!signal.aborted && now() < ends) {
      // Every commit wakes the stream; rights are looked up no more often than the poll asks for.
      if (now() - checkedAt >= limits.pollMilliseconds * 0.8) {
        await checkStanding(authenticate, caller)
        checkedAt = now()
      }
      const { changes, through } = await store.changes(as, at, batch, names)
      for (const change of changes) {
        const type = frameOf(change, isSelected)
        if (type === undefined) continue
        send(type, type === 'DELETED' ? lastState(change) : change.document)
        quietSince = now()
      }
      at = through
      if (changes.length >= batch) {
        // Catching up is limited by the client, not held against it.
        await line.caughtUp()
        continue
      }
      if (now() - quietSince >= limits.bookmarkMilliseconds) {
        bookmark(at)
        quietSince = now()
      }
      await store.wake(limits.pollMilliseconds, signal)
    }
    if (!signal.aborted) bookmark(at)
  } catch (error) {
    if (signal.aborted) return
    const fault =
      error instanceof Fault
        ? error
        : new Fault('internal', 'The watch has failed. Watch again.', { cause: error })
    line.last({ type: 'ERROR', object: errorBody(fault, requestId).error })
    if (!(error instanceof Fault)) throw error
  } finally {
    response.end()
  }
}

/** Throws what ends a stream when its caller's rights or credential have changed meanwhile. */
export async function checkStanding(
  authenticate: Pick<Authenticate, 'standing'>,
  caller: Caller,
): Promise<void> {
  const standing = await authenticate.standing(caller)
  if (standing === 'ended')
    throw new Fault('unauthenticated', 'The session or key of this stream has ended. Sign in again.', {
      reason: 'credential_ended',
    })
  if (standing === 'grants_changed')
    throw new Fault('expired', 'Your rights have changed. List again under the new ones.', {
      reason: 'grants_changed',
    })
}

/** What was selected last, under the version at which it was not any more: never what one may no longer read. */
function lastState({ document, before, version }: Change): Document {
  const last = before ?? document
  return { ...last, metadata: { ...last.metadata, resourceVersion: version } }
}

/** The outgoing side of one stream, which counts how far its client is behind. */
function createLine(response: ServerResponse, sse: boolean, limits: WatchLimits, signal: AbortSignal) {
  let behind = 0
  let onCaughtUp: (() => void) | undefined

  function text({ type, object, version }: Frame): string {
    const json = JSON.stringify({ type, object })
    if (!sse) return `${json}\n`
    return version === undefined ? `data: ${json}\n\n` : `id: ${version}\ndata: ${json}\n\n`
  }

  return {
    send(frame: Frame): void {
      if (behind >= limits.frames || response.writableLength >= limits.bytes) throw slowConsumer()
      behind++
      response.write(text(frame), () => {
        behind--
        if (behind === 0) onCaughtUp?.()
      })
    },
    /** Sent whatever the client is behind, because it is the last. */
    last(frame: Frame): void {
      response.write(text(frame))
    },
    /** Waits for the client; one that takes nothing for 30 s is too slow. */
    async caughtUp(): Promise<void> {
      if (behind === 0 || signal.aborted) return
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const late = setTimeout(() => reject(slowConsumer()), 30_000)
      onCaughtUp = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
      try {
        await promise
      } finally {
        clearTimeout(late)
        onCaughtUp = undefined
      }
    },
  }
}

function slowConsumer(): Fault {
  return new Fault('expired', 'This watch reads too slowly and was closed. List and watch again.', {
    reason: 'slow_consumer',
  })
}
