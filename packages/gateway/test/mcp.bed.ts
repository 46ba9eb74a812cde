// A server of tools made of MCP's own library, with sessions, streams that can be resumed, and a memory of what it heard.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InMemoryEventStore } from '@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js'

const inputSchema = { type: 'object' as const }
const pages = [
  { tools: ['echo', 'secret', 'count'], nextCursor: 'second' },
  { tools: ['secret_2', 'read_file'], nextCursor: undefined },
] as const

/** Counts to three, and says so at each step. `leave` ends its connections after the second step. */
async function count(
  extra: RequestHandlerExtra<ServerRequest, ServerNotification>,
  leave: (() => void) | undefined,
): Promise<void> {
  const { progressToken } = extra._meta ?? {}
  for (let progress = 1; progress <= 3; progress++) {
    if (progressToken !== undefined)
      await extra.sendNotification({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 3 },
      })
    await new Promise(resolve => setTimeout(resolve, 20))
    if (progress === 2) leave?.()
  }
}

export class ToolServer implements AsyncDisposable {
  readonly heard: { readonly method: string; readonly headers: IncomingMessage['headers'] }[] = []
  readonly called: string[] = []
  readonly sessions = new Map<string, StreamableHTTPServerTransport>()
  readonly servers: Server[] = []
  readonly #http: HttpServer
  /** Calls of `count` that lose their connection. */
  cuts = 0
  /** Answers are JSON and not streams. */
  json = false

  constructor() {
    this.#http = createServer((request, response) => {
      this.heard.push({ method: request.method ?? '', headers: request.headers })
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error)) // any will do
    })
  }

  static async start(): Promise<ToolServer> {
    const server = new ToolServer()
    server.#http.listen(0, '127.0.0.1')
    await once(server.#http, 'listening')
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/mcp` // it listens on TCP
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const named = request.headers['mcp-session-id']
    const known = typeof named === 'string' ? this.sessions.get(named) : undefined
    if (named !== undefined && !known) {
      const error = { code: -32001, message: 'Session not found' }
      response.writeHead(404, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
      return
    }
    await (known ?? (await this.#open())).handleRequest(request, response)
  }

  async #open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: new InMemoryEventStore(),
      enableJsonResponse: this.json,
      retryInterval: 10,
      onsessioninitialized: id => {
        this.sessions.set(id, transport)
      },
      onsessionclosed: id => {
        this.sessions.delete(id)
      },
    })
    const server = this.#tools()
    this.servers.push(server)
    // The library's own types of the two differ in what may be undefined.
    await server.connect(transport as Parameters<Server['connect']>[0])
    return transport
  }

  #tools(): Server {
    const server = new Server({ name: 'tools', version: '1' }, { capabilities: { tools: {}, logging: {} } })
    server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
      const { tools, nextCursor } = pages[params?.cursor === 'second' ? 1 : 0]
      return { tools: tools.map(name => ({ name, inputSchema })), ...(nextCursor && { nextCursor }) }
    })
    server.setRequestHandler(CallToolRequestSchema, async ({ params: { name, arguments: given } }, extra) => {
      this.called.push(name)
      if (name === 'count') await count(extra, this.cuts-- > 0 ? () => this.cut() : undefined)
      return { content: [{ type: 'text', text: `${name} ${JSON.stringify(given ?? {})}` }] }
    })
    return server
  }

  /** Ends every connection. */
  cut(): void {
    this.#http.closeAllConnections()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) await server.close()
    this.#http.closeAllConnections()
    this.#http.close()
    await once(this.#http, 'close')
  }
}
