// The places where requests run, and the bounded line of those that wait for one.

export interface Slot<Seat> {
  readonly id: number
  readonly seat: Seat
  busy: boolean
  /** Order of last use: the lowest was idle longest. */
  usedAt: number
}

/** The line is full; the caller should come back later. */
export class QueueFull extends Error {}
/** The line was closed while this one waited: the process is stopping. */
export class Closed extends Error {}

interface Waiter<Seat> {
  readonly wish: (seat: Seat) => number
  readonly take: (slot: Slot<Seat>) => void
  readonly refuse: (why: unknown) => void
}

export class Slots<Seat> {
  readonly all: readonly Slot<Seat>[]
  readonly #limit: number
  readonly #line = new Set<Waiter<Seat>>()
  #uses = 0
  #closed = false
  #emptied: (() => void)[] = []

  /** @param limit requests that may wait; 0 lets none wait. */
  constructor(seats: readonly Seat[], limit: number) {
    this.all = seats.map((seat, id) => ({ id, seat, busy: false, usedAt: 0 }))
    this.#limit = limit
  }

  get processing(): number {
    return this.all.filter(slot => slot.busy).length
  }

  get deferred(): number {
    return this.#line.size
  }

  /**
   * Runs `work` in the idle slot with the highest `wish`, of equal ones in that which was idle longest; waits
   * in arrival order while there is none. Rejects with QueueFull, Closed, or the signal's reason.
   */
  async run<Result>(
    wish: (seat: Seat) => number,
    signal: AbortSignal,
    work: (slot: Slot<Seat>) => Promise<Result>,
  ): Promise<Result> {
    const slot = await this.#acquire(wish, signal)
    try {
      return await work(slot)
    } finally {
      this.#release(slot)
    }
  }

  /** Refuses whoever waits and whoever comes; resolves when the last running one has left. */
  async close(): Promise<void> {
    this.#closed = true
    for (const waiter of this.#line) waiter.refuse(new Closed('the engine is stopping'))
    this.#line.clear()
    if (this.processing === 0) return
    await new Promise<void>(resolve => this.#emptied.push(resolve))
  }

  async #acquire(wish: (seat: Seat) => number, signal: AbortSignal): Promise<Slot<Seat>> {
    signal.throwIfAborted()
    if (this.#closed) throw new Closed('the engine is stopping')
    const idle = this.#best(wish)
    if (idle) return this.#seat(idle)
    if (this.#line.size >= this.#limit) throw new QueueFull(`${this.#line.size} requests are waiting`)
    return await new Promise((resolve, reject) => {
      const leave = () => {
        this.#line.delete(waiter)
        reject(signal.reason)
      }
      const waiter: Waiter<Seat> = {
        wish,
        take: slot => {
          signal.removeEventListener('abort', leave)
          resolve(slot)
        },
        refuse: why => {
          signal.removeEventListener('abort', leave)
          reject(why)
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#line.add(waiter)
    })
  }

  #best(wish: (seat: Seat) => number): Slot<Seat> | undefined {
    return this.all
      .filter(slot => !slot.busy)
      .map(slot => ({ slot, value: wish(slot.seat) }))
      .sort((a, b) => b.value - a.value || a.slot.usedAt - b.slot.usedAt)[0]?.slot
  }

  #seat(slot: Slot<Seat>): Slot<Seat> {
    slot.busy = true
    slot.usedAt = ++this.#uses
    return slot
  }

  #release(slot: Slot<Seat>): void {
    slot.busy = false
    const [next] = this.#line
    if (next) {
      this.#line.delete(next)
      next.take(this.#seat(this.#best(next.wish) ?? slot))
      return
    }
    if (this.#closed && this.processing === 0) for (const done of this.#emptied.splice(0)) done()
  }
}
