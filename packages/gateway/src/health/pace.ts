// How soon an upstream begins to answer: a moving average that believes bad news at once, and a small histogram.

const tau = 10_000
const first = 8
const perOctave = 4
const buckets = 66
const span = 60_000
const leastSamples = 20

/** Times to first content of one (upstream, model), in milliseconds. */
export class Pace {
  #average = 0
  #at = 0
  #measured = false
  #current = new Uint32Array(buckets)
  #before = new Uint32Array(buckets)
  #rotatedAt = 0

  observe(milliseconds: number, now: number): void {
    const old = this.#average
    this.#average =
      milliseconds >= old ? milliseconds : milliseconds + (old - milliseconds) * this.#fading(now)
    this.#at = Math.max(now, this.#at)
    this.#measured = true
    this.#rotate(now)
    this.#current[bucketOf(milliseconds)]! += 1
  }

  get measured(): boolean {
    return this.#measured
  }

  /**
   * Peak-EWMA with a time constant of 10 s: it jumps to a slower answer and fades from it. Without answers it fades
   * towards 0, so that an upstream that was slow once is asked again.
   */
  average(now: number): number {
    return this.#average * this.#fading(now)
  }

  /** Of the last one to two minutes, within a fifth; undefined below 20 answers. */
  p95(now: number): number | undefined {
    this.#rotate(now)
    let samples = 0
    for (let i = 0; i < buckets; i++) samples += this.#current[i]! + this.#before[i]!
    if (samples < leastSamples) return undefined
    let above = samples * 0.05
    for (let i = buckets - 1; i > 0; i--) {
      above -= this.#current[i]! + this.#before[i]!
      if (above < 0) return first * 2 ** (i / perOctave)
    }
    return first
  }

  #fading(now: number): number {
    return now <= this.#at ? 1 : Math.exp((this.#at - now) / tau)
  }

  #rotate(now: number): void {
    const past = now - this.#rotatedAt
    if (past < span) return
    const spare = this.#before
    this.#before = past < 2 * span ? this.#current : spare.fill(0)
    this.#current = this.#before === spare ? this.#current.fill(0) : spare.fill(0)
    this.#rotatedAt = now
  }
}

/** Bucket i ends at 8 ms x 2^(i/4): 8 ms to 10 minutes. */
function bucketOf(milliseconds: number): number {
  if (milliseconds <= first) return 0
  return Math.min(buckets - 1, Math.ceil(Math.log2(milliseconds / first) * perOctave))
}
