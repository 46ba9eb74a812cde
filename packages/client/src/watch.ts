// A watch that survives: it goes on from the last version it saw, and lists again when that is too old.
import type { Document } from '@switchyard/kinds'
import { Fault } from '@switchyard/kinds/fault'
import type { Ask } from './ask.ts'
import type { WatchQuery } from './documents.ts'
import { abortFault, networkFault, readFault } from './faults.ts'
import { lines } from './lines.ts'
import { isRecord, readDocument } from './values.ts'

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly document: Document }
  /** The list is complete: what follows are changes. */
  | { readonly type: 'SYNCED'; readonly version: string }
  /** What was seen so far counts no more: the list begins again. */
  | { readonly type: 'RELISTED' }

/** What a watch asks of an exchange. */
export interface WatchExchange {
  readonly url: string
  stream(ask: Ask): Promise<{ readonly body: AsyncIterable<Uint8Array> }>
  until(signal: AbortSignal | undefined): AbortSignal | undefined
}

export interface WatchOptions {
  /** Waits before the n-th attempt in a row, n from 1. */
  readonly pause: (attempt: number, signal: AbortSignal | undefined) => Promise<void>
  /** Called whenever the server has begun to answer. */
  readonly begun?: () => void
  /** Attempts in a row that may fail once the watch has begun. */
  readonly attempts: number
}

/** The server says BOOKMARK every 15 s; three missed mean that the connection is dead. */
const silenceMs = 45_000

type Frame =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly document: Document }
  | { readonly type: 'BOOKMARK'; readonly version: string; readonly initial: boolean }

function readFrame(line: string): Frame {
  const frame: unknown = JSON.parse(line)
  if (!isRecord(frame) || !isRecord(frame.object)) throw new SyntaxError('a watch frame without an object')
  const { type, object } = frame
  if (type === 'ERROR')
    throw readFault(object) ?? new Fault('unavailable', 'The watch was ended by the server.')
  if (type === 'BOOKMARK') {
    const metadata = isRecord(object.metadata) ? object.metadata : {}
    const marks = isRecord(metadata.annotations) ? metadata.annotations : {}
    const initial = marks['switchyard.dev/initial-events-end'] === 'true'
    return { type, version: String(metadata.resourceVersion), initial }
  }
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED')
    return { type, document: readDocument(object) }
  throw new SyntaxError(`a watch frame of an unknown type ${String(type)}`)
}

/** Faults after which the same watch may go on. */
const passing = (fault: Fault) => ['unavailable', 'deadline', 'exhausted', 'internal'].includes(fault.code)

/**
 * Every document of a collection, then every change, until the signal is aborted (it then throws the
 * signal's Fault). The first connection must succeed; later ones are tried again.
 */
export async function* watch(
  exchange: WatchExchange,
  /** Of the collection. */
  path: string,
  query: Omit<WatchQuery, 'workspace'>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent> {
  const { labelSelector, fieldSelector } = query
  const signal = exchange.until(query.signal)
  let from = query.from
  let begun = false
  let renewed = false
  let attempt = 0
  for (;;) {
    // Versions of the initial list are those of its documents: no place to go on from before it is complete.
    let synced = from !== undefined
    let seen = 0
    try {
      const { body } = await exchange.stream({
        method: 'GET',
        path,
        query: { watch: true, labelSelector, fieldSelector, resourceVersion: from },
        headers: { accept: 'application/x-ndjson' },
        signal: query.signal,
        silenceMs,
      })
      begun = true
      options.begun?.()
      for await (const line of lines(body, { whole: true })) {
        if (line === '') continue
        const frame = readFrame(line)
        seen += 1
        renewed = false
        if (frame.type === 'BOOKMARK') {
          if (synced || frame.initial) from = frame.version
          if (frame.initial && !synced) {
            synced = true
            yield { type: 'SYNCED', version: frame.version }
          }
        } else {
          yield frame
          if (synced) from = frame.document.metadata.resourceVersion
        }
      }
    } catch (error) {
      if (signal?.aborted) throw abortFault(signal)
      const fault = error instanceof SyntaxError ? malformed(error) : networkFault(exchange.url, error)
      if (fault.code === 'expired') {
        if (fault.reason !== 'slow_consumer') from = undefined
      } else if (fault.code === 'unauthenticated' && begun && !renewed)
        renewed = true // a fresh token may do
      else if (!begun || !passing(fault) || attempt >= options.attempts) throw fault
    }
    if (signal?.aborted) throw abortFault(signal)
    if (from === undefined && (begun || seen > 0)) yield { type: 'RELISTED' }
    attempt = seen > 0 ? 0 : attempt + 1
    if (attempt > 0) await options.pause(attempt, signal)
  }
}

const malformed = (error: SyntaxError) =>
  new Fault('unavailable', `The watch was cut in the middle of a line (${error.message}).`, { cause: error })
