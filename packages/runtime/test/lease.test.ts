// Who holds a lease acts, and stops before anybody else could begin.
import { type Fence, type Held, holdLease, type Leases } from '@switchyard/runtime'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

/** Leases as the store keeps them: a lapse or another holder is a new epoch. */
class MemoryLeases implements Leases {
  readonly #clock: VirtualClock
  #row: { holder: string | null; epoch: bigint; until: number } = { holder: null, epoch: 0n, until: 0 }
  failing = false
  constructor(clock: VirtualClock) {
    this.#clock = clock
  }
  acquire(lease: string, holder: string, seconds: number): Promise<Fence | undefined> {
    if (this.failing) return Promise.reject(new Error('the database is away'))
    const now = this.#clock.monotonic()
    const free = this.#row.holder === null || this.#row.until <= now
    if (!free && this.#row.holder !== holder) return Promise.resolve(undefined)
    const epoch = free ? this.#row.epoch + 1n : this.#row.epoch
    this.#row = { holder, epoch, until: now + seconds * 1000 }
    return Promise.resolve({ lease, epoch })
  }
  releaseAll(holder: string): Promise<void> {
    return this.release('', holder)
  }
  release(_: string, holder: string): Promise<void> {
    if (this.#row.holder === holder) this.#row = { ...this.#row, holder: null }
    return Promise.resolve()
  }
}

function contender(leases: Leases, clock: VirtualClock, holder: string) {
  const ending = new AbortController()
  const acts: string[] = []
  let held: Held | undefined
  const done = holdLease({ leases, name: 'x', holder, clock, signal: ending.signal }, async (now, signal) => {
    held = now
    acts.push(`began ${now.fence.epoch}`)
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    acts.push(`ended at ${clock.monotonic()}`)
  })
  return { acts, done, end: () => ending.abort(), may: () => held?.current() !== undefined }
}

describe('a lease', () => {
  test('is held by one, renewed, and given back at the end, so that the next begins at once', async () => {
    const clock = new VirtualClock()
    const leases = new MemoryLeases(clock)
    const a = contender(leases, clock, 'a')
    await clock.pass(10)
    const b = contender(leases, clock, 'b')
    await clock.pass(60_000)
    expect([a.acts, b.acts]).toEqual([['began 1'], []])
    a.end()
    await clock.pass(5000)
    await a.done
    expect(b.acts).toEqual(['began 2'])
    b.end()
    await clock.pass(0)
    await b.done
  })
  test('stops its holder 3 s before another could have it, when the store is away', async () => {
    const clock = new VirtualClock()
    const leases = new MemoryLeases(clock)
    const a = contender(leases, clock, 'a')
    await clock.pass(6000)
    leases.failing = true
    await clock.pass(10_999)
    expect(a.may()).toBe(true)
    await clock.pass(1)
    expect(a.may()).toBe(false)
    expect(a.acts).toEqual(['began 1', 'ended at 17000'])
    leases.failing = false
    await clock.pass(10_000)
    expect(a.acts.at(-1)).toMatch(/^began/)
    a.end()
    await clock.pass(0)
    await a.done
  })
  test('lets nobody act whose clock jumped over its end', async () => {
    const clock = new VirtualClock()
    const leases = new MemoryLeases(clock)
    const a = contender(leases, clock, 'a')
    await clock.pass(1)
    leases.failing = true
    await clock.pass(12_000)
    expect(a.may()).toBe(false)
    a.end()
    await clock.pass(0)
    await a.done
  })
})
