// A chat completion through the gateway, in OpenAI's dialect, as a person at a terminal needs it.
import { Fault, httpStatus } from '@switchyard/kinds'
import type { Exchange } from './exchange.ts'
import { abortFault, networkFault, readRefusal } from './faults.ts'
import { lines } from './lines.ts'
import { isRecord } from './values.ts'

export interface Turn {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

function readDelta(value: unknown): string {
  const choices = isRecord(value) && Array.isArray(value.choices) ? value.choices : []
  const choice: unknown = choices[0]
  const delta = isRecord(choice) && isRecord(choice.delta) ? choice.delta : {}
  return typeof delta.content === 'string' ? delta.content : ''
}

const path = '/v1/chat/completions'

export function chatCalls(exchange: Exchange) {
  return {
    /** The whole answer, as the gateway gave it. */
    async complete(model: string, messages: readonly Turn[], signal?: AbortSignal): Promise<unknown> {
      return (await exchange.send({ method: 'POST', path, body: { model, messages }, signal })).body
    },

    /** The answer's text, piece by piece. */
    async *chat(model: string, messages: readonly Turn[], signal?: AbortSignal): AsyncGenerator<string> {
      const until = exchange.until(signal)
      try {
        const { body } = await exchange.stream({
          method: 'POST',
          path,
          body: { model, messages, stream: true },
          headers: { accept: 'text/event-stream' },
          silenceMs: 0,
          signal,
        })
        // OpenAI's streams put one JSON value into each `data:` line, and end with [DONE].
        for await (const line of lines(body)) {
          if (!line.startsWith('data:')) continue
          const data = line.slice(5).trim()
          if (data === '[DONE]') return
          const value: unknown = JSON.parse(data)
          const refusal = readRefusal(value, httpStatus.unavailable)
          if (refusal) throw refusal
          const text = readDelta(value)
          if (text !== '') yield text
        }
        throw new Fault('unavailable', 'The answer was cut before its end. Try again.')
      } catch (error) {
        throw until?.aborted ? abortFault(until) : networkFault(exchange.url, error)
      }
    },
  }
}
