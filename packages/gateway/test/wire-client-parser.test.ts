// The answers that the gateway's client reads, whole, split anywhere, and damaged.
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AnswerParser, headerOf, Malformed, type RawHeaders } from '../src/wire/client-parser.ts'

const nothing = Buffer.alloc(0)

interface Heard {
  status: number
  headers: RawHeaders
  body: string
  /** Undefined while the answer has not ended. */
  reusable: boolean | undefined
  malformed: boolean
}

const unheard: Heard = { status: 0, headers: [], body: '', reusable: undefined, malformed: false }

/** `before` was read first, by the same parser. */
function read(parts: readonly Buffer[], { close = false, bodiless = false, before = nothing } = {}): Heard {
  const heard = { ...unheard }
  const parser = new AnswerParser({
    head(status, headers) {
      heard.status = status
      heard.headers = headers
    },
    body(bytes) {
      heard.body += bytes.toString('latin1')
    },
    end(reusable) {
      heard.reusable = reusable
    },
  })
  if (before.length > 0) {
    parser.expect()
    parser.push(before)
    parser.close()
    Object.assign(heard, unheard)
  }
  parser.expect(bodiless)
  try {
    for (const part of parts) parser.push(part)
    if (close) parser.close()
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    heard.malformed = true
  }
  return heard
}

const bytes = (text: string) => Buffer.from(text, 'latin1')
const whole = (text: string, options = {}) => read([bytes(text)], options)
const ok = 'HTTP/1.1 200 OK\r\n'

describe('an answer', () => {
  it('ends after its content-length, and its connection is kept', () => {
    const heard = whole(`${ok}Content-Type:  application/json \r\ncontent-length: 2\r\n\r\n{}`)
    expect(heard).toMatchObject({ status: 200, body: '{}', reusable: true, malformed: false })
    expect(headerOf(heard.headers, 'content-type')).toBe('application/json')
  })

  it('ends after its last chunk; extensions and trailers are dropped', () => {
    const heard = whole(
      `${ok}transfer-encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n00\r\nx: y\r\n\r\n`,
    )
    expect(heard).toMatchObject({ body: 'abc0123456789', reusable: true, malformed: false })
  })

  it('without a length ends with its connection', () => {
    expect(whole(`${ok}\r\nabc`)).toMatchObject({ body: 'abc', reusable: undefined })
    expect(whole(`${ok}\r\nabc`, { close: true })).toMatchObject({ body: 'abc', reusable: false })
  })

  it('that stops early has not ended', () => {
    for (const text of [
      'HTTP/1.1 2',
      `${ok}content-length: 3\r\n\r\nab`,
      `${ok}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`,
    ])
      expect(whole(text, { close: true }).reusable).toBe(undefined)
  })

  it('to HEAD, and 204 and 304, have no content', () => {
    expect(whole(`${ok}content-length: 9\r\n\r\n`, { bodiless: true }).reusable).toBe(true)
    expect(whole('HTTP/1.1 204 No Content\r\n\r\n').reusable).toBe(true)
    expect(whole('HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n').reusable).toBe(true)
  })

  it('follows interim answers, which are passed over', () => {
    const heard = whole(`HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n${ok}content-length: 1\r\n\r\nx`)
    expect(heard).toMatchObject({ status: 200, headers: ['content-length', '1'], body: 'x', reusable: true })
  })

  it('leaves no connection to keep when it says so, is of HTTP/1.0, or is followed by more', () => {
    expect(whole(`${ok}connection: Close\r\ncontent-length: 0\r\n\r\n`).reusable).toBe(false)
    expect(whole('HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n').reusable).toBe(false)
    expect(whole(`${ok}content-length: 1\r\n\r\nxy`)).toMatchObject({ body: 'x', reusable: false })
  })

  it.each([
    ['two lengths', 'content-length: 1\r\ncontent-length: 1'],
    ['a list of lengths', 'content-length: 1, 1'],
    ['a length and a coding', 'content-length: 1\r\ntransfer-encoding: chunked'],
    ['a negative length', 'content-length: -1'],
    ['a signed length', 'content-length: +1'],
    ['a length in hex', 'content-length: 0x1'],
    ['an empty length', 'content-length:'],
    ['a length beyond all numbers', 'content-length: 99999999999999999999'],
    ['another coding', 'transfer-encoding: gzip, chunked'],
    ['two codings', 'transfer-encoding: chunked\r\ntransfer-encoding: chunked'],
    ['a folded line', 'a: b\r\n c: d'],
    ['space before the colon', 'content-length : 1'],
    ['a bare line feed', 'a: b\nc: d'],
    ['a bare carriage return', 'a: b\rc: d'],
    ['a zero byte', 'a: b\0'],
    ['a line without a colon', 'abc'],
    ['more than 100 headers', Array.from({ length: 101 }, (_, i) => `h${i}: x`).join('\r\n')],
    ['more than 64 KiB', `a: ${'x'.repeat(65_536)}`],
  ])('with %s in its head is refused', (_, lines) => {
    expect(whole(`${ok}${lines}\r\n\r\n`)).toMatchObject({ malformed: true, body: '' })
  })

  it.each(['', 'x', '-1', '0x1', '1 ', ' 1', 'fffffffffffff', '1\n', '1;\0'])(
    'with %j for the size of a chunk is refused',
    size => {
      expect(whole(`${ok}transfer-encoding: chunked\r\n\r\n${size}\r\na\r\n0\r\n\r\n`).malformed).toBe(true)
    },
  )

  it.each([
    'HTTP/2 200 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 099 x',
    'http/1.1 200 OK',
    ' HTTP/1.1 200 OK',
    'HTTP/1.1  200 OK',
  ])('with the status line %j is refused', line => {
    expect(whole(`${line}\r\ncontent-length: 0\r\n\r\n`).malformed).toBe(true)
  })

  it('that upgrades is refused', () => {
    expect(whole('HTTP/1.1 101 Switching Protocols\r\n\r\n').malformed).toBe(true)
  })

  it('whose chunk is longer than its size is refused', () => {
    expect(whole(`${ok}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n`)).toMatchObject({
      body: 'a',
      malformed: true,
    })
  })
})

const text = fc.string({ unit: fc.constantFrom('a', 'b', '0', ' ', '\r', '\n', ':', 'é'), maxLength: 40 })
const name = fc.constantFrom('x-a', 'X-B', 'server', 'date')
const value = fc.string({ unit: fc.constantFrom('a', '1', ' ', ',', ';'), maxLength: 12 })
const fields = fc.array(fc.tuple(name, value), { maxLength: 5 })

/** A valid answer and its body. */
const answer = fc
  .record({
    interim: fc.boolean(),
    fields,
    chunks: fc.array(text, { maxLength: 6 }),
    framing: fc.constantFrom('length', 'chunked', 'close'),
    extension: fc.constantFrom('', ';a', ';a="b"'),
  })
  .map(({ interim, fields, chunks, framing, extension }) => {
    const body = chunks.join('')
    const lines = fields.map(([n, v]) => `${n}:${v}\r\n`).join('')
    const head = `${interim ? 'HTTP/1.1 102 Processing\r\n\r\n' : ''}${ok}${lines}`
    const chunked = chunks
      .filter(chunk => chunk !== '')
      .map(chunk => `${chunk.length.toString(16)}${extension}\r\n${chunk}\r\n`)
      .join('')
    const wire =
      framing === 'length'
        ? `${head}content-length: ${body.length}\r\n\r\n${body}`
        : framing === 'chunked'
          ? `${head}transfer-encoding: chunked\r\n\r\n${chunked}0${extension}\r\n\r\n`
          : `${head}connection: close\r\n\r\n${body}`
    return { wire: bytes(wire), body }
  })

function split(wire: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...places.map(place => place % (wire.length + 1)), wire.length].sort((a, b) => a - b)
  let from = 0
  return cuts.map(cut => {
    const part = wire.subarray(from, cut)
    from = cut
    return part
  })
}

const places = fc.array(fc.nat(2000), { maxLength: 12 })

describe('any answer', () => {
  it('is heard alike however its bytes are split', () => {
    fc.assert(
      fc.property(answer, places, ({ wire, body }, cuts) => {
        const heard = read([wire], { close: true })
        expect(heard).toMatchObject({ body, malformed: false })
        expect(heard.reusable).not.toBe(undefined)
        expect(read(split(wire, cuts), { close: true })).toEqual(heard)
        expect(read(split(wire, [...wire.keys()]), { close: true })).toEqual(heard)
      }),
      { numRuns: 300 },
    )
  })

  it('that is damaged is heard alike however it is split, and never beyond its declared length', () => {
    const damage = fc.array(fc.tuple(fc.nat(2000), fc.constantFrom(...bytes('\r\n\0 :;0a1Ff-,\xff'))), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(answer, damage, places, ({ wire }, changes, cuts) => {
        const damaged = Buffer.from(wire)
        for (const [place, byte] of changes) damaged[place % damaged.length] = byte
        const one = read([damaged], { close: true })
        const other = read(split(damaged, cuts), { close: true })
        expect({ ...other, reusable: other.reusable !== undefined }).toEqual({
          ...one,
          reusable: one.reusable !== undefined,
        })
        const declared = headerOf(one.headers, 'content-length')
        if (declared !== undefined) expect(one.body.length).toBeLessThanOrEqual(Number(declared))
      }),
      { numRuns: 1000 },
    )
  })

  it('after one that was the same but for a few bytes or its length is heard as by itself', () => {
    const length = fc.constantFrom(
      '0',
      '1',
      '5',
      '05',
      '12345',
      '999999999999999',
      '9999999999999999',
      '',
      '-1',
      'x',
    )
    const changes = fc.array(fc.tuple(fc.nat(2000), fc.constantFrom(...bytes('\r\n :;0a1Ff-,'))), {
      maxLength: 2,
    })
    fc.assert(
      fc.property(answer, changes, fc.option(length, { nil: undefined }), ({ wire }, damage, other) => {
        const changed = Buffer.from(wire)
        for (const [place, byte] of damage) changed[place % changed.length] = byte
        const text = changed.toString('latin1')
        const next = other === undefined ? text : text.replace(/^(content-length:[ \t]*)\d+/im, `$1${other}`)
        const alone = whole(next, { close: true })
        expect(whole(next, { close: true, before: wire })).toEqual(alone)
      }),
      { numRuns: 2000 },
    )
  })

  it("is heard as node's own client hears it", async () => {
    const waiting: Buffer[] = []
    const server = createServer(socket => {
      socket.on('error', () => socket.destroy())
      socket.once('data', () => socket.end(waiting.shift() ?? ''))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo // it listens on TCP
    try {
      for (const { wire } of fc.sample(answer, { numRuns: 100, seed: 7 })) {
        waiting.push(wire)
        const asked = request({ port, host: '127.0.0.1', agent: false }).end()
        const [response] = (await once(asked, 'response')) as [IncomingMessage] // what node emits with it
        response.setEncoding('latin1')
        let body = ''
        for await (const part of response) body += part as string // an encoding is set
        const heard = read([wire], { close: true })
        expect(heard).toMatchObject({ status: response.statusCode, body })
        const raw = response.rawHeaders
        expect(heard.headers).toEqual(raw.map((one, i) => (i % 2 ? one : one.toLowerCase())))
      }
    } finally {
      server.close()
    }
  })
})
