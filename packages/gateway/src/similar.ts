// Questions that mean the same: the last turn of the user is embedded by a route of the operator's choice, and the
// kept answer of the nearest question of the same kind is taken.
import { type Ask, conversationOf, readRequest } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Admission } from '@switchyard/runtime'
import type { AnswerHearer } from './answering.ts'
import { type KeyParts, partitionKey } from './cache/key.ts'
import { Forward } from './forward.ts'
import type { House } from './house.ts'
import type { Order } from './order.ts'
import { findTarget } from './paths.ts'

/** A question among those with which it may be compared. */
export interface Question {
  readonly text: string
  /** Hash of all that an answer to a similar question must share. */
  readonly partition: string
  /** Name of the route that embeds it. */
  readonly embeddings: string
  /** Least cosine. */
  readonly similarity: number
}

/** Undefined where the last turn is no text of the user that stands in the body as it is. */
export function questionOf({ ask, route }: Order, parts: KeyParts): Question | undefined {
  const { embeddings, similarity } = route.cache ?? {}
  if (embeddings === undefined || similarity === undefined) return undefined
  const last = conversationOf(ask).turns.at(-1)
  const [part] = last?.parts ?? []
  if (last?.role !== 'user' || last.parts.length !== 1 || part?.type !== 'text') return undefined
  const written = Buffer.from(JSON.stringify(part.text))
  const start = ask.bytes.lastIndexOf(written)
  if (start < 0) return undefined
  const question = { start: start + 1, end: start + written.length - 1 }
  const partition = partitionKey({ ...parts, question, embeddingRevision: embeddings })
  return { text: part.text, partition, embeddings, similarity }
}

/** The vector of a question; rejects where the route cannot give one. Its cost is recorded and billed to nobody. */
export function embed(
  house: House,
  order: Order,
  admitted: Admission,
  { text, embeddings }: Question,
): Promise<readonly number[]> {
  const route = house.route(order.route.workspace, embeddings)
  const target = findTarget('POST', '/v1/embeddings', house.limits)
  if (!route || target.type !== 'operation')
    return Promise.reject(new Fault('not_found', `There is no route '${embeddings}' to embed with.`))
  const body = Buffer.from(JSON.stringify({ model: route.name, input: text, encoding_format: 'float' }))
  const ask: Ask = readRequest(target.caller, target.operation, body, target.line)
  const request = house.uuid()
  const heard = new Embedded()
  const own = { ...order, request, ask, target, route, conversation: undefined, forwarded: undefined }
  const forward = new Forward(house, { ...own, attempts: 1, startedAt: house.clock() }, heard)
  forward.start()
  return heard.vector.finally(() => {
    const { name: model, endpoint } = route
    const ended = {
      at: house.clock(),
      end: heard.failure ? 'upstream_error' : 'done',
      status: heard.failure?.status ?? 200,
      attempt: Math.max(1, forward.attempts),
      upstream: forward.upstream,
      by: forward.by,
      billable: 'cost',
      usage: forward.used(),
    } as const
    const asked = { ...admitted, request, model, endpoint, operation: 'embeddings', streamed: false }
    house.journal
      .append({ kind: 'usage', admitted: asked, ended })
      .catch((error: unknown) => house.observe({ type: 'usage_not_recorded', request, error }))
  })
}

class Embedded implements AnswerHearer {
  failure: Fault | undefined
  readonly vector: Promise<readonly number[]>
  readonly #resolve: (vector: readonly number[]) => void
  readonly #reject: (fault: Fault) => void

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>()
    this.vector = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  replied(bytes: Buffer): void {
    const body = JSON.parse(bytes.toString()) as {
      readonly data?: readonly { readonly embedding?: unknown }[]
    } // a carriage has read it
    const vector = body.data?.[0]?.embedding
    if (Array.isArray(vector) && vector.every(one => typeof one === 'number'))
      this.#resolve(vector as number[]) // each is looked at
    else this.#fail(new Fault('unavailable', 'The embeddings route gave no vector of numbers.'))
  }

  committed(): void {}
  flowed(): void {}
  ended(): void {
    this.#fail(new Fault('unavailable', 'The embeddings route gave a stream.'))
  }
  unspeakable(fault: Fault): void {
    this.#fail(fault)
  }
  blocked(): void {
    this.#fail(new Fault('invalid', 'A guardrail refused the question.', { reason: 'content_filter' }))
  }
  rejected(_status: number, { fault }: { readonly fault: Fault }): void {
    this.#fail(fault)
  }
  failed({ fault }: { readonly fault: Fault }): void {
    this.#fail(fault)
  }

  #fail(fault: Fault): void {
    this.failure = fault
    this.#reject(fault)
  }
}
