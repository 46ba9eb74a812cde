// What a sampled request and its answer say of themselves for a span, read from little of their bytes.
import type { Followed, Follower, RequestEnded } from '@switchyard/gateway'

export interface AnswerFacts {
  readonly id: string | undefined
  readonly model: string | undefined
  readonly finishReasons: readonly string[] | undefined
}

export interface AskFacts {
  readonly temperature: number | undefined
  readonly topP: number | undefined
}

const headBytes = 4096
const tailBytes = 8192
const readBytes = 64 * 1024

/** Keeps the beginning and the end of what leaves for a caller. */
export class Ends implements Follower {
  readonly #head = Buffer.allocUnsafe(headBytes)
  readonly #tail = Buffer.allocUnsafe(tailBytes)
  #bytes = 0

  left(bytes: Buffer | string): void {
    const part = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
    if (this.#bytes < headBytes) part.copy(this.#head, this.#bytes)
    const last = part.length > tailBytes ? part.subarray(-tailBytes) : part
    const at = (this.#bytes + part.length - last.length) % tailBytes
    const copied = last.copy(this.#tail, at)
    if (copied < last.length) last.copy(this.#tail, 0, copied)
    this.#bytes += part.length
  }

  get head(): string {
    return this.#head.toString('utf8', 0, Math.min(this.#bytes, headBytes))
  }

  get tail(): string {
    if (this.#bytes <= tailBytes) return this.#tail.toString('utf8', 0, this.#bytes)
    const at = this.#bytes % tailBytes
    return Buffer.concat([this.#tail.subarray(at), this.#tail.subarray(0, at)]).toString()
  }
}

// A name within a string of the answer has its quotes escaped, and so is none of these.
const idForm = /(?<!\\)"(?:id|responseId)":\s*"([^"\\]{1,256})"/
const modelForm = /(?<!\\)"(?:model|modelVersion)":\s*"([^"\\]{1,256})"/
const finishForm = /(?<!\\)"(?:finish_reason|stop_reason|finishReason|done_reason)":\s*"([A-Za-z_]{1,64})"/g
const statusForm = /(?<!\\)"status":\s*"(completed|incomplete|failed)"/g

export function answerFacts({ head, tail }: Ends, caller: RequestEnded['caller']): AnswerFacts {
  const reasons = [...tail.matchAll(caller === 'responses' ? statusForm : finishForm)].map(
    ([, word = '']) => word,
  )
  return {
    id: idForm.exec(head)?.[1],
    model: modelForm.exec(head)?.[1],
    finishReasons: reasons.length > 0 ? [...new Set(reasons)] : undefined,
  }
}

/** Where dialects keep the settings of sampling. */
const places = [[], ['generationConfig'], ['options']] as const

/** A body over 64 KiB is not read for it. */
export function askFacts({ bytes }: Pick<Followed['ask'], 'bytes'>): AskFacts {
  if (bytes.length > readBytes) return { temperature: undefined, topP: undefined }
  let body: unknown
  try {
    body = JSON.parse(bytes.toString())
  } catch {
    // Not every operation asks in JSON: then there is nothing to say.
    return { temperature: undefined, topP: undefined }
  }
  const found = (...keys: readonly string[]) => {
    for (const place of places) {
      const holder = place.reduce<unknown>(member, body)
      for (const key of keys) {
        const value = member(holder, key)
        if (typeof value === 'number') return value
      }
    }
    return undefined
  }
  return { temperature: found('temperature'), topP: found('top_p', 'topP') }
}

const member = (holder: unknown, key: string): unknown =>
  typeof holder === 'object' && holder !== null
    ? (holder as Readonly<Record<string, unknown>>)[key]
    : undefined // an object has members
