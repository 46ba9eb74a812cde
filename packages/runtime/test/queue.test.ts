// The queue of keys, its delays, and how long a failing key is left alone.
import { backoffMs, Queue, systemClock, systemRandom } from '@switchyard/runtime'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

describe('the queue', () => {
  test('runs a key that was queued twice once', async () => {
    using queue = new Queue(new VirtualClock())
    queue.add('a')
    queue.add('a')
    queue.add('b')
    expect([await queue.take(), await queue.take(), queue.size]).toEqual(['a', 'b', 2])
    queue.done('a')
    queue.done('b')
    expect(queue.size).toBe(0)
  })
  test('runs a key that was added while it ran once more, however often it was added', async () => {
    using queue = new Queue(new VirtualClock())
    queue.add('a')
    await queue.take()
    queue.add('a')
    queue.add('a')
    const next = queue.take()
    queue.done('a')
    expect(await next).toBe('a')
    queue.done('a')
    expect(queue.size).toBe(0)
  })
  test('gives a delayed key when it is due, by the earlier of two delays', async () => {
    const clock = new VirtualClock()
    using queue = new Queue(clock)
    queue.add('a', 1000)
    queue.add('a', 300)
    queue.add('a', 600)
    const taken = queue.take()
    let early = true
    void taken.then(() => (early = false))
    await clock.pass(299)
    expect(early).toBe(true)
    await clock.pass(1)
    expect(await taken).toBe('a')
    queue.done('a')
    await clock.pass(5000)
    expect(queue.size).toBe(0)
  })
  test('answers every taker with undefined once it is closed, also twice', async () => {
    const queue = new Queue(new VirtualClock())
    const waiting = [queue.take(), queue.take()]
    queue.close()
    queue.close()
    queue.add('late')
    expect(await Promise.all([...waiting, queue.take()])).toEqual([undefined, undefined, undefined])
  })
  test('never gives one key to two workers, and never loses the last add, whatever the order', async () => {
    const act = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      delay: fc.constantFrom(0, 0, 5, 20),
      pause: fc.nat({ max: 12 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat({ max: 15 }), { minLength: 7, maxLength: 7 }),
        async (acts, works) => {
          const clock = new VirtualClock()
          using queue = new Queue(clock)
          const running = new Set<string>()
          const startedAt = new Map<string, number>()
          let order = 0
          const worker = async () => {
            for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
              expect(running.has(key)).toBe(false)
              running.add(key)
              startedAt.set(key, ++order)
              await clock.sleep(works[order % works.length] ?? 0)
              running.delete(key)
              queue.done(key)
            }
          }
          const workers = [worker(), worker(), worker()]
          const addedAt = new Map<string, number>()
          for (const { key, delay, pause } of acts) {
            addedAt.set(key, ++order)
            queue.add(key, delay)
            await clock.pass(pause)
          }
          await clock.pass(2000)
          for (const [key, at] of addedAt) expect(startedAt.get(key)).toBeGreaterThan(at)
          queue.close()
          await Promise.all(workers)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('the backoff', () => {
  test('doubles from half a second to five minutes, half of it by chance', () => {
    expect([1, 2, 3, 10, 11, 1e9].map(failures => backoffMs(failures, 1))).toEqual([
      500, 1000, 2000, 256_000, 300_000, 300_000,
    ])
    expect(backoffMs(3, 0)).toBe(1000)
  })
})

test('ids are UUIDv7 and sort by time', async () => {
  const early = systemRandom.id()
  expect(early).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(Math.abs(Number.parseInt(early.replace('-', '').slice(0, 12), 16) - Date.now())).toBeLessThan(5000)
  await systemClock.sleep(5)
  expect(systemRandom.id() > early).toBe(true)
})
