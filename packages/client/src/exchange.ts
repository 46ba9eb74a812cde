// One HTTP exchange over undici: credentials on, JSON in and out, every failure a Fault.
import type { Readable } from 'node:stream'
import { Fault } from '@switchyard/kinds'
import { Agent, errors, request } from 'undici'
import { type Ask, addressOf } from './ask.ts'
import { abortFault, foreignAnswer, networkFault, readRefusal } from './faults.ts'

export interface ExchangeOptions {
  /** Where the server is, such as `http://127.0.0.1:8080`; a path before `/api` is kept. */
  readonly url: string
  /** Asked before every request; an empty string sends no credentials. */
  readonly token: () => string | Promise<string>
  readonly signal?: AbortSignal
  /** Longest wait for an answer to begin, milliseconds; 30,000 when absent, 0 waits for ever. */
  readonly timeoutMs?: number
  readonly userAgent?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
}

export interface Exchange extends AsyncDisposable {
  readonly url: string
  send(ask: Ask): Promise<Answer>
  /** The body as it comes; the caller reads it to the end or destroys it. */
  stream(ask: Ask): Promise<{ readonly type: string; readonly body: Readable }>
  /** The signal that ends a wait for this ask. */
  until(signal: AbortSignal | undefined): AbortSignal | undefined
}

const header = (headers: Answer['headers'], name: string) => String(headers[name] ?? '')

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the caller tells what came instead
  }
}

export function createExchange(options: ExchangeOptions): Exchange {
  const url = options.url.replace(/\/+$/, '')
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new Fault('invalid', `${options.url} is no address: use http://HOST:PORT or https://HOST.`)
  const agent = new Agent({ headersTimeout: options.timeoutMs ?? 30_000, connect: { timeout: 10_000 } })

  const until = (signal: AbortSignal | undefined) =>
    signal && options.signal ? AbortSignal.any([signal, options.signal]) : (signal ?? options.signal)

  async function open(ask: Ask) {
    const signal = until(ask.signal)
    if (signal?.aborted) throw abortFault(signal)
    const token = ask.anonymous ? '' : await options.token()
    try {
      return await request(`${url}${addressOf(ask)}`, {
        method: ask.method,
        dispatcher: agent,
        ...(signal && { signal }),
        ...(ask.silenceMs !== undefined && { bodyTimeout: ask.silenceMs }),
        headers: {
          accept: 'application/json',
          'user-agent': options.userAgent ?? 'switchyard-client',
          ...(ask.body !== undefined && { 'content-type': 'application/json' }),
          ...(token && { authorization: `Bearer ${token}` }),
          ...ask.headers,
        },
        ...(ask.body !== undefined && { body: JSON.stringify(ask.body) }),
      })
    } catch (error) {
      throw signal?.aborted ? abortFault(signal) : networkFault(url, error)
    }
  }

  async function text(body: { text(): Promise<string> }, signal: AbortSignal | undefined) {
    try {
      return await body.text()
    } catch (error) {
      throw signal?.aborted ? abortFault(signal) : networkFault(url, error)
    }
  }

  return {
    url,
    until,
    async send(ask) {
      const { statusCode: status, headers, body } = await open(ask)
      const raw = await text(body, until(ask.signal))
      const parsed = readJson(raw)
      if (status >= 200 && status < 300) {
        if (raw !== '' && parsed === undefined)
          throw foreignAnswer(url, status, header(headers, 'content-type'))
        return { status, headers, body: parsed }
      }
      throw readRefusal(parsed, status) ?? foreignAnswer(url, status, header(headers, 'content-type'))
    },
    async stream(ask) {
      const { statusCode: status, headers, body } = await open(ask)
      const type = header(headers, 'content-type')
      if (status === 200) return { type, body }
      throw (
        readRefusal(readJson(await text(body, until(ask.signal))), status) ?? foreignAnswer(url, status, type)
      )
    },
    async [Symbol.asyncDispose]() {
      try {
        await agent.destroy()
      } catch (error) {
        if (!(error instanceof errors.ClientDestroyedError)) throw error // stopping twice is fine
      }
    },
  }
}
