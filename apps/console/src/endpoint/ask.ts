// One call of an endpoint through the gateway, with the person's own rights: its answer as it comes, and its times.
import { Fault } from '@switchyard/kinds/fault'
import type { Exchange } from '../api/exchange.ts'

export interface Answered {
  readonly text: string
  /** Milliseconds from the question to the first word. */
  readonly firstMilliseconds?: number
  /** To the end; absent while it comes. */
  readonly milliseconds?: number
  readonly input?: number
  readonly output?: number
  /** Of an embedding. */
  readonly vector?: readonly number[]
}

interface Question {
  readonly workspace: string
  readonly model: string
  readonly text: string
  readonly tokens: number
  readonly signal: AbortSignal
}

interface Chunk {
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[]
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null
  readonly error?: { readonly message: string }
}

/** The values of a stream of server-sent events, out of bytes that break anywhere. */
async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Chunk> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts)
      if (part.startsWith('data:') && !part.includes('[DONE]')) yield JSON.parse(part.slice(5)) as Chunk // as OpenAI writes them
  }
}

const asking = ({ workspace, signal }: Question) => ({
  method: 'POST' as const,
  headers: { 'x-switchyard-workspace': workspace },
  signal,
})

export async function* chat(
  exchange: Exchange,
  question: Question,
  now: () => number,
): AsyncGenerator<Answered> {
  const { model, text, tokens } = question
  const start = now()
  const { body } = await exchange.stream({
    ...asking(question),
    path: '/v1/chat/completions',
    body: {
      model,
      messages: [{ role: 'user', content: text }],
      max_completion_tokens: tokens,
      stream: true,
      stream_options: { include_usage: true },
    },
  })
  let answered: Answered = { text: '' }
  for await (const { choices = [], usage, error } of eventsOf(body)) {
    if (error) throw new Fault('unavailable', error.message)
    const more = choices[0]?.delta?.content ?? ''
    if (more !== '') answered = { firstMilliseconds: now() - start, ...answered, text: answered.text + more }
    if (usage) answered = { ...answered, input: usage.prompt_tokens, output: usage.completion_tokens }
    yield answered
  }
  yield { ...answered, milliseconds: now() - start }
}

interface Embedded {
  readonly data: readonly { readonly embedding: readonly number[] }[]
  readonly usage?: { readonly prompt_tokens: number }
}

export async function* embed(
  exchange: Exchange,
  question: Question,
  now: () => number,
): AsyncGenerator<Answered> {
  const { model, text: input } = question
  const start = now()
  const { body } = await exchange.send({
    ...asking(question),
    path: '/v1/embeddings',
    body: { model, input, encoding_format: 'float' },
  })
  const { data, usage } = body as Embedded // as OpenAI writes it
  yield {
    text: '',
    vector: data[0]?.embedding ?? [],
    milliseconds: now() - start,
    ...(usage && { input: usage.prompt_tokens }),
  }
}
