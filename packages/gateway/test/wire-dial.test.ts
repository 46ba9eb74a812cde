// Which addresses are dialled, by name and by number, and what a connection over TLS gives to whom.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { type Cidr, Fault, parseCidr } from '@switchyard/kinds'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Client, type ClientOptions } from '../src/wire/client.ts'
import type { Guard } from '../src/wire/dial.ts'
import { get } from '../src/wire/dial-get.ts'
import { fetchImage } from '../src/wire/dial-image.ts'
import { certificateFor, type Pair } from './certificates.ts'

const png = Buffer.from('\x89PNG\r\n\x1a\nrest', 'latin1')
const answer = (body: Buffer | string, head = 'HTTP/1.1 200 OK') =>
  Buffer.concat([
    Buffer.from(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`),
    Buffer.from(body),
  ])

let pair: Pair
let plain: Server
let secure: Server
let sockets: Socket[]
/** Requests that arrived, as text. */
let seen: string[]
let reply: Buffer
let clients: Client[]

beforeAll(() => {
  pair = certificateFor('api.example.com', 'cdn.example.com')
})

beforeEach(async () => {
  sockets = []
  seen = []
  clients = []
  reply = answer('ok')
  const serve = (socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', bytes => {
      seen.push(bytes.toString('latin1'))
      socket.write(reply)
    })
  }
  plain = createServer(serve).listen(0, '127.0.0.1')
  secure = createTlsServer({ ...pair, ALPNProtocols: ['h2', 'http/1.1'] }, serve).listen(0, '127.0.0.1')
  await Promise.all([once(plain, 'listening'), once(secure, 'listening')])
})

afterEach(() => {
  for (const client of clients) client.destroy()
  for (const socket of sockets) socket.destroy()
  plain.close()
  secure.close()
})

const portOf = (server: Server) => (server.address() as AddressInfo).port // both listen on TCP

function ranges(...texts: string[]): readonly Cidr[] {
  return texts.map(text => {
    const range = parseCidr(text)
    if (!range) throw new Error(`${text} is no range`)
    return range
  })
}

/** A resolver that gives each of these answers in turn, then the last of them. */
function guardOf(allowed: readonly Cidr[], ...answers: (readonly string[])[]): Guard & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    allowed,
    async resolve(host) {
      asked.push(host)
      const given = answers[Math.min(asked.length, answers.length) - 1]
      if (!given) throw new Error(`getaddrinfo ENOTFOUND ${host}`)
      return given
    },
  }
}

const own = ranges('127.0.0.0/8')

function clientOf(options: Partial<ClientOptions>): Client {
  const client = new Client({ connections: 4, connect: 2000, ...options })
  clients.push(client)
  return client
}

/** The status, or the code of the error with its message. */
function ask(
  client: Client,
  headers: readonly string[] = ['authorization', 'Bearer secret'],
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let status = 0
  client.request('GET', '/', headers, undefined, {
    onHead(given) {
      status = given
    },
    onData() {},
    onEnd: () => resolve(String(status)),
    onError: ({ code, message }) => resolve(`${code}: ${message}`),
  })
  return promise
}

describe('a guarded dial', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0x7f.1', '127.0.0.1'],
    ['0', '0.0.0.0'],
    ['10.1.2.3', '10.1.2.3'],
    ['169.254.169.254', '169.254.169.254'],
    ['100.100.100.200', '100.100.100.200'],
    ['[::1]', '::1'],
    ['[::ffff:10.0.0.1]', '::ffff:a00:1'],
    ['[::ffff:127.0.0.1]', '::ffff:7f00:1'],
    ['[64:ff9b::10.0.0.1]', '64:ff9b::a00:1'],
    ['[2002:7f00:1::]', '2002:7f00:1::'],
    ['[fe80::1]', 'fe80::1'],
    ['[fd00:ec2::254]', 'fd00:ec2::254'],
    ['[ff02::1]', 'ff02::1'],
  ])('of %s is refused, in plain text and over TLS, and no name is asked for', async (host, named) => {
    const guard = guardOf([])
    for (const scheme of ['http', 'https']) {
      const port = portOf(scheme === 'http' ? plain : secure)
      const told = await ask(clientOf({ origin: `${scheme}://${host}:${port}`, addresses: guard }))
      expect(told).toContain(`refused_address: ${named} may not be dialled`)
    }
    expect(guard.asked).toEqual([])
    expect(sockets).toEqual([])
  })

  it.each([
    [['127.0.0.1']],
    [['::1']],
    [['203.0.113.7', '10.0.0.1']],
    [['1.1.1.1', '127.0.0.1']],
    [['2606:4700::1111', '::ffff:127.0.0.1']],
    [['not an address']],
    [['fe80::1%eth0']],
  ])('of a name that leads to %j is refused', async addresses => {
    const guard = guardOf([], addresses)
    const origin = `http://inside.example.com:${portOf(plain)}`
    expect(await ask(clientOf({ origin, addresses: guard }))).toMatch(
      /^refused_address: inside\.example\.com leads to /,
    )
    expect(guard.asked).toEqual(['inside.example.com'])
    expect(sockets).toEqual([])
  })

  it('of a name resolves it once for each connection, and goes where it was judged', async () => {
    // 127.0.0.2 stands for a public address, which an allowed range makes it; 127.0.0.1 for a private one.
    const guard = guardOf(ranges('127.0.0.2'), ['127.0.0.2'], ['127.0.0.1'])
    const public2 = createServer(socket => void socket.on('data', () => socket.end(answer('ok'))))
    public2.listen(portOf(plain), '127.0.0.2')
    await once(public2, 'listening')
    const client = clientOf({ origin: `http://rebinds.example.com:${portOf(plain)}`, addresses: guard })
    expect(await ask(client)).toBe('200')
    expect(guard.asked).toEqual(['rebinds.example.com'])
    await once(public2.close(), 'close')
    expect(await ask(client)).toMatch(/^refused_address/)
    expect(guard.asked.length).toBe(2)
    expect(sockets).toEqual([])
  })

  it('takes what an administrator has allowed, and names the origin in its host header', async () => {
    const guard = guardOf(own, ['127.0.0.1'])
    const origin = `http://vllm.internal:${portOf(plain)}`
    expect(await ask(clientOf({ origin, addresses: guard }))).toBe('200')
    expect(seen[0]).toContain(`\r\nhost: vllm.internal:${portOf(plain)}\r\n`)
  })

  it('does not follow a redirect to a private address', async () => {
    reply = answer('', 'HTTP/1.1 307 T\r\nlocation: http://169.254.169.254/latest')
    const guard = guardOf(own, ['127.0.0.1'])
    const url = new URL(`http://outside.example.com:${portOf(plain)}/x?y=1`)
    const got = await get(url, { guard, accept: '*/*', bytes: 100, milliseconds: 2000 })
    expect([got.status, seen.length, guard.asked]).toEqual([307, 1, ['outside.example.com']])
    expect(seen[0]?.startsWith('GET /x?y=1 HTTP/1.1\r\n')).toBe(true)
  })

  it('of a name without an address is refused as any that does not stand', async () => {
    const origin = 'https://nowhere.example.com'
    expect(await ask(clientOf({ origin, addresses: guardOf([]) }))).toBe(
      'refused: getaddrinfo ENOTFOUND nowhere.example.com',
    )
    expect(await ask(clientOf({ origin, addresses: guardOf([], []) }))).toBe(
      'refused: nowhere.example.com has no address',
    )
  })

  it('ends in time when a name is not answered for', async () => {
    const guard: Guard = { allowed: [], resolve: () => new Promise<never>(() => undefined) }
    const told = await ask(clientOf({ origin: 'https://slow.example.com', addresses: guard, connect: 30 }))
    expect(told).toBe('refused: no connection within 30 ms')
  })

  it.each(['ftp://a', 'https://u:p@a', 'https://a/path', 'https://a?b', 'a:80', ''])(
    'of the origin %j cannot be made',
    origin => {
      expect(() => clientOf({ origin, addresses: guardOf([]) })).toThrow(Fault)
    },
  )

  it('cannot be left out for an origin, and is not there for two', () => {
    expect(() => clientOf({ origin: 'https://a.example.com' })).toThrow(TypeError)
    expect(() => clientOf({})).toThrow(TypeError)
    expect(() => clientOf({ address: 'a:1', origin: 'https://a', addresses: guardOf([]) })).toThrow(TypeError)
  })
})

describe.each(['http', 'https'])('an answer over %s', scheme => {
  it('F15: comes by some 64 KiB a turn, so that a large one holds up nobody', async () => {
    const body = Buffer.alloc(3_000_000, 'x')
    reply = answer(body)
    const port = portOf(scheme === 'http' ? plain : secure)
    const client = clientOf({
      origin: `${scheme}://api.example.com:${port}`,
      addresses: guardOf(own, ['127.0.0.1']),
      tls: { ca: pair.cert },
    })
    let [bytes, before, most] = [0, 0, 0]
    const turn = () => {
      most = Math.max(most, bytes - before)
      before = bytes
      if (bytes < body.length) setImmediate(turn)
    }
    setImmediate(turn)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    client.post('/', [], Buffer.from('{}'), {
      onHead: () => undefined,
      onData: part => {
        bytes += part.length
      },
      onEnd: resolve,
      onError: reject,
    })
    await promise
    expect(bytes).toBe(body.length)
    // What was read and not yet decrypted comes with it.
    expect(most).toBeLessThanOrEqual(3 * 64 * 1024)
  })
})

describe('a connection over TLS', () => {
  const origin = () => `https://api.example.com:${portOf(secure)}`
  const guard = () => guardOf(own, ['127.0.0.1'])

  it('speaks HTTP/1.1 to the name of the origin, and is used again', async () => {
    const client = clientOf({ origin: origin(), addresses: guard(), tls: { ca: pair.cert } })
    expect(await ask(client)).toBe('200')
    expect(await ask(client)).toBe('200')
    const [socket] = sockets as TLSSocket[] // the server is one of TLS
    expect(sockets.length).toBe(1)
    expect([socket?.alpnProtocol, socket?.servername]).toEqual(['http/1.1', 'api.example.com'])
    expect(seen[0]).toContain('\r\nauthorization: Bearer secret\r\n')
  })

  it('resumes the session of the one before', async () => {
    const client = clientOf({ origin: origin(), addresses: guard(), tls: { ca: pair.cert } })
    const reused: boolean[] = []
    secure.on('secureConnection', (socket: TLSSocket) => reused.push(socket.isSessionReused()))
    reply = answer('ok', 'HTTP/1.1 200 OK\r\nconnection: close')
    expect([await ask(client), await ask(client)]).toEqual(['200', '200'])
    expect(reused).toEqual([false, true])
  })

  it.each([
    ['no authority vouches for', () => ({ origin: 'api', tls: {} })],
    ['names somebody else', (ca: string) => ({ origin: 'other', tls: { ca } })],
    [
      'is asked for under another name',
      (ca: string) => ({ origin: 'api', tls: { ca, servername: 'x.example.com' } }),
    ],
  ])('tells nothing to one whose certificate %s', async (_, choose) => {
    const { origin: name, tls } = choose(pair.cert)
    const where = `https://${name}.example.com:${portOf(secure)}`
    expect(await ask(clientOf({ origin: where, addresses: guard(), tls }))).toMatch(/^refused: /)
    expect(seen).toEqual([])
  })

  it('goes by the name that it was told, whatever the origin is called', async () => {
    const tls = { ca: pair.cert, servername: 'cdn.example.com' }
    const where = `https://127.0.0.1:${portOf(secure)}`
    expect(await ask(clientOf({ origin: where, addresses: guardOf(own), tls }))).toBe('200')
  })

  it('is refused by a server that speaks no TLS, and needs authorities that can be read', async () => {
    reply = Buffer.from('HTTP/1.1 400 Bad\r\n\r\n')
    const where = `https://api.example.com:${portOf(plain)}`
    expect(await ask(clientOf({ origin: where, addresses: guard() }))).toMatch(/^refused: /)
    expect(seen.join()).not.toContain('secret')
    expect(() =>
      clientOf({ origin: origin(), addresses: guard(), tls: { ca: '-----BEGIN CERTIFICATE-----\nx' } }),
    ).toThrow(Fault)
  })

  it('carries a large answer whole while it is paused and resumed', async () => {
    const size = 8_000_000
    reply = answer(Buffer.alloc(size, 'x'))
    const client = clientOf({ origin: origin(), addresses: guard(), tls: { ca: pair.cert } })
    const { promise, resolve } = Promise.withResolvers<number>()
    let got = 0
    const exchange = client.request('GET', '/', [], undefined, {
      onHead() {},
      onData(bytes) {
        got += bytes.length
        exchange.pause()
        setImmediate(() => exchange.resume())
      },
      onEnd: () => resolve(got),
      onError: error => resolve(error.code.length),
    })
    expect(await promise).toBe(size)
  })
})

describe('an image by URL', () => {
  const tls = () => ({ ca: pair.cert })
  const at = (path = '/cat.png') => `https://cdn.example.com:${portOf(secure)}${path}`
  const guard = () => guardOf(own, ['127.0.0.1'])
  const typed = (type: string, body: Buffer | string, more = '') =>
    answer(body, `HTTP/1.1 200 OK\r\n${more}content-type: ${type}`)

  it('is fetched with its type', async () => {
    reply = typed('image/png; charset=binary', png)
    expect(await fetchImage(at(), guard(), { tls: tls() })).toEqual({ bytes: png, mime: 'image/png' })
    expect(seen[0]?.startsWith('GET /cat.png HTTP/1.1\r\n')).toBe(true)
    expect(seen[0]).not.toMatch(/authorization|cookie/i)
  })

  it.each([
    ['a type that is none of an image', () => typed('text/html', png), 'no PNG'],
    ['bytes that are none of an image', () => typed('image/png', 'root:x:0:0'), 'no PNG'],
    ['an image that is drawn by a script', () => typed('image/svg+xml', '<svg/>'), 'no PNG'],
    ['a coded body', () => typed('image/png', png, 'content-encoding: gzip\r\n'), 'no PNG'],
    ['no type', () => answer(png), 'no PNG'],
    ['a redirect', () => answer('', 'HTTP/1.1 302 F\r\nlocation: https://127.0.0.1/'), 'redirect'],
    ['a refusal', () => answer('', 'HTTP/1.1 403 F'), 'status 403'],
    ['more than it may', () => typed('image/png', Buffer.alloc(10 * 1024 * 1024 + 1)), '10 MiB'],
    ['nothing that is HTTP', () => Buffer.from('hello\r\n\r\n'), 'cannot be fetched'],
  ])('that gives %s is refused', async (_, make, words) => {
    reply = make()
    const failed = fetchImage(at(), guard(), { tls: tls() })
    await expect(failed).rejects.toMatchObject({ code: 'invalid' })
    await expect(failed).rejects.toThrow(words)
  })

  it.each([
    'http://cdn.example.com/',
    'https://u@cdn.example.com/',
    'file:///etc/passwd',
    'cat.png',
    `https://a/${'a'.repeat(9000)}`,
  ])('as %.40s is refused unasked', async url => {
    const asked = guard()
    await expect(fetchImage(url, asked)).rejects.toMatchObject({ code: 'invalid' })
    expect(asked.asked).toEqual([])
  })

  it.each([
    ['https://127.0.0.1'],
    ['https://169.254.169.254'],
    ['https://[::ffff:10.0.0.1]'],
    ['https://cdn.example.com'],
  ])('at %s is never dialled, and the caller is not told where it leads', async host => {
    const failed = fetchImage(`${host}:${portOf(secure)}/`, guardOf([], ['10.1.2.3']), { tls: tls() })
    await expect(failed).rejects.toMatchObject({
      code: 'invalid',
      cause: { code: 'refused_address' },
    })
    await expect(failed).rejects.not.toThrow(/\d+\.\d+/)
    expect(sockets).toEqual([])
  })

  it('is no longer fetched when its caller has gone', async () => {
    reply = Buffer.alloc(0)
    const ending = new AbortController()
    const failed = fetchImage(at(), guard(), { tls: tls(), signal: ending.signal })
    const [socket] = (await once(secure, 'secureConnection')) as [Socket] // its one argument
    ending.abort()
    await expect(failed).rejects.toMatchObject({ code: 'cancelled' })
    if (!socket.closed) await once(socket, 'close')
  })
})

afterAll(() => {
  expect(process.getActiveResourcesInfo().filter(name => name === 'TLSSocketWrap')).toEqual([])
})
