// Kept answers: what is found again, for how long, within which bounds, and at which pace.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Replay } from '../src/cache/replay.ts'
import { ReplyCache } from '../src/cache/replies.ts'
import { ageSeconds, type StoredReply, storeReply, weightOf } from '../src/cache/reply.ts'

const head = { status: 200, contentType: 'text/event-stream; charset=utf-8' }
const text = (length: number) => Buffer.alloc(length, 'x')

function replyOf(parts: readonly Buffer[], now = 0): StoredReply {
  return storeReply(
    head,
    parts,
    parts.map((_, index) => index * 10),
    undefined,
    now,
  )
}

const small = replyOf([text(100)])

function partsOf(replay: Replay, now: number): string[] {
  const parts: string[] = []
  for (let part = replay.next(now); part; part = replay.next(now)) parts.push(part.toString())
  return parts
}

describe('a kept answer', () => {
  it('is found by its key until its time is over', () => {
    const cache = new ReplyCache()
    cache.put('a', small, 1000)
    expect(cache.get('a', 600_999)).toBe(small)
    expect(cache.get('b', 1000)).toBe(undefined)
    expect(cache.get('a', 601_000)).toBe(undefined)
    expect(cache.counts).toMatchObject({ bytes: 0, entries: 0, evictions: 0 })
  })

  it('has a time of its own where one is given', () => {
    const cache = new ReplyCache()
    cache.put('a', small, 0, 5)
    expect([cache.get('a', 4), cache.get('a', 5)]).toEqual([small, undefined])
    expect(cache.put('a', small, 0, 0)).toBe(false)
  })

  it('takes the place of an older one, and a refused one takes the older one away', () => {
    const cache = new ReplyCache({ entryBytes: 200 })
    const other = replyOf([text(150)])
    cache.put('a', small, 0)
    cache.put('a', other, 0)
    expect(cache.get('a', 0)).toBe(other)
    expect(cache.counts).toMatchObject({ entries: 1, bytes: weightOf(other) })
    expect(cache.put('a', replyOf([text(201)]), 0)).toBe(false)
    expect(cache.counts).toMatchObject({ entries: 0, bytes: 0 })
  })

  it('leaves when others are used more, and that is counted', () => {
    const cache = new ReplyCache({ entries: 2 })
    cache.put('a', small, 0)
    cache.put('b', small, 0)
    cache.get('a', 0)
    cache.put('c', small, 0)
    expect(['a', 'b', 'c'].map(key => cache.get(key, 0) !== undefined)).toEqual([true, false, true])
    expect(cache.counts.evictions).toBe(1)
  })

  it('that nobody asks for goes too when it is too old', () => {
    const cache = new ReplyCache()
    for (let i = 0; i < 10; i++) cache.put(`${i}`, small, i)
    cache.sweep(600_004, 3)
    expect(cache.counts.entries).toBe(7)
    cache.sweep(600_004)
    expect(cache.counts.entries).toBe(5)
    cache.sweep(700_000)
    cache.sweep(700_000)
    expect(cache.counts).toMatchObject({ entries: 0, bytes: 0, evictions: 0 })
  })

  it('tells its age in whole seconds', () => {
    expect([0, 999, 1000, 61_500, -5].map(now => ageSeconds(small, now))).toEqual([0, 0, 1, 61, 0])
  })

  it('is frozen, and holds no memory of the socket that it came from', () => {
    const slab = Buffer.alloc(65_536, 'y')
    const reply = replyOf([slab.subarray(0, 3), slab.subarray(9, 12)])
    expect(reply.bytes.buffer.byteLength).toBe(6)
    slab.fill('z')
    expect(reply.bytes.toString()).toBe('yyyyyy')
    expect([reply, reply.ends, reply.times].every(Object.isFrozen)).toBe(true)
  })

  it('has times that never run backwards, whatever the clock did', () => {
    const reply = storeReply(head, [text(1), text(1), text(1), text(1)], [100, 130, 90, 140], undefined, 140)
    expect(reply.times).toEqual([0, 30, 30, 40])
  })

  it('counts every request by how it was served', () => {
    const cache = new ReplyCache()
    for (const result of ['hit', 'miss', 'coalesced', 'bypass', 'hit'] as const) cache.count(result)
    expect(cache.counts).toMatchObject({ hit: 2, miss: 1, coalesced: 1, bypass: 1 })
  })

  it('L7: never takes more bytes or entries than allowed, whatever is put, and the sum is exact', () => {
    const step = fc.record({
      type: fc.constantFrom('put', 'put', 'get', 'drop', 'sweep'),
      key: fc.nat(12).map(String),
      sizes: fc.array(fc.nat(900), { maxLength: 8 }),
      wait: fc.nat(40),
      ttl: fc.integer({ min: -1, max: 200 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), steps => {
        const cache = new ReplyCache({ bytes: 10_000, entries: 6, entryBytes: 3000 })
        const put = new Map<string, { reply: StoredReply; until: number }>()
        let now = 0
        for (const { type, key, sizes, wait, ttl } of steps) {
          now += wait
          if (type === 'drop') {
            cache.drop(key)
            put.delete(key)
          } else if (type === 'sweep') cache.sweep(now, 4)
          else if (type === 'put') {
            const reply = replyOf(sizes.map(text), now)
            put.delete(key)
            if (cache.put(key, reply, now, ttl)) put.set(key, { reply, until: now + ttl })
          } else {
            const found = cache.get(key, now)
            const known = put.get(key)
            if (found) expect([known?.reply === found, now < (known?.until ?? 0)]).toEqual([true, true])
          }
          const { bytes, entries } = cache.counts
          expect(bytes).toBeLessThanOrEqual(10_000)
          expect(entries).toBeLessThanOrEqual(6)
          expect(bytes === 0).toBe(entries === 0)
        }
        for (const key of put.keys()) cache.drop(key)
        expect(cache.counts.bytes).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  it('refuses bounds that are none', () => {
    expect(() => new ReplyCache({ bytes: 0 })).toThrow(TypeError)
    expect(() => new ReplyCache({ ttl: Number.NaN })).toThrow(TypeError)
  })
})

describe('a replay', () => {
  const reply = replyOf(['one', 'two', 'three'].map(said => Buffer.from(said)))

  it('gives every part at once, each by itself', () => {
    const replay = new Replay(reply, 'fast', 0)
    expect(partsOf(replay, 0)).toEqual(['one', 'two', 'three'])
    expect([replay.done, replay.waits(0)]).toEqual([true, undefined])
  })

  it('keeps the pace at which the answer was made', () => {
    const replay = new Replay(reply, 'paced', 1000)
    expect([partsOf(replay, 1000), replay.waits(1004)]).toEqual([['one'], 6])
    expect([partsOf(replay, 1009), partsOf(replay, 1010)]).toEqual([[], ['two']])
    expect(partsOf(replay, 5000)).toEqual(['three'])
  })

  it('gives nothing while it is paused, and its time stands still', () => {
    const replay = new Replay(reply, 'paced', 0)
    partsOf(replay, 0)
    replay.pause(4)
    replay.pause(50)
    expect([replay.next(500), replay.waits(500)]).toEqual([undefined, undefined])
    replay.resume(104)
    replay.resume(300)
    expect([replay.waits(105), partsOf(replay, 110)]).toEqual([5, ['two']])
  })

  it('of an answer of one part, or of none, ends', () => {
    expect(partsOf(new Replay(small, 'paced', 0), 0)).toEqual([text(100).toString()])
    expect(new Replay(replyOf([]), 'fast', 0).done).toBe(true)
  })
})
