// A body that is scanned as it comes has the verdict and the places of the whole, wherever it is cut.
import { type Ask, type CallerName, RequestScan, readRequest } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const runs = 2000

/** Cut at these places, counted round. */
function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const at = [...new Set(places.map(place => place % (bytes.length + 1)))].toSorted(
    (one, other) => one - other,
  )
  const starts = [0, ...at]
  return starts.map((start, index) => Buffer.from(bytes.subarray(start, starts[index + 1] ?? bytes.length)))
}

function told(read: () => Ask): unknown {
  try {
    const { ends: _ends, bytes: _bytes, ...ask } = read()
    return ask
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const { code, reason, message, details } = error
    return { code, reason, message, details }
  }
}

function scanned(caller: CallerName, bytes: Buffer, parts: readonly Buffer[]): Ask {
  const scan = new RequestScan(caller)
  for (const part of parts) scan.push(part)
  return readRequest(caller, 'chat.completions', bytes, {}, scan)
}

function agrees(caller: CallerName, bytes: Buffer, places: readonly number[]): void {
  const whole = told(() => readRequest(caller, 'chat.completions', bytes, {}))
  expect({
    bytes: bytes.toString('latin1'),
    told: told(() => scanned(caller, bytes, cut(bytes, places))),
  }).toEqual({
    bytes: bytes.toString('latin1'),
    told: whole,
  })
}

const caller = fc.constantFrom<CallerName>('openai', 'responses', 'anthropic', 'gemini', 'ollama')
const cuts = fc.array(fc.nat(100_000), { maxLength: 12 })
const space = fc.constantFrom('', ' ', '\r\n', '\t \n')
const scalar = fc.constantFrom(
  '"m"',
  '"é 😀 \\ud83d\\ude00"',
  '"\\ud800"',
  '"\\"\\\\\\/\\u00e9"',
  `"${'QUJD'.repeat(40)}"`,
  `"${'a'.repeat(70)}\\n${'é'.repeat(40)}"`,
  '0',
  '-0.5e+10',
  '1e400',
  '12345678901234567890',
  'true',
  'false',
  'null',
)
const name = fc.constantFrom(
  'model',
  'mod\\u0065l',
  'stream',
  'stream_options',
  'include_usage',
  'max_tokens',
  'max_output_tokens',
  'max_completion_tokens',
  'n',
  'user',
  'generationConfig',
  'maxOutputTokens',
  'maxOutputToken\\u0073',
  'candidateCount',
  'options',
  'num_predict',
  'x',
  '__proto__',
  'ü\\n',
  'y'.repeat(200),
)
const { value } = fc.letrec<{ value: string; object: string }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc
      .array(fc.tuple(space, tie('value'), space), { maxLength: 4 })
      .map(list => `[${list.map(one => one.join('')).join(',')}]`),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(space, name, space, space, tie('value'), space), { maxLength: 5 })
    .map(list => `{${list.map(([a, key, b, c, is, d]) => `${a}"${key}"${b}:${c}${is}${d}`).join(',')}}`),
}))
const body = fc
  .tuple(space, fc.array(fc.tuple(space, name, space, value, space), { maxLength: 6 }), space)
  .map(
    ([before, list, after]) =>
      `${before}{"model":"m"${list.map(([a, key, b, is, c]) => `,${a}"${key}"${b}:${is}${c}`).join('')}}${after}`,
  )

describe('a body that is scanned as it comes', () => {
  test('has the members, ranges and faults of the whole, wherever it is cut', () => {
    fc.assert(
      fc.property(caller, body, cuts, (of, text, places) => agrees(of, Buffer.from(text), places)),
      { numRuns: runs },
    )
  })

  test('has them with one byte changed, left out or put in', () => {
    const bad = fc.constantFrom(
      0,
      0x0a,
      0x22,
      0x5c,
      0x7b,
      0x7d,
      0x5b,
      0x5d,
      0x2c,
      0x3a,
      0x31,
      0x65,
      0x2e,
      0x2d,
      0x80,
      0xc3,
      0xed,
      0xf0,
      0xff,
    )
    fc.assert(
      fc.property(caller, body, cuts, fc.nat(), bad, fc.nat(2), (of, text, places, where, byte, way) => {
        const bytes = Buffer.from(text)
        const at = where % bytes.length
        const put = way === 1 ? [] : [byte]
        const rest = bytes.subarray(way === 2 ? at : at + 1)
        agrees(of, Buffer.concat([bytes.subarray(0, at), Buffer.from(put), rest]), places)
      }),
      { numRuns: runs * 2 },
    )
  })

  test('has them cut off anywhere, and byte by byte', () => {
    fc.assert(
      fc.property(caller, body, fc.nat(), (of, text, where) => {
        const bytes = Buffer.from(text)
        const some = bytes.subarray(0, where % (bytes.length + 1))
        agrees(
          of,
          some,
          Array.from(some, (_, at) => at),
        )
      }),
      { numRuns: 300, examples: [['openai', '{"model":"m","model":1}', 22]] },
    )
  })

  test('has those of any bytes', () => {
    const pieces = fc.array(
      fc.oneof(
        fc
          .constantFrom(
            '{',
            '}',
            '[',
            ']',
            '"',
            ':',
            ',',
            '\\',
            'u00',
            '"model"',
            '1',
            'e',
            'tru',
            'null',
            ' ',
          )
          .map(text => Buffer.from(text)),
        fc.uint8Array({ maxLength: 3 }).map(bytes => Buffer.from(bytes)),
      ),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(caller, pieces, cuts, (of, some, places) =>
        agrees(of, Buffer.concat([Buffer.from('{"model":"a","b":'), ...some]), places),
      ),
      { numRuns: runs },
    )
  })

  const text = (inside: string) => Buffer.from(`{"model":"m","x":${inside}}`)
  test.each([
    ['nesting of 127', text('['.repeat(127) + ']'.repeat(127))],
    ['nesting of 128', text('['.repeat(128) + ']'.repeat(128))],
    ['hostile nesting', text('['.repeat(100_000))],
    ['NUL in a string', text('"a\0b"')],
    ['NUL between', text('\0')],
    ['a lone surrogate as an escape', text('"\\ud800"')],
    [
      'a lone surrogate as bytes',
      Buffer.concat([Buffer.from('{"model":"m","x":"'), Buffer.of(0xed, 0xa0, 0x80), Buffer.from('"}')]),
    ],
    [
      'an overlong character',
      Buffer.concat([Buffer.from('{"model":"m","x":"'), Buffer.of(0xc0, 0xaf), Buffer.from('"}')]),
    ],
    [
      'a character that is cut off',
      Buffer.concat([Buffer.from('{"model":"m","x":"'), Buffer.of(0xf0, 0x9f)]),
    ],
    ['a byte order mark', Buffer.from('\ufeff{"model":"m"}')],
    ['two models', Buffer.from('{"model":"a","x":[{"model":1}],"model":"b"}')],
    ['an escaped model', Buffer.from('{"mo\\u0064el":"a"}')],
    ['nothing', Buffer.alloc(0)],
  ])('agrees about %s, cut at each byte', (_, bytes) => {
    const places = bytes.length > 1000 ? [1, 13, 14, 500, 70_000] : Array.from(bytes, (_byte, at) => at)
    agrees('openai', bytes, places)
    for (const place of places) agrees('openai', bytes, [place])
  })

  test('tells where large values end, and no small ones', () => {
    const large = 'QUJD'.repeat(20_000)
    const bytes = Buffer.from(`{"model":"m","a":["${large}","small"],"b":{"c":"${large}"}}`)
    const { ends } = scanned('openai', bytes, cut(bytes, [5, 20, 40_000, 80_040]))
    const found = [...(ends ?? [])].map(([start, end]) => bytes.subarray(start, end).toString())
    expect(found.map((one): unknown => JSON.parse(one))).toEqual([
      large,
      [large, 'small'],
      large,
      { c: large },
      JSON.parse(bytes.toString()),
    ])
  })
})
