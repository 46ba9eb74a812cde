// Roots and proofs of the log's tree (RFC 6962, RFC 9162), computed from tiles that somebody else reads.
import { Fault } from '@switchyard/kinds'
import { emptyRoot, hashBytes, hashNode, rootOfHashes, sameBytes } from './hash.ts'
import { hashesOn, tileHashes } from './tiles.ts'

/** Hashes of tile `n` of a level, at least `width` of them; undefined when it is not there. */
export type ReadTile = (level: number, n: number, width: number) => Promise<Uint8Array | undefined>

export interface Tree {
  readonly size: number
  /** Of the first `size` entries; of all when absent. */
  root(size?: number): Promise<Uint8Array>
  /** Hashes that lead from an entry to the root over `size` entries. */
  inclusion(index: number, size?: number): Promise<readonly Uint8Array[]>
  /** Hashes that show that the tree of `from` entries is the beginning of that of `size`. */
  consistency(from: number, size?: number): Promise<readonly Uint8Array[]>
}

/** The largest power of two below n, for n above 1. */
function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

const isPowerOfTwo = (n: number): boolean => n === 1 || split(n) * 2 === n

/** A tree of `size` entries over tiles. `not_found` (`tile_missing`) when a tile that is needed is not there. */
export function openTree(size: number, read: ReadTile): Tree {
  const cache = new Map<string, Promise<Uint8Array>>()

  function tile(level: number, n: number): Promise<Uint8Array> {
    const key = `${level}/${n}`
    const known = cache.get(key)
    if (known) return known
    const width = Math.min(tileHashes, hashesOn(level, size) - n * tileHashes)
    const loading = read(level, n, width).then(hashes => {
      if (hashes && hashes.length >= width * hashBytes) return hashes.subarray(0, width * hashBytes)
      throw new Fault('not_found', `Tile ${n} of level ${level} is not there.`, { reason: 'tile_missing' })
    })
    if (cache.size >= 1024) cache.clear()
    cache.set(key, loading)
    return loading
  }

  /** Root over `[start, end)`, which is whole: as many entries as a power of two, aligned to it. */
  async function whole(start: number, end: number): Promise<Uint8Array> {
    const count = end - start
    let level = 0
    while (tileHashes ** (level + 1) <= count) level += 1
    const unit = tileHashes ** level
    const first = start / unit
    const n = Math.floor(first / tileHashes)
    const at = (first % tileHashes) * hashBytes
    const hashes = await tile(level, n)
    return rootOfHashes(hashes.subarray(at, at + (count / unit) * hashBytes))
  }

  async function over(start: number, end: number): Promise<Uint8Array> {
    const count = end - start
    if (count === 0) return emptyRoot
    if (isPowerOfTwo(count)) return whole(start, end)
    const middle = start + split(count)
    return hashNode(await whole(start, middle), await over(middle, end))
  }

  async function path(index: number, start: number, end: number): Promise<readonly Uint8Array[]> {
    if (end - start === 1) return []
    const middle = start + split(end - start)
    return index < middle
      ? [...(await path(index, start, middle)), await over(middle, end)]
      : [...(await path(index, middle, end)), await whole(start, middle)]
  }

  async function subproof(
    from: number,
    start: number,
    end: number,
    known: boolean,
  ): Promise<readonly Uint8Array[]> {
    if (from === end) return known ? [] : [await over(start, end)]
    const middle = start + split(end - start)
    return from <= middle
      ? [...(await subproof(from, start, middle, known)), await over(middle, end)]
      : [...(await subproof(from, middle, end, false)), await whole(start, middle)]
  }

  const within = (count: number, least: number, most: number) => {
    if (!Number.isSafeInteger(count) || count < least || count > most)
      throw new RangeError(`${count} is not from ${least} to ${most}`)
  }

  return {
    size,
    async root(of = size) {
      within(of, 0, size)
      return over(0, of)
    },
    async inclusion(index, of = size) {
      within(of, 1, size)
      within(index, 0, of - 1)
      return path(index, 0, of)
    },
    async consistency(from, of = size) {
      within(of, 1, size)
      within(from, 0, of)
      return from === 0 ? [] : subproof(from, 0, of, true)
    },
  }
}

/** RFC 9162, 2.1.3.2. */
export function includes(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index >= size) return false
  let [at, last] = [index, size - 1]
  let hash = leaf
  for (const step of proof) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      hash = hashNode(step, hash)
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)]
    } else hash = hashNode(hash, step)
    ;[at, last] = [Math.floor(at / 2), Math.floor(last / 2)]
  }
  return last === 0 && sameBytes(hash, root)
}

/** RFC 9162, 2.1.4.2. */
export function extendsTree(
  from: number,
  fromRoot: Uint8Array,
  size: number,
  root: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (from > size) return false
  if (from === 0) return proof.length === 0
  if (from === size) return proof.length === 0 && sameBytes(fromRoot, root)
  const [head, ...rest] = isPowerOfTwo(from) ? [fromRoot, ...proof] : proof
  if (!head) return false
  let [at, last] = [from - 1, size - 1]
  while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)]
  let [older, newer] = [head, head]
  for (const step of rest) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      older = hashNode(step, older)
      newer = hashNode(step, newer)
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)]
    } else newer = hashNode(newer, step)
    ;[at, last] = [Math.floor(at / 2), Math.floor(last / 2)]
  }
  return last === 0 && sameBytes(older, fromRoot) && sameBytes(newer, root)
}
