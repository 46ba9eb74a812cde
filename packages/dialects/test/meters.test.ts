import { checkMetered, meters, type Operation, type Usage } from '@switchyard/dialects'
import { describe, expect, test } from 'vitest'
import { pixelsOf, pixelsOfSize } from '../src/image-size.ts'
import { Tally } from '../src/meters.ts'
import { Raw } from '../src/raw.ts'
import { jpeg, png, webp } from './images.ts'

function metered(operation: Operation, asked: string, answers: readonly object[], reported?: Usage) {
  const tally = new Tally(operation, { ask: { bytes: Buffer.from(asked) } })
  for (const answer of answers) tally.hear(Raw.parse(Buffer.from(JSON.stringify(answer))))
  return tally.usage(reported)
}

test('an operation without a meter stops the start', () => {
  expect(() => checkMetered(Object.keys(meters) as Operation[])).not.toThrow() // the record's own keys
  expect(() => checkMetered(['videos' as Operation])).toThrow(new TypeError('videos has no meter')) // what a careless change would bring
})

describe('pixels', () => {
  test.each([
    ['PNG', png(1024, 1536), 1_572_864n],
    ['JPEG', jpeg(1792, 1024), 1_835_008n],
    ['JPEG with much before its frame', jpeg(640, 480, 40_000), 307_200n],
    ['WebP', webp.lossy(512, 256), 131_072n],
    ['WebP without loss', webp.lossless(1000, 16_384), 16_384_000n],
    ['WebP with more', webp.extended(70_000, 3), 210_000n],
  ])('of %s are width times height', (_, image, expected) => {
    expect(pixelsOf(Buffer.concat([image, Buffer.alloc(60)]).toString('base64'))).toBe(expected)
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['noise', Buffer.from('no image at all, and long enough to be one')],
    ['a PNG that is cut', png(10, 10).subarray(0, 20)],
    ['a JPEG that is cut', jpeg(10, 10).subarray(0, 20)],
    ['a JPEG that never begins its frame', jpeg(10, 10, 65_000)],
    ['a WebP that is cut', webp.lossy(10, 10).subarray(0, 28)],
  ])('of %s are not known', (_, image) => {
    expect(pixelsOf(image.toString('base64'))).toBeUndefined()
  })

  test('of a size in words are known where it is one', () => {
    expect(pixelsOfSize('1024x1536')).toBe(1_572_864n)
    for (const word of ['auto', '1024', '0x9', '1e3x4', '1024x1024x2', undefined])
      expect(pixelsOfSize(word)).toBeUndefined()
  })
})

describe('images', () => {
  const b64 = (image: Buffer) => ({ b64_json: image.toString('base64') })

  test('are counted, each by its own bytes', () => {
    const usage = metered('images.edits', '', [{ data: [b64(png(10, 20)), b64(jpeg(3, 4))] }])
    expect(usage?.quantities).toEqual({ 'img.out.count': 2n, 'img.out.px': 212n })
    expect(usage?.source).toBe('counted')
  })

  test('by address have the size that the answer names, else the one that was asked for', () => {
    const data = [{ url: 'https://a.example/1.png' }, { url: 'https://a.example/2.png' }]
    const asked = '{"prompt":"x","size":"256x256","n":2}'
    expect(metered('images.generations', asked, [{ data, size: '512x512' }])?.quantities).toEqual({
      'img.out.count': 2n,
      'img.out.px': 524_288n,
    })
    expect(metered('images.generations', asked, [{ data }])?.quantities['img.out.px']).toBe(131_072n)
  })

  test('of a size that nobody names are counted without pixels, and one is enough', () => {
    const data = [b64(png(10, 20)), { url: 'https://a.example/2.png' }]
    expect(metered('images.generations', '{"size":"auto"}', [{ data }])?.quantities).toEqual({
      'img.out.count': 2n,
    })
    expect(metered('images.generations', '{}', [{ data: [] }])).toBeUndefined()
  })

  test('that come in events are counted when they are whole', () => {
    const events = [
      { type: 'image_edit.partial_image', ...b64(png(10, 20)) },
      { type: 'image_edit.completed', ...b64(png(10, 20)) },
      { type: 'image_edit.completed', size: '2x3' },
    ]
    expect(metered('images.edits', '', events)?.quantities).toEqual({
      'img.out.count': 2n,
      'img.out.px': 206n,
    })
  })

  test('stand beside the tokens that are reported', () => {
    const reported: Usage = { quantities: { 'tok.out.image': 9n }, source: 'provider', flags: [] }
    expect(metered('images.generations', '{}', [{ data: [b64(png(1, 1))] }], reported)).toEqual({
      quantities: { 'tok.out.image': 9n, 'img.out.count': 1n, 'img.out.px': 1n },
      source: 'provider',
      flags: [],
    })
  })
})

describe('sound that was heard', () => {
  test.each([
    [{ usage: { type: 'duration', seconds: 9 }, duration: 8.47 }, 9000n],
    [{ duration: 8.470000267028809 }, 8470n],
    [{ duration: '3.0005' }, 3001n],
    [{ duration: 0.0004 }, 0n],
    [{ text: 'no word of it' }, undefined],
    [{ duration: 'long' }, undefined],
    [{ duration: -1 }, undefined],
    [{ duration: 1e21 }, undefined],
  ])('of %j lasts %s ms', (answer, expected) => {
    expect(metered('audio.transcriptions', '', [answer])?.quantities['audio.in.ms']).toBe(expected)
  })

  test('lasts as its own head says where the answer does not tell', () => {
    const tally = (answer: string) => {
      const one = new Tally('audio.translations', { ask: { bytes: Buffer.alloc(0) }, sound: () => 1500n })
      one.hear(Raw.parse(Buffer.from(answer)))
      return one.usage(undefined)?.quantities
    }
    expect(tally('{"text":"hi"}')).toEqual({ 'audio.in.ms': 1500n })
    expect(tally('{"text":"hi","duration":1.25}')).toEqual({ 'audio.in.ms': 1250n })
  })
})

test('characters that are to be spoken are code points, whatever their form', () => {
  expect(metered('audio.speech', '{"input":"aé漢😀\\ud83d\\ude00\\n"}', [])?.quantities).toEqual({
    'char.in': 6n,
  })
  expect(metered('audio.speech', '{"input":""}', [])?.quantities).toEqual({ 'char.in': 0n })
})

test('a ranking is one request of so many documents', () => {
  const asked = '{"query":"q","documents":["a",{"text":"b"},"c"],"top_n":1}'
  expect(metered('rerank', asked, [{ results: [{ index: 0 }] }])?.quantities).toEqual({
    req: 1n,
    'doc.ranked': 3n,
  })
})
