// What the log leaves outside of the database: tiles and bundles that are written once, and checkpoints over them.
import { Fault } from '@switchyard/kinds'
import type { AuditStore, Objects } from '@switchyard/runtime'
import { sameBytes } from './hash.ts'
import { type OpenedCheckpoint, openCheckpoint, type Signer, signCheckpoint, type Verifier } from './note.ts'
import { bundle, hashesOn, levelsOf, tileHashes, tilePath } from './tiles.ts'
import { openTree, type Tree } from './tree.ts'

/** The newest checkpoint whose entries all stand in the archive. */
export const checkpointPath = 'checkpoint'
/** The newest one that was signed: no later one may speak against it. */
export const latestPath = 'latest'
export const checkpointsPrefix = 'checkpoints/'
export const keptPath = (size: number): string => `${checkpointsPrefix}${String(size).padStart(20, '0')}`

type Log = Pick<AuditStore, 'head' | 'tile' | 'entries' | 'checkpoint' | 'keepCheckpoint' | 'markArchived'>

export interface SigningOptions {
  readonly audit: Log
  readonly archive: Objects
  /** The first one's name is the log's origin; each of them signs. */
  readonly signers: readonly Signer[]
}

export interface Published {
  readonly size: number
  readonly archived: boolean
}

export function treeOf({ tile }: Pick<Log, 'tile'>, size: number): Tree {
  return openTree(size, tile)
}

/** The checkpoint at a path of the archive; undefined when there is none. `invalid` when it is no checkpoint. */
export async function readCheckpoint(
  archive: Pick<Objects, 'get'>,
  path: string,
  verifiers: readonly Verifier[],
): Promise<OpenedCheckpoint | undefined> {
  const bytes = await archive.get(path)
  return bytes && openCheckpoint(Buffer.from(bytes).toString(), verifiers)
}

/**
 * Refuses to go on where the log is not what was signed before: `conflict` (`log_ahead`) when the archive knows more
 * than the database, (`log_forked`) when they differ, (`audit_key_unknown`) when none of our keys signed it.
 */
export async function checkLog({ audit, archive, signers }: SigningOptions, size: number): Promise<number> {
  const last = await readCheckpoint(archive, latestPath, signers)
  if (!last) return 0
  if (last.signedBy.length === 0)
    throw new Fault(
      'conflict',
      'The log was signed by a key that is not among those of this server. Give the old key back, and a new one beside it for as long as both are to sign.',
      { reason: 'audit_key_unknown' },
    )
  if (last.size > size)
    throw new Fault(
      'conflict',
      `The archive holds ${last.size} signed entries and the database ${size}: it was restored from an older copy. Run \`switchyard audit resume\`, which reads the missing ones back.`,
      { reason: 'log_ahead' },
    )
  if (!sameBytes(await treeOf(audit, size).root(last.size), last.root))
    throw new Fault(
      'conflict',
      `The first ${last.size} entries in the database are not those that were signed. Nothing more is signed until the database that was is back.`,
      { reason: 'log_forked' },
    )
  return last.size
}

/**
 * Signs what the log holds now. First come the tiles, then the signature, then who is told of it. With `whole`, parts
 * of tiles go into the archive too, and its own checkpoint moves on.
 */
export async function publish(options: SigningOptions, whole: boolean): Promise<Published | undefined> {
  const { audit, archive, signers } = options
  const { size, archived } = await audit.head()
  const [first] = signers
  if (size === 0 || !first) return undefined
  const signed = await checkLog(options, size)
  if (signed === size && (!whole || archived === size)) return undefined
  const tree = treeOf(audit, size)
  await archiveTiles(options, archived, size, whole)
  const standing = signed === size ? await archive.get(latestPath) : undefined
  const note = standing
    ? Buffer.from(standing).toString()
    : signCheckpoint({ origin: first.name, size, root: await tree.root() }, signers)
  const bytes = Buffer.from(note)
  if (!standing) await archive.replace(latestPath, bytes)
  await audit.keepCheckpoint({ size, note })
  if (!whole) return { size, archived: false }
  const before = await readCheckpoint(archive, checkpointPath, signers)
  await archive.add(keptPath(size), bytes)
  await archive.replace(checkpointPath, bytes)
  await audit.markArchived(size)
  const standingParts = new Set(partsOf(size))
  for (const path of before ? partsOf(before.size) : [])
    if (!standingParts.has(path)) await archive.discard(path)
  return { size, archived: true }
}

/** Tiles and bundles at the right edge that are not full. */
function partsOf(size: number): readonly string[] {
  const paths: string[] = []
  for (let level = 0; level < levelsOf(size); level += 1) {
    const held = hashesOn(level, size)
    const width = held % tileHashes
    if (width === 0) continue
    const n = Math.floor(held / tileHashes)
    paths.push(tilePath(level, n, width), ...(level === 0 ? [tilePath('entries', n, width)] : []))
  }
  return paths
}

async function archiveTiles(
  { audit, archive }: SigningOptions,
  from: number,
  size: number,
  whole: boolean,
): Promise<void> {
  for (let level = 0; level < levelsOf(size); level += 1) {
    const held = hashesOn(level, size)
    for (let n = Math.floor(hashesOn(level, from) / tileHashes); n * tileHashes < held; n += 1) {
      const width = Math.min(tileHashes, held - n * tileHashes)
      if (width < tileHashes && !whole) break
      const hashes = await audit.tile(level, n)
      if (!hashes) throw new TypeError(`tile ${n} of level ${level} is missing in the database`)
      if (level === 0) await archive.add(tilePath('entries', n, width), await bundleOf(audit, n, width))
      await archive.add(tilePath(level, n, width), hashes.subarray(0, width * 32))
    }
  }
}

/** Bytes of the bundle of a tile's entries. */
export async function bundleOf(
  { entries }: Pick<Log, 'entries'>,
  n: number,
  width: number,
): Promise<Uint8Array> {
  const texts = await entries(n * tileHashes, n * tileHashes + width)
  if (texts.length !== width)
    throw new Fault('not_found', 'These entries have left the database: read them from the archive.', {
      reason: 'entries_pruned',
    })
  return bundle(texts.map(text => Buffer.from(text)))
}
