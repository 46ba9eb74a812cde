// A journal of usage in files: what `append` has acknowledged survives kill -9, and power loss by `sync`.
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Holder, Journal, JournalReader, JournalRecord, Observe } from '@switchyard/runtime'
import { lockFolder } from './lock.ts'
import { SegmentReader } from './reader.ts'
import { findSegments, finishSegment, type Segment, sweep } from './segment.ts'
import { fileSink, JournalWriter } from './writer.ts'

export type JournalObservation =
  | { readonly type: 'journal_failed'; readonly error: unknown }
  | { readonly type: 'journal_recovered' }
  | { readonly type: 'torn_tail'; readonly path: string; readonly offset: number; readonly bytes: number }
  | { readonly type: 'quarantined'; readonly path: string; readonly bytes: number }
  | { readonly type: 'requests_lost'; readonly epoch: number; readonly requests: number }

export interface JournalOptions {
  /** Made when absent; one process owns it at a time. */
  readonly folder: string
  /** `interval` (default): fsynced within 20 ms. `reply`: `append` resolves after the fsync, grouped over 2 ms. */
  readonly sync?: 'interval' | 'reply'
  /** Size at which a segment is left, default 16 MiB. */
  readonly segmentBytes?: number
  /** Age at which a segment is left, default 60 s. */
  readonly segmentSeconds?: number
  /** Size of the folder at which nothing more is begun, default 4 GiB. */
  readonly maxBytes?: number
  /** How long an acknowledged segment is kept, default 3600 s; 0 deletes it at once. */
  readonly keepSeconds?: number
  /** How long a batch gathers at most after its first event, default 200 ms. */
  readonly gatherMilliseconds?: number
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly observe: Observe<JournalObservation>
  /** The file system, for tests of failing disks. */
  readonly sink?: {
    create(path: string): number
    write(file: number, bytes: Buffer, length: number, position: number): number
    truncate(file: number, length: number): void
    sync(file: number): Promise<void>
    close(file: number): void
  }
}

export interface FileJournal extends Journal, AsyncDisposable {
  readonly reader: JournalReader
  /** Who this owner is to those who hold money for it. */
  readonly holder: Holder
  /** Everything that was written has been acknowledged. */
  readonly drained: boolean
  /** Writes what is left and frees the folder. What was not shipped stays for the next owner. */
  close(): Promise<void>
}

/** Takes the folder. `conflict` (`locked`) while another process holds it. */
export async function openJournal(options: JournalOptions): Promise<FileJournal> {
  const { folder, clock, observe, keepSeconds = 3600 } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  using stack = new DisposableStack()
  stack.use(lockFolder(folder))
  const found = await findSegments(folder)
  const holder = await nextHolder(folder, found.lastEpoch)
  const { journal, epoch } = holder
  let done: readonly string[] = await sweep(found.done, clock() - keepSeconds * 1000)
  const kept = new Set<Segment>(found.segments)

  const reader = new SegmentReader(
    {
      folder,
      journal,
      epoch,
      gatherMilliseconds: options.gatherMilliseconds ?? 200,
      observe,
      async finished(segment) {
        kept.delete(segment)
        if (keepSeconds === 0) await unlink(segment.path)
        else done = await sweep([...done, await finishSegment(segment)], clock() - keepSeconds * 1000)
      },
    },
    found.segments,
  )
  let live: Segment | undefined
  const writer = new JournalWriter({
    folder,
    epoch,
    sync: options.sync ?? 'interval',
    segmentBytes: options.segmentBytes ?? 16 * 1024 * 1024,
    segmentSeconds: options.segmentSeconds ?? 60,
    maxBytes: options.maxBytes ?? 4 * 1024 ** 3,
    clock,
    observe,
    sink: options.sink ?? fileSink,
    wrote: () => reader.wake(),
    begun(segment) {
      if (live) kept.add(live)
      live = segment
      reader.add(segment)
    },
    keptBytes() {
      let bytes = 0
      for (const { size } of kept) bytes += size
      return bytes
    },
  })
  const owned = stack.move()
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= (async () => {
      await writer.close()
      const empty = reader.drained && writer.idle
      await reader.close()
      // A last segment that has been shipped whole need not be shipped again by the next owner.
      if (empty && live) await unlink(live.path)
      owned.dispose()
    })()
    return closing
  }
  return new OwnedJournal(writer, reader, holder, close)
}

/** No object literal: V8 keeps one that has a getter as a dictionary, and every request asks it. */
class OwnedJournal implements FileJournal {
  readonly reader: SegmentReader
  readonly holder: Holder
  readonly close: () => Promise<void>
  readonly #writer: JournalWriter

  constructor(writer: JournalWriter, reader: SegmentReader, holder: Holder, close: () => Promise<void>) {
    this.#writer = writer
    this.reader = reader
    this.holder = holder
    this.close = close
  }

  get full(): boolean {
    return this.#writer.full
  }

  get drained(): boolean {
    return this.reader.drained && !this.reader.recovering
  }

  append(record: JournalRecord): Promise<void> {
    return this.#writer.append(record)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** Each owner of the folder has an epoch of its own, whatever segments there are. */
async function nextHolder(folder: string, lastEpoch: number): Promise<Holder> {
  const path = join(folder, 'holder')
  const text = await readFile(path, 'utf8').catch(absent)
  const [journal = randomUUID(), last = '0'] = text?.trim().split(' ') ?? []
  const holder = { journal, epoch: Math.max(lastEpoch, Number(last)) + 1 }
  await writeFile(`${path}.new`, `${holder.journal} ${holder.epoch}\n`, { mode: 0o600, flush: true })
  await rename(`${path}.new`, path)
  return holder
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
