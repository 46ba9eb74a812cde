// An engine that can be told, by name, to misbehave: each request takes the next name of its script.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface Seen {
  readonly url: string
  readonly headers: NodeJS.Dict<string | string[]>
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** Resolves when the gateway has closed the connection before the answer was whole. */
  readonly aborted: Promise<number>
}

const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
const message = { role: 'assistant', content: 'one two three' }
export const reply = JSON.stringify({
  id: 'cmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'upstream-name',
  choices: [{ index: 0, message, finish_reason: 'stop' }],
  usage,
})
const embedded = JSON.stringify({
  object: 'list',
  model: 'upstream-name',
  data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.25] }],
  usage: { prompt_tokens: 7, total_tokens: 7 },
})
const chunk = (members: object) =>
  `data: ${JSON.stringify({ id: 'cmpl-1', object: 'chat.completion.chunk', created: 1, model: 'upstream-name', ...members })}\n\n`
const delta = (part: object, finish_reason: string | null = null) =>
  chunk({ choices: [{ index: 0, delta: part, finish_reason }] })
export const parts = {
  role: delta({ role: 'assistant', content: '' }),
  one: delta({ content: 'one' }),
  two: delta({ content: ' two' }),
  three: delta({ content: ' three' }),
  finish: delta({}, 'stop'),
  usage: chunk({ choices: [], usage }),
  done: 'data: [DONE]\n\n',
}
const whole = [parts.role, parts.one, parts.two, parts.three, parts.finish, parts.usage, parts.done]

type Act = (response: ServerResponse, seen: Seen) => Promise<void> | void

const json = (response: ServerResponse, status: number, body: string) => {
  response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '7', 'set-cookie': 'a=b' })
  response.end(body)
}
const events = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' })
const asksUsage = (seen: Seen) => seen.body.toString().includes('"include_usage":true')

/** Every way of answering, by name. */
export const acts = {
  good(response, seen) {
    if (seen.url.endsWith('/embeddings')) return json(response, 200, embedded)
    if (!/"stream":\s*true/.test(seen.body.toString())) return json(response, 200, reply)
    events(response)
    for (const part of whole) if (part !== parts.usage || asksUsage(seen)) response.write(part)
    response.end()
  },
  async 'one byte at a time'(response) {
    events(response)
    for (const byte of Buffer.from(whole.join(''))) {
      response.write(Buffer.of(byte))
      await new Promise(resolve => setImmediate(resolve))
    }
    response.end()
  },
  async 'slow events'(response) {
    events(response)
    response.write(parts.role)
    for (let i = 0; i < 1000 && !response.destroyed; i++) {
      response.write(parts.one)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    response.end()
  },
  reset: (_, seen) => void socketOf(seen).resetAndDestroy(),
  'cut reply'(response) {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': reply.length })
    response.write(reply.slice(0, 60), () => response.destroy())
  },
  'truncated json': response => json(response, 200, reply.slice(0, 60)),
  'empty reply': response => json(response, 200, ''),
  html(response) {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end('<html>secret 10.0.0.1</html>')
  },
  'error as reply': response => json(response, 200, '{"error":{"message":"secret","code":503}}'),
  'error as first event'(response) {
    events(response)
    response.write(parts.role)
    response.end('data: {"error":{"message":"secret","code":503}}\n\n')
  },
  'error in mid-stream'(response) {
    events(response)
    response.write(parts.role + parts.one)
    response.end('data: {"error":{"message":"secret","type":"overloaded_error","code":503}}\n\n')
  },
  'cut before content'(response) {
    events(response)
    response.write(parts.role, () => response.destroy())
  },
  'cut after two'(response) {
    events(response)
    response.write(parts.role + parts.one + parts.two, () => response.destroy())
  },
  'end after two'(response) {
    events(response)
    response.end(parts.role + parts.one + parts.two)
  },
  'no done'(response) {
    events(response)
    response.end(parts.role + parts.one + parts.finish)
  },
  'no usage'(response) {
    events(response)
    response.end(parts.role + parts.one + parts.two + parts.finish + parts.done)
  },
  'reset after done'(response) {
    events(response)
    response.write(whole.join(''), () => response.destroy())
  },
  'malformed event'(response) {
    events(response)
    response.end(
      `${parts.role + parts.one}data: {"choices":[\n\n${parts.two}${parts.finish}${parts.usage}${parts.done}`,
    )
  },
  'headers then silence'(response) {
    events(response)
    response.flushHeaders()
  },
  'content then silence'(response) {
    events(response)
    response.write(parts.role + parts.one)
  },
  async 'pings only'(response) {
    events(response)
    response.write(parts.role + parts.one)
    while (!response.destroyed) {
      response.write(': ping\n\n')
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  },
  silence() {},
  '400': response =>
    json(
      response,
      400,
      '{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"} }',
    ),
  '401': response => json(response, 401, '{"error":{"message":"secret key sk-upstream"}}'),
  '404': response => json(response, 404, '{"error":{"message":"secret path"}}'),
  '429': response => json(response, 429, '{"error":{"message":"secret"}}'),
  '500': response => json(response, 500, '{"error":{"message":"secret stack"}}'),
  '503': response => json(response, 503, '{"error":{"message":"secret"}}'),
  async flood(response) {
    events(response)
    const text = parts.one.repeat(500)
    for (let i = 0; i < 400 && !response.destroyed; i++)
      if (!response.write(text)) await Promise.race([once(response, 'drain'), once(response, 'close')])
    response.end(parts.finish + parts.done)
  },
  'slow reply': response => void setTimeout(() => json(response, 200, reply), 1000),
} as const satisfies Record<string, Act>
export type Name = keyof typeof acts

const sockets = new WeakMap<Seen, Socket>()
const socketOf = (seen: Seen) => sockets.get(seen) as Socket // set as the request is seen

export class ScriptedUpstream implements AsyncDisposable {
  readonly seen: Seen[] = []
  /** Bytes of all answers that the gateway has taken. */
  written = 0
  #script: Name[] = []
  #always: Name = 'good'
  readonly #server: Server
  readonly #connections = new Set<Socket>()

  constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response))
    this.#server.on('connection', socket => {
      this.#connections.add(socket)
      socket.on('close', () => this.#connections.delete(socket))
    })
  }

  static async start(): Promise<ScriptedUpstream> {
    const upstream = new ScriptedUpstream()
    upstream.#server.listen(0, '127.0.0.1')
    await once(upstream.#server, 'listening')
    return upstream
  }

  get address(): string {
    const { port } = this.#server.address() as AddressInfo // it listens on TCP
    return `127.0.0.1:${port}`
  }

  get connections(): number {
    return this.#connections.size
  }

  /** The next requests are answered so, one by one; afterwards, and without any name, all are good. */
  will(...names: Name[]): void {
    this.#script = names
    this.#always = 'good'
  }

  always(name: Name): void {
    this.#script = []
    this.#always = name
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    const started = performance.now()
    const aborted = new Promise<number>(resolve => {
      response.on('close', () => {
        if (!response.writableFinished) resolve(performance.now() - started)
      })
    })
    for await (const chunk of request) chunks.push(chunk as Buffer) // no encoding is set
    const { url = '', headers, rawHeaders } = request
    const seen = { url, headers, rawHeaders, body: Buffer.concat(chunks), aborted }
    sockets.set(seen, request.socket)
    this.seen.push(seen)
    const act: Act = acts[this.#script.shift() ?? this.#always]
    await act(response, seen)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
