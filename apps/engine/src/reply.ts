// One HTTP answer: a JSON body, or server-sent events whose status line waits for the first of them.
import type { ServerResponse } from 'node:http'
import { toApiError } from './openai/errors.ts'

export interface Reply {
  /** Aborted when the caller has gone, or when the engine cannot wait for it any longer. */
  readonly signal: AbortSignal
  json(status: number, body: unknown, headers?: Readonly<Record<string, string>>): void
  text(body: string, type: string): void
  event(value: unknown): void
  endEvents(): void
  /** A failure in the shape that the answer has by now; after the first event it can only be one more event. */
  fail(fault: unknown): void
}

export function replyTo(response: ServerResponse, signal: AbortSignal): Reply {
  const whole = (
    status: number,
    type: string,
    body: string,
    headers: Readonly<Record<string, string>> = {},
  ) => {
    if (response.destroyed || response.writableEnded) return
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      ...headers,
    })
    response.end(body)
  }
  const json: Reply['json'] = (status, body, headers) =>
    whole(status, 'application/json', JSON.stringify(body), headers)
  // A slow reader is not waited for: the other slots are in step with this one, and what may pile up here is
  // bounded by the slot's context.
  const event = (value: unknown) => {
    if (response.destroyed) return
    if (!response.headersSent)
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    response.write(`data: ${JSON.stringify(value)}\n\n`)
  }
  return {
    signal,
    json,
    text: (body, type) => whole(200, type, body),
    event,
    endEvents: () => {
      response.end('data: [DONE]\n\n')
    },
    fail: fault => {
      const error = toApiError(fault)
      if (!response.headersSent) {
        json(error.status, error.body, error.headers)
        return
      }
      event(error.body)
      response.end()
    },
  }
}
