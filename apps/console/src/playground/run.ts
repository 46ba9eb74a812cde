// One answer of a model: it comes in pieces, is timed, and may be stopped or refused.
import { Fault } from '@switchyard/kinds/fault'
import type { Exchange } from '../api/exchange.ts'
import {
  type Caller,
  type ChatBody,
  type Delta,
  requestOfFault,
  stream,
  type Tokens,
  type ToolCall,
} from '../api/gateway.ts'
import type { Answer, Refused } from './thread.ts'

interface Run {
  readonly exchange: Exchange
  readonly caller: Caller
  readonly body: ChatBody
  readonly signal: AbortSignal
  /** The answer as far as it has come, at most once a frame. */
  readonly show: (answer: Answer) => void
}

/** What has come so far. */
class Coming {
  text = ''
  thought = ''
  tokens: Tokens | undefined
  end: string | undefined
  first: number | undefined
  readonly #calls = new Map<number, ToolCall>()

  get calls(): readonly ToolCall[] {
    return [...this.#calls.values()]
  }

  take(delta: Delta, elapsed: number): void {
    if (delta.type === 'end') this.end = delta.reason
    else if (delta.type === 'tokens') this.tokens = delta.tokens
    else {
      this.first ??= elapsed
      if (delta.type === 'call') {
        const { index, id, name, text } = delta
        const before = this.#calls.get(index)
        this.#calls.set(index, {
          id: id || before?.id || `call-${index}`,
          type: 'function',
          function: {
            name: (before?.function.name ?? '') + name,
            arguments: (before?.function.arguments ?? '') + text,
          },
        })
      } else if (delta.type === 'text') this.text += delta.text
      else this.thought += delta.text
    }
  }
}

export function refusedBy(fault: Fault, now: number): Refused {
  const { code, reason, message, retryAfterSeconds } = fault
  return {
    code,
    reason,
    message,
    request: requestOfFault(fault),
    ...(retryAfterSeconds !== undefined && { until: now + retryAfterSeconds * 1000 }),
  }
}

/** Resolves with the answer as it ended: whole, stopped or refused. */
export async function run({ exchange, caller, body, signal, show }: Run): Promise<Answer> {
  const began = performance.now()
  const coming = new Coming()
  let request = ''
  let isDrawing = false
  const answer = (): Answer => ({
    by: 'model',
    model: body.model,
    text: coming.text,
    thought: coming.thought,
    calls: coming.calls,
  })
  const draw = () => {
    if (isDrawing) return
    isDrawing = true
    requestAnimationFrame(() => {
      isDrawing = false
      if (!isOver) show(answer())
    })
  }
  let isOver = false
  const ended = (more: Partial<Answer>): Answer => {
    isOver = true
    const { tokens, first, end } = coming
    return {
      ...answer(),
      told: {
        request,
        workspace: caller.workspace,
        total: performance.now() - began,
        ...(tokens && { tokens }),
        ...(first !== undefined && { first }),
        ...(end !== undefined && { end }),
      },
      ...more,
    }
  }
  try {
    const streamed = await stream(exchange, caller, body, signal)
    ;({ request } = streamed)
    for await (const delta of streamed.deltas) {
      coming.take(delta, performance.now() - began)
      draw()
    }
    return ended({})
  } catch (error) {
    if (signal.aborted) return ended({ stopped: true })
    if (error instanceof Fault) {
      request ||= requestOfFault(error)
      return ended({ refused: refusedBy(error, Date.now()) })
    }
    // A connection that is cut in the middle of a stream is a TypeError of fetch.
    if (error instanceof TypeError)
      return ended({
        refused: refusedBy(new Fault('unavailable', error.message, { reason: 'unreachable' }), Date.now()),
      })
    throw error
  }
}
