import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WavLength } from '../src/upload/wav.ts'
import { wav } from './wav.ts'

function length(
  file: Buffer,
  { cuts = [], whole = true }: { cuts?: readonly number[]; whole?: boolean } = {},
) {
  const sound = new WavLength()
  let from = 0
  for (const cut of [...cuts.toSorted((one, other) => one - other), file.length]) {
    sound.push(file.subarray(from, cut))
    from = Math.max(from, cut)
  }
  return sound.milliseconds(whole)
}

test.each([
  ['PCM, one channel', wav({ rate: 16_000, frames: 24_000 }), 1500n],
  ['two channels of 24 bits', wav({ rate: 48_000, channels: 2, bits: 24, frames: 48_001 }), 1000n],
  ['floats', wav({ rate: 44_100, bits: 32, tag: 3, frames: 44_100 }), 1000n],
  ['mu-law', wav({ rate: 8000, bits: 8, tag: 7, frames: 4 }), 1n],
  ['the longer head of PCM', wav({ rate: 8000, tag: 0xfffe, frames: 8000 }), 1000n],
  [
    'chunks before and after the samples',
    wav({ rate: 8000, frames: 8000, before: 'LIST', after: 'id3 ' }),
    1000n,
  ],
  ['a size that its writer did not know', wav({ rate: 8000, frames: 8000, promised: 0xffff_ffff }), 1000n],
  ['a size of 0, as streams are written', wav({ rate: 8000, frames: 8000, promised: 0 }), 1000n],
  ['a head that promises more than came', wav({ rate: 8000, frames: 4000, promised: 1_000_000 }), 500n],
  ['more digits than a float has', wav({ rate: 7, bits: 8, frames: 22 }), 3143n],
])('the length of %s is known to the millisecond', (_, file, expected) => {
  expect(length(file)).toBe(expected)
})

test.each([
  ['a compressed form', wav({ rate: 8000, tag: 0x11, frames: 8000 })],
  ['another file', Buffer.from('ID3 and what not, which is no WAV at all')],
  ['a head without its end', wav({ rate: 8000, frames: 1 }).subarray(0, 30)],
  ['samples before their form', Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd', 'latin1')])],
  ['a rate of 0', wav({ rate: 0, frames: 10 })],
  ['nothing', Buffer.alloc(0)],
])('of %s nothing is known', (_, file) => {
  expect(length(file)).toBeUndefined()
})

test('until all of it has passed nothing is known, unless its samples are there', () => {
  const file = wav({ rate: 8000, frames: 8000, after: 'LIST' })
  expect(length(file.subarray(0, 900), { whole: false })).toBeUndefined()
  expect(length(file.subarray(0, -4), { whole: false })).toBe(1000n)
})

test('however the file is cut, its length is the same', () => {
  const file = wav({ rate: 8000, frames: 100, before: 'LIST' })
  fc.assert(
    fc.property(fc.array(fc.nat(file.length), { maxLength: 8 }), cuts => {
      expect(length(file, { cuts })).toBe(13n)
    }),
  )
})
