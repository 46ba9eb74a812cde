// Codings that are chosen and made, and coded requests that are taken or refused.
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import type { Fault } from '@switchyard/kinds'
import { assert, asyncProperty, integer, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BodyGunzip,
  Compressor,
  chooseCoding,
  type GunzipLimits,
  requestCoding,
} from '../src/door/compress.ts'

describe('the coding of a reply', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['br', 'br'],
    ['gzip, deflate', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['GZIP;Q=0.5 , br ; q=0.4', 'gzip'],
    ['gzip;q=0', undefined],
    ['gzip;q=0.001', 'gzip'],
    ['*', 'br'],
    ['br;q=0, *', 'gzip'],
    ['*;q=0', undefined],
    ['gzip, *;q=0', 'gzip'],
    ['identity, gzip;q=0.5', undefined],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['identity;q=0', undefined],
    ['deflate, zstd', undefined],
    ['gzip;q=2', undefined],
    ['gzip;level=9', undefined],
    [',,;q=1, gzip', 'gzip'],
  ])('for a caller that takes %j is %j', (accepted, expected) => {
    expect(chooseCoding(accepted)).toBe(expected)
  })

  it.each([
    ['application/json', 1024, 'gzip'],
    ['application/problem+json; charset=utf-8', 4096, 'gzip'],
    ['text/html; charset=utf-8', 4096, 'gzip'],
    ['application/json', 1023, undefined],
    ['text/event-stream', 100_000, undefined],
    ['text/event-stream; charset=utf-8', 100_000, undefined],
    ['audio/mpeg', 100_000, undefined],
    ['application/x-ndjson', 100_000, undefined],
    [undefined, 100_000, undefined],
  ])('of type %j with %i bytes is %j', (type, bytes, expected) => {
    expect(new Compressor().choose('gzip', type, bytes)).toBe(expected)
  })

  it('gives the reply back once it is decoded, and is made off the loop', async () => {
    const body = Buffer.from(
      JSON.stringify(Array.from({ length: 200_000 }, (_, i) => ({ text: `token ${i}` }))),
    )
    const compressor = new Compressor()
    let turns = 0
    const counting = setInterval(() => turns++, 1)
    const [br, gzipped] = await Promise.all([
      compressor.compress('br', body),
      compressor.compress('gzip', body),
    ])
    clearInterval(counting)
    expect(turns).toBeGreaterThan(1)
    expect(brotliDecompressSync(br).equals(body)).toBe(true)
    expect(gunzipSync(gzipped).equals(body)).toBe(true)
    expect(Math.max(br.length, gzipped.length)).toBeLessThan(body.length / 4)
  })

  it('is none while too many are being made', async () => {
    const compressor = new Compressor(2)
    const body = Buffer.alloc(100_000, 'a')
    const making = [compressor.compress('gzip', body), compressor.compress('br', body)]
    expect(compressor.choose('gzip', 'application/json', body.length)).toBeUndefined()
    await Promise.all(making)
    expect(compressor.choose('gzip', 'application/json', body.length)).toBe('gzip')
  })
})

describe('the coding of a request', () => {
  it.each([
    [undefined, 'identity'],
    ['identity', 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['X-GZIP', 'gzip'],
  ])('%j is read as %s', (given, expected) => {
    expect(requestCoding(given)).toBe(expected)
  })

  it.each(['br', 'zstd', 'deflate', 'gzip, gzip', 'gzip, br', 'rot13'])('%s is refused', given => {
    expect(() => requestCoding(given)).toThrow(
      expect.objectContaining({ code: 'unsupported', status: 415, reason: 'encoding' }),
    )
  })
})

interface Decoded {
  readonly body: Buffer
  readonly fault: Fault | undefined
  readonly decodedBytes: number
}

function decode(parts: readonly Buffer[], limits: GunzipLimits = { bytes: 32 << 20 }): Promise<Decoded> {
  const { promise, resolve } = Promise.withResolvers<Decoded>()
  const heard: Buffer[] = []
  let ended = 0
  const over = (fault: Fault | undefined) => {
    expect(++ended).toBe(1)
    const body = Buffer.concat(heard)
    resolve({ body, fault, decodedBytes: body.length })
  }
  const gunzip = new BodyGunzip(limits, {
    onDecoded: part => void heard.push(part),
    onDecodedWhole: () => over(undefined),
    onUndecodable: over,
  })
  for (const part of parts) gunzip.push(part)
  gunzip.end()
  return promise
}

describe('a body in gzip', () => {
  it('is decoded however it is split', async () => {
    await assert(
      asyncProperty(uint8Array({ maxLength: 5000 }), integer({ min: 1, max: 700 }), async (bytes, size) => {
        const coded = gzipSync(bytes)
        const parts = Array.from({ length: Math.ceil(coded.length / size) }, (_, i) =>
          coded.subarray(i * size, (i + 1) * size),
        )
        const { body, fault } = await decode(parts)
        expect([fault, body.equals(bytes)]).toEqual([undefined, true])
      }),
      { numRuns: 50 },
    )
  })

  it('of several members is all of them', async () => {
    const { body } = await decode([gzipSync('{"a":'), gzipSync('1}')])
    expect(body.toString()).toBe('{"a":1}')
  })

  it('may repeat itself much while it is small', async () => {
    const { body, fault } = await decode([gzipSync(Buffer.alloc(1_000_000))])
    expect([fault, body.length]).toEqual([undefined, 1_000_000])
  })

  it.each([
    ['too often', gzipSync(Buffer.alloc(20 << 20)), { bytes: 32 << 20 }],
    ['beyond the limit', gzipSync(Buffer.alloc(100_001, 'abc')), { bytes: 100_000 }],
    [
      'beyond the limit in its second member',
      Buffer.concat([gzipSync('a'), gzipSync(Buffer.alloc(2000, 'b'))]),
      { bytes: 2000 },
    ],
  ] as const)('that repeats itself %s is refused before it is whole', async (_, coded, limits) => {
    const { fault, decodedBytes } = await decode([coded], limits)
    expect(fault).toMatchObject({ code: 'too_large', reason: 'body', status: 413 })
    expect(decodedBytes).toBeLessThanOrEqual(Math.min(limits.bytes, Math.max(1 << 20, coded.length * 100)))
  })

  it.each([
    ['is something else', Buffer.from('{"model":"x"}')],
    ['breaks off', gzipSync('{"model":"x"}').subarray(0, -6)],
    [
      'is damaged',
      Buffer.from(gzipSync('{"model":"xyz"}').map((byte, i) => (i === 14 ? byte ^ 0xff : byte))),
    ],
    ['is empty', Buffer.alloc(0)],
  ])('that %s is refused', async (_, coded) => {
    const { fault } = await decode([coded])
    expect(fault).toMatchObject({ code: 'invalid', reason: 'invalid_value' })
  })

  it('is heard no more once it is not wanted', async () => {
    const heard: string[] = []
    const gunzip = new BodyGunzip(
      { bytes: 1 << 20 },
      {
        onDecoded: () => heard.push('part'),
        onDecodedWhole: () => heard.push('whole'),
        onUndecodable: () => heard.push('fault'),
      },
    )
    gunzip.push(gzipSync('x'))
    gunzip.destroy()
    gunzip.push(Buffer.from('more'))
    gunzip.end()
    await decode([gzipSync('another')])
    expect(heard).toEqual([])
  })
})
