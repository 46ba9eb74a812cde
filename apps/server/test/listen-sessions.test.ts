// Upgrades at the port: sessions go to the gateway, other offers are passed over.
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Bed } from '../../../packages/gateway/test/bed.ts'
import { echo, Sessions } from '../../../packages/gateway/test/realtime.bed.ts'
import { listen } from '../src/listen.ts'

let stack: AsyncDisposableStack
let port: number
let key: string

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const upstream = stack.use(await Sessions.start(echo))
  const bed = stack.use(await Bed.start())
  bed.endpoint('tiny', [upstream.address])
  key = bed.key()
  const edge = await listen('127.0.0.1', 0)
  stack.defer(() => edge.close(0))
  edge.serve({ gateway: bed.gateway, control: (_, response) => void response.end('control') })
  port = (edge.server.address() as AddressInfo).port // it listens on TCP
})
afterEach(() => stack.disposeAsync())

/** What is answered to these lines, up to where the pattern is met. */
async function ask(lines: readonly string[], until: RegExp): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.write(`${[...lines, 'host: localhost', '', ''].join('\r\n')}`)
  while (!until.test(text)) {
    const [bytes] = (await once(socket, 'data')) as [Buffer] // no encoding is set
    text += bytes.toString('latin1')
  }
  socket.destroy()
  return text
}

const opening = [
  'upgrade: websocket',
  'connection: Upgrade',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
]

test('a session is opened at the port, and what its upstream says arrives', async () => {
  const lines = ['GET /v1/realtime?model=tiny HTTP/1.1', `authorization: Bearer ${key}`, ...opening]
  const told = await ask(lines, /session\.created/)
  expect(told).toMatch(/^HTTP\/1\.1 101 /)
  expect(told).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
})

test('a session without a key is an HTTP error', async () => {
  const told = await ask(['GET /v1/realtime?model=tiny HTTP/1.1', ...opening], /\}\}$/)
  expect(told).toMatch(/^HTTP\/1\.1 401 /)
  expect(told).toContain('"code":"invalid_api_key"')
})

test.each(['/healthz', '/v1/models'])(
  'an offer of h2c at %s is passed over: the request is answered as it is',
  async path => {
    const offer = ['connection: Upgrade, HTTP2-Settings', 'upgrade: h2c', 'http2-settings: AAMAAABkAAQAAP__']
    const told = await ask(
      [`GET ${path} HTTP/1.1`, `authorization: Bearer ${key}`, ...offer],
      /\r\n\r\n[\s\S]+/,
    )
    expect(told).toMatch(/^HTTP\/1\.1 200 /)
  },
)

test('the control plane has no sessions: it answers the request', async () => {
  expect(await ask(['GET /healthz HTTP/1.1', ...opening], /control/)).toMatch(/^HTTP\/1\.1 200 /)
})
