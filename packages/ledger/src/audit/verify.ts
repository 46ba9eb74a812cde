// Checks an archive of the log with a public key and nothing else: every entry, every tile, every checkpoint.
import { Fault } from '@switchyard/kinds'
import type { Objects } from '@switchyard/runtime'
import { checkpointPath, checkpointsPrefix, latestPath } from './archive.ts'
import { numbersOf } from './entry.ts'
import { hashBytes, hashLeaf, rootOfHashes, sameBytes } from './hash.ts'
import { type Checkpoint, type OpenedCheckpoint, openCheckpoint, type Verifier } from './note.ts'
import { hashesOn, levelsOf, tileHashes, tilePath, unbundle } from './tiles.ts'
import { openTree } from './tree.ts'

export interface VerifyOptions {
  readonly archive: Pick<Objects, 'get' | 'list'>
  readonly verifiers: readonly Verifier[]
  /** A checkpoint that was kept elsewhere, as its note: what it covers must still be there, and the same. */
  readonly since?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Verification {
  /** `incomplete`: something that is needed could not be read, so nothing is said of it. */
  readonly verdict: 'whole' | 'tampered' | 'incomplete'
  /** What was found first, and where. */
  readonly problem?: string
  /** Of the checkpoint that was verified up to. */
  readonly checkpoint?: Checkpoint
  readonly checkpoints: number
  readonly warnings: readonly string[]
}

/** Ends the walk: what was found. */
class Found extends Error {
  readonly verdict: 'tampered' | 'incomplete'
  constructor(verdict: Found['verdict'], message: string) {
    super(message)
    this.verdict = verdict
  }
}

const tampered = (message: string) => new Found('tampered', message)
const missing = (path: string) => new Found('incomplete', `${path} is not in the archive.`)

export async function verifyArchive(options: VerifyOptions): Promise<Verification> {
  const warnings: string[] = []
  let checkpoint: OpenedCheckpoint | undefined
  let checkpoints = 0
  try {
    checkpoint = await signed(options, checkpointPath)
    const { size } = checkpoint
    const since = options.since === undefined ? undefined : open(options, '--since', options.since)
    if (since === undefined)
      warnings.push(
        'Without --since it cannot be excluded that entries were cut off at the end: keep a checkpoint elsewhere, and give it.',
      )
    else if (since.size > size)
      throw tampered(`The log ends at ${size} entries; the checkpoint that you kept has ${since.size}.`)
    const kept = await keptCheckpoints(options, checkpoint)
    const levels = await verifyEntries(options, size)
    await verifyLevels(options, size, levels)
    const tree = openTree(size, async (level, n, width) =>
      level === 0
        ? edgeTile(options, size, n, width)
        : levels[level]?.subarray(n * tileHashes * hashBytes, (n * tileHashes + width) * hashBytes),
    )
    const places = [
      ...(since ? [{ place: 'the checkpoint that you kept', checkpoint: since }] : []),
      ...kept,
      { place: checkpointPath, checkpoint },
    ]
    for (const { place, checkpoint } of places) {
      if (!sameBytes(await tree.root(checkpoint.size), checkpoint.root))
        throw tampered(
          `The first ${checkpoint.size} entries are not those that ${place} was signed over: the log was forked or rewritten.`,
        )
      checkpoints += 1
    }
    const latest = await options.archive.get(latestPath)
    const newest = latest && open(options, latestPath, Buffer.from(latest).toString())
    if (newest && newest.size > size)
      warnings.push(`${newest.size - size} entries that were signed since are not in the archive yet.`)
    return { verdict: 'whole', checkpoint, checkpoints, warnings }
  } catch (error) {
    if (!(error instanceof Found)) throw error
    return {
      verdict: error.verdict,
      problem: error.message,
      ...(checkpoint ? { checkpoint } : {}),
      checkpoints,
      warnings,
    }
  }
}

async function signed(options: VerifyOptions, path: string): Promise<OpenedCheckpoint> {
  const bytes = await options.archive.get(path)
  if (!bytes) throw missing(path)
  return open(options, path, Buffer.from(bytes).toString())
}

function open({ verifiers }: VerifyOptions, place: string, note: string): OpenedCheckpoint {
  let opened: OpenedCheckpoint
  try {
    opened = openCheckpoint(note, verifiers)
  } catch (error) {
    if (error instanceof Fault) throw tampered(`${place} is no checkpoint, or its signature does not hold.`)
    throw error
  }
  const [first] = verifiers
  if (opened.signedBy.length === 0) throw tampered(`${place} is not signed by the key that you gave.`)
  if (first && opened.origin !== first.name)
    throw tampered(`${place} is of the log ${opened.origin}, and your key is of ${first.name}.`)
  return opened
}

interface Kept {
  readonly place: string
  readonly checkpoint: Checkpoint
}

/** Every checkpoint that was kept, in the order of their sizes; each under the name of its size. */
async function keptCheckpoints(options: VerifyOptions, last: Checkpoint): Promise<readonly Kept[]> {
  const kept: Kept[] = []
  for (const path of await options.archive.list(checkpointsPrefix)) {
    const checkpoint = await signed(options, path)
    if (Number(path.slice(checkpointsPrefix.length)) !== checkpoint.size)
      throw tampered(`${path} is a checkpoint of ${checkpoint.size} entries.`)
    if (checkpoint.size > last.size)
      throw tampered(
        `The log ends at ${last.size} entries, and ${path} was signed over ${checkpoint.size}: its end was cut off.`,
      )
    kept.push({ place: path, checkpoint })
  }
  return kept
}

/** The part of that width, or else the full tile that has taken its place. */
async function readPart(
  { archive }: VerifyOptions,
  level: number | 'entries',
  n: number,
  width: number,
): Promise<Uint8Array> {
  const path = tilePath(level, n, width)
  const bytes =
    (await archive.get(path)) ?? (width < tileHashes ? await archive.get(tilePath(level, n)) : undefined)
  if (!bytes) throw missing(path)
  return bytes
}

async function edgeTile(options: VerifyOptions, size: number, n: number, width: number): Promise<Uint8Array> {
  const held = Math.min(tileHashes, size - n * tileHashes)
  return (await readPart(options, 0, n, held)).subarray(0, width * hashBytes)
}

/** Walks all entries. Answers, by level, the hashes that the levels above must hold. */
async function verifyEntries(options: VerifyOptions, size: number): Promise<Uint8Array[]> {
  const above = new Uint8Array(hashesOn(1, size) * hashBytes)
  const places = new Map<string, number>()
  let last = ''
  for (let n = 0; n * tileHashes < size; n += 1) {
    options.signal?.throwIfAborted()
    const first = n * tileHashes
    const width = Math.min(tileHashes, size - first)
    const [bytes, tile] = await Promise.all([
      readPart(options, 'entries', n, width),
      readPart(options, 0, n, width),
    ])
    const entries = entriesOf(bytes, tilePath('entries', n, width))
    if (entries.length < width || tile.length < width * hashBytes)
      throw tampered(`${tilePath('entries', n, width)} holds ${entries.length} entries in place of ${width}.`)
    for (let i = 0; i < width; i += 1) {
      const entry = entries[i] ?? new Uint8Array(0)
      if (!sameBytes(hashLeaf(entry), tile.subarray(i * hashBytes, (i + 1) * hashBytes)))
        throw tampered(`Entry ${first + i} is not the one that was hashed into ${tilePath(0, n, width)}.`)
      last = checkNumbers(entry, first + i, places, last)
    }
    if (width === tileHashes) above.set(rootOfHashes(tile.subarray(0, tileHashes * hashBytes)), n * hashBytes)
  }
  return [new Uint8Array(0), above]
}

function entriesOf(bytes: Uint8Array, path: string): readonly Uint8Array[] {
  try {
    return unbundle(bytes)
  } catch (error) {
    if (error instanceof Fault) throw tampered(`${path}: ${error.message}`)
    throw error
  }
}

/** Numbered without a hole, in the log and in its workspace, and never earlier than the one before. */
function checkNumbers(entry: Uint8Array, index: number, places: Map<string, number>, last: string): string {
  const numbered = numbersOf(entry)
  if (!numbered) throw tampered(`Entry ${index} has not the form of an entry.`)
  if (numbered.seq !== index) throw tampered(`Entry ${index} says that it is ${numbered.seq}.`)
  const place = numbered.workspace ?? ''
  const expected = places.get(place) ?? 0
  if (numbered.workspaceSeq !== expected)
    throw tampered(
      `Entry ${index} is the ${numbered.workspaceSeq}. of ${place === '' ? 'the platform' : `workspace ${place}`}, after ${expected} others.`,
    )
  places.set(place, expected + 1)
  if (numbered.sequencedAt < last)
    throw tampered(`Entry ${index} was numbered before the one that it follows.`)
  return numbered.sequencedAt
}

/** Each level against the one below; `levels` gains what each must hold. */
async function verifyLevels(options: VerifyOptions, size: number, levels: Uint8Array[]): Promise<void> {
  for (let level = 1; level < levelsOf(size); level += 1) {
    const expected = levels[level] ?? new Uint8Array(0)
    const held = hashesOn(level, size)
    const above = new Uint8Array(hashesOn(level + 1, size) * hashBytes)
    for (let n = 0; n * tileHashes < held; n += 1) {
      const width = Math.min(tileHashes, held - n * tileHashes)
      const from = n * tileHashes * hashBytes
      const wanted = expected.subarray(from, from + width * hashBytes)
      const tile = await readPart(options, level, n, width)
      if (!sameBytes(tile.subarray(0, wanted.length), wanted))
        throw tampered(`${tilePath(level, n, width)} does not follow from the tiles below it.`)
      if (width === tileHashes) above.set(rootOfHashes(wanted), n * hashBytes)
    }
    levels.push(above)
  }
}
