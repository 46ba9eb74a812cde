// Answers with the body that it was sent, or with 50 pieces of a stream, behind one of two servers: ours or node's.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Inbound, InboundHearer } from '../../packages/gateway/src/wire/inbound.ts'
import { NodeInbound } from '../../packages/gateway/src/wire/inbound-node.ts'
import { WireServer } from '../../packages/gateway/src/wire/server.ts'

const pieces = 50
const piece = Buffer.from(`data: ${JSON.stringify({ id: 'x'.repeat(180), delta: 'token' })}\n\n`)
const headers = [
  'content-type',
  'application/json',
  'x-request-id',
  '0198c2f4-7c1e-7d10-9b1e-5f0c1d2e3f40',
  'request-id',
  '0198c2f4-7c1e-7d10-9b1e-5f0c1d2e3f40',
  'x-switchyard-model',
  'bench',
  'x-switchyard-attempts',
  '1',
]

class Echo implements InboundHearer {
  readonly #inbound: Inbound
  readonly #parts: Buffer[] = []
  #left = pieces

  constructor(inbound: Inbound) {
    this.#inbound = inbound
    inbound.listen(this)
  }

  onBody(chunk: Buffer): void {
    this.#parts.push(chunk)
  }

  onWhole(): void {
    const { url } = this.#inbound
    if (url === '/v1/echo') {
      const body = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts)
      this.#inbound.reply(200, headers, body ?? '')
      return
    }
    this.#inbound.head(200, headers)
    if (url === '/v1/paced') this.#next()
    else while (this.#left > 0) this.#write()
  }

  onDrain(): void {}
  onClose(): void {}

  readonly #next = (): void => {
    this.#write()
    if (this.#left > 0) setImmediate(this.#next)
  }

  #write(): void {
    if (--this.#left > 0) this.#inbound.write(piece)
    else this.#inbound.end(piece)
  }
}

const listener = createServer((request, response) => new Echo(new NodeInbound(request, response)))
const own = process.argv[2] === 'ours'
const server = own
  ? new WireServer(listener, {
      ours: () => true,
      take: inbound => new Echo(inbound),
      refusal: ({ message }) => ({ headers: [], body: message }),
      clock: Date.now,
    })
  : undefined

listener.listen(0, '127.0.0.1', () => {
  const { port } = listener.address() as AddressInfo // it listens on TCP
  process.send?.(port)
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  globalThis.gc?.()
  process.send?.({
    cpu: user + system,
    rss: process.memoryUsage.rss(),
    connections: server?.connections ?? 0,
  })
})
