import { EventReader } from '@switchyard/dialects'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** The data of every event, and all the raw bytes joined. */
function read(chunks: readonly Buffer[]) {
  const reader = new EventReader()
  const events: string[] = []
  const raw: Buffer[] = []
  for (const chunk of chunks) {
    reader.push(Buffer.from(chunk))
    while (reader.next()) {
      raw.push(Buffer.from(reader.bytes.subarray(reader.start, reader.end)))
      if (reader.hasData) events.push(reader.data.toString('utf8', reader.dataStart, reader.dataEnd))
    }
  }
  return { events, raw: Buffer.concat(raw).toString(), unfinished: reader.unfinished }
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length))
}

const newline = fc.constantFrom('\n', '\r', '\r\n')
const line = fc.constantFrom(
  'data: {"a":"é😀"}',
  'data:{"b":1}',
  'data',
  'data:',
  'data:  two',
  ': ping',
  'event: chunk',
  'id: 7',
  'retry: 10',
  'database: no',
)
const block = fc.tuple(fc.array(line, { minLength: 1, maxLength: 4 }), newline)

describe('the event reader', () => {
  test('that has read much of much keeps the rest alone, wherever it was cut', () => {
    const large = fc.tuple(fc.integer({ min: 1, max: 6000 }), newline)
    const cuts = fc.array(fc.nat(), { maxLength: 6 })
    fc.assert(
      fc.property(fc.array(large, { minLength: 4, maxLength: 12 }), cuts, (sizes, cut) => {
        const text = sizes.map(([size, nl]) => `data: ${'x'.repeat(size)}${nl}${nl}`).join('')
        const found = read(split(Buffer.from(text), cut))
        expect(found.events).toEqual(sizes.map(([size]) => 'x'.repeat(size)))
        expect(found.raw + '\n'.repeat(found.unfinished)).toBe(text)
      }),
    )
    const reader = new EventReader()
    reader.push(Buffer.from(`data: ${'x'.repeat(60_000)}\n\ndata: y`))
    expect(reader.next()).toBe(true)
    expect(reader.bytes.buffer.byteLength).toBeGreaterThan(60_000)
    expect(reader.next()).toBe(false)
    expect(reader.bytes.buffer.byteLength).toBe(7)
  })

  test('S2: finds the same events whatever the chunks, for every kind of newline', () => {
    fc.assert(
      fc.property(
        fc.array(block, { maxLength: 6 }),
        fc.boolean(),
        fc.array(fc.nat(), { maxLength: 12 }),
        (blocks, mark, cuts) => {
          const text = blocks.map(([lines, end]) => lines.map(l => l + end).join('') + end).join('')
          const bytes = Buffer.from((mark ? '\ufeff' : '') + text)
          const expected = blocks.flatMap(([lines]) => {
            const data = lines.filter(l => /^data(:|$)/.test(l))
            return data.length ? [data.map(l => l.replace(/^data:? ?/, '')).join('\n')] : []
          })
          const whole = read([bytes])
          const parts = read(split(bytes, cuts))
          expect(whole.events).toEqual(expected)
          expect(parts.events).toEqual(expected)
          if (blocks.length > 0) expect(whole.raw).toBe(bytes.toString())
          if (blocks.length > 0) expect(parts.unfinished).toBeLessThanOrEqual(1)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('finds the same events when every byte comes alone', () => {
    const bytes = Buffer.from('data: {"a":"é"}\r\n\r\n: x\r\rdata: 1\ndata: 2\n\n')
    expect(read([...bytes].map(byte => Buffer.of(byte))).events).toEqual(['{"a":"é"}', '1\n2'])
  })

  test('an event without its blank line is unfinished', () => {
    expect(read([Buffer.from('data: 1\n')])).toMatchObject({ events: [], unfinished: 8 })
  })
})
