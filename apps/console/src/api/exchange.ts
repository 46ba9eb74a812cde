// One HTTP exchange over fetch: the session's token on, JSON in and out, every failure a Fault.
import { type Ask, addressOf } from '@switchyard/client/ask'
import { networkFault, readRefusal } from '@switchyard/client/faults'
import type { WatchExchange } from '@switchyard/client/watch'
import { Fault } from '@switchyard/kinds/fault'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/** Where tokens come from, and who is told when one is refused. */
export interface Credentials {
  /** Waits for a person to sign in where there is nobody. */
  token(): Promise<string>
  /** The server has refused this token. */
  refused(token: string): void
}

export interface Exchange extends WatchExchange {
  send(ask: Ask): Promise<Answer>
  /** The answer as it comes, refusals too: for what is no API of ours. */
  open(ask: Ask): Promise<Response>
}

async function* chunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel()
  }
}

async function refusal(response: Response): Promise<Fault> {
  const text = await response.text()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return new Fault('unavailable', `The server answered ${response.status}.`, { status: response.status })
  }
  return (
    readRefusal(value, response.status) ??
    new Fault('unavailable', `The server answered ${response.status}.`, { status: response.status })
  )
}

export function createExchange(credentials: Credentials): Exchange {
  async function attempt(ask: Ask, token: string | undefined): Promise<Response> {
    const { method, body, headers, signal } = ask
    try {
      return await fetch(addressOf(ask), {
        method,
        headers: {
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...headers,
        },
        credentials: 'same-origin',
        cache: 'no-store',
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal && { signal }),
      })
    } catch (error) {
      if (signal?.aborted) throw error
      throw networkFault(location.origin, error)
    }
  }

  /** A token that ran out is renewed once. */
  async function ask(what: Ask): Promise<Response> {
    if (what.anonymous) return attempt(what, undefined)
    for (let renewed = false; ; renewed = true) {
      const token = await credentials.token()
      const response = await attempt(what, token)
      if (response.status !== 401 || renewed) return response
      await response.body?.cancel()
      credentials.refused(token)
    }
  }

  return {
    url: location.origin,
    until: signal => signal,
    open: ask,
    async send(what) {
      const response = await ask(what)
      if (!response.ok && response.status !== 304) throw await refusal(response)
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.includes('json') === true
      return {
        status: response.status,
        headers: response.headers,
        body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text,
      }
    },
    async stream(what) {
      const response = await ask(what)
      if (!response.ok || !response.body) throw await refusal(response)
      return { body: chunks(response.body) }
    },
  }
}
