// The gateway's own server over real sockets: what it refuses, whom it waits for, and what is left of it.
import { once } from 'node:events'
import { Agent, request as nodeRequest } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import type { Socket } from 'node:net'
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import type { Inbound } from '../src/wire/inbound.ts'
import { certificateFor } from './certificates.ts'
import { Bed, type BedOptions, Caller, turn } from './wire-server.bed.ts'

let bed: Bed

const open = async (options: BedOptions = {}) => {
  bed = await new Bed(options).listen()
  return bed
}

afterEach(() => bed.close())

const get = 'GET /v1/a HTTP/1.1\r\nhost: a\r\n'
const post = 'POST /v1/a HTTP/1.1\r\nhost: a\r\n'
const next = `${get.replace('/v1/a', '/v1/next')}\r\n`
const last = `${get.replace('/v1/a', '/v1/last')}connection: close\r\n\r\n`
const count = (text: string, part: string) => text.split(part).length - 1

/** Resolves when the condition holds: each turn lets the sockets tell what they know. */
async function reached(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

describe('F10: a request that two readers could understand in two ways is refused and its connection closed', () => {
  it.each([
    ['a length and a coding', `${post}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a coding and a length', `${post}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${post}content-length: 1\r\ncontent-length: 2\r\n\r\nab`],
    ['the same length twice', `${post}content-length: 1\r\nContent-Length: 1\r\n\r\na`],
    ['a list of lengths', `${post}content-length: 1, 1\r\n\r\na`],
    ['a signed length', `${post}content-length: +1\r\n\r\na`],
    ['a length in hex', `${post}content-length: 0x1\r\n\r\na`],
    ['an empty length', `${post}content-length:\r\n\r\n`],
    ['a length beyond all numbers', `${post}content-length: 99999999999999999999\r\n\r\n`],
    ['two codings', `${post}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['another coding', `${post}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['a coding that only looks like chunked', `${post}transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
    ['a coding in HTTP/1.0', `${post.replace('1.1', '1.0')}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a zero byte in a value', `${get}x: a\0b\r\n\r\n`],
    ['a carriage return in a value', `${get}x: a\rb\r\n\r\n`],
    ['a bare line feed in a value', `${get}x: a\ny: b\r\n\r\n`],
    ['lines that end in a bare line feed', 'GET /v1/a HTTP/1.1\nhost: a\n\n'],
    ['a folded line', `${get}x: a\r\n b: c\r\n\r\n`],
    ['a line folded at the start', 'GET /v1/a HTTP/1.1\r\n host: a\r\n\r\n'],
    ['space before the colon', `${post}content-length : 1\r\n\r\na`],
    ['a line without a colon', `${get}abc\r\n\r\n`],
    ['a header without a name', `${get}: a\r\n\r\n`],
    ['an absolute target', 'GET http://a/v1/a HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['an authority for a target', 'CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a tunnel', 'CONNECT /v1/a HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a fragment', 'GET /v1/a#b HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a target that is no ASCII', 'GET /v1/\xe9 HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['no host', 'GET /v1/a HTTP/1.1\r\n\r\n'],
    ['two hosts', `${get}host: b\r\n\r\n`],
    ['a host of two', 'GET /v1/a HTTP/1.1\r\nhost: a b\r\n\r\n'],
    ['two spaces', 'GET  /v1/a HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['a method that is no token', 'G(T /v1/a HTTP/1.1\r\nhost: a\r\n\r\n'],
    ['the beginning of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['no request at all', '\r\n\r\n'],
  ])('%s', async (_, text) => {
    await open()
    const got = await bed.ask(text + next)
    expect(got).toMatch(/^HTTP\/1\.1 400 Bad Request\r\ncontent-type: application\/json\r\n/)
    expect(got).toContain('connection: close\r\n\r\n{"error":{"message":"')
    expect([bed.heard, bed.others, count(got, 'HTTP/1.1 400')]).toEqual([[], [], 1])
    await reached(() => bed.server?.connections === 0)
  })

  it.each([
    [431, 'more than 100 headers', `${get}${'x: a\r\n'.repeat(100)}\r\n`],
    [431, 'more than 32 KiB', `${get}x: ${'a'.repeat(33_000)}\r\n\r\n`],
    [431, 'more than 32 KiB without an end', `${get}x: ${'a'.repeat(40_000)}`],
    [417, 'another expectation', `${get}expect: wonders\r\n\r\n`],
    [501, 'a method that nobody knows', 'BREW /v1/a HTTP/1.1\r\nhost: a\r\n\r\n'],
    [505, 'another version', 'GET /v1/a HTTP/1.2\r\nhost: a\r\n\r\n'],
    [505, 'the beginning of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('%i for %s', async (status, _, text) => {
    await open()
    const got = await bed.ask(text)
    expect(got).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(bed.heard).toEqual([])
  })

  it.each([
    '',
    'x',
    '-1',
    '+1',
    '0x1',
    '1 ',
    ' 1',
    '1;',
    '1; a',
    '1;a=',
    '1;a="b',
    '1;a=b c',
    '1\n',
    'fffffffffffff',
  ])('%j for the size of a chunk, and who listened hears that it is over', async size => {
    await open()
    const got = await bed.ask(`${post}transfer-encoding: chunked\r\n\r\n${size}\r\na\r\n0\r\n\r\n${next}`)
    expect(got).toMatch(/^HTTP\/1\.1 400 /)
    expect(bed.heard).toMatchObject([{ whole: false, closes: 1 }])
  })

  it('extensions and trailers without end', async () => {
    await open()
    const head = `${post}transfer-encoding: chunked\r\n\r\n`
    const long = 'b'.repeat(9000)
    expect(await bed.ask(`${head}1;a=${long}\r\na\r\n1;a=${long}\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
    expect(await bed.ask(`${head}0;a=${long}\r\na: ${long}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
    expect(bed.heard.map(({ whole }) => whole)).toEqual([false, false])
  })

  it.each(['content-length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'a\r\n', ' a: b\r\n', 'a: \0\r\n'])(
    '%j for a trailer',
    async trailer => {
      await open()
      const got = await bed.ask(
        `${post}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n${trailer}\r\n${next}`,
      )
      expect(got).toMatch(/^HTTP\/1\.1 400 /)
      expect(bed.heard).toMatchObject([{ whole: false, closes: 1 }])
    },
  )
})

describe('a connection', () => {
  it('carries requests one at a time: the next is not looked at while one is unanswered', async () => {
    const unanswered: Inbound[] = []
    await open({ act: inbound => void unanswered.push(inbound) })
    const caller = new Caller(bed.port)
    caller.socket.write(`${post}content-length: 2\r\n\r\nab${next}BAD\r\n\r\n`)
    for (const url of ['/v1/a', '/v1/next']) {
      await reached(() => unanswered.length === 1)
      const inbound = unanswered.pop()
      expect(inbound?.url).toBe(url)
      expect(count(caller.got, 'HTTP/1.1')).toBe(url === '/v1/a' ? 0 : 1)
      inbound?.reply(200, [], 'ok')
    }
    await caller.closed
    expect(caller.got.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400'])
  })

  it('whose caller sends ever more while unanswered is not read', async () => {
    let unanswered: Inbound | undefined
    await open({
      act: inbound => {
        unanswered = inbound
      },
    })
    const caller = new Caller(bed.port)
    caller.socket.write(`${get}\r\n`)
    await reached(() => unanswered !== undefined)
    const flood = Buffer.from(next.repeat(1000))
    while (caller.socket.write(flood)) await turn()
    let left = -1
    while (left !== caller.socket.writableLength) {
      left = caller.socket.writableLength
      for (let i = 0; i < 50; i++) await turn()
    }
    expect(left).toBeGreaterThan(0)
    expect(bed.heard.length).toBe(1)
    unanswered?.destroy()
    await caller.closed
  })

  it('goes over to the other server with its first request, and stays there', async () => {
    await open()
    const got = await bed.ask(
      `POST /api/v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi${get}\r\n${last}`,
    )
    expect(bed.others.map(({ url, body }) => [url, body])).toEqual([
      ['/api/v1/x', 'hi'],
      ['/v1/a', ''],
      ['/v1/last', ''],
    ])
    expect([bed.heard, count(got, 'HTTP/1.1 200 OK')]).toEqual([[], 3])
    expect(bed.server?.connections).toBe(0)
  })

  it('goes over later too, also when the head comes in parts and its body afterwards', async () => {
    await open()
    const caller = new Caller(bed.port)
    caller.socket.write(`${post}content-length: 2\r\n\r\nab`)
    await caller.until('ab')
    const text = `POST /api/${'x'.repeat(3000)} HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\nconnection: close\r\n\r\n`
    for (const part of [text.slice(0, 20), text.slice(20, 2000), `${text.slice(2000)}cd`, 'ef']) {
      caller.socket.write(part)
      for (let i = 0; i < 20; i++) await turn()
    }
    await caller.closed
    expect(bed.others).toMatchObject([{ body: 'cdef', whole: true }])
    expect(caller.got.endsWith('cdef')).toBe(true)
  })

  it('that is to speak another protocol goes over', async () => {
    await open()
    bed.listener.on('upgrade', (_, socket: Socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
    const got = await bed.ask(`${get}connection: keep-alive, Upgrade\r\nupgrade: websocket\r\n\r\n`)
    expect(got).toMatch(/^HTTP\/1\.1 101 /)
    expect(bed.heard).toEqual([])
  })

  it('is kept for a caller of HTTP/1.0 only when it asks, and a stream to it ends with its connection', async () => {
    await open()
    const old = get.replace('1.1', '1.0')
    expect(await bed.ask(`${old}\r\n${next}`)).toMatch(/connection: close\r\n\r\n$/)
    const got = await bed.ask(`${old}connection: Keep-Alive\r\n\r\n${old}\r\n`)
    expect(got.match(/connection: [\w-]+/g)).toEqual(['connection: keep-alive', 'connection: close'])
    bed.act = inbound => {
      inbound.head(200, ['x', 'y'])
      inbound.write('one ')
      inbound.end('two')
    }
    const stream = await bed.ask(`${old}connection: keep-alive\r\n\r\n`)
    expect(stream).toMatch(/^HTTP\/1\.1 200 OK\r\nx: y\r\ndate: [^\r]*\r\nconnection: close\r\n\r\none two$/)
  })

  it('is closed after its answer when the caller says so', async () => {
    await open()
    const got = await bed.ask(`${get}Connection: foo , CLOSE\r\n\r\n${next}`)
    expect([count(got, 'HTTP/1.1'), bed.heard.length]).toEqual([1, 1])
  })

  it('that says nothing, or part of a head, or nothing more, is closed in its time', async () => {
    await open({ headers: 30, idle: 60 })
    expect(await bed.ask('')).toBe('')
    expect(await bed.ask(get)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/)
    expect(await bed.ask(`${get}\r\n`)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(bed.refused.length).toBe(1)
  })

  it('that dribbles its head is closed all the same', async () => {
    await open({ headers: 30 })
    const caller = new Caller(bed.port)
    caller.socket.write(get)
    const dribble = setInterval(() => caller.socket.write('x: y\r\n'), 5)
    await caller.closed
    clearInterval(dribble)
    expect(caller.got).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('whose caller takes nothing of its last answer is given up', async () => {
    await open({ stall: 30, act: inbound => inbound.reply(200, [], Buffer.alloc(30_000_000)) })
    const caller = new Caller(bed.port)
    caller.socket.pause()
    caller.socket.write(`${get}\r\n`)
    await reached(() => bed.heard.length === 1 && bed.heard[0]?.closes === 1)
    expect(bed.server?.connections).toBe(0)
    caller.socket.destroy()
  })

  it('leaves nothing behind wherever it is reset', async () => {
    await open()
    const wire = `${post}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${next}${next}`
    for (let at = 0; at <= wire.length; at += 3) {
      const caller = new Caller(bed.port)
      await once(caller.socket, 'connect')
      caller.socket.write(wire.slice(0, at))
      if (at % 2) await turn()
      caller.socket.resetAndDestroy()
    }
    await reached(() => bed.server?.connections === 0)
    await reached(() => bed.heard.every(({ closes }) => closes === 1))
    expect(bed.heard.length).toBeGreaterThan(0)
  })
})

describe('a body', () => {
  it('of 10 MB arrives whole, chunked and not, and thrice that goes back to a slow reader', async () => {
    // The system keeps some megabytes on its own.
    await open({ act: (inbound, { body }) => inbound.reply(200, [], body.repeat(3)) })
    const body = Buffer.alloc(10_000_000, 'abcdefghij').toString()
    const chunked = body.match(/.{1,100000}/g)?.map(part => `${part.length.toString(16)}\r\n${part}\r\n`)
    for (const head of [
      `content-length: ${body.length}\r\n\r\n${body}`,
      `transfer-encoding: chunked\r\n\r\n${chunked?.join('')}0\r\n\r\n`,
    ]) {
      bed.heard.length = 0
      const caller = new Caller(bed.port)
      caller.socket.pause()
      caller.socket.write(`${post}connection: close\r\n${head}`)
      await reached(() => bed.heard.at(-1)?.whole === true)
      expect(bed.heard.at(-1)?.inbound.waiting).toBeGreaterThan(1_000_000)
      caller.socket.resume()
      await caller.closed
      expect(caller.got.length - caller.got.indexOf('\r\n\r\n') - 4).toBe(3 * body.length)
      expect(caller.got.endsWith(body.repeat(3))).toBe(true)
    }
  })

  it('that nobody reads is passed over when little is left of it, and its connection kept', async () => {
    await open({ take: inbound => inbound.reply(404, [], inbound.url) })
    const caller = new Caller(bed.port)
    caller.socket.write(`${post}content-length: 60000\r\n\r\nab`)
    await caller.until('/v1/a')
    caller.socket.write(`${'x'.repeat(59_998)}${last}`)
    await caller.closed
    expect(caller.got.match(/\/v1\/\w+$/g)).toEqual(['/v1/last'])
    expect(count(caller.got, 'connection: keep-alive')).toBe(1)
  })

  it.each([
    ['too much', `content-length: 5000000\r\n\r\n${'x'.repeat(2_000_000)}`],
    ['nobody knows how much', `transfer-encoding: chunked\r\n\r\n1e8480\r\n${'x'.repeat(2_000_000)}`],
    ['nobody knows whether any', 'expect: 100-continue\r\ncontent-length: 5\r\n\r\n'],
  ])('of which %s is left closes its connection, and the answer is not lost', async (_, text) => {
    await open({ linger: 30, take: inbound => inbound.reply(404, [], inbound.url) })
    const got = await bed.ask(post + text)
    expect(got).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[\s\S]*connection: close\r\n\r\n\/v1\/a$/)
  })

  it('is waited for while nobody listens, and told to who listens later', async () => {
    let later: Inbound | undefined
    let told = ''
    await open({
      take: inbound => {
        later = inbound
      },
    })
    const caller = new Caller(bed.port)
    caller.socket.write(`${post}connection: close\r\ncontent-length: 4\r\n\r\nab`)
    await reached(() => later !== undefined)
    caller.socket.write('cd')
    await turn()
    later?.listen({
      onBody: chunk => {
        told += chunk.toString()
      },
      onWhole: () => later?.reply(200, [], told),
      onDrain: () => undefined,
      onClose: () => undefined,
    })
    expect(told).toBe('')
    await caller.closed
    expect(caller.got).toMatch(/\r\n\r\nabcd$/)
  })

  it.each([
    ['destroyed', (inbound: Inbound) => inbound.destroy(), ['body', 'close']],
    ['answered', (inbound: Inbound) => inbound.reply(413, [], ''), ['body', 'close']],
  ])('in whose first part its request is %s is told no further', async (_, act, expected) => {
    const told: string[] = []
    await open({
      take: inbound =>
        inbound.listen({
          onBody: () => {
            told.push('body')
            act(inbound)
          },
          onWhole: () => void told.push('whole'),
          onDrain: () => void told.push('drain'),
          onClose: () => void told.push('close'),
        }),
    })
    for (const body of [
      'content-length: 2\r\n\r\nab',
      'transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
    ]) {
      told.length = 0
      await bed.ask(`${post}connection: close\r\n${body}`)
      await reached(() => told.includes('close'))
      expect(told).toEqual(expected)
    }
  })

  it('in tiny chunks that come together is told as one', async () => {
    let parts = 0
    await open({
      take: inbound =>
        inbound.listen({
          onBody: () => {
            parts++
          },
          onWhole: () => inbound.reply(200, [], ''),
          onDrain: () => undefined,
          onClose: () => undefined,
        }),
    })
    const head = `${post}connection: close\r\ntransfer-encoding: chunked\r\n\r\n`
    await bed.ask(`${head}${'1\r\na\r\n'.repeat(5000)}0\r\n\r\n`)
    expect(parts).toBeGreaterThan(0)
    expect(parts).toBeLessThan(10)
  })
})

describe('a connection over TLS', () => {
  it('carries requests, large answers and streams, and goes over to the other server', async () => {
    const certificate = certificateFor('localhost')
    await open({
      certificate,
      act: (inbound, { url, body }) => {
        if (url !== '/v1/stream') return inbound.reply(200, [], body.repeat(1000))
        inbound.head(200, [])
        inbound.write('one')
        setImmediate(() => inbound.end(body))
      },
    })
    const agent = new SecureAgent({ keepAlive: true, maxSockets: 1, ca: certificate.cert })
    const ask = async (path: string) => {
      const options = { host: 'localhost', port: bed.port, path, method: 'POST', agent }
      const asked = secureRequest(options).end('x'.repeat(1000))
      const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>] // what node emits with it
      let got = ''
      for await (const part of response) got += part.toString()
      return got
    }
    expect((await ask('/v1/a')).length).toBe(1_000_000)
    expect(await ask('/v1/stream')).toBe(`one${'x'.repeat(1000)}`)
    expect(bed.server?.connections).toBe(1)
    expect((await ask('/api/x')).length).toBe(1_000_000)
    expect([bed.heard.length, bed.others.length, bed.server?.connections]).toEqual([2, 1, 0])
    agent.destroy()
  })
})

describe('closing the server', () => {
  it('closes what is idle, lets requests end, and keeps nothing open after them', async () => {
    const unanswered: Inbound[] = []
    await open({ act: inbound => void unanswered.push(inbound) })
    const idle = new Caller(bed.port)
    const busy = new Caller(bed.port)
    busy.socket.write(`${get}\r\n`)
    await reached(() => unanswered.length === 1 && bed.server?.connections === 2)
    const closed = bed.server?.close(60_000)
    await idle.closed
    unanswered[0]?.reply(200, [], 'ok')
    await busy.closed
    await closed
    expect(busy.got).toMatch(/connection: close\r\n\r\nok$/)
    expect(bed.server?.connections).toBe(0)
    await bed.server?.close(0)
  })

  it('cuts what does not end in time', async () => {
    await open({ act: () => undefined })
    const caller = new Caller(bed.port)
    caller.socket.write(`${get}\r\n`)
    await reached(() => bed.heard.length === 1)
    await bed.server?.close(10)
    await caller.closed
    await reached(() => bed.heard[0]?.closes === 1)
    expect(caller.got).toBe('')
  })
})

describe('official clients', () => {
  const url = (path: string) => `http://127.0.0.1:${bed.port}${path}`

  it("undici's fetch sends bodies and streams, and keeps its connection", async () => {
    await open()
    for (let i = 0; i < 5; i++) {
      const answer = await fetch(url('/v1/a'), { method: 'POST', body: 'x'.repeat(i * 1000) })
      expect((await answer.text()).length).toBe(i * 1000)
    }
    const body = new Blob(['streamed']).stream()
    const answer = await fetch(url('/v1/a'), { method: 'POST', body, duplex: 'half' } as RequestInit) // undici asks for it
    expect(await answer.text()).toBe('streamed')
    expect(await (await fetch(url('/api/x'))).text()).toBe('')
    expect(bed.others.length).toBe(1)
    expect(bed.server?.connections).toBeLessThan(3)
  })

  it("node's own client keeps its connection, and waits for 100 Continue", async () => {
    await open({
      take: inbound => {
        let body = ''
        inbound.listen({
          onBody: chunk => {
            body += chunk.toString()
          },
          onWhole: () => inbound.reply(200, [], body),
          onDrain: () => undefined,
          onClose: () => undefined,
        })
        inbound.proceed()
      },
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (const expected of ['one', 'two']) {
      const headers = { expect: '100-continue', 'content-length': 3 }
      const asked = nodeRequest(url('/v1/a'), { method: 'POST', agent, headers })
      asked.flushHeaders()
      await once(asked, 'continue')
      asked.end(expected)
      const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>] // what node emits with it
      let got = ''
      for await (const part of response) got += part.toString()
      expect(got).toBe(expected)
    }
    expect(bed.server?.connections).toBe(1)
    agent.destroy()
  })

  it('the OpenAI SDK reads an answer and a stream', async () => {
    const chunk = (content: string) =>
      `data: ${JSON.stringify({ id: 'a', choices: [{ index: 0, delta: { content } }] })}\n\n`
    await open({
      act: (inbound, { body }) => {
        if (!body.includes('"stream":true')) {
          const message = { role: 'assistant', content: 'Grüße' }
          inbound.reply(200, ['content-type', 'application/json'], JSON.stringify({ choices: [{ message }] }))
          return
        }
        inbound.head(200, ['content-type', 'text/event-stream'])
        inbound.write(chunk('Grü'))
        inbound.write(Buffer.from(chunk('ße')))
        inbound.end('data: [DONE]\n\n')
      },
    })
    const client = new OpenAI({ baseURL: url('/v1'), apiKey: 'x', maxRetries: 0 })
    const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'hi' }] }
    for (let i = 0; i < 3; i++) {
      const whole = await client.chat.completions.create(asked)
      expect(whole.choices[0]?.message.content).toBe('Grüße')
      let text = ''
      for await (const part of await client.chat.completions.create({ ...asked, stream: true }))
        text += part.choices[0]?.delta.content ?? ''
      expect(text).toBe('Grüße')
    }
  })
})
