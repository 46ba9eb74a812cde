import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boundaryOf, partName } from '../src/upload/boundary.ts'
import { FormReader } from '../src/upload/form.ts'

interface Part {
  readonly name: string
  readonly value: Buffer
}

const form = (boundary: string, parts: readonly Part[], end = '\r\n') =>
  Buffer.concat([
    ...parts.flatMap(({ name, value }) => [
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
      value,
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${boundary}--${end}`),
  ])

/** What passes, with the model's name as `<name>`. */
function read(bytes: Buffer, cuts: readonly number[], boundary = 'B'): Buffer {
  const out: Buffer[] = []
  const reader = new FormReader(`multipart/form-data; boundary=${boundary}`, {
    pass: piece => out.push(piece),
    file: () => {},
    model: name => out.push(Buffer.from(`<${name}>`)),
    closing: () => {},
  })
  let from = 0
  for (const cut of [...cuts.toSorted((one, other) => one - other), bytes.length]) {
    reader.push(bytes.subarray(from, cut))
    from = cut
  }
  reader.end()
  return Buffer.concat(out)
}

const fault = (act: () => unknown): Fault => {
  try {
    act()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('it was not refused')
}

const text = (value: string) => Buffer.from(value)
const model = { name: 'model', value: text('m') }

describe('a form', () => {
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
    // What nearly is a delimiter.
    fc
      .array(fc.constantFrom('\r', '\n', '\r\n', '--', '\r\n--', '\r\n--B0', 'B', 'x'), { maxLength: 30 })
      .map(words => text(words.join('').replaceAll('\r\n--BB', ''))),
  )
  const file = fc.record({ name: fc.constantFrom('file', 'image', 'prompt', 'a b'), value })

  test('passes unchanged in any pieces, but for the value of its model', () => {
    fc.assert(
      fc.property(
        fc.array(file, { maxLength: 4 }),
        fc.array(file, { maxLength: 3 }),
        fc.array(fc.nat(2000), { maxLength: 12 }),
        fc.constantFrom('', '\r\n'),
        (before, after, places, end) => {
          const boundary = 'BB'
          const whole = (name: string) =>
            form(boundary, [...before, { name: 'model', value: text(name) }, ...after], end)
          const bytes = whole('tiny')
          fc.pre(!before.concat(after).some(part => part.value.includes('\r\n--BB')))
          const cuts = places.map(place => place % (bytes.length + 1))
          expect(read(bytes, cuts, boundary).equals(whole('<tiny>'))).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('cut at each byte of its head and tail reads the same', () => {
    const bytes = form('B', [{ name: 'file', value: text('a\r\n--A\r\n-') }, model])
    const expected = form('B', [
      { name: 'file', value: text('a\r\n--A\r\n-') },
      { name: 'model', value: text('<m>') },
    ])
    for (let cut = 0; cut <= bytes.length; cut++) expect(read(bytes, [cut])).toEqual(expected)
  })

  test.each([
    ['two models', form('B', [model, model]), 'duplicate_member'],
    ['an empty model', form('B', [{ name: 'model', value: text('') }]), 'invalid_value'],
    ['a long model', form('B', [{ name: 'model', value: text('m'.repeat(2000)) }]), 'invalid_value'],
    ['a model that is no UTF-8', form('B', [{ name: 'model', value: Buffer.of(0xff) }]), 'invalid_value'],
    ['no last boundary', form('B', [model]).subarray(0, -8), 'invalid_value'],
    ['something before it', Buffer.concat([text('x\r\n'), form('B', [model])]), 'invalid_value'],
    ['something behind it', form('B', [model], '\r\nmore'), 'invalid_value'],
    ['a second form behind it', Buffer.concat([form('B', [model]), form('B', [model])]), 'invalid_value'],
    ['bare line ends', text(form('B', [model]).toString().replaceAll('\r\n', '\n')), 'invalid_value'],
    ['a boundary that goes on', text('--Bx\r\n\r\n--B--'), 'invalid_value'],
    ['a part without a head', text('--B\r\n\r\nx\r\n--B--'), 'invalid_value'],
    ['a head without end', text(`--B\r\nA: ${'x'.repeat(20_000)}`), 'invalid_value'],
  ])('with %s is refused', (_, bytes, reason) => {
    expect(fault(() => read(bytes, [])).reason).toBe(reason)
    expect(fault(() => read(bytes, Array.from(bytes.keys()).slice(0, 300))).reason).toBe(reason)
  })
})

describe('the head of a part', () => {
  const head = (disposition: string) => `Content-Disposition: form-data; ${disposition}`
  test.each([
    [head('name="model"'), 'model'],
    [head('name=model'), 'model'],
    [head('name="file"; filename="a\\"; name=\\"model.wav"\r\nContent-Type: audio/wav'), 'file'],
    [head('filename="x;y.wav"; NAME="file"'), 'file'],
    [head('name="image[]"; filename*=UTF-8\'\'a.png'), 'image[]'],
  ])('%j names its part', (text, name) => {
    expect(partName(text)).toBe(name)
  })

  test.each([
    'Content-Type: text/plain',
    'Content-Disposition: attachment; name="model"',
    head('name="file"; name="model"'),
    head('name="file"; name*=UTF-8\'\'model'),
    head('name="mod\\el"'),
    head('name="file" filename="x"'),
    head('name="file'),
    `${head('name="file"')}\r\n${head('name="model"')}`,
    `${head('name="file"')}\r\n name="model"`,
    `${head('name="file"')}\nContent-Disposition: form-data; name="model"`,
    `${head('name="model"')}\r\nContent-Transfer-Encoding: base64`,
    'Content-Disposition : form-data; name="model"',
  ])('%j is refused, because it could be read in two ways', text => {
    expect(fault(() => partName(text)).code).toBe('invalid')
  })
})

describe('the boundary', () => {
  test.each([
    ['multipart/form-data; boundary=----WebKitFormBoundary7MA4', '----WebKitFormBoundary7MA4'],
    ['Multipart/Form-Data; charset=utf-8; boundary="a b:c"', 'a b:c'],
  ])('of %j is %j', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary)
  })

  test.each([
    [undefined, 'media_type'],
    ['application/json', 'media_type'],
    ['multipart/form-datax; boundary=a', 'media_type'],
    ['multipart/form-data', 'invalid_value'],
    ['multipart/form-data; boundary=', 'invalid_value'],
    ['multipart/form-data; boundary=a; boundary=b', 'invalid_value'],
    [`multipart/form-data; boundary=${'a'.repeat(71)}`, 'invalid_value'],
    ['multipart/form-data; boundary="a "', 'invalid_value'],
  ])('of %j is refused', (type, reason) => {
    expect(fault(() => boundaryOf(type)).reason).toBe(reason)
  })
})
