// The files of a journal: `<epoch>-<n>.seg`, an epoch for each process that owned the folder. A segment whose
// records have all been acknowledged is renamed to `.done`, and deleted some time later.
import { readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'

export interface Segment {
  readonly path: string
  readonly epoch: number
  readonly number: number
  /** Bytes that may be read: whole frames, all written. */
  size: number
  /** Nothing is written to it any more. */
  closed: boolean
}

const name = /^(\d+)-(\d+)\.seg(\.done)?$/

export function segmentPath(folder: string, epoch: number, number: number): string {
  return join(folder, `${epoch}-${String(number).padStart(6, '0')}.seg`)
}

export interface Found {
  /** Of earlier epochs, in the order in which they were written. */
  readonly segments: readonly Segment[]
  readonly done: readonly string[]
  readonly lastEpoch: number
}

export async function findSegments(folder: string): Promise<Found> {
  const segments: Segment[] = []
  const done: string[] = []
  let lastEpoch = 0
  for (const file of await readdir(folder)) {
    const [, epoch, number, finished] = name.exec(file) ?? []
    if (epoch === undefined || number === undefined) continue
    const path = join(folder, file)
    lastEpoch = Math.max(lastEpoch, Number(epoch))
    if (finished) done.push(path)
    else {
      const { size } = await stat(path)
      segments.push({ path, epoch: Number(epoch), number: Number(number), size, closed: true })
    }
  }
  segments.sort((one, other) => one.epoch - other.epoch || one.number - other.number)
  return { segments, done, lastEpoch }
}

export async function finishSegment({ path }: Segment): Promise<string> {
  const done = `${path}.done`
  await rename(path, done)
  return done
}

/** Deletes finished segments that were last written before `before` (ms since the epoch). */
export async function sweep(done: readonly string[], before: number): Promise<string[]> {
  const kept: string[] = []
  for (const path of done) {
    const found = await stat(path).catch(absent)
    if (!found) continue
    if (found.mtimeMs > before) kept.push(path)
    else await unlink(path).catch(absent)
  }
  return kept
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
