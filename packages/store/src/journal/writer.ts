// Appends: one write for all records of a turn of the loop, one fsync for all writes of a few milliseconds.
import { closeSync, fdatasync, fsync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { Fault } from '@switchyard/kinds'
import type { Journal, JournalRecord, Observe, UsageEvent } from '@switchyard/runtime'
import { frameBound, payloadOf, writeFrame } from './frame.ts'
import type { JournalObservation, JournalOptions } from './index.ts'
import type { Written } from './reader.ts'
import { type Segment, segmentPath } from './segment.ts'

const syncData = promisify(fdatasync)
const syncAll = promisify(fsync)
const bufferBytes = 256 * 1024

type Sink = NonNullable<JournalOptions['sink']>

/** The file system, as the journal writes to it. */
export const fileSink: Sink = {
  create: path => openSync(path, 'wx', 0o600),
  write: (file, bytes, length, position) => writeSync(file, bytes, 0, length, position),
  truncate: ftruncateSync,
  sync: syncData,
  close: closeSync,
}

interface Settings {
  readonly folder: string
  readonly epoch: number
  readonly sync: 'interval' | 'reply'
  readonly segmentBytes: number
  readonly segmentSeconds: number
  readonly maxBytes: number
  readonly clock: () => number
  readonly sink: Sink
  readonly observe: Observe<JournalObservation>
  /** Called with each write, when it is done. */
  readonly wrote: (written: Written) => void
  /** Called with each new segment. */
  readonly begun: (segment: Segment) => void
  /** Bytes in the folder that are not this epoch's open segment. */
  readonly keptBytes: () => number
}

interface Turn {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (fault: Fault) => void
}

const retryMilliseconds = 1000

export class JournalWriter implements Journal {
  readonly #settings: Settings
  #file: number
  #segment: Segment
  #begunAt: number
  #buffer = Buffer.allocUnsafeSlow(bufferBytes)
  #used = 0
  #events: UsageEvent[] = []
  /** Records of this turn of the loop. */
  #turn: Turn | undefined
  /** Records that are written and wait for the fsync (`reply`). */
  #unsynced: Turn[] = []
  #syncing: Promise<void> | undefined
  #retiring: Promise<void> | undefined
  #syncTimer: NodeJS.Timeout | undefined
  #dirty = false
  #folderDirty = true
  /** Events of requests that have begun and not ended: each segment begins with those still under way. */
  readonly #open = new Map<string, UsageEvent>()
  #failedAt: number | undefined
  #closed = false

  constructor(settings: Settings) {
    this.#settings = settings
    const number = 1
    const path = segmentPath(settings.folder, settings.epoch, number)
    this.#file = settings.sink.create(path)
    this.#segment = { path, epoch: settings.epoch, number, size: 0, closed: false }
    this.#begunAt = settings.clock()
    settings.begun(this.#segment)
  }

  get full(): boolean {
    if (this.#failedAt !== undefined) this.#retry()
    return this.#failedAt !== undefined || this.#overfull()
  }

  /** No request is under way. */
  get idle(): boolean {
    return this.#open.size === 0
  }

  append(record: JournalRecord): Promise<void> {
    if (this.#closed) return Promise.reject(refusal('The journal is closed: this process is stopping.'))
    // A request under way may end even in a folder that is over its size: its `open` was admitted.
    if (this.#failedAt !== undefined || (record.kind === 'open' && this.#overfull()))
      return Promise.reject(refusal('The usage journal takes no more records: free or enlarge its disk.'))
    if (record.kind === 'open') this.#open.set(record.request, record.event)
    else {
      this.#open.delete(record.request)
      this.#events.push(...record.events)
    }
    if (this.#turn === undefined) {
      this.#turn = Promise.withResolvers<void>()
      setImmediate(this.#flush)
    }
    this.#encode(record.kind, payloadOf(record))
    return this.#turn.promise
  }

  /** Writes and fsyncs what has been appended. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#flush()
    clearTimeout(this.#syncTimer)
    this.#syncTimer = undefined
    await this.#syncing
    this.#dirty = this.#dirty || this.#unsynced.length > 0
    await this.#sync()
    this.#settings.sink.close(this.#file)
    this.#segment.closed = true
  }

  #overfull(): boolean {
    const { keptBytes, maxBytes } = this.#settings
    return keptBytes() + this.#segment.size >= maxBytes
  }

  #encode(kind: JournalRecord['kind'], payload: string): void {
    const bound = frameBound(payload)
    if (this.#used + bound > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#used + bound))
      this.#buffer.copy(larger, 0, 0, this.#used)
      this.#buffer = larger
    }
    this.#used = writeFrame(this.#buffer, this.#used, kind, payload)
  }

  readonly #flush = (): void => {
    const turn = this.#turn
    if (!turn) return
    this.#turn = undefined
    try {
      this.#write()
    } catch (cause) {
      this.#fail(cause)
      turn.reject(refusal('The usage journal could not be written: see its disk.', cause))
      return
    }
    if (this.#settings.sync === 'interval') turn.resolve()
    else this.#unsynced.push(turn)
    this.#dirty = true
    this.#rotateWhenDue()
    this.#syncTimer ??= setTimeout(this.#syncSoon, this.#settings.sync === 'reply' ? 2 : 20)
  }

  #write(): void {
    const { sink } = this.#settings
    const length = this.#used
    const events = this.#events
    const start = this.#segment.size
    this.#used = 0
    this.#events = []
    let written = 0
    while (written < length)
      written += sink.write(
        this.#file,
        written === 0 ? this.#buffer : this.#buffer.subarray(written),
        length - written,
        start + written,
      )
    this.#segment.size += length
    this.#settings.wrote({ segment: this.#segment, start, end: this.#segment.size, events })
  }

  readonly #syncSoon = (): void => {
    this.#syncTimer = undefined
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = undefined
      if (this.#dirty && !this.#closed) this.#syncTimer ??= setTimeout(this.#syncSoon, 1)
    })
  }

  async #sync(): Promise<void> {
    // A record of the new segment must not outlive one of the old.
    await this.#retiring
    if (!this.#dirty) return
    this.#dirty = false
    const waiting = this.#unsynced
    this.#unsynced = []
    try {
      await this.#settings.sink.sync(this.#file)
      await this.#syncFolder()
      for (const turn of waiting) turn.resolve()
    } catch (cause) {
      // After a failed fsync the kernel may have dropped the pages: this file is not written to any more.
      this.#fail(cause)
      for (const turn of waiting) turn.reject(refusal('The usage journal could not be fsynced.', cause))
    }
  }

  async #syncFolder(): Promise<void> {
    if (!this.#folderDirty) return
    this.#folderDirty = false
    const folder = openSync(this.#settings.folder, 'r')
    try {
      await syncAll(folder)
    } finally {
      closeSync(folder)
    }
  }

  #rotateWhenDue(): void {
    const { segmentBytes, segmentSeconds, clock } = this.#settings
    const old = clock() - this.#begunAt >= segmentSeconds * 1000
    if (this.#segment.size < segmentBytes && !(old && this.#segment.size > 0)) return
    const file = this.#file
    try {
      this.#begin()
    } catch (cause) {
      this.#fail(cause)
      return
    }
    this.#retire(file, true)
  }

  /** Closes a file that is not written to any more, after the fsync that may be under way on it. */
  #retire(file: number, sync: boolean): void {
    const { sink } = this.#settings
    const before = Promise.all([this.#retiring, this.#syncing])
    this.#retiring = before
      .then(() => (sync ? sink.sync(file) : undefined))
      .catch((cause: unknown) => this.#fail(cause))
      .finally(() => sink.close(file))
  }

  /** Opens the next segment, which begins with the requests under way, and closes the last one to writing. */
  #begin(): void {
    const { folder, epoch, sink, clock, begun } = this.#settings
    const number = this.#segment.number + 1
    const path = segmentPath(folder, epoch, number)
    const file = sink.create(path)
    const last = this.#segment
    this.#file = file
    this.#segment = { path, epoch, number, size: 0, closed: false }
    this.#begunAt = clock()
    this.#folderDirty = true
    this.#dirty = true
    begun(this.#segment)
    last.closed = true
    this.#used = 0
    for (const event of this.#open.values())
      this.#encode('open', payloadOf({ kind: 'open', request: event.data.request, event }))
    this.#write()
  }

  #fail(cause: unknown): void {
    this.#used = 0
    this.#events = []
    this.#failedAt = this.#settings.clock()
    this.#settings.observe({ type: 'journal_failed', error: cause })
    const turns = this.#turn ? [this.#turn, ...this.#unsynced] : this.#unsynced
    this.#turn = undefined
    this.#unsynced = []
    for (const turn of turns)
      turn.reject(refusal('The usage journal could not be fsynced: see its disk.', cause))
  }

  /** Once a second, tries whether a new segment can be written and fsynced. */
  #retry(): void {
    const { clock, sink, observe } = this.#settings
    if (this.#closed || this.#failedAt === undefined || clock() - this.#failedAt < retryMilliseconds) return
    this.#failedAt = clock()
    try {
      // What a failed write left behind its last whole frame is cut off.
      sink.truncate(this.#file, this.#segment.size)
      const file = this.#file
      this.#begin()
      this.#retire(file, false)
    } catch (error) {
      observe({ type: 'journal_failed', error })
      return
    }
    const file = this.#file
    sink.sync(file).then(
      () => {
        this.#failedAt = undefined
        observe({ type: 'journal_recovered' })
      },
      (error: unknown) => observe({ type: 'journal_failed', error }),
    )
  }
}

function refusal(message: string, cause?: unknown): Fault {
  return new Fault('unavailable', message, { reason: 'journal_full', retryAfterSeconds: 5, cause })
}
