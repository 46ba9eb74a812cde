import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fields } from '../src/fields.ts'
import { joined } from '../src/pieces.ts'
import { objectArgs, Raw, Verbatim, writeBytes, writeJson } from '../src/raw.ts'

const body = (text: string) => Raw.body(Buffer.from(text))
const fault = (run: () => unknown): Fault => {
  try {
    run()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('raw JSON', () => {
  test('keeps digits, order and spaces of what it slices', () => {
    const args = '{"n":12345678901234567890, "x":1.0,"e":1e400,"b":0}'
    expect(body(`{"a":[0,${args}]}`).get('a')?.elements()?.[1]?.text).toBe(args)
  })

  test('reads what JSON.parse reads, and writes it back', () => {
    fc.assert(
      fc.property(fc.json(), text => {
        const build = (raw: Raw): unknown =>
          raw.string() ??
          raw.number() ??
          raw.boolean() ??
          raw.elements()?.map(build) ??
          (raw.kind === 'null'
            ? null
            : Object.fromEntries([...(raw.members() ?? [])].map(([name, value]) => [name, build(value)])))
        expect(build(body(text))).toEqual(JSON.parse(text))
        expect(JSON.parse(writeJson(new Verbatim(text)))).toEqual(JSON.parse(text))
      }),
    )
  })

  test('passes a large string once and finds it in each level', () => {
    const url = `data:image/png;base64,${'QUJD'.repeat(100_000)}`
    const raw = body(JSON.stringify({ a: [{ b: { url } }], after: 1 }))
    expect(raw.get('a')?.elements()?.[0]?.get('b')?.get('url')?.string()).toBe(url)
    expect(raw.get('after')?.number()).toBe(1)
  })

  test.each(['', '{', '{"a":1}x', '\ufeff{}', '[1,]', `${'['.repeat(200)}${']'.repeat(200)}`])(
    'refuses what is not one JSON value: %j',
    text => {
      expect(fault(() => body(text)).reason).toBe('invalid_json')
      expect(Raw.parse(Buffer.from(text))).toBeUndefined()
    },
  )

  test('refuses bytes that are not UTF-8, arrays without an end in sight, and two members of one name', () => {
    expect(fault(() => Raw.body(Buffer.of(0x22, 0xff, 0x22))).reason).toBe('invalid_json')
    expect(fault(() => body(`[${'0,'.repeat(70_000)}0]`).elements()).reason).toBe('invalid_value')
    expect(fault(() => Fields.body(Buffer.from('{"a":1,"\\u0061":2}'))).reason).toBe('duplicate_member')
  })
})

describe('fields', () => {
  const fields = () =>
    Fields.body(Buffer.from('{"s":"x","n":1.5,"no":null,"__proto__":{"a":1.0},"o":{"k":1}}'))

  test('give values of the kind that is asked for, and take null for absent', () => {
    const f = fields()
    expect([f.string('s'), f.number('n'), f.string('no'), f.object('o')?.integer('k')]).toEqual([
      'x',
      1.5,
      undefined,
      1,
    ])
    expect(Object.entries(f.rest())).toEqual([['__proto__', '{"a":1.0}']])
  })

  test('name the path of what is wrong or missing', () => {
    expect(fault(() => fields().object('o')?.string('k')).details[0]?.path).toBe('o.k')
    expect(fault(() => fields().integer('n')).reason).toBe('invalid_value')
    expect(fault(() => fields().needs('model', fields().string('model'))).reason).toBe('missing_field')
  })
})

describe('writing', () => {
  test('puts raw text in as it is, on one line, and leaves undefined members out', () => {
    expect(writeJson({ a: undefined, b: [new Verbatim('{"n":\n1.0}'), 'é"'], c: null })).toBe(
      '{"b":[{"n": 1.0},"é\\""],"c":null}',
    )
  })

  test('writes the same bytes, however large the strings are and whatever is in them', () => {
    const long = (text: string) => text.repeat(20_000)
    fc.assert(
      fc.property(
        fc.constantFrom('A', 'é', '"', '\\', '\n', '\u0000', '\ud800', '😀'),
        fc.string(),
        (one, other) => {
          const value = {
            a: long(one),
            b: [other, long('B'), new Verbatim('"\\u0000"')],
            [long('c')]: long(`A${one}`),
          }
          expect(joined(writeBytes(value)).equals(Buffer.from(writeJson(value)))).toBe(true)
          expect(writeBytes({ raw: new Verbatim('\u0000'), text: long('A') }).toString()).toContain('AAA')
        },
      ),
      { numRuns: 20 },
    )
  })

  test.each([
    ['', '{}'],
    [' ', '{}'],
    ['{"n":12345678901234567890}', '{"n":12345678901234567890}'],
    ['{"a":', '{"_invalid_json":"{\\"a\\":"}'],
    ['[1]', '{"_invalid_json":"[1]"}'],
  ])('makes an object of the arguments %j', (args, expected) => {
    expect(objectArgs(args)).toBe(expected)
  })
})
