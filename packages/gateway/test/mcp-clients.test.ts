// A12: MCP's official library on both sides of the gateway.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Bed } from './bed.ts'
import { ToolServer } from './mcp.bed.ts'

let bed: Bed
let tools: ToolServer
let key: string
const clients: Client[] = []
beforeEach(async () => {
  bed = await Bed.start()
  tools = await ToolServer.start()
  bed.credential('far-key', 'sk-far')
  bed.mcpServer('tools', { urls: [tools.url], credential: 'far-key', tools: ['echo', 'count', 'read_*'] })
  key = bed.key()
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await bed[Symbol.asyncDispose]()
  await tools[Symbol.asyncDispose]()
})

async function connect(as = key, url = `${bed.url}/mcp/tools`) {
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${as}` } },
    reconnectionOptions: {
      initialReconnectionDelay: 10,
      maxReconnectionDelay: 50,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 5,
    },
  })
  const client = new Client({ name: 'test', version: '1' })
  clients.push(client)
  // The library's own types of the two differ in what may be undefined.
  await client.connect(transport as Parameters<Client['connect']>[0])
  return { client, transport }
}

const textOf = ({ content }: Readonly<Record<string, unknown>>) =>
  (content as readonly { text: string }[])[0]?.text // as the tool made it

test.each([
  ['streams', false],
  ['JSON', true],
])('A12: a client initializes, lists and calls, with answers as %s', async (_, json) => {
  tools.json = json
  const { client, transport } = await connect()
  expect(client.getServerVersion()).toMatchObject({ name: 'tools' })
  const first = await client.listTools()
  expect(first.tools.map(({ name }) => name)).toEqual(['echo', 'count'])
  expect(first.nextCursor).toBe('second')
  const second = await client.listTools({ cursor: 'second' })
  expect(second.tools.map(({ name }) => name)).toEqual(['read_file'])
  expect(textOf(await client.callTool({ name: 'echo', arguments: { a: 1 } }))).toBe('echo {"a":1}')
  const [made] = tools.sessions.keys()
  expect(transport.sessionId).toMatch(/^sy1\./)
  expect(transport.sessionId).not.toContain(made)
  for (const { headers } of tools.heard) {
    expect(headers.authorization).toBe('Bearer sk-far')
    expect([undefined, made]).toContain(headers['mcp-session-id'])
  }
  expect(tools.heard.at(-1)?.headers['mcp-protocol-version']).toBe('2025-11-25')
})

test('A12: a hidden tool is neither listed nor callable, and its server hears nothing of it', async () => {
  const { client } = await connect()
  await expect(client.callTool({ name: 'secret', arguments: {} })).rejects.toMatchObject({
    code: -32602,
    message: expect.stringContaining('Unknown tool: secret') as unknown,
  })
  await expect(client.callTool({ name: 'secret_2' })).rejects.toThrow('Unknown tool')
  expect(tools.called).toEqual([])
  expect(bed.observed).toContainEqual(
    expect.objectContaining({ type: 'tool_refused', server: 'tools', tool: 'secret' }),
  )
  expect(textOf(await client.callTool({ name: 'read_file' }))).toBe('read_file {}')
})

test('notifications come one by one while a tool runs', async () => {
  const { client } = await connect()
  const progress: number[] = []
  const result = await client.callTool({ name: 'count' }, undefined, {
    onprogress: ({ progress: step }) => progress.push(step),
  })
  expect(progress).toEqual([1, 2, 3])
  expect(textOf(result)).toBe('count {}')
})

test('what the server says by itself comes on a stream of its own', async () => {
  const { client } = await connect()
  const heard: unknown[] = []
  client.fallbackNotificationHandler = async ({ method }) => {
    heard.push(method)
  }
  await vi.waitUntil(() => tools.heard.some(({ method }) => method === 'GET'))
  await vi.waitUntil(async () => {
    await tools.servers[0]?.sendToolListChanged()
    return heard.length > 0
  })
  expect(heard).toContain('notifications/tools/list_changed')
})

test('a call whose connection is lost is taken up again by the id of its last event', async () => {
  tools.cuts = 1
  const { client } = await connect()
  const progress: number[] = []
  const result = await client.callTool({ name: 'count' }, undefined, {
    onprogress: ({ progress: step }) => progress.push(step),
  })
  expect(textOf(result)).toBe('count {}')
  expect(progress).toEqual([1, 2, 3])
  expect(tools.called).toEqual(['count'])
  const resumed = tools.heard.find(({ method, headers }) => method === 'GET' && headers['last-event-id'])
  expect(resumed).toBeDefined()
})

test('a session that is ended is not known any more, and one of a server that forgot it neither', async () => {
  const { client, transport } = await connect()
  await client.listTools()
  await transport.terminateSession()
  expect(tools.sessions.size).toBe(0)
  expect(tools.heard.at(-1)?.method).toBe('DELETE')
  const other = await connect()
  tools.sessions.clear()
  await expect(other.client.listTools()).rejects.toMatchObject({ code: 404 })
})

test('A12: sessions stay on the server that made them', async () => {
  await using second = await ToolServer.start()
  bed.mcpServer('many', { urls: [tools.url, second.url] })
  const made = await Promise.all(Array.from({ length: 6 }, () => connect(key, `${bed.url}/mcp/many`)))
  for (const round of [1, 2, 3])
    for (const { client } of made)
      expect(textOf(await client.callTool({ name: 'echo', arguments: { round } }))).toBe(
        `echo {"round":${round}}`,
      )
  expect(tools.sessions.size + second.sessions.size).toBe(6)
  expect(Math.min(tools.sessions.size, second.sessions.size)).toBeGreaterThan(0)
  expect(tools.called).toHaveLength(3 * tools.sessions.size)
  expect(second.called).toHaveLength(3 * second.sessions.size)
})

test('a session is of the key that opened it', async () => {
  const { transport } = await connect()
  const { sessionId = '' } = transport
  const list = (as: string, session = sessionId) =>
    bed.post(
      '/mcp/tools',
      as,
      { jsonrpc: '2.0', id: 1, method: 'tools/list' },
      { headers: { accept: 'application/json, text/event-stream', 'mcp-session-id': session } },
    )
  expect((await list(key)).status).toBe(200)
  const stranger = await list(bed.key())
  expect([stranger.status, await stranger.json()]).toEqual([
    404,
    expect.objectContaining({ error: expect.objectContaining({ code: -32001 }) as unknown }),
  ])
  const [made = ''] = tools.sessions.keys()
  expect((await list(key, made)).status).toBe(404)
})

test('a key that is revoked ends its open streams', async () => {
  const { client, transport } = await connect()
  const errors: unknown[] = []
  transport.onerror = error => errors.push(error)
  await client.listTools()
  await vi.waitUntil(() => bed.gateway.inflight === 1)
  bed.change('ApiKey', 'key-0', { spec: { disabled: true } })
  await vi.waitUntil(() => bed.gateway.inflight === 0 && errors.length > 0)
  await expect(client.listTools()).rejects.toMatchObject({ code: 401 })
})
