// Which requests are copied to a shadow target. Copies never pile up: a slow shadow gets fewer, the caller nothing.

const mostInFlight = 32

export class Shadow {
  readonly #share: number
  readonly #most: number
  #inflight = 0
  #skipped = 0

  /** `percent` of the requests, 0 to 100; at most `most` copies in flight, 32 by default. */
  constructor(percent: number, most = mostInFlight) {
    if (!(percent >= 0 && percent <= 100)) throw new TypeError('shadow percent must be from 0 to 100')
    this.#share = percent / 100
    this.#most = most
  }

  get inflight(): number {
    return this.#inflight
  }

  /** Copies that were drawn but not made, because too many were in flight. */
  get skipped(): number {
    return this.#skipped
  }

  /** Whether this request is copied; if so, `end` must be called once. `random` is uniform in [0, 1). */
  begin(random: number): boolean {
    if (random >= this.#share) return false
    if (this.#inflight >= this.#most) {
      this.#skipped++
      return false
    }
    this.#inflight++
    return true
  }

  end(): void {
    this.#inflight--
  }
}
