// A conversion is total: each member of a body is carried, named as dropped, or refused; a body that stays in its dialect
// keeps its meaning; and what is no body at all is a fault of its caller's.
import type { ChatDialect, ChatPort, Conversation, Turn } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import { tidyTurns } from '../src/results.ts'
import { bodies } from './bodies.ts'
import { ports } from './carriages.ts'

const options = { model: 'm', strict: false, maxOutput: 4096 }
const dialects = Object.keys(bodies) as ChatDialect[]

type Path = readonly (string | number)[]

/** Where anything stands in a value, itself included. */
function places(value: unknown, at: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [at]
  const inside = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return [at, ...inside.flatMap(([name, member]) => places(member, [...at, name]))]
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((here, step) => (here as Record<string | number, unknown>)[step], value) // a path of places()
}

/** The value with another in this place; undefined takes a member away. */
function withAt(value: unknown, path: Path, other: unknown): unknown {
  const [step, ...rest] = path
  if (step === undefined) return other
  const inner = withAt((value as Record<string | number, unknown>)[step], rest, other) // a path of places()
  if (Array.isArray(value)) return value.toSpliced(Number(step), 1, ...(inner === undefined ? [] : [inner]))
  return { ...(value as object), [step]: inner }
}

function ask(dialect: ChatDialect, body: unknown): Conversation {
  return ports[dialect].readAsk(bytes(body), dialect === 'gemini' ? { model: 'm', stream: false } : {})
}
const bytes = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))

function attempt<T>(run: () => T): T | Fault {
  try {
    return run()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

/** Kept whole under their own name, in which a dialect without a word for them names them. */
const whole = /^(metadata|logit_bias|safetySettings)(\.|$)/

describe.each(dialects)('C1: a body of %s', dialect => {
  test.each(Object.entries(ports))(
    'is carried to %s with every member, or names it, wherever it stands',
    (_, port) => {
      for (const body of bodies[dialect])
        for (const path of places(body)) {
          const object = valueAt(body, path)
          if (typeof object !== 'object' || object === null || Array.isArray(object)) continue
          const more = withAt(body, path, { ...object, zz_unknown: 'canary' })
          const written = attempt(() => port.writeAsk(ask(dialect, more), options))
          const where = [...path, 'zz_unknown'].join('.')
          if (written instanceof Fault) {
            expect(written.code, where).toBe('invalid')
            continue
          }
          const { value, dropped } = written
          if (
            joined(value.body).includes('canary') ||
            (whole.test(where) && dropped.includes(String(path[0])))
          )
            continue
          expect(dropped, where).toContain(where.replace(/\.\d+(?=\.|$)/g, ''))
          const strict = attempt(() => port.writeAsk(ask(dialect, more), { ...options, strict: true }))
          expect(strict instanceof Fault && strict.reason, where).toBe('unsupported_parameter')
        }
    },
  )
})

/** Without them it is another body, not a smaller one. */
const needed: ReadonlySet<string> = new Set(['id', 'role', 'type', 'signature', 'thoughtSignature'])

/** A body of this dialect with some of its optional members away. */
function subsets(dialect: ChatDialect): fc.Arbitrary<unknown> {
  const list: readonly unknown[] = bodies[dialect]
  return fc.tuple(fc.constantFrom(...list), fc.array(fc.nat(), { maxLength: 8 })).map(([body, picks]) =>
    picks.reduce<unknown>((here, pick) => {
      const all = places(here).filter(path => !needed.has(String(path.at(-1) ?? 'id')))
      const path = all[pick % all.length]
      return path ? withAt(here, path, undefined) : here
    }, body),
  )
}

/** A conversation without what says nothing: names that were made up where one must be, choices among no tools. */
function plainly({ turns, output, toolChoice, parallelTools, rest: _rest, ...others }: Conversation) {
  const said: Turn[] = []
  for (const { role, parts } of tidyTurns(turns)) {
    const plain = parts.map(part => {
      if (part.type === 'toolCall') return { ...part, args: part.args || '{}' }
      if (part.type === 'toolResult') {
        // A result of nothing is an empty text, and a failure without a word is called one.
        const { name: _name, ...result } = part
        const silent = part.parts.every(inner => inner.type === 'text' && /^(Error)?$/.test(inner.text))
        return silent ? { ...result, parts: [] } : result
      }
      const { name, ...document } = part.type === 'document' ? part : { ...part, name: 'document' }
      return name === 'document' ? document : part
    })
    const last = said.at(-1)
    if (last?.role === role) said[said.length - 1] = { role, parts: [...last.parts, ...plain] }
    else said.push({ role, parts: plain })
  }
  const { name, ...form } = output?.type === 'schema' ? output : { name: 'answer', ...output }
  const tools = others.tools.length > 0 && { toolChoice, parallelTools }
  return { ...others, ...tools, turns: said, output: name === 'answer' ? form : output }
}

/** What a body cannot say twice: names of people, of which no dialect's conversation knows. */
const lost: ReadonlySet<string> = new Set(['messages.name'])

describe.each(dialects)('C12: a body of %s', dialect => {
  const port: ChatPort = ports[dialect]

  test('means the same when it is read, written and read again, and loses nothing', () => {
    let read = 0
    fc.assert(
      fc.property(subsets(dialect), body => {
        const one = attempt(() => ask(dialect, body))
        if (one instanceof Fault) {
          expect(one.code).toBe('invalid')
          return
        }
        // A prompt without a conversation is said by the user where the dialect demands one.
        if (one.turns.every(({ role }) => role === 'system')) return
        read++
        const written = attempt(() => port.writeAsk(one, options))
        if (written instanceof Fault) {
          expect(written.code).toBe('invalid')
          return
        }
        // Thinking that cannot go on without its own thoughts.
        if (dialect === 'anthropic' && written.dropped.includes('reasoning')) return
        expect(written.dropped.filter(name => !lost.has(name))).toEqual([])
        expect(written.clamped).toEqual([])
        const again = port.readAsk(
          joined(written.value.body),
          dialect === 'gemini' ? { model: 'm', stream: false } : {},
        )
        const asked = dialect === 'anthropic' ? { maxOutput: options.maxOutput, ...one } : one
        expect(plainly(again)).toEqual(plainly(asked))
        expect(Object.keys(again.rest).sort()).toEqual(
          Object.keys(one.rest)
            .filter(name => !lost.has(name))
            .sort(),
        )
      }),
      { numRuns: 200 },
    )
    expect(read).toBeGreaterThan(20)
  })

  test('is the fault of its caller, whatever stands where', () => {
    fc.assert(
      fc.property(fc.constantFrom<unknown>(...bodies[dialect]), fc.nat(), hostile, (body, pick, odd) => {
        const all = places(body)
        const path = all[pick % all.length] ?? []
        // Put in as text: JSON's own writer would refuse some of it, and lose the rest.
        const text = JSON.stringify(withAt(body, path, place) ?? place).replace(`"${place}"`, () => odd)
        const read = attempt(() => ask(dialect, text))
        if (read instanceof Fault) expect(read.code).toBe('invalid')
        else
          for (const to of Object.values(ports)) {
            const written = attempt(() => to.writeAsk(read, options))
            if (written instanceof Fault) expect(written.code).toBe('invalid')
            else expect(() => JSON.parse(joined(written.value.body).toString()) as unknown).not.toThrow()
          }
      }),
      { numRuns: 300 },
    )
  })
})

const place = 'ODD-PLACE'

/** JSON that nobody expects, or that is none. */
const hostile = fc.oneof(
  fc.json(),
  fc.constantFrom(
    'null',
    'true',
    '7',
    '-1',
    '1e999',
    '1e-999',
    '12345678901234567890',
    '""',
    '"\\ud800"',
    '"\\u0000"',
    '[]',
    '[[]]',
    '[null]',
    '{}',
    '{"__proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"type":"__proto__"}',
    '{"role":"constructor","content":[]}',
    '{"type":"toString"}',
    '{"a":1,"a":2}',
    '{"toString":1,"hasOwnProperty":2,"length":-1}',
    '"data:image/png;base64,"',
    '"data:,x"',
    '"data:;;;,,,"',
    '"c3kxe30="',
    '"c3kxW10="',
    `"c3kx${Buffer.from('{"origin":{"a":1}}').toString('base64')}"`,
    '{"$ref":"#/a","a":{"$ref":"#"}}',
    '{"type":["string","null"],"enum":[{}],"const":[],"anyOf":{}}',
    `${'['.repeat(200)}${']'.repeat(200)}`,
    `${'{"a":'.repeat(150)}1${'}'.repeat(150)}`,
    `[${'0,'.repeat(70_000)}0]`,
    `"${'a'.repeat(70_000)}"`,
    '{',
    '"',
    'tru',
    '\u0000',
    '01',
    "'a'",
  ),
)

test('C12: nothing that was sent becomes a member of anything else', () => {
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

/** Files of their own stores, as each names them. */
const stored: readonly (readonly [ChatDialect, object])[] = [
  ['openai', { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] }],
  ['responses', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }] }],
  [
    'anthropic',
    {
      max_tokens: 9,
      messages: [
        { role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: 'file-1' } }] },
      ],
    },
  ],
  [
    'gemini',
    {
      contents: [
        {
          role: 'user',
          parts: [{ fileData: { fileUri: 'gs://bucket/file-1', mimeType: 'application/pdf' } }],
        },
      ],
    },
  ],
]

describe.each(stored)('C6: a file that %s names', (dialect, body) => {
  test.each(Object.entries(ports))(
    'is sent to %s where that has it, and refused by name elsewhere',
    (upstream, port) => {
      const written = attempt(() => port.writeAsk(ask(dialect, { model: 'm', ...body }), options))
      const home =
        dialect === upstream ||
        (/^(openai|responses)$/.test(dialect) && /^(openai|responses)$/.test(upstream))
      if (home) expect(written instanceof Fault || joined(written.value.body).includes('file-1')).toBe(true)
      else expect(written).toMatchObject({ code: 'invalid', reason: 'unsupported_parameter' })
      expect(written instanceof Fault).toBe(!home)
    },
  )
})

test('C1: words that one dialect alone has for a picture’s detail and a summary are kept there, and named elsewhere', () => {
  const image = { type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'original' }
  const read = ask('responses', {
    model: 'm',
    input: [{ role: 'user', content: [image] }],
    reasoning: { effort: 'high', summary: 'detailed' },
  })
  const own = ports.responses.writeAsk(read, options)
  expect(JSON.parse(joined(own.value.body).toString())).toMatchObject({
    reasoning: { effort: 'high', summary: 'detailed' },
  })
  expect(own.dropped).toEqual(['input.content.detail'])
  expect(ports.openai.writeAsk(read, options).dropped).toEqual(['input.content.detail', 'reasoning.summary'])
})
