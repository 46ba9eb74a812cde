// Brings a database that was restored from an older copy up to what the archive holds, so that no number is given
// twice. What committed after the copy and was numbered stays as it was signed.
import { Fault } from '@switchyard/kinds'
import type { AuditStore, Objects } from '@switchyard/runtime'
import { checkpointPath, latestPath, readCheckpoint, treeOf } from './archive.ts'
import { entryOf } from './entry.ts'
import { hashBytes, sameBytes } from './hash.ts'
import type { Signer } from './note.ts'
import { growTiles, hashesOn, levelsOf, tileHashes, tilePath, unbundle } from './tiles.ts'

export interface ResumeOptions {
  readonly audit: AuditStore
  readonly archive: Objects
  readonly signers: readonly Signer[]
  readonly epoch: bigint
}

/**
 * Answers how many entries were read back. `conflict` when the archive does not hold all that was signed
 * (`archive_behind`), or when the database is no beginning of it (`log_forked`).
 */
export async function resumeLog({ audit, archive, signers, epoch }: ResumeOptions): Promise<number> {
  const [latest, whole] = await Promise.all([
    readCheckpoint(archive, latestPath, signers),
    readCheckpoint(archive, checkpointPath, signers),
  ])
  const { size } = await audit.head()
  if (!latest || latest.size <= size) return 0
  if (latest.signedBy.length === 0)
    throw new Fault('conflict', 'The log was signed by a key that is not among those of this server.', {
      reason: 'audit_key_unknown',
    })
  if (!whole || whole.size < latest.size)
    throw new Fault(
      'conflict',
      `${latest.size} entries were signed and the archive holds ${whole?.size ?? 0}: the others are lost with the database. Keep the archive as it is, and begin a new log with a new key and another archive.`,
      { reason: 'archive_behind' },
    )
  if (!(await audit.claim(epoch)))
    throw new Fault('conflict', 'Another process keeps the log now.', { reason: 'fenced' })
  for (let at = size; at < whole.size; ) at = await restoreTile({ audit, archive, epoch }, at, whole.size)
  const root = await treeOf(audit, whole.size).root()
  if (sameBytes(root, whole.root)) return whole.size - size
  throw new Fault(
    'conflict',
    'The entries in the database are no beginning of those that were signed: this is not an older copy of it.',
    { reason: 'log_forked' },
  )
}

/** Reads back the entries of one tile from `at` on; answers where it ends. */
async function restoreTile(
  { audit, archive, epoch }: Pick<ResumeOptions, 'audit' | 'archive' | 'epoch'>,
  at: number,
  most: number,
): Promise<number> {
  const n = Math.floor(at / tileHashes)
  const end = Math.min(most, (n + 1) * tileHashes)
  const path = tilePath('entries', n, end - n * tileHashes)
  const bytes = (await archive.get(path)) ?? (await archive.get(tilePath('entries', n)))
  if (!bytes) throw new Fault('not_found', `${path} is not in the archive.`, { reason: 'archive_incomplete' })
  const entries = unbundle(bytes)
    .slice(at - n * tileHashes, end - n * tileHashes)
    .map(entryOf)
  const edge: Uint8Array[] = []
  for (let level = 0; level < levelsOf(at); level += 1) {
    const held = hashesOn(level, at)
    const tile = held % tileHashes === 0 ? undefined : await audit.tile(level, Math.floor(held / tileHashes))
    edge.push((tile ?? new Uint8Array(0)).subarray(0, (held % tileHashes) * hashBytes))
  }
  const { tiles } = growTiles(
    at,
    edge,
    entries.map(({ leaf }) => leaf),
  )
  if (await audit.restore(epoch, entries, tiles)) return end
  throw new Fault('conflict', 'Another process goes on with the log meanwhile: try again.', {
    reason: 'fenced',
  })
}
