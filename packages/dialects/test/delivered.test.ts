import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memberBytes, textBytesIn, tokensDelivered, usageSoFar } from '../src/delivered.ts'

/** As those write JSON who leave no byte above 127 in it. */
const escaped = (json: string) =>
  json.replace(/[\u007f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

test('the text of a JSON string is measured as UTF-8 whatever is escaped in it', () => {
  const text = fc.string({ unit: 'binary' }).filter(one => one.isWellFormed())
  fc.assert(
    fc.property(text, one => {
      for (const json of [JSON.stringify(one), escaped(JSON.stringify(one))]) {
        const bytes = Buffer.from(json)
        expect(textBytesIn(bytes, 1, bytes.length)).toBe(Buffer.byteLength(one))
        const event = Buffer.from(`{"index" :0, "delta" : ${json},"after":"x"}`)
        expect(memberBytes(event, [Buffer.from('"none"'), Buffer.from('"delta"')])).toBe(
          Buffer.byteLength(one),
        )
      }
    }),
  )
})

test('a delta is a token, or one for four bytes where it may be several', () => {
  expect(tokensDelivered({ deltas: 7, textBytes: 0 })).toBe(7)
  expect(tokensDelivered({ deltas: 7, textBytes: 27 })).toBe(7)
  expect(tokensDelivered({ deltas: 7, textBytes: 29 })).toBe(8)
})

const whole = { terminal: undefined, usage: undefined }

test('what nobody reports says who has counted it, and by which way of estimating', () => {
  expect(usageSoFar({ ...whole, deltas: 0, textBytes: 0 })).toBeUndefined()
  expect(usageSoFar({ ...whole, deltas: 5, textBytes: 0 })).toEqual({
    quantities: { 'tok.out.text': 5n },
    source: 'counted',
    flags: ['usage_missing'],
  })
  expect(usageSoFar({ ...whole, deltas: 5, textBytes: 400 })).toEqual({
    quantities: { 'tok.out.text': 100n },
    source: 'estimated',
    flags: ['usage_missing', 'estimator:utf8-4.v1'],
  })
})

test('what was reported before the end is added to, and left alone where it keeps up', () => {
  const begun = {
    quantities: { 'tok.in.uncached': 9n, 'tok.out.text': 1n },
    source: 'provider',
    flags: [],
  } as const
  const cut = usageSoFar({ terminal: undefined, usage: begun, deltas: 5, textBytes: 400 })
  expect(cut?.quantities).toEqual({ 'tok.in.uncached': 9n, 'tok.out.text': 100n })
  const ahead = { ...begun, quantities: { ...begun.quantities, 'tok.out.text': 60n } }
  expect(usageSoFar({ terminal: undefined, usage: ahead, deltas: 5, textBytes: 400 })).toBe(ahead)
  expect(usageSoFar({ terminal: Buffer.from('x'), usage: begun, deltas: 5, textBytes: 400 })).toBe(begun)
})
