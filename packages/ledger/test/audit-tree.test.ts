// The tree of the log against its definition: RFC 6962, by the letter, over all entries at once.
import { createHash } from 'node:crypto'
import { diffOf, redact, tilePath } from '@switchyard/ledger'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyRoot, hashLeaf } from '../src/audit/hash.ts'
import { newSigner, openCheckpoint, readSigner, readVerifier, signCheckpoint } from '../src/audit/note.ts'
import { bundle, growTiles, indexPath, parseTilePath, unbundle } from '../src/audit/tiles.ts'
import { extendsTree, includes, openTree, type ReadTile } from '../src/audit/tree.ts'
import type { Json } from '../src/canonical.ts'

const sha = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()
const entry = (i: number) => Buffer.from(`entry ${i}`)
const leaves = (count: number) => Array.from({ length: count }, (_, i) => hashLeaf(entry(i)))

/** MTH of RFC 6962, 2.1. */
function definition(hashes: readonly Uint8Array[]): Uint8Array {
  const [first] = hashes
  if (!first) return sha()
  if (hashes.length === 1) return first
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return sha(Buffer.of(1), definition(hashes.slice(0, k)), definition(hashes.slice(k)))
}

/** Adds leaves in batches of these sizes, as a sequencer does, and keeps the tiles as a store does. */
function build(sizes: readonly number[]): { readonly size: number; readonly read: ReadTile } {
  const tiles = new Map<string, Uint8Array>()
  let [size, edge]: [number, readonly Uint8Array[]] = [0, []]
  for (const count of sizes) {
    const grown = growTiles(size, edge, leaves(size + count).slice(size))
    for (const { level, n, offset, hashes } of grown.tiles) {
      const held = tiles.get(`${level}/${n}`) ?? new Uint8Array(0)
      expect(held.length).toBe(offset * 32)
      tiles.set(`${level}/${n}`, Buffer.concat([held, hashes]))
    }
    size += count
    edge = grown.edge
  }
  return { size, read: async (level, n) => tiles.get(`${level}/${n}`) }
}

const batches = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 })

describe('the tree', () => {
  test('has the root of the definition at every size, in whatever batches it grew', async () => {
    expect(Buffer.from(emptyRoot).equals(sha())).toBe(true)
    await fc.assert(
      fc.asyncProperty(batches, fc.double({ min: 0, max: 1, noNaN: true }), async (sizes, part) => {
        const { size, read } = build(sizes)
        const tree = openTree(size, read)
        const some = Math.floor(size * part)
        for (const of of [some, size])
          expect(Buffer.from(await tree.root(of)).equals(definition(leaves(of)))).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  test('crosses two levels of tiles', async () => {
    const { size, read } = build([65_536 + 300])
    expect(Buffer.from(await openTree(size, read).root()).equals(definition(leaves(size)))).toBe(true)
  })

  test('proves each entry in each tree that holds it, and no other entry, index or root', async () => {
    const pair = fc
      .integer({ min: 1, max: 900 })
      .chain(size => fc.tuple(fc.constant(size), fc.integer({ min: 0, max: size - 1 })))
    await fc.assert(
      fc.asyncProperty(pair, async ([size, index]) => {
        const tree = openTree(size, build([size]).read)
        const [proof, root] = [await tree.inclusion(index), await tree.root()]
        expect(includes(hashLeaf(entry(index)), index, size, proof, root)).toBe(true)
        expect(includes(hashLeaf(entry(index + 1)), index, size, proof, root)).toBe(false)
        expect(includes(hashLeaf(entry(index)), index, size, [...proof, root], root)).toBe(false)
        if (size > 1) {
          expect(includes(hashLeaf(entry(index)), (index + 1) % size, size, proof, root)).toBe(false)
          expect(includes(hashLeaf(entry(index)), index, size, proof.slice(1), root)).toBe(false)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('proves that it begins with each smaller one, and with no other', async () => {
    const pair = fc
      .integer({ min: 1, max: 900 })
      .chain(size => fc.tuple(fc.constant(size), fc.integer({ min: 1, max: size })))
    await fc.assert(
      fc.asyncProperty(pair, async ([size, from]) => {
        const tree = openTree(size, build([size]).read)
        const [proof, old, root] = [await tree.consistency(from), await tree.root(from), await tree.root()]
        expect(extendsTree(from, old, size, root, proof)).toBe(true)
        const other = definition([...leaves(from).slice(1), hashLeaf(entry(-1))])
        expect(extendsTree(from, other, size, root, proof)).toBe(false)
        expect(extendsTree(from, old, size, other, proof)).toBe(false)
        expect(extendsTree(size + 1, root, size, root, proof)).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  test('asks for a tile that is not there by name', async () => {
    await expect(openTree(300, async () => undefined).root()).rejects.toMatchObject({
      reason: 'tile_missing',
    })
  })
})

describe('tiles', () => {
  test.each([
    [0, '000'],
    [67, '067'],
    [999, '999'],
    [1000, 'x001/000'],
    [1_234_067, 'x001/x234/067'],
  ])('number %i is written %s', (n, path) => {
    expect(indexPath(n)).toBe(path)
    expect(parseTilePath(tilePath(0, n))).toEqual({ level: 0, n, width: 256 })
    expect(parseTilePath(tilePath('entries', n, 7))).toEqual({ level: 'entries', n, width: 7 })
  })

  test.each([
    'tile/0/000.p/256',
    'tile/0/000.p/0',
    'tile/8/000',
    'tile/0/x000/001',
    'tile/0/1',
    'tile/0/000/001',
    'tile/-1/000',
  ])('%s is none', path => expect(parseTilePath(path)).toBeUndefined())

  test('bundles give back any entries that they can hold', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 40 }), entries => {
        expect(unbundle(bundle(entries)).map(one => Buffer.from(one))).toEqual(
          entries.map(one => Buffer.from(one)),
        )
      }),
    )
    expect(() => bundle([new Uint8Array(65_536)])).toThrow(TypeError)
    expect(() => unbundle(bundle([Buffer.from('x')]).subarray(0, 2))).toThrow(/cut off/)
  })
})

describe('checkpoints', () => {
  const signer = readSigner(newSigner('switchyard.test/log', new Uint8Array(32).fill(7)))
  const other = readSigner(newSigner('switchyard.test/log', new Uint8Array(32).fill(8)))
  const checkpoint = { origin: signer.name, size: 5, root: sha() }

  test('are opened by the key that signed them, of several too, and name it', () => {
    const note = signCheckpoint(checkpoint, [signer, other])
    for (const { text } of [signer, other]) {
      const opened = openCheckpoint(note, [readVerifier(text)])
      expect(opened).toMatchObject({ origin: 'switchyard.test/log', size: 5 })
      expect(opened.signedBy.map(key => key.text)).toEqual([text])
    }
    const stranger = readVerifier(
      readSigner(newSigner('switchyard.test/log', new Uint8Array(32).fill(9))).text,
    )
    expect(openCheckpoint(note, [stranger]).signedBy).toEqual([])
  })

  test('that were changed in any byte of their text or signature are refused', () => {
    const note = signCheckpoint(checkpoint, [signer])
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: note.length - 2 }),
        fc.constantFrom('0', 'A', '\n', ' '),
        (at, put) => {
          const changed = note.slice(0, at) + put + note.slice(at + 1)
          fc.pre(changed !== note)
          let signed = 0
          try {
            signed = openCheckpoint(changed, [signer]).signedBy.length
          } catch (error) {
            expect(error).toMatchObject({ reason: 'bad_checkpoint' })
          }
          expect(signed).toBe(0)
        },
      ),
    )
  })

  test('have one form: bits that base64 leaves over are not free', () => {
    const note = signCheckpoint(checkpoint, [signer])
    const at = note.length - 3
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    const next = digits[digits.indexOf(note[at] ?? '') ^ 1] ?? ''
    expect(() => openCheckpoint(note.slice(0, at) + next + note.slice(at + 1), [signer])).toThrow(
      /checkpoint/,
    )
  })

  test.each([
    '',
    'x',
    'PRIVATE+KEY+a+00000000+AA==',
    'name+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ])('a key that reads %j is none', text => {
    expect(() => readVerifier(text)).toThrow(/verifier key/)
    expect(() => readSigner(text)).toThrow(/signer key/)
  })
})

describe('a diff', () => {
  const json = fc.letrec<{ value: Json }>(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<Json>(null, true, 0, 1, 'a', 'b', ''),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c/d', 'e~f'), tie('value'), { maxKeys: 4 }),
    ),
  })).value

  test('applied to the one gives the other, and is empty for the same', () => {
    fc.assert(
      fc.property(json, json, (before, after) => {
        expect(apply(before, diffOf(before, after))).toEqual(after)
        expect(diffOf(before, structuredClone(before))).toEqual([])
      }),
    )
  })

  test('holds nothing that looks like a secret', () => {
    expect(
      redact({
        password: 'p',
        env: { API_KEY: 'k', MODE: 'fast' },
        url: 'https://me:word@host/x',
        clientSecrets: ['s'],
      }),
    ).toEqual({
      password: '[redacted]',
      env: { API_KEY: '[redacted]', MODE: 'fast' },
      url: 'https://[redacted]@host/x',
      clientSecrets: ['[redacted]'],
    })
  })
})

/** RFC 6902, as far as a diff uses it. */
function apply(value: Json, operations: ReturnType<typeof diffOf>): Json {
  const root = { value: structuredClone(value) } as Record<string, Json>
  for (const operation of operations) {
    const names = [
      'value',
      ...operation.path
        .split('/')
        .slice(1)
        .map(name => name.replaceAll('~1', '/').replaceAll('~0', '~')),
    ]
    const last = names.pop() ?? ''
    let at = root
    for (const name of names) at = at[name] as Record<string, Json>
    if (operation.op === 'remove') delete at[last]
    else at[last] = operation.value
  }
  return root.value ?? null
}
