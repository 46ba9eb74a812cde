// Similar questions: what is found, in which partition, within which bounds, and what a busy or dead thread costs.

import type { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { FlatIndex } from '../src/cache/flat.ts'
import { SemanticIndex, type SemanticOptions } from '../src/cache/semantic.ts'

/** A direction of two numbers, `degrees` from the first axis. */
function towards(degrees: number): Float32Array {
  const angle = (degrees * Math.PI) / 180
  return Float32Array.of(Math.cos(angle), Math.sin(angle))
}

const roomy = { entries: 100, bytes: 1_000_000 }

/** Numbers that look random and are the same in each run. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 31 - 1
  })
}

describe('a flat index', () => {
  it('finds the nearest that is near enough', () => {
    const index = new FlatIndex(roomy)
    for (const degrees of [0, 20, 35]) index.add('p', `at ${degrees}`, towards(degrees))
    expect(index.search('p', towards(25), 0.97)?.key).toBe('at 20')
    expect(index.search('p', towards(90), 0.97)).toBe(undefined)
    const same = index.search('p', towards(20), 1)
    expect(same?.key).toBe('at 20')
    expect(same?.similarity).toBeCloseTo(1, 6)
  })

  it('never finds what is in another partition or has another length', () => {
    const index = new FlatIndex(roomy)
    index.add('p', 'a', towards(0))
    expect(index.search('q', towards(0), 0.1)).toBe(undefined)
    expect(index.search('p', Float32Array.of(1, 0, 0), 0.1)).toBe(undefined)
  })

  it('lets go of what was found or added longest ago', () => {
    const index = new FlatIndex({ ...roomy, entries: 2 })
    index.add('p', 'a', towards(0))
    index.add('q', 'b', towards(0))
    index.search('p', towards(0), 0.97)
    index.add('q', 'c', towards(40))
    expect(index.search('p', towards(0), 0.97)?.key).toBe('a')
    expect(index.search('q', towards(0), 0.97)).toBe(undefined)
    expect(index.size).toBe(2)
  })

  it('agrees with a plain search after any additions and removals, within its bounds', () => {
    const step = fc.record({
      remove: fc.boolean(),
      key: fc.nat(15).map(String),
      partition: fc.constantFrom('p', 'q'),
      degrees: fc.integer({ min: 0, max: 359 }),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), steps => {
        const index = new FlatIndex({ entries: 16, bytes: 16 * 520 })
        const known = new Map<string, { partition: string; vector: Float32Array }>()
        for (const { remove, key, partition, degrees } of steps) {
          if (remove) {
            index.remove(key)
            known.delete(key)
          } else {
            index.add(partition, key, towards(degrees))
            known.set(key, { partition, vector: towards(degrees) })
          }
          expect(index.size).toBe(known.size)
          expect(index.bytes).toBe(known.size * 520)
          const partitions = new Set([...known.values()].map(one => one.partition))
          expect(index.partitions).toBe(partitions.size)
          const asked = towards(degrees + 3)
          const cosines = [...known.values()]
            .filter(one => one.partition === partition)
            .map(({ vector }) => vector[0]! * asked[0]! + vector[1]! * asked[1]!) // both have two numbers
          const most = Math.max(-2, ...cosines)
          const found = index.search(partition, asked, 0.9)
          if (most > 0.9001) expect(found?.similarity).toBeCloseTo(Math.min(1, most), 5)
          if (most < 0.8999) expect(found).toBe(undefined)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('keeps to its bytes', () => {
    const index = new FlatIndex({ entries: 100, bytes: 1100 })
    for (let i = 0; i < 10; i++) index.add('p', `${i}`, towards(i))
    expect([index.size, index.bytes]).toEqual([2, 1040])
    index.add('p', 'vast', new Float32Array(300))
    expect(index.size).toBe(2)
  })
})

const opened: SemanticIndex[] = []
afterEach(async () => {
  for (const index of opened.splice(0)) await index[Symbol.asyncDispose]()
})

function open(options: Partial<SemanticOptions> = {}, onLost: (fault: Fault) => void = () => undefined) {
  const index = new SemanticIndex(options, onLost)
  opened.push(index)
  return index
}

describe('a semantic index', () => {
  it('finds the key of a similar question of any length of vector, and says how similar', async () => {
    const index = open()
    expect(index.add('p', 'a', [3, 4, 0])).toBe(true)
    expect(await index.search('p', [6, 8, 0.1])).toMatchObject({ type: 'near', key: 'a' })
    expect(await index.search('p', [4, 3, 0])).toEqual({ type: 'none' })
    expect(await index.search('p', [4, 3, 0], 0.9)).toMatchObject({ type: 'near', key: 'a' })
    expect(await index.search('other workspace', [3, 4, 0])).toEqual({ type: 'none' })
    expect(index.entries).toBe(1)
  })

  it('leaves the vector that it was given alone', async () => {
    const index = open()
    const vector = towards(10)
    index.add('p', 'a', vector)
    await index.search('p', vector)
    expect(vector).toEqual(towards(10))
  })

  it('forgets a key', async () => {
    const index = open()
    index.add('p', 'a', [1, 0])
    expect(index.remove('a')).toBe(true)
    expect(await index.search('p', [1, 0])).toEqual({ type: 'none' })
    expect(index.entries).toBe(0)
  })

  it('is busy beyond its bound and lets nothing wait longer for that', async () => {
    const index = open({ waiting: 2 })
    const first = index.search('p', [1, 0])
    expect(index.add('p', 'a', [1, 0])).toBe(true)
    expect(index.add('p', 'b', [1, 0])).toBe(false)
    expect(index.remove('a')).toBe(false)
    expect(await index.search('p', [1, 0])).toEqual({ type: 'busy' })
    expect(await first).toEqual({ type: 'none' })
    while ((await index.search('p', [1, 0])).type === 'busy') await new Promise(setImmediate)
    expect(await index.search('p', [1, 0])).toMatchObject({ type: 'near', key: 'a' })
  })

  it('refuses what is no vector', async () => {
    const index = open()
    for (const vector of [[], [0, 0], [Number.NaN], [1e300], [Number.POSITIVE_INFINITY]]) {
      const fault = { code: 'invalid', reason: 'invalid_value' }
      expect(() => index.add('p', 'a', vector)).toThrow(expect.objectContaining(fault))
      await expect(index.search('p', vector)).rejects.toMatchObject(fault)
    }
    await expect(index.search('p', [1], 1.01)).rejects.toThrow(TypeError)
    expect(() => new SemanticIndex({ similarity: 0 }, () => undefined)).toThrow(TypeError)
  })

  it('that is closed finds nothing, and nobody is left waiting or told of a loss', async () => {
    const faults: Fault[] = []
    const index = open({}, fault => void faults.push(fault))
    const waiting = index.search('p', [1, 0])
    await index[Symbol.asyncDispose]()
    expect(['none', 'lost']).toContain((await waiting).type)
    expect(await index.search('p', [1, 0])).toEqual({ type: 'lost' })
    expect(index.add('p', 'a', [1, 0])).toBe(false)
    expect(faults).toEqual([])
  })

  it('whose thread has ended finds nothing, and says so once', async () => {
    const { promise, resolve } = Promise.withResolvers<Fault>()
    const broken = new URL("data:text/javascript,throw new Error('out of order')")
    const index = new SemanticIndex({}, resolve, broken)
    opened.push(index)
    expect(await index.search('p', [1, 0])).toEqual({ type: 'lost' })
    expect(await promise).toMatchObject({ code: 'internal', cause: { message: 'out of order' } })
    expect(index.add('p', 'a', [1, 0])).toBe(false)
    expect(await index.search('p', [1, 0])).toEqual({ type: 'lost' })
  })

  it('finds one of ten thousand vectors of 384 numbers', async () => {
    const index = open({ waiting: 10_001 })
    for (let i = 0; i < 10_000; i++) index.add('p', `${i}`, numbers(384, i + 1))
    const asked = numbers(384, 4322)
    expect(await index.search('p', asked)).toMatchObject({ type: 'near', key: '4321' })
    const began = performance.now()
    for (let i = 0; i < 20; i++) await index.search('p', asked)
    console.log(`a search among 10 000 x 384: ${((performance.now() - began) / 20).toFixed(2)} ms`)
    expect(index.entries).toBe(10_000)
  })
})
