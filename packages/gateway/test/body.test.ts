// Bodies that come in parts: the same whole, however they were cut and whatever was declared.
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Body } from '../src/body.ts'

const large = 300 * 1024

test('a body is whole again, however it was cut and whatever was declared of it', () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 40 })
  fc.assert(
    fc.property(parts, fc.integer({ min: 0, max: 900 }), fc.boolean(), (given, declared, placed) => {
      const body = new Body()
      if (placed) body.expect(declared + large)
      else body.expect(declared)
      for (const part of given) body.push(Buffer.from(part))
      const whole = Buffer.concat(given)
      expect(body.bytes).toBe(whole.length)
      expect(body.take().equals(whole)).toBe(true)
    }),
  )
})

test('more than was declared is kept too', () => {
  const body = new Body()
  body.expect(large)
  const part = Buffer.alloc(large, 'a')
  body.push(Buffer.from(part))
  body.push(Buffer.from('b'))
  body.push(Buffer.from('c'))
  expect(body.take().equals(Buffer.concat([part, Buffer.from('bc')]))).toBe(true)
})

test('a body that comes byte by byte is held in few parts', () => {
  const whole = randomBytes(100_000)
  const large = randomBytes(20_000)
  const body = new Body()
  for (const byte of whole) body.push(Buffer.of(byte))
  body.push(large)
  body.push(Buffer.of(1))
  expect(body.parts.length).toBeLessThan(16 + 100_000 / 16_384 + 3)
  expect(body.take().equals(Buffer.concat([whole, large, Buffer.of(1)]))).toBe(true)
})

test('a body of unknown length is joined over several turns, and is the same whole', async () => {
  const parts = Array.from({ length: 40 }, (_, at) => Buffer.alloc(65_536 - at, at))
  const body = new Body()
  for (const part of parts) body.push(Buffer.from(part))
  expect(body.scattered).toBe(true)
  let turns = 0
  const count = () => {
    turns++
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const whole = await body.join()
  clearImmediate(counting)
  expect(whole.equals(Buffer.concat(parts))).toBe(true)
  expect(turns).toBeGreaterThan(2)
})
