// Large bodies that node's own server has parsed.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { Body } from '../src/body.ts'
import { NodeInbound } from '../src/wire/inbound-node.ts'

const image = randomBytes(3_000_000)

test.each([[true], [false]])(
  'a large body that node reads is whole (length declared: %s)',
  async declared => {
    const whole: Buffer[] = []
    await using server = createServer((incoming, response) => {
      const inbound = new NodeInbound(incoming, response)
      const body = new Body()
      if (declared) body.expect(image.length)
      inbound.listen({
        onBody: part => body.push(part),
        onWhole: () => {
          whole.push(body.take())
          inbound.reply(200, [], '')
        },
        onDrain: () => undefined,
        onClose: () => undefined,
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo // it listens on TCP
    for (let sent = 0; sent < 3; sent++) {
      const asked = request({ host: '127.0.0.1', port, method: 'POST', agent: false })
      if (declared) asked.setHeader('content-length', image.length)
      asked.end(image)
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      answer.resume()
      await once(answer, 'end')
    }
    expect(whole.map(body => body.equals(image))).toEqual([true, true, true])
  },
)
