// The gateway's own HTTP server and client with nothing between them: what is left of a request's cost when nobody is
// asked who calls, where to, how much and at what price. JSON in one piece only.
import { createServer } from 'node:http'
import { Body } from '../../packages/gateway/src/body.ts'
import { Client, type Hearer } from '../../packages/gateway/src/wire/client.ts'
import type { Inbound, InboundHearer } from '../../packages/gateway/src/wire/inbound.ts'
import { WireServer } from '../../packages/gateway/src/wire/server.ts'
import { answerProbes } from '../probe.ts'

const [, , upstream = ''] = process.argv
const client = new Client({ address: `127.0.0.1:${upstream}`, connections: 1024, connect: 5000 })
const headers = ['content-type', 'application/json']

class Passed implements InboundHearer, Hearer {
  readonly #inbound: Inbound
  readonly #body = new Body()
  readonly #answer = new Body()
  #status = 502

  constructor(inbound: Inbound) {
    this.#inbound = inbound
    inbound.listen(this)
  }

  onBody(chunk: Buffer): void {
    this.#body.push(chunk)
  }

  onWhole(): void {
    client.post(this.#inbound.url, headers, this.#body.take(), this)
  }

  onHead(status: number): void {
    this.#status = status
  }

  onData(bytes: Buffer): void {
    this.#answer.push(bytes)
  }

  onEnd(): void {
    this.#inbound.reply(this.#status, headers, this.#answer.take())
  }

  onError(): void {
    this.#inbound.destroy()
  }

  onDrain(): void {}
  onClose(): void {}
}

const server = createServer()
new WireServer(server, {
  ours: () => true,
  take: inbound => new Passed(inbound),
  refusal: ({ message }) => ({ headers: [], body: message }),
  clock: Date.now,
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' && address ? address.port : 0 })
})
answerProbes(() => 0)
