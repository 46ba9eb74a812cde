// What operators wrote is run in a thread of its own: a pattern that never ends costs its 50 ms there, and nothing on
// the loop that serves. The thread is then ended and replaced.
import { Worker } from 'node:worker_threads'
import type { Checked, Checker, Found, GuardFailure } from './rule.ts'

export type CheckJob =
  | { readonly type: 'find'; readonly patterns: readonly string[]; readonly text: string }
  | { readonly type: 'fits'; readonly schema: string; readonly text: string }

/** `ranges` holds starts and ends in turn. */
export type CheckAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'found'; readonly ranges: Uint32Array<ArrayBuffer> }
  | { readonly type: 'fits'; readonly fits: boolean }
  | { readonly type: 'failed' }

export interface CheckThreadOptions {
  /** Milliseconds of one pattern, or of one answer against its schema; default 50. */
  readonly milliseconds?: number
  /** Checks that may wait; default 256. */
  readonly waiting?: number
}

interface Job {
  readonly job: CheckJob
  readonly settle: (answer: Checked<CheckAnswer>) => void
}

/** Milliseconds in which a thread must have started. */
const startLimit = 10_000
const lookEvery = 10

/** One thread, started by the first check. The owner disposes it; checks that still wait fail as unavailable. */
export class CheckThread implements Checker, Disposable {
  readonly #milliseconds: number
  readonly #waiting: number
  /** When the running pattern began, by process.hrtime in nanoseconds; 0 while nothing runs. */
  readonly #began = new BigInt64Array(new SharedArrayBuffer(8))
  #queue: Job[] = []
  #worker: Worker | undefined
  #ready = false
  #startedAt = 0n
  #running: Job | undefined
  #look: NodeJS.Timeout | undefined
  #disposed = false

  constructor({ milliseconds = 50, waiting = 256 }: CheckThreadOptions = {}) {
    if (milliseconds <= 0 || waiting <= 0)
      throw new TypeError('milliseconds and waiting of a CheckThread must be above 0')
    this.#milliseconds = milliseconds
    this.#waiting = waiting
  }

  async find(patterns: readonly string[], text: string): Promise<Checked<readonly Found[]>> {
    const answer = await this.#ask({ type: 'find', patterns, text })
    if ('failure' in answer) return answer
    if (answer.value.type !== 'found') return { failure: 'unavailable' }
    const { ranges } = answer.value
    const found: Found[] = []
    for (let index = 0; index < ranges.length; index += 2)
      found.push({ start: ranges[index] ?? 0, end: ranges[index + 1] ?? 0 })
    return { value: found }
  }

  async fits(schema: string, text: string): Promise<Checked<boolean>> {
    const answer = await this.#ask({ type: 'fits', schema, text })
    if ('failure' in answer) return answer
    return answer.value.type === 'fits' ? { value: answer.value.fits } : { failure: 'unavailable' }
  }

  [Symbol.dispose](): void {
    this.#disposed = true
    this.#replace('unavailable')
    for (const { settle } of this.#queue.splice(0)) settle({ failure: 'unavailable' })
  }

  #ask(job: CheckJob): Promise<Checked<CheckAnswer>> {
    if (this.#disposed) return Promise.resolve({ failure: 'unavailable' })
    if (this.#queue.length >= this.#waiting) return Promise.resolve({ failure: 'busy' })
    return new Promise(settle => {
      this.#queue.push({ job, settle })
      this.#next()
    })
  }

  #next(): void {
    if (this.#running || this.#queue.length === 0 || this.#disposed) return
    if (!this.#worker) this.#start()
    this.#look ??= setInterval(this.#onLook, lookEvery)
    if (!this.#ready) return
    this.#running = this.#queue.shift()
    this.#startedAt = process.hrtime.bigint()
    this.#worker?.postMessage(this.#running?.job)
  }

  #start(): void {
    const worker = new Worker(new URL('./thread-worker.ts', import.meta.url), {
      workerData: this.#began.buffer,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    })
    worker.unref()
    worker.on('message', (answer: CheckAnswer) => {
      if (worker === this.#worker) this.#onAnswer(answer)
    })
    const lost = () => {
      if (worker === this.#worker) this.#replace('unavailable')
    }
    worker.on('error', lost)
    worker.on('exit', lost)
    this.#worker = worker
    this.#startedAt = process.hrtime.bigint()
  }

  #onAnswer(answer: CheckAnswer): void {
    if (answer.type === 'ready') this.#ready = true
    else {
      const running = this.#running
      this.#running = undefined
      running?.settle(answer.type === 'failed' ? { failure: 'unavailable' } : { value: answer })
    }
    this.#next()
    if (!this.#running && this.#queue.length === 0) this.#rest()
  }

  readonly #onLook = (): void => {
    const now = process.hrtime.bigint()
    const began = Atomics.load(this.#began, 0)
    if (this.#running && began > 0n) {
      if (now - began >= BigInt(this.#milliseconds) * 1_000_000n) this.#replace('timeout')
    } else if (now - this.#startedAt >= BigInt(startLimit) * 1_000_000n) this.#replace('unavailable')
  }

  #rest(): void {
    clearInterval(this.#look)
    this.#look = undefined
  }

  /** Ends the thread and what it runs. One that never started takes with it all that waits for it. */
  #replace(failure: GuardFailure): void {
    const worker = this.#worker
    const running = this.#running
    const lost = this.#ready ? [] : this.#queue.splice(0)
    this.#worker = undefined
    this.#running = undefined
    this.#ready = false
    Atomics.store(this.#began, 0, 0n)
    this.#rest()
    // What a thread that is being ended still says is of no interest.
    void worker?.terminate()
    running?.settle({ failure })
    for (const { settle } of lost) settle({ failure })
    this.#next()
  }
}
