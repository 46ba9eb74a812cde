// Ships what was written: segments of lost processes first, then the live one as it grows. A request that a
// lost process had begun and not ended becomes an event of its own, so that it ends once as well.
import { type FileHandle, open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { Admission, Denied, JournalledDenial, JournalReader, Observe, Used } from '@switchyard/runtime'
import { type Frame, headBytes, readFrame, Told } from './frame.ts'
import type { JournalObservation } from './index.ts'
import type { Segment } from './segment.ts'

const readBytes = 1024 * 1024
/** Taken in one turn of the loop: a whole batch would hold up requests for milliseconds. */
const recordsOfTurn = 64
/** A batch waits for no more than these: what is in memory while it is shipped lives through collections of garbage. */
const bytesOfBatch = 256 * 200 // about what the records of one request take
const nothing = Buffer.alloc(0)

interface Settings {
  readonly folder: string
  /** UUID of the journal. */
  readonly journal: string
  readonly epoch: number
  /** How long a batch gathers after its first event. */
  readonly gatherMilliseconds: number
  readonly observe: Observe<JournalObservation>
  /** Called, in order, with each segment of which every record has been acknowledged. */
  readonly finished: (segment: Segment) => Promise<void>
}

type Batch = Awaited<ReturnType<JournalReader['batch']>>

export class SegmentReader implements JournalReader {
  readonly #settings: Settings
  /** Segments not yet read to their end, the one under way first. */
  readonly #segments: Segment[]
  /** Segments read to their end by the batch that is not acknowledged yet. */
  #passed: Segment[] = []
  #offset = 0
  #handle: FileHandle | undefined
  #bytes: Buffer = nothing
  #at = 0
  /** Requests of the lost process whose segments are being read, begun and not ended so far. */
  readonly #open = new Map<string, Admission | Used>()
  /** What the segment that is being read has told of them so far. */
  readonly #told = new Told()
  /** Read and not yet handed out. */
  #ready: Used[] = []
  #denied: JournalledDenial[] = []
  #batch: Batch | undefined
  /** What lost processes have recorded is not all acknowledged yet. */
  recovering: boolean
  #more = Promise.withResolvers<void>()
  #gathered = Promise.withResolvers<void>()

  constructor(settings: Settings, segments: readonly Segment[]) {
    this.#settings = settings
    this.#segments = [...segments]
    this.recovering = settings.epoch > 1
  }

  add(segment: Segment): void {
    this.#segments.push(segment)
    this.wake()
  }

  wake(): void {
    if (!this.#gathering()) this.#gathered.resolve()
    this.#more.resolve()
  }

  /** Until it is acknowledged, the same batch is handed out again. */
  async batch(limit: number, signal: AbortSignal): Promise<Batch> {
    if (this.#batch) return this.#batch
    for (;;) {
      this.#more = Promise.withResolvers()
      // Nothing is read before a batch has gathered.
      if (this.#gathering()) await this.#gather(signal)
      // Who reads after the one that writes reads record by record: what is written meanwhile is of the next batch.
      const end = this.#live() ? (this.#segments[0]?.size ?? 0) : Number.POSITIVE_INFINITY
      while (this.#ready.length + this.#denied.length < limit)
        if (this.#scan(limit)) await turn()
        else if (!(await this.#step(end))) break
      if (this.#ready.length > 0 || this.#denied.length > 0 || this.#passed.length > 0 || this.#recovered())
        break
      await until(this.#more.promise, signal)
    }
    const used = this.#ready.splice(0, limit)
    const denied = this.#denied.splice(0)
    const passed = this.#ready.length === 0 ? this.#passed : []
    if (passed === this.#passed) this.#passed = []
    const { journal, epoch } = this.#settings
    const recovered = this.#recovered() ? { journal, epoch } : undefined
    const batch: Batch = {
      used,
      denied,
      recovered,
      acknowledge: async () => {
        if (this.#batch !== batch) return
        this.#batch = undefined
        if (recovered) this.recovering = false
        for (const segment of passed) await this.#settings.finished(segment)
      },
    }
    this.#batch = batch
    return batch
  }

  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = undefined
  }

  /** Nothing of lost processes is left to hand out. */
  #recovered(): boolean {
    return this.recovering && this.#ready.length === 0 && (this.#segments.length === 0 || this.#live())
  }

  /** Everything that was written has been handed out and acknowledged. */
  get drained(): boolean {
    const [segment] = this.#segments
    return (
      this.#batch === undefined &&
      this.#ready.length === 0 &&
      this.#denied.length === 0 &&
      this.#segments.length <= 1 &&
      (segment === undefined || this.#offset + this.#at >= segment.size)
    )
  }

  /** There is something to read of the segment that is being written, and no whole batch of it. */
  #gathering(): boolean {
    if (!this.#live() || this.#ready.length > 0) return false
    const behind = (this.#segments[0]?.size ?? 0) - this.#offset - this.#at
    return behind > 0 && behind < bytesOfBatch
  }

  async #gather(signal: AbortSignal): Promise<void> {
    this.#gathered = Promise.withResolvers()
    const timer = setTimeout(this.#gathered.resolve, this.#settings.gatherMilliseconds)
    try {
      await until(this.#gathered.promise, signal)
    } finally {
      clearTimeout(timer)
    }
  }

  #live(): boolean {
    return this.#segments[0]?.epoch === this.#settings.epoch
  }

  /** Takes some of the whole frames that are in memory; false when the next one is not, or is no frame. */
  #scan(limit: number): boolean {
    const opens = !this.#live()
    let some = 0
    while (
      some < recordsOfTurn &&
      this.#ready.length + this.#denied.length < limit &&
      this.#at < this.#bytes.length
    ) {
      const frame = readFrame(this.#bytes, this.#at, this.#told, opens)
      if (frame.kind === 'short' || frame.kind === 'bad') break
      this.#take(frame)
      some++
    }
    return some > 0
  }

  /** Goes on where `scan` cannot: reads more before `end`, or leaves a segment; false when there is nothing to do now. */
  async #step(end: number): Promise<boolean> {
    const segment = this.#segments[0]
    if (!segment) return false
    const place = this.#offset + this.#at
    if (place >= segment.size) {
      if (!segment.closed) return false
      await this.#leave(segment)
      return true
    }
    if (place >= end) return false
    const frame = readFrame(this.#bytes, this.#at, this.#told, !this.#live())
    if (frame.kind === 'short' && (await this.#fill(segment, frame.needs))) return true
    if (frame.kind === 'short' || frame.kind === 'bad') await this.#damaged(segment, place)
    return true
  }

  #take(frame: Exclude<Frame, { kind: 'short' | 'bad' }>): void {
    this.#at = frame.end
    if (frame.kind === 'common') this.#told.commons.set(frame.number, frame.common)
    else if (frame.kind === 'shape') this.#told.shapes.set(frame.number, frame.shape)
    else if (frame.kind === 'open') {
      // A segment begins with those that are under way, and how far they have come is told after it.
      if (!this.#open.has(frame.admitted.request)) this.#open.set(frame.admitted.request, frame.admitted)
    } else if (frame.kind === 'denied') this.#deny(frame.number, frame.denied)
    else if (frame.kind === 'progress') this.#open.set(frame.used.admitted.request, frame.used)
    else if (frame.kind === 'used')
      for (const used of frame.used) {
        // Of a process that still runs nothing is kept open here: the look-up is not worth its cost.
        if (this.#open.size > 0) this.#open.delete(used.admitted.request)
        this.#ready.push(used)
      }
  }

  #deny(number: number, denied: Denied): void {
    const { journal, epoch: current } = this.#settings
    const epoch = this.#segments[0]?.epoch ?? current
    this.#denied.push({ journal, epoch, number, denied })
  }

  /** Reads on from the frame under way; false when the segment does not hold that many bytes. */
  async #fill(segment: Segment, needs: number): Promise<boolean> {
    const from = this.#offset + this.#at
    const available = segment.size - from
    if (available < needs) return false
    this.#handle ??= await open(segment.path, 'r')
    const bytes = Buffer.allocUnsafe(Math.min(available, Math.max(readBytes, needs)))
    const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, from)
    this.#bytes = bytes.subarray(0, bytesRead)
    this.#offset = from
    this.#at = 0
    return bytesRead >= Math.max(needs, headBytes)
  }

  async #leave(segment: Segment): Promise<void> {
    await this.close()
    this.#segments.shift()
    this.#told.clear()
    this.#bytes = nothing
    this.#offset = 0
    this.#at = 0
    this.#passed.push(segment)
    const lastOfEpoch = this.#segments[0]?.epoch !== segment.epoch
    if (!lastOfEpoch || segment.epoch === this.#settings.epoch) return
    if (this.#open.size > 0)
      this.#settings.observe({ type: 'requests_lost', epoch: segment.epoch, requests: this.#open.size })
    for (const one of this.#open.values()) this.#ready.push('ended' in one ? one : lost(one))
    this.#open.clear()
  }

  /** The torn end of a process that was killed is dropped; damage anywhere else is kept aside for a person. */
  async #damaged(segment: Segment, place: number): Promise<void> {
    const lastOfEpoch = this.#segments[1]?.epoch !== segment.epoch
    const { observe, folder } = this.#settings
    if (lastOfEpoch)
      observe({ type: 'torn_tail', path: segment.path, offset: place, bytes: segment.size - place })
    else {
      const aside = join(folder, `${segment.epoch}-${segment.number}@${place}.quarantine`)
      const rest = Buffer.alloc(segment.size - place)
      this.#handle ??= await open(segment.path, 'r')
      await this.#handle.read(rest, 0, rest.length, place)
      await writeFile(`${aside}.new`, rest)
      await rename(`${aside}.new`, aside)
      observe({ type: 'quarantined', path: aside, bytes: rest.length })
    }
    segment.size = place
  }
}

/** The one end of a request whose gateway was lost: always the same, so that it counts once. */
function lost(admitted: Admission): Used {
  const { at } = admitted
  const ended = { at, end: 'gateway_lost', status: 0, attempt: 1, upstream: '', billable: 'caller' } as const
  return { admitted, ended: { ...ended, usage: undefined } }
}

async function until(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
