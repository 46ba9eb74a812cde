// The connections of the gateway's client: kept, bounded, replaced, and let go of.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Client, type ClientOptions, type Exchange, type WireCode } from '../src/wire/client.ts'

const good = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

let server: Server
let sockets: Socket[]
/** What the upstream does with each request, by its number from 0. */
let act: (socket: Socket, request: string, number: number) => void
let requests: number
let client: Client | undefined

beforeEach(async () => {
  sockets = []
  requests = 0
  act = socket => void socket.write(good)
  server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', data => act(socket, data.toString('latin1'), requests++))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(() => {
  client?.destroy()
  for (const socket of sockets) socket.destroy()
  server.close()
})

function clientOf(options: Partial<ClientOptions> = {}): Client {
  const { port } = server.address() as AddressInfo // it listens on TCP
  client = new Client({ address: `127.0.0.1:${port}`, connections: 8, connect: 1000, ...options })
  return client
}

const headers = ['accept', 'application/json']

interface Asked {
  readonly exchange: Exchange
  /** The body, or the code of the error. */
  readonly ended: Promise<string>
  readonly bytes: () => number
}

function ask(from: Client, body: Buffer = Buffer.from('{}')): Asked {
  const { promise, resolve } = Promise.withResolvers<string>()
  let got = ''
  const exchange = from.post('/v1/x', headers, body, {
    onHead: () => undefined,
    onData(bytes) {
      got += bytes.toString('latin1')
    },
    onEnd: () => resolve(got),
    onError: ({ code }: { code: WireCode }) => resolve(code),
  })
  return { exchange, ended: promise, bytes: () => got.length }
}

describe('a connection', () => {
  it('is used again by the next request, which is written as one', async () => {
    const seen: string[] = []
    act = (socket, request) => {
      seen.push(request)
      socket.write(good)
    }
    const from = clientOf()
    expect(await ask(from).ended).toBe('ok')
    expect(await ask(from, Buffer.from('{"é":1}')).ended).toBe('ok')
    expect(sockets.length).toBe(1)
    expect(seen[0]).toMatch(
      /^POST \/v1\/x HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\nconnection: keep-alive\r\naccept: application\/json\r\ncontent-length: 2\r\n\r\n\{\}$/,
    )
    expect(seen[1]?.endsWith('content-length: 8\r\n\r\n{"Ã©":1}')).toBe(true)
  })

  it('carries a large body whole', async () => {
    let bytes = 0
    const body = Buffer.alloc(3_000_000, 'x')
    act = (socket, request) => {
      bytes += request.length - (request.startsWith('POST') ? request.indexOf('\r\n\r\n') + 4 : 0)
      if (bytes === body.length) socket.write(good)
    }
    expect(await ask(clientOf(), body).ended).toBe('ok')
  })

  it('is not used again when the answer says so', async () => {
    act = socket => void socket.write(good.replace('content-length', 'connection: close\r\ncontent-length'))
    const from = clientOf()
    expect(await ask(from).ended).toBe('ok')
    expect(await ask(from).ended).toBe('ok')
    expect(sockets.length).toBe(2)
  })

  it('that breaks under a request is told, and nothing is sent twice: trying again is the call’s to decide', async () => {
    const from = clientOf()
    expect(await ask(from).ended).toBe('ok')
    act = socket => void socket.destroy()
    expect(await ask(from).ended).toBe('reset')
    expect(requests).toBe(2)
    act = socket => void socket.write(good)
    expect(await ask(from).ended).toBe('ok')
    act = socket => void socket.end('HTTP')
    expect(await ask(from).ended).toBe('reset')
    expect([sockets.length, requests]).toEqual([2, 4])
  })

  it('that is idle and hears something, or for too long, is closed', async () => {
    const from = clientOf({ idle: 50 })
    await ask(from).ended
    const [first] = sockets as [Socket] // one was opened above
    await once(first, 'close')
    await ask(from).ended
    const second = sockets[1] as Socket // the first one was closed
    second.write(good)
    await once(second, 'close')
    expect(await ask(from).ended).toBe('ok')
  })

  it('is opened up to a bound; the others wait their turn', async () => {
    act = socket => void setTimeout(() => socket.write(good), 5)
    const from = clientOf({ connections: 2 })
    const all = await Promise.all(Array.from({ length: 10 }, () => ask(from).ended))
    expect(all).toEqual(Array.from({ length: 10 }, () => 'ok'))
    expect(sockets.length).toBe(2)
  })
})

describe('an exchange', () => {
  it('tells what broke it', async () => {
    const from = clientOf()
    act = socket => void socket.resetAndDestroy()
    expect(await ask(from).ended).toBe('reset')
    act = socket => void socket.end(good.slice(0, -1))
    expect(await ask(from).ended).toBe('cut')
    act = socket => void socket.write('220 hello\r\n\r\n')
    expect(await ask(from).ended).toBe('malformed')
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as AddressInfo // it listens on TCP
    closed.close()
    await once(closed, 'close')
    expect(await ask(clientOf({ address: `127.0.0.1:${port}` })).ended).toBe('refused')
  })

  it('that is aborted is heard no more, and frees its place', async () => {
    const arrived = Promise.withResolvers<Socket>()
    act = socket => arrived.resolve(socket)
    const from = clientOf({ connections: 1 })
    const first = ask(from)
    const second = ask(from)
    const third = ask(from)
    const socket = await arrived.promise
    act = one => void one.write(good)
    second.exchange.abort()
    first.exchange.abort()
    await once(socket, 'close')
    expect(await third.ended).toBe('ok')
    expect(requests).toBe(2)
  })

  it('that is paused slows its upstream', async () => {
    const size = 64_000_000
    let sent = false
    act = socket => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`)
      socket.write(Buffer.alloc(size), () => {
        sent = true
      })
    }
    const asked = ask(clientOf())
    while (asked.bytes() === 0) await new Promise(resolve => setImmediate(resolve))
    asked.exchange.pause()
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(sent).toBe(false)
    const before = asked.bytes()
    expect(before).toBeLessThan(1_000_000)
    asked.exchange.resume()
    expect((await asked.ended).length).toBe(size)
  })

  it('under way ends when the client is destroyed, as does one that waits', async () => {
    const arrived = Promise.withResolvers<void>()
    act = () => arrived.resolve()
    const from = clientOf({ connections: 1 })
    const both = [ask(from), ask(from)]
    await arrived.promise
    from.destroy()
    expect(await Promise.all(both.map(({ ended }) => ended))).toEqual(['reset', 'reset'])
    expect(await ask(from).ended).toBe('reset')
  })

  it('with a header that would end its line is a mistake of the programmer', () => {
    expect(() =>
      clientOf().post('/', ['a', 'b\r\nc: d'], Buffer.alloc(0), {
        onHead() {},
        onData() {},
        onEnd() {},
        onError() {},
      }),
    ).toThrow(TypeError)
  })
})
