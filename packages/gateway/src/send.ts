// Asks a webhook: one POST through the guarded dial, and its whole answer.
import { Body } from './body.ts'
import type { Send, WebhookReply } from './guard/index.ts'
import type { Upstreams } from './upstreams.ts'
import type { Exchange, Hearer, WireError } from './wire/client.ts'

const mostBytes = 1024 * 1024

export function sendThrough(upstreams: Upstreams): Send {
  return (url, headers, body, signal) => {
    const { origin, pathname, search } = new URL(url)
    const pool = upstreams.at({ key: `webhook ${origin}`, url: origin, allowed: [] })
    const { promise, resolve, reject } = Promise.withResolvers<WebhookReply>()
    const answer = new Answer(resolve, reject)
    pool.inflight++
    const exchange = pool.client.post(pathname + search, headers, Buffer.from(body), answer)
    answer.exchange = exchange
    const abort = () => {
      exchange.abort()
      reject(signal.reason instanceof Error ? signal.reason : new Error('the webhook took too long'))
    }
    signal.addEventListener('abort', abort, { once: true })
    return promise.finally(() => {
      signal.removeEventListener('abort', abort)
      pool.release()
    })
  }
}

class Answer implements Hearer {
  exchange: Exchange | undefined
  readonly #resolve: (reply: WebhookReply) => void
  readonly #reject: (error: Error) => void
  readonly #body = new Body()
  #status = 0

  constructor(resolve: (reply: WebhookReply) => void, reject: (error: Error) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  onHead(status: number): void {
    this.#status = status
  }

  onData(bytes: Buffer): void {
    this.#body.push(bytes)
    if (this.#body.bytes <= mostBytes) return
    this.exchange?.abort()
    this.#reject(new Error(`the webhook answered with more than ${mostBytes} bytes`))
  }

  onEnd(): void {
    this.#resolve({ status: this.#status, body: this.#body.take().toString() })
  }

  onError(error: WireError): void {
    this.#reject(error)
  }
}
