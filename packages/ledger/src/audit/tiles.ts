// The tree as C2SP tlog-tiles keeps it: each tile holds 256 hashes of one level, or fewer at the right edge, and each
// level is 8 levels of the tree above the one below it.
import { Fault } from '@switchyard/kinds'
import type { TileGrowth } from '@switchyard/runtime'
import { hashBytes, rootOfHashes } from './hash.ts'

export const tileHashes = 256
export const tileBytes = tileHashes * hashBytes
/** An entry stands in its bundle behind its length in two bytes. */
export const mostEntryBytes = 65_535

/** Hashes on a level of tiles when the log has `size` entries. */
export const hashesOn = (level: number, size: number): number => Math.floor(size / tileHashes ** level)

/** Levels that hold a hash. */
export function levelsOf(size: number): number {
  let levels = 0
  while (hashesOn(levels, size) > 0) levels += 1
  return levels
}

/** `x001/x234/067`. */
export function indexPath(n: number): string {
  const groups: string[] = []
  for (let rest = n; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(String(rest % 1000).padStart(3, '0'))
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
}

/** Path of a tile, or of a bundle of entries; with `width` below 256 that of a part of it. */
export function tilePath(level: number | 'entries', n: number, width: number = tileHashes): string {
  return `tile/${level}/${indexPath(n)}${width === tileHashes ? '' : `.p/${width}`}`
}

const pathPattern = /^tile\/(entries|[0-7])\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/

/** Undefined when it is no path of a tile; 256 is no part. */
export function parseTilePath(
  path: string,
): { readonly level: number | 'entries'; readonly n: number; readonly width: number } | undefined {
  const [, level, index, part] = pathPattern.exec(path) ?? []
  if (level === undefined || index === undefined) return undefined
  const width = part === undefined ? tileHashes : Number(part)
  const n = Number(index.replaceAll(/[x/]/g, ''))
  if (width >= tileHashes && part !== undefined) return undefined
  if (!Number.isSafeInteger(n) || indexPath(n) !== index) return undefined
  return { level: level === 'entries' ? level : Number(level), n, width }
}

/** Entries of one tile as a bundle: each behind its length, two bytes of it, big-endian. */
export function bundle(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0))
  let at = 0
  for (const entry of entries) {
    if (entry.length > mostEntryBytes) throw new TypeError('an entry of the log is at most 65535 bytes')
    bytes[at] = entry.length >> 8
    bytes[at + 1] = entry.length & 255
    bytes.set(entry, at + 2)
    at += 2 + entry.length
  }
  return bytes
}

/** `invalid` when it does not end with an entry. */
export function unbundle(bytes: Uint8Array): readonly Uint8Array[] {
  const entries: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
    const end = at + 2 + length
    if (end > bytes.length)
      throw new Fault('invalid', 'A bundle of entries is cut off.', { reason: 'bad_bundle' })
    entries.push(bytes.subarray(at + 2, end))
    at = end
  }
  return entries
}

/**
 * What adding leaves to a log of `size` entries adds to its tiles. `edge` holds the last tile of each level that is not
 * full. The new edge stands beside it.
 */
export function growTiles(
  size: number,
  edge: readonly Uint8Array[],
  leaves: readonly Uint8Array[],
): { readonly tiles: readonly TileGrowth[]; readonly edge: readonly Uint8Array[] } {
  const tiles: TileGrowth[] = []
  const after: Uint8Array[] = []
  let added = leaves
  for (let level = 0; added.length > 0 || level < edge.length; level += 1) {
    const held = hashesOn(level, size)
    let n = Math.floor(held / tileHashes)
    let count = held % tileHashes
    let tile = new Uint8Array(tileBytes)
    tile.set((edge[level] ?? new Uint8Array(0)).subarray(0, count * hashBytes))
    const above: Uint8Array[] = []
    let offset = count
    const emit = () => {
      if (count > offset)
        tiles.push({ level, n, offset, hashes: tile.slice(offset * hashBytes, count * hashBytes) })
    }
    for (const hash of added) {
      tile.set(hash, count * hashBytes)
      count += 1
      if (count < tileHashes) continue
      emit()
      above.push(rootOfHashes(tile))
      tile = new Uint8Array(tileBytes)
      n += 1
      count = 0
      offset = 0
    }
    emit()
    after.push(tile.slice(0, count * hashBytes))
    added = above
  }
  return { tiles, edge: after }
}
