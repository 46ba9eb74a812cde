// Appends: one write for all records of a turn of the loop, one fsync for all writes of a few milliseconds.
import { closeSync, fdatasync, fsync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { Fault } from '@switchyard/kinds'
import {
  type Admission,
  type Denied,
  type Ended,
  Ids,
  type Journal,
  type JournalRecord,
  type Observe,
  type Used,
} from '@switchyard/runtime'
import { commonsOf } from './commons.ts'
import { checkRequest, FrameBuffer } from './frame.ts'
import type { JournalObservation, JournalOptions } from './index.ts'
import { type Segment, segmentPath } from './segment.ts'
import { fits, shapesOf } from './shapes.ts'

const syncData = promisify(fdatasync)
const syncAll = promisify(fsync)

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
  /** Called after each write. */
  readonly wrote: () => void
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
  readonly #frames = new FrameBuffer()
  readonly #commons = commonsOf(this.#frames)
  readonly #shapes = shapesOf(this.#frames)
  /** Records of this turn of the loop. */
  #turn: Turn | undefined
  /** Records that are written and wait for the fsync (`reply`). */
  #unsynced: Turn[] = []
  #syncing: Promise<void> | undefined
  #retiring: Promise<void> | undefined
  #syncTimer: NodeJS.Timeout | undefined
  #dirty = false
  #folderDirty = true
  /** Requests that have begun and not ended: each segment begins with those still under way. */
  readonly #open = new Ids<Admission>()
  /** How far those have come that have said so. */
  readonly #progress = new Ids<Used>()
  /** Refusals of this epoch. */
  #denials = 0
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
    if (record.kind === 'denied') return this.#deny(record.denied)
    // A request under way may end even in a folder that is over its size: its `open` was admitted.
    if (this.#failedAt !== undefined || (record.kind === 'open' && this.#overfull()))
      return Promise.reject(refusal('The usage journal takes no more records: free or enlarge its disk.'))
    const { admitted } = record
    const { request } = admitted
    checkRequest(request)
    if (record.kind === 'open') this.#open.set(request, admitted)
    else if (record.kind === 'progress') this.#progress.set(request, record)
    else {
      this.#open.delete(request)
      if (this.#progress.size > 0) this.#progress.delete(request)
    }
    const turn = this.#begun()
    const common = this.#commons.of(admitted)
    if (record.kind === 'open') this.#frames.open(common, admitted)
    else if (record.kind === 'progress')
      this.#frames.progress(common, this.#shapes.of(record.ended), admitted, record.ended)
    else this.#end(common, admitted, record.ended)
    return turn.promise
  }

  #deny(denied: Denied): Promise<void> {
    // Whoever floods the door with wrong keys must not fill the disk that usage is recorded on.
    if (this.#failedAt !== undefined || this.#bytes >= this.#settings.maxBytes / 2)
      return Promise.reject(refusal('The usage journal has no room for refusals: free or enlarge its disk.'))
    const turn = this.#begun()
    this.#denials++
    this.#frames.denied(this.#denials, denied)
    return turn.promise
  }

  /** This turn of the loop, whose records are written together. */
  #begun(): Turn {
    if (this.#turn === undefined) {
      this.#turn = Promise.withResolvers<void>()
      setImmediate(this.#flush)
    }
    return this.#turn
  }

  #end(common: number, admitted: Admission, ended: Ended): void {
    if (fits(ended)) this.#frames.ended(common, this.#shapes.of(ended), admitted, ended)
    else this.#frames.usage(common, admitted, ended)
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
    return this.#bytes >= this.#settings.maxBytes
  }

  /** In the folder. */
  get #bytes(): number {
    return this.#settings.keptBytes() + this.#segment.size
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
    const { bytes, used: length } = this.#frames
    const start = this.#segment.size
    this.#frames.used = 0
    let written = 0
    while (written < length)
      written += sink.write(
        this.#file,
        written === 0 ? bytes : bytes.subarray(written),
        length - written,
        start + written,
      )
    this.#segment.size += length
    this.#settings.wrote()
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
    this.#frames.used = 0
    this.#commons.clear()
    this.#shapes.clear()
    for (const admitted of this.#open.values()) this.#frames.open(this.#commons.of(admitted), admitted)
    for (const { admitted, ended } of this.#progress.values())
      this.#frames.progress(this.#commons.of(admitted), this.#shapes.of(ended), admitted, ended)
    this.#write()
  }

  #fail(cause: unknown): void {
    this.#frames.used = 0
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
