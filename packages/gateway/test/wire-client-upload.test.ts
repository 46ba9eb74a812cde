// Requests of other methods, and bodies that are made while they are sent.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BodySink, type BodySource, Client, type Exchange, type Method } from '../src/wire/client.ts'

let server: Server
let client: Client
let connections: number
let act: (request: IncomingMessage, response: ServerResponse) => void

/** Tells what came: method, path, framing, and how many bytes of which letter. */
const echo = async (request: IncomingMessage, response: ServerResponse) => {
  const body = await buffer(request)
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers
  response.end(
    JSON.stringify([
      request.method,
      request.url,
      length ?? null,
      coding ?? null,
      body.toString().slice(0, 20),
      body.length,
    ]),
  )
}

beforeEach(async () => {
  connections = 0
  act = (request, response) => void echo(request, response)
  server = createServer((request, response) => act(request, response)).listen(0, '127.0.0.1')
  server.on('connection', () => connections++)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  client = new Client({ address: `127.0.0.1:${port}`, connections: 2, connect: 1000 })
})

afterEach(() => {
  client.destroy()
  server.closeAllConnections()
  server.close()
})

const headers = ['accept', '*/*']

interface Asked {
  readonly exchange: Exchange
  /** Status and body, or the code of the error. */
  readonly ended: Promise<string>
}

function ask(method: Method, path: string, body: Buffer | BodySource | undefined): Asked {
  const { promise, resolve } = Promise.withResolvers<string>()
  let got = ''
  const exchange = client.request(method, path, headers, body, {
    onHead(status) {
      got = `${status} `
    },
    onData(bytes) {
      got += bytes.toString('latin1')
    },
    onEnd: () => resolve(got),
    onError: ({ code }) => resolve(code),
  })
  return { exchange, ended: promise }
}

/** `parts` parts of `size` bytes; counts how often it was asked to go on, and whether it was told to stop. */
class Parts implements BodySource {
  readonly length: number
  pulls = 0
  cancelled = 0
  #left: number
  readonly #part: Buffer
  constructor(parts: number, size: number, known: boolean) {
    this.#left = parts
    this.#part = Buffer.alloc(size, 'p')
    this.length = known ? parts * size : -1
  }
  get left(): number {
    return this.#left
  }
  pull(sink: BodySink): void {
    this.pulls++
    while (this.#left > 0) {
      this.#left--
      if (!sink.write(this.#part)) return
    }
    sink.end()
  }
  cancel(): void {
    this.cancelled++
  }
}

describe('a request', () => {
  it('of any method is sent with the framing that its body needs', async () => {
    const answers = [
      await ask('GET', '/v1/models', undefined).ended,
      await ask('DELETE', '/v1/responses/1', undefined).ended,
      await ask('POST', '/v1/x', Buffer.from('abc')).ended,
      await ask('GET', '/v1/models', undefined).ended,
    ]
    expect(answers).toEqual([
      '200 ["GET","/v1/models",null,null,"",0]',
      '200 ["DELETE","/v1/responses/1",null,null,"",0]',
      '200 ["POST","/v1/x","3",null,"abc",3]',
      '200 ["GET","/v1/models",null,null,"",0]',
    ])
    expect(connections).toBe(1)
  })

  it('of HEAD has an answer without a body, whatever length it names', async () => {
    act = (_, response) => response.writeHead(200, { 'content-length': 99 }).end()
    expect(await ask('HEAD', '/', undefined).ended).toBe('200 ')
    act = (request, response) => void echo(request, response)
    expect(await ask('GET', '/', undefined).ended).toContain('"GET"')
    expect(connections).toBe(1)
  })

  it('is not followed where its answer points', async () => {
    let asked = 0
    act = (_, response) => {
      asked++
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('moved')
    }
    expect(await ask('GET', '/', undefined).ended).toBe('302 moved')
    expect(asked).toBe(1)
  })

  it.each([
    ['/a b', []],
    ['/a\r\nx: y', []],
    ['a', []],
    ['/', ['host', 'other']],
    ['/', ['Content-Length', '1']],
    ['/', ['transfer-encoding', 'chunked']],
    ['/', ['a b', 'c']],
  ])('to %j with headers %j is a mistake of the programmer', (path, given) => {
    const hearer = { onHead() {}, onData() {}, onEnd() {}, onError() {} }
    expect(() => client.request('GET', path, given, undefined, hearer)).toThrow(TypeError)
  })

  it('keeps a bounded number of heads, and stays right beyond it', async () => {
    for (let i = 0; i < 600; i++) expect(await ask('GET', `/${i}`, undefined).ended).toContain(`"/${i}"`)
  })
})

describe('a body that is made while it is sent', () => {
  it.each([true, false])(
    'arrives whole, and the connection is used again (length known: %s)',
    async known => {
      const source = new Parts(300, 100_000, known)
      const answer = await ask('POST', '/upload', source).ended
      const framing = known ? '"30000000",null' : 'null,"chunked"'
      expect(answer).toBe(`200 ["POST","/upload",${framing},"pppppppppppppppppppp",30000000]`)
      expect(source.pulls).toBeGreaterThan(2)
      expect(source.cancelled).toBe(0)
      expect(await ask('POST', '/upload', new Parts(1, 3, known)).ended).toContain('"ppp",3')
      expect(connections).toBe(1)
    },
  )

  it('may be empty, and may come later than it was asked for', async () => {
    expect(await ask('POST', '/', new Parts(0, 0, true)).ended).toContain('"0",null,"",0')
    const asked = Promise.withResolvers<BodySink>()
    const { ended } = ask('POST', '/', { length: -1, pull: asked.resolve, cancel() {} })
    const sink = await asked.promise
    sink.write(Buffer.from('one '))
    sink.write(Buffer.alloc(0))
    setImmediate(() => {
      sink.write(Buffer.from('two'))
      sink.end()
    })
    expect(await ended).toContain('"one two",7')
  })

  it('waits while the upstream takes nothing', async () => {
    const arrived = Promise.withResolvers<IncomingMessage>()
    act = (request, response) => {
      request.pause()
      arrived.resolve(request)
      request.on('end', () => response.end('taken'))
    }
    const source = new Parts(640, 100_000, false)
    const { ended } = ask('POST', '/', source)
    const request = await arrived.promise
    let before = -1
    while (before !== source.left) {
      before = source.left
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    expect(before).toBeGreaterThan(300)
    request.resume()
    expect(await ended).toBe('200 taken')
    expect(source.left).toBe(0)
  })

  it('is no longer wanted when the answer comes early; its connection is not used again', async () => {
    act = (_, response) => response.writeHead(413).end('too large')
    const source = new Parts(1000, 1_000_000, false)
    expect(await ask('POST', '/', source).ended).toBe('413 too large')
    expect(source.cancelled).toBe(1)
    act = (request, response) => void echo(request, response)
    expect(await ask('GET', '/', undefined).ended).toContain('"GET"')
    expect(connections).toBe(2)
  })

  it('is told once that it is no longer wanted: aborted, broken, and still waiting for its turn', async () => {
    const arrived = Promise.withResolvers<IncomingMessage>()
    act = request => {
      if (request.url === '/held') arrived.resolve(request)
      else request.socket.resetAndDestroy()
    }
    const held = {
      length: -1,
      pulled: 0,
      cancelled: 0,
      pull: () => void held.pulled++,
      cancel: () => void held.cancelled++,
    }
    const aborted = ask('POST', '/held', held)
    await arrived.promise
    aborted.exchange.abort()
    aborted.exchange.abort()
    expect([held.pulled, held.cancelled]).toEqual([1, 1])
    const broken = new Parts(1000, 100_000, true)
    expect(await ask('POST', '/broken', broken).ended).toBe('reset')
    expect(broken.cancelled).toBe(1)
    const waiting = [new Parts(1, 1, true), new Parts(1, 1, true), new Parts(1, 1, true)]
    const ends = waiting.map(source => ask('POST', '/held', source).ended)
    client.destroy()
    expect(await Promise.all(ends)).toEqual(['reset', 'reset', 'reset'])
    expect(waiting.map(({ cancelled }) => cancelled)).toEqual([1, 1, 1])
  })

  it('that is not as long as it said is a mistake of the programmer', async () => {
    const asked = Promise.withResolvers<BodySink>()
    const { exchange } = ask('POST', '/', { length: 3, pull: asked.resolve, cancel() {} })
    const sink = await asked.promise
    expect(() => sink.end()).toThrow(TypeError)
    expect(() => sink.write(Buffer.from('four'))).toThrow(TypeError)
    exchange.abort()
    expect(sink.write(Buffer.from('a'))).toBe(false)
    expect(() => ask('POST', '/', { length: 1.5, pull() {}, cancel() {} })).toThrow(TypeError)
  })
})
