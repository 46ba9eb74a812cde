// Which kept answer belongs to a question that means the same: vectors are compared in a thread of their own,
// and what waits for it is bounded, so that a busy index costs a miss and never a wait.
import { Worker } from 'node:worker_threads'
import { Fault } from '@switchyard/kinds'
import type { SemanticAnswer, SemanticQuestion } from './semantic-worker.ts'

export interface SemanticOptions {
  /** Least cosine of two questions that count as one, above 0 up to 1, default 0.97. */
  readonly similarity: number
  /** Questions at one time over all partitions, default 10 000. */
  readonly entries: number
  /** Bytes of all vectors, default 64 MiB. */
  readonly bytes: number
  /** Messages that the thread has not answered, default 16; searches beyond them are `busy`. */
  readonly waiting: number
}

export const defaultSemantic: SemanticOptions = Object.freeze({
  similarity: 0.97,
  entries: 10_000,
  bytes: 64 * 1024 * 1024,
  waiting: 16,
})

/** `lost`: the thread has ended, and with it all that was known. */
export type Similar =
  | { readonly type: 'near'; readonly key: string; readonly similarity: number }
  | { readonly type: 'none' }
  | { readonly type: 'busy' }
  | { readonly type: 'lost' }

const none: Similar = Object.freeze({ type: 'none' })
const busy: Similar = Object.freeze({ type: 'busy' })
const lost: Similar = Object.freeze({ type: 'lost' })

/** The longest vector that an embedding model is known to give is 8192 numbers. */
const mostDimensions = 16_384

const program = new URL('./semantic-worker.ts', import.meta.url)

type Answered = (answer: SemanticAnswer | undefined) => void

export class SemanticIndex implements AsyncDisposable {
  readonly #options: SemanticOptions
  readonly #worker: Worker
  /** Oldest first: the thread answers in order. */
  readonly #waiting: Answered[] = []
  #entries = 0
  #lost = false
  #closed = false

  /**
   * `onLost` hears once when the thread ends by itself; from then on nothing is found. `thread` is another program
   * that answers the same messages.
   */
  constructor(options: Partial<SemanticOptions>, onLost: (fault: Fault) => void, thread = program) {
    this.#options = complete(options)
    const { entries, bytes } = this.#options
    this.#worker = new Worker(thread, { workerData: { entries, bytes }, execArgv: [] })
    let cause: unknown
    this.#worker.on('message', (answer: SemanticAnswer) => {
      this.#entries = answer.entries
      this.#waiting.shift()?.(answer)
    })
    this.#worker.on('error', error => (cause = error))
    this.#worker.on('exit', code => {
      this.#lost = true
      for (const answered of this.#waiting.splice(0)) answered(undefined)
      if (this.#closed) return
      const text = `The semantic cache has stopped (${code}) and finds nothing: restart the gateway to begin anew.`
      onLost(new Fault('internal', text, { cause }))
    })
  }

  /** Entries after the last answer of the thread. */
  get entries(): number {
    return this.#entries
  }

  /**
   * The kept question of the partition that is nearest, if it is near enough. `similarity` is the route's own
   * bound. Refuses with `invalid` a vector that is not one.
   */
  async search(
    partition: string,
    vector: ArrayLike<number>,
    similarity = this.#options.similarity,
  ): Promise<Similar> {
    const unit = unitVector(vector)
    checkSimilarity(similarity)
    if (this.#lost) return lost
    if (this.#full) return busy
    const { promise, resolve } = Promise.withResolvers<SemanticAnswer | undefined>()
    this.#ask({ type: 'search', partition, vector: unit, similarity }, resolve)
    const answer = await promise
    if (!answer) return lost
    return answer.near ? Object.freeze({ type: 'near', ...answer.near }) : none
  }

  /** Remembers that the answer of this question is kept under `key`; false when the thread is too busy or lost. */
  add(partition: string, key: string, vector: ArrayLike<number>): boolean {
    const unit = unitVector(vector)
    if (this.#lost || this.#full) return false
    this.#ask({ type: 'add', partition, key, vector: unit }, ignore)
    return true
  }

  /** Forgets a key whose answer is no longer kept; false when the thread is too busy or lost. */
  remove(key: string): boolean {
    if (this.#lost || this.#full) return false
    this.#ask({ type: 'remove', key }, ignore)
    return true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#lost = true
    await this.#worker.terminate()
  }

  get #full(): boolean {
    return this.#waiting.length >= this.#options.waiting
  }

  /** The vector is given away with the question, not copied. */
  #ask(question: SemanticQuestion, answered: Answered): void {
    this.#waiting.push(answered)
    const given = 'vector' in question ? [question.vector.buffer as ArrayBuffer] : [] // made by `unitVector`
    this.#worker.postMessage(question, given)
  }
}

const ignore: Answered = () => undefined

function complete(given: Partial<SemanticOptions>): SemanticOptions {
  const options = { ...defaultSemantic, ...given }
  for (const [name, value] of Object.entries(options))
    if (!(value > 0)) throw new TypeError(`semantic.${name} must be above 0, not ${value}`)
  checkSimilarity(options.similarity)
  return Object.freeze(options)
}

function checkSimilarity(similarity: number): void {
  if (!(similarity > 0 && similarity <= 1))
    throw new TypeError(`similarity must be above 0 and at most 1, not ${similarity}`)
}

/** A copy of length 1, so that a product is a cosine. */
function unitVector(vector: ArrayLike<number>): Float32Array {
  const unit = new Float32Array(vector.length)
  let squares = 0
  for (let i = 0; i < unit.length; i++) squares += (vector[i] ?? 0) ** 2
  const length = Math.sqrt(squares)
  if (!(length > 0 && length < Number.POSITIVE_INFINITY) || unit.length > mostDimensions)
    throw new Fault(
      'invalid',
      `An embedding must be 1 to ${mostDimensions} finite numbers, not all 0: check the embeddings route.`,
      { reason: 'invalid_value' },
    )
  for (let i = 0; i < unit.length; i++) unit[i] = (vector[i] ?? 0) / length
  return unit
}
