// The answers that the gateway's own server writes, in any pieces and at any pace, read by the gateway's client.
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { AnswerParser } from '../src/wire/client-parser.ts'
import type { Inbound } from '../src/wire/inbound.ts'
import { Bed, Line, turn } from './wire-server.bed.ts'

interface Read {
  status: number
  body: Buffer
  reusable: boolean | undefined
}

function read(got: string): Read {
  const answer: Read = { status: 0, body: Buffer.alloc(0), reusable: undefined }
  const parser = new AnswerParser({
    head(status) {
      answer.status = status
    },
    body(bytes) {
      answer.body = Buffer.concat([answer.body, bytes])
    },
    end(reusable) {
      answer.reusable = reusable
    },
  })
  parser.expect()
  parser.push(Buffer.from(got, 'latin1'))
  return answer
}

const piece = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)),
  fc.integer({ min: 1, max: 50_000 }).map(length => Buffer.alloc(length, 'é')),
  fc.integer({ min: 1, max: 50_000 }).map(length => 'ab'.repeat(length)),
)
/** Pieces, and after each whether the turn ends. */
const pieces = fc.array(fc.tuple(piece, fc.boolean()), { maxLength: 12 })
const whole = (all: readonly (readonly [string | Buffer, boolean])[]) =>
  Buffer.concat(all.map(([one]) => Buffer.from(one)))

let inbound: Inbound | undefined
let drains = 0
let drained: (() => void) | undefined
const bed = new Bed({
  take: one => {
    inbound = one
    one.listen({
      onBody: () => undefined,
      onWhole: () => undefined,
      onDrain: () => {
        drains++
        drained?.()
      },
      onClose: () => undefined,
    })
  },
})

afterAll(() => bed.close())

async function begin(line: Line): Promise<Inbound> {
  inbound = undefined
  bed.listener.emit('connection', line)
  line.push(Buffer.from('GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n'))
  for (;;) {
    await turn()
    if (inbound) return inbound
  }
}

async function ended(line: Line, one: Inbound): Promise<Read> {
  while (!one.closed) await turn()
  const answer = read(line.got)
  line.destroy()
  await turn()
  return answer
}

describe('any answer', () => {
  it('is read as it was written, in whatever pieces and turns', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.boolean(), fc.boolean(), async (all, slow, close) => {
        const line = new Line(16_384, slow)
        const one = await begin(line)
        one.head(200, ['x', 'y'])
        for (const [bytes, turns] of all) {
          one.write(bytes)
          if (turns) await turn()
        }
        one.end('end', close)
        const answer = await ended(line, one)
        expect(answer).toMatchObject({ status: 200, reusable: true })
        expect(answer.body.equals(Buffer.concat([whole(all), Buffer.from('end')]))).toBe(true)
        expect(one.waiting).toBe(0)
      }),
      { numRuns: 300 },
    )
  })

  it('whole is read as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(piece, fc.boolean(), async (bytes, slow) => {
        const line = new Line(16_384, slow)
        const one = await begin(line)
        one.reply(200, [], bytes)
        const answer = await ended(line, one)
        expect(answer.body.equals(Buffer.from(bytes))).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('whose writer waits whenever it is told to comes to its end, and is woken once for each wait', async () => {
    let waitsOfAll = 0
    await fc.assert(
      fc.asyncProperty(pieces, async all => {
        const line = new Line(1000, true)
        const one = await begin(line)
        let waits = 0
        drains = 0
        one.head(200, [])
        for (const [bytes] of all) {
          const woken = new Promise<void>(resolve => {
            drained = resolve
          })
          if (one.write(bytes)) continue
          waits++
          await woken
          expect(one.waiting).toBeLessThan(1000)
        }
        one.end()
        expect((await ended(line, one)).body.equals(whole(all))).toBe(true)
        expect(drains).toBe(waits)
        waitsOfAll += waits
      }),
      { numRuns: 300 },
    )
    expect(waitsOfAll).toBeGreaterThan(300)
  })
})
