// A provider that keeps the responses that it makes, as OpenAI does.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ResponseStore } from '@switchyard/runtime'

interface Asked {
  readonly method: string
  readonly url: string
  readonly body: Readonly<Record<string, unknown>>
}

export class KeepingUpstream implements AsyncDisposable {
  readonly asked: Asked[] = []
  readonly kept = new Map<string, object>()
  readonly #server: Server = createServer((request, response) => void this.#answer(request, response))

  static async start(): Promise<KeepingUpstream> {
    const upstream = new KeepingUpstream()
    upstream.#server.listen(0, '127.0.0.1')
    await once(upstream.#server, 'listening')
    return upstream
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo // it listens on TCP
    return `http://127.0.0.1:${port}/v1`
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // no encoding is set
    const text = Buffer.concat(chunks).toString()
    const body = JSON.parse(text || '{}') as Asked['body'] // the gateway's own
    const { method = '', url = '' } = request
    this.asked.push({ method, url, body })
    const [, id = '', part] = /^\/v1\/responses\/([^/?]+)(\/[a-z_]+)?/.exec(url) ?? []
    if (id === '') this.#make(body, response)
    else if (!this.kept.has(id)) reply(response, 404, { error: { message: `no ${id} of org-secret` } })
    else if (part === '/input_items') reply(response, 200, { object: 'list', data: [{ id: 'msg_theirs' }] })
    else if (method === 'DELETE') {
      this.kept.delete(id)
      reply(response, 200, { id, object: 'response', deleted: true })
    } else reply(response, 200, this.kept.get(id) ?? {})
  }

  #make(
    { model, previous_response_id = null, store = true, stream }: Asked['body'],
    to: ServerResponse,
  ): void {
    if (typeof previous_response_id === 'string' && !this.kept.has(previous_response_id)) {
      reply(to, 400, { error: { message: 'no such response', code: 'previous_response_not_found' } })
      return
    }
    const id = `resp_${randomUUID()}`
    const content = [{ type: 'output_text', text: 'theirs', annotations: [] }]
    const output = [{ id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content }]
    const usage = { input_tokens: 3, output_tokens: 1, total_tokens: 4 }
    const about = { id, object: 'response', created_at: 1, model, previous_response_id, store }
    const made = { ...about, status: 'completed', output, usage }
    if (store === true) this.kept.set(id, made)
    if (stream !== true) {
      reply(to, 200, made)
      return
    }
    to.writeHead(200, { 'content-type': 'text/event-stream' })
    const delta = { item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'theirs' }
    for (const [index, event] of [
      { type: 'response.created', response: { ...about, status: 'in_progress', output: [] } },
      { type: 'response.output_text.delta', ...delta },
      { type: 'response.completed', response: made },
    ].entries())
      to.write(`event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`)
    to.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

/** The same store, with something before each of its answers: what throws there is what is heard of it. */
export function behind(store: ResponseStore, before: () => void): ResponseStore {
  return {
    async keep(scope, response) {
      before()
      await store.keep(scope, response)
    },
    async find(scope, id) {
      before()
      return store.find(scope, id)
    },
    async chain(scope, id, most) {
      before()
      return store.chain(scope, id, most)
    },
    async forget(scope, id) {
      before()
      return store.forget(scope, id)
    },
  }
}
