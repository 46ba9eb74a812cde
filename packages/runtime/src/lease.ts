// Holds a lease for as long as it can and runs the work only meanwhile. The database's clock decides who
// holds; the holder's own monotonic clock stops the work 3 s before the database could give it away.
import type { Clock } from './clock.ts'
import type { Observe } from './observation.ts'
import type { Fence, Leases } from './store.ts'

export type LeaseObservation =
  | { readonly type: 'lease_taken'; readonly lease: string; readonly epoch: string }
  | { readonly type: 'lease_lost'; readonly lease: string; readonly epoch: string }
  | { readonly type: 'lease_error'; readonly lease: string; readonly error: unknown }

export interface LeaseOptions {
  readonly leases: Leases
  readonly name: string
  /** Who holds, unique for each process. */
  readonly holder: string
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly observe?: Observe<LeaseObservation>
  /** Default 15. */
  readonly seconds?: number
  /** Default 5. */
  readonly renewSeconds?: number
  /** The holder stops so long before the lease ends; default 3. */
  readonly marginSeconds?: number
}

/** A held lease. `current` answers the fence only while this process may still act under it. */
export interface Held {
  readonly fence: Fence
  current(): Fence | undefined
}

/**
 * Runs `work` each time the lease is taken, with a signal that is aborted when it is lost; returns when
 * `options.signal` is aborted, after the work has ended and the lease was given back. `work` may not throw.
 */
export async function holdLease(
  options: LeaseOptions,
  work: (held: Held, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { leases, name, holder, clock, signal } = options
  const { seconds = 15, renewSeconds = 5, marginSeconds = 3 } = options
  const observe = options.observe ?? (() => {})
  const usableMs = (seconds - marginSeconds) * 1000

  const ask = async (): Promise<Fence | undefined | 'unknown'> => {
    try {
      return await leases.acquire(name, holder, seconds)
    } catch (error) {
      observe({ type: 'lease_error', lease: name, error })
      return 'unknown'
    }
  }

  while (!signal.aborted) {
    const askedAt = clock.monotonic()
    const fence = await ask()
    if (fence === undefined || fence === 'unknown') await clock.sleep(renewSeconds * 1000, signal)
    else await keep(fence, askedAt + usableMs)
  }

  async function keep(fence: Fence, until: number): Promise<void> {
    observe({ type: 'lease_taken', lease: name, epoch: String(fence.epoch) })
    const lost = new AbortController()
    let deadline = until
    const usable = () => !lost.signal.aborted && clock.monotonic() < deadline
    const held: Held = { fence, current: () => (usable() ? fence : undefined) }
    const working = work(held, AbortSignal.any([signal, lost.signal]))
    while (!signal.aborted && usable()) {
      await clock.sleep(Math.min(renewSeconds * 1000, deadline - clock.monotonic()), signal)
      if (signal.aborted || !usable()) break
      const askedAt = clock.monotonic()
      const answer = await Promise.race([
        ask(),
        clock.sleep(deadline - askedAt, signal).then(() => 'unknown' as const),
      ])
      if (answer === 'unknown') await clock.sleep(Math.min(1000, renewSeconds * 1000), signal)
      else if (answer?.epoch === fence.epoch) deadline = askedAt + usableMs
      else break
    }
    if (!signal.aborted) observe({ type: 'lease_lost', lease: name, epoch: String(fence.epoch) })
    lost.abort()
    await working
    if (signal.aborted)
      await leases.release(name, holder).catch(error => observe({ type: 'lease_error', lease: name, error })) // it lapses by itself
  }
}
