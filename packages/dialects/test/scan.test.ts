import { Cursor, maxDepth } from '@switchyard/dialects'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

function accepts(text: string | Buffer): boolean {
  const bytes = Buffer.from(text)
  const cursor = new Cursor(bytes)
  cursor.space()
  if (!cursor.value(0)) return false
  cursor.space()
  return cursor.at === bytes.length
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('the scanner', () => {
  test('accepts every JSON text, however it is spaced', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.nat(3), (json, indent) => {
        expect(accepts(JSON.stringify(JSON.parse(json), null, indent))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('agrees with JSON.parse about texts with one byte changed', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 4 }),
        fc.nat(),
        fc.constantFrom(...Array.from('{}[]",:\\0-.eE+1 tfn\n\u0001a')),
        (json, place, byte) => {
          const at = place % json.length
          const text = json.slice(0, at) + byte + json.slice(at + 1)
          expect([text, accepts(text)]).toEqual([text, parses(text)])
        },
      ),
      { numRuns: 3000 },
    )
  })

  test('agrees with JSON.parse about long strings, wherever they stand and whatever interrupts them', () => {
    const piece = fc.constantFrom('a', '"', '\\', '\\n', '\\u00e9', '\u0001', 'é', '\x7f', 'x'.repeat(70))
    fc.assert(
      fc.property(fc.nat(9), fc.nat(300), fc.array(piece, { maxLength: 4 }), (pad, length, pieces) => {
        const text = `${' '.repeat(pad)}"${'y'.repeat(length)}${pieces.join('z'.repeat(67))}"`
        expect([text, accepts(text)]).toEqual([text, parses(text)])
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    '01',
    '-',
    '1.',
    '.5',
    '1e',
    '+1',
    '1e+',
    'nul',
    'True',
    '"\\x"',
    '"\\u12g4"',
    '[1,]',
    '{"a":1,}',
  ])('refuses %s', text => expect(accepts(text)).toBe(false))

  test('refuses what is nested deeper than 128', () => {
    expect(accepts('['.repeat(maxDepth) + ']'.repeat(maxDepth))).toBe(true)
    expect(accepts('['.repeat(maxDepth + 1) + ']'.repeat(maxDepth + 1))).toBe(false)
  })

  test('passes a 10 MB base64 string in the time of a few frames', () => {
    const text = Buffer.from(`"${'QUJD'.repeat(2_600_000)}"`)
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now()
      expect(new Cursor(text).value(0)).toBe(true)
      return performance.now() - start
    })
    expect(Math.min(...times)).toBeLessThan(20)
  })
})
