import { describe, expect, test } from 'vitest'
import { Closed, QueueFull, Slots } from '../src/slots.ts'

const never = new AbortController().signal

/** Work that ends when it is told to. */
function job() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { work: () => promise, end: resolve }
}

describe('slots', () => {
  test('those who wait are served in the order in which they came', async () => {
    const slots = new Slots(['a'], 8)
    const order: number[] = []
    await Promise.all(
      [1, 2, 3].map(n =>
        slots.run(
          () => 0,
          never,
          async () => void order.push(n),
        ),
      ),
    )
    expect(order).toEqual([1, 2, 3])
    expect(slots.processing).toBe(0)
  })

  test('the seat with the highest wish is taken, of equal ones the one that was idle longest', async () => {
    const slots = new Slots([10, 30, 20], 0)
    const taken: number[] = []
    const take = (wish: (seat: number) => number) =>
      slots.run(wish, never, async ({ seat }) => void taken.push(seat))
    await take(seat => seat)
    await take(() => 0)
    await take(() => 0)
    await take(() => 0)
    expect(taken).toEqual([30, 10, 20, 30])
  })

  test('a full line refuses at once and the others go on', async () => {
    const slots = new Slots(['a'], 1)
    const first = job()
    const running = slots.run(() => 0, never, first.work)
    const waiting = slots.run(
      () => 0,
      never,
      async () => 'served',
    )
    await expect(
      slots.run(
        () => 0,
        never,
        async () => 0,
      ),
    ).rejects.toBeInstanceOf(QueueFull)
    expect([slots.processing, slots.deferred]).toEqual([1, 1])
    first.end()
    await running
    expect(await waiting).toBe('served')
  })

  test('one who leaves the line makes room and is never served', async () => {
    const slots = new Slots(['a'], 1)
    const first = job()
    const running = slots.run(() => 0, never, first.work)
    const control = new AbortController()
    const left = slots.run(
      () => 0,
      control.signal,
      async () => 'served',
    )
    control.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
    expect(slots.deferred).toBe(0)
    first.end()
    await running
    expect(slots.processing).toBe(0)
  })

  test('failing work frees its slot', async () => {
    const slots = new Slots(['a'], 0)
    await expect(
      slots.run(
        () => 0,
        never,
        () => Promise.reject(new Error('broken')),
      ),
    ).rejects.toThrow('broken')
    expect(
      await slots.run(
        () => 0,
        never,
        async () => 'served',
      ),
    ).toBe('served')
  })

  test('closing refuses who waits and who comes, and ends with the last running one', async () => {
    const slots = new Slots(['a'], 4)
    const first = job()
    const running = slots.run(() => 0, never, first.work)
    const waiting = slots.run(
      () => 0,
      never,
      async () => 0,
    )
    let closed = false
    const closing = slots.close().then(() => {
      closed = true
    })
    await expect(waiting).rejects.toBeInstanceOf(Closed)
    await expect(
      slots.run(
        () => 0,
        never,
        async () => 0,
      ),
    ).rejects.toBeInstanceOf(Closed)
    expect(closed).toBe(false)
    first.end()
    await Promise.all([running, closing])
    expect(closed).toBe(true)
  })
})
