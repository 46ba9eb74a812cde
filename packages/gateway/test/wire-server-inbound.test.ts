// What a call may rely on, whoever has parsed its request: one suite for node's server and for ours.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { Inbound } from '../src/wire/inbound.ts'
import { NodeInbound } from '../src/wire/inbound-node.ts'
import { type Act, Bed, Caller, turn } from './wire-server.bed.ts'

const get = 'GET /v1/a?b=c HTTP/1.1\r\nHost: a\r\nX-A:  é \r\nx-a: 2\r\n'
const post = 'POST /v1/a HTTP/1.1\r\nhost: a\r\n'
const close = 'connection: close\r\n\r\n'

/** The content of an answer's chunked body; undefined while it has not ended. */
function unchunked(got: string): string | undefined {
  let content = ''
  for (let at = got.indexOf('\r\n\r\n') + 4; at < got.length; ) {
    const line = got.indexOf('\r\n', at)
    const size = Number.parseInt(got.slice(at, line), 16)
    if (size === 0) return content
    content += got.slice(line + 2, line + 2 + size)
    at = line + 4 + size
  }
  return undefined
}

async function reached(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

describe.each([
  ['ours', false],
  ["node's", true],
])('a request on %s', (_, node) => {
  let bed: Bed

  const open = async (act: Act) => {
    bed = await new Bed({ act, node }).listen()
  }

  afterEach(() => bed.close())

  it('tells its line and its headers as they were sent, and who sent it', async () => {
    const seen: unknown[] = []
    await open(inbound => {
      seen.push(inbound.peer, inbound.complete, inbound.closed)
      inbound.reply(200, [], '')
    })
    await bed.ask(get + close)
    expect(seen).toEqual(['127.0.0.1', true, false])
    expect(bed.heard).toMatchObject([{ method: 'GET', url: '/v1/a?b=c' }])
    expect(bed.heard[0]?.headers).toEqual(['Host', 'a', 'X-A', 'é', 'x-a', '2', 'connection', 'close'])
  })

  it('is answered whole, with its length; text is sent as UTF-8 and bytes as they are', async () => {
    const bodies = ['', 'plain', 'Grüße €', Buffer.from([0, 255, 10]), Buffer.alloc(100_000, 'é')]
    let next = 0
    await open(inbound => inbound.reply(201, ['x-b', 'ü'], bodies[next++] ?? ''))
    for (const body of bodies) {
      const got = await bed.ask(get + close)
      const bytes = Buffer.from(body).toString('latin1')
      expect(got).toMatch(/^HTTP\/1\.1 201 Created\r\n/)
      expect(got).toMatch(new RegExp(`x-b: ü\r\n[\\s\\S]*content-length: ${bytes.length}\r\n`, 'i'))
      expect(got.slice(got.indexOf('\r\n\r\n') + 4)).toBe(bytes)
    }
  })

  it('is answered in pieces, each a chunk', async () => {
    await open(inbound => {
      inbound.head(200, ['content-type', 'text/event-stream'])
      inbound.write('one\n')
      inbound.write('é')
      inbound.write('')
      inbound.write(Buffer.alloc(40_000, 'x'))
      inbound.end(Buffer.from('last'))
    })
    const got = await bed.ask(get + close)
    expect(got).toMatch(/transfer-encoding: chunked\r\n/i)
    expect(unchunked(got)).toBe(`one\nÃ©${'x'.repeat(40_000)}last`)
    expect(bed.heard[0]?.closes).toBe(1)
  })

  it('may have its pieces in later turns, and each leaves in the turn in which it was written', async () => {
    let answering: Inbound | undefined
    await open(inbound => {
      inbound.head(200, [])
      answering = inbound
    })
    const caller = new Caller(bed.port)
    caller.socket.write(get + close)
    for (const piece of ['one', 'two', 'three']) {
      await reached(() => answering !== undefined)
      answering?.write(piece)
      await caller.until(`\r\n${piece}\r\n`)
    }
    answering?.end()
    await caller.closed
    expect(caller.got.endsWith('\r\n0\r\n\r\n')).toBe(true)
  })

  it('keeps its connection unless the answer closes it', async () => {
    const answers: ((inbound: Inbound) => void)[] = [
      inbound => inbound.reply(200, [], 'a'),
      inbound => {
        inbound.head(200, [])
        inbound.end('b')
      },
      inbound => inbound.reply(200, ['connection', 'close'], 'c'),
    ]
    await open(inbound => answers.shift()?.(inbound))
    const caller = new Caller(bed.port)
    caller.socket.write(`${get}\r\n${get}\r\n${get}\r\n${get}\r\n`)
    await caller.closed
    expect(caller.got.match(/connection: [\w-]+/gi)?.map(one => one.slice(12))).toEqual([
      'keep-alive',
      'keep-alive',
      'close',
    ])
    expect(answers).toEqual([])
  })

  it('whose stream is ended with a close has its connection closed behind it', async () => {
    await open(inbound => {
      inbound.head(200, [])
      inbound.write('a')
      inbound.end('b', true)
    })
    expect(unchunked(await bed.ask(`${get}\r\n`))).toBe('ab')
  })

  it('with HEAD, and an answer without content, has no body sent', async () => {
    await open((inbound, { url }) => {
      if (url === '/204') inbound.reply(204, [], '')
      else if (url === '/304') inbound.reply(304, [], '')
      else inbound.reply(200, [], 'four')
    })
    const head = await bed.ask(`HEAD /v1/a HTTP/1.1\r\nhost: a\r\n${close}`)
    expect(head).toMatch(/content-length: 4\r\n/i)
    expect(head.endsWith('\r\n\r\n')).toBe(true)
    for (const status of [204, 304]) {
      const got = await bed.ask(`GET /${status} HTTP/1.1\r\nhost: a\r\n${close}`)
      expect(got).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(got).not.toMatch(/content-length|transfer-encoding/i)
    }
  })

  it('is told to go on only when its caller waits for that', async () => {
    bed = await new Bed({ node, act: inbound => inbound.reply(200, [], '') }).listen()
    for (const expects of [true, false]) {
      const caller = new Caller(bed.port)
      caller.socket.write(`${post}${expects ? 'Expect: 100-Continue\r\n' : ''}content-length: 2\r\n${close}`)
      await reached(() => bed.heard.length === (expects ? 1 : 2))
      bed.heard.at(-1)?.inbound.proceed()
      bed.heard.at(-1)?.inbound.proceed()
      if (expects) await caller.until('HTTP/1.1 100 Continue\r\n\r\n')
      caller.socket.write('ab')
      await caller.closed
      expect(caller.got.match(/HTTP\/1\.1 \d+/g)).toEqual(
        expects ? ['HTTP/1.1 100', 'HTTP/1.1 200'] : ['HTTP/1.1 200'],
      )
    }
  })

  it('tells who writes too much to wait, how much waits, and when it is taken', async () => {
    let waited = 0
    await open(inbound => {
      inbound.head(200, [])
      while (inbound.write(Buffer.alloc(100_000)) || inbound.waiting < 10_000_000);
      waited = inbound.waiting
    })
    const caller = new Caller(bed.port)
    caller.socket.pause()
    caller.socket.write(get + close)
    await reached(() => waited > 0)
    expect(waited).toBeGreaterThan(9_000_000)
    expect(bed.heard[0]?.drains).toBe(0)
    caller.socket.resume()
    await reached(() => bed.heard[0]?.drains === 1)
    const [{ inbound } = { inbound: undefined }] = bed.heard
    expect(inbound?.waiting).toBe(0)
    inbound?.end()
    await caller.closed
    expect(bed.heard[0]?.closes).toBe(1)
    expect(inbound?.closed).toBe(true)
  })

  it('that its caller leaves is told once, and then takes no more', async () => {
    await open(inbound => {
      inbound.head(200, [])
      inbound.write('a')
    })
    const caller = new Caller(bed.port)
    caller.socket.write(`${get}\r\n`)
    await caller.until('\r\na\r\n')
    caller.socket.destroy()
    await reached(() => bed.heard[0]?.closes === 1)
    const inbound = bed.heard[0]?.inbound
    expect(inbound?.closed).toBe(true)
    inbound?.write('b')
    inbound?.end('c')
    inbound?.destroy()
    await turn()
    expect(bed.heard[0]?.closes).toBe(1)
  })

  it('that is listened to too late hears of its close all the same', async () => {
    const inbounds: Inbound[] = []
    bed = new Bed({ node, take: inbound => void inbounds.push(inbound) })
    if (node) {
      bed.listener.removeAllListeners('request')
      bed.listener.on(
        'request',
        (request: IncomingMessage, response: ServerResponse) =>
          void inbounds.push(new NodeInbound(request, response)),
      )
    }
    await bed.listen()
    const caller = new Caller(bed.port)
    caller.socket.write(`${get}\r\n`)
    await reached(() => inbounds.length === 1)
    caller.socket.destroy()
    await reached(() => inbounds[0]?.closed === true)
    const heard: string[] = []
    inbounds[0]?.listen({
      onBody: () => void heard.push('body'),
      onWhole: () => void heard.push('whole'),
      onDrain: () => void heard.push('drain'),
      onClose: () => void heard.push('close'),
    })
    expect(heard).toEqual([])
    await turn()
    expect(heard).toEqual(['close'])
  })

  it('that is destroyed is heard no more but for its close', async () => {
    await open(inbound => inbound.destroy())
    expect(await bed.ask(get + close)).toBe('')
    await reached(() => bed.heard[0]?.closes === 1)
  })

  it('is told of its close only after whoever answered has returned', async () => {
    const order: string[] = []
    bed = new Bed({ node })
    bed.act = (inbound, heard) => {
      inbound.reply(200, [], 'ok')
      order.push(`answered, ${heard.closes} closes, ${inbound.closed ? 'closed' : 'open'}`)
    }
    await bed.listen()
    await bed.ask(get + close)
    await reached(() => bed.heard[0]?.closes === 1)
    expect(order).toEqual(['answered, 0 closes, open'])
  })

  it('refuses to send a line break in a header', async () => {
    const thrown: unknown[] = []
    await open(inbound => {
      try {
        inbound.reply(200, ['x', 'a\r\nb: c'], '')
      } catch (error) {
        thrown.push(error)
      }
      inbound.reply(200, [], 'ok')
    })
    expect(await bed.ask(get + close)).toMatch(/\r\n\r\nok$/)
    expect(thrown).toMatchObject([{ name: 'TypeError' }])
  })
})
