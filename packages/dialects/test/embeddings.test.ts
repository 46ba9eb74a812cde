// Vectors between three dialects: order, dimensions and form are kept; one text and a list differ as they should.

import {
  type CallerName,
  carryEmbeddings,
  type Line,
  type Operation,
  readRequest,
  type Speech,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import { options, speeches } from './carriages.ts'

const spoken = Object.fromEntries(speeches.map(to => [to.dialect, to])) as Record<Speech['dialect'], Speech> // all five

/** Numbers that 32 bits hold, so that base64 loses nothing. */
const number = fc.float({ noNaN: true, noDefaultInfinity: true }).map(value => value + 0)
const vectors = fc.array(fc.array(number, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 })
type Vectors = readonly (readonly number[])[]

const parsed = (bytes: Buffer | undefined): unknown => JSON.parse(bytes?.toString() ?? 'null')

function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, at * 4)
  return bytes.toString('base64')
}

interface Form {
  readonly caller: CallerName
  readonly operation: Operation
  readonly line: Line
  /** Undefined where the form has one text alone. */
  readonly many: ((texts: readonly string[]) => object) | undefined
  readonly one: (text: string) => object
  /** The reply of as many vectors. */
  readonly reply: (found: Vectors) => unknown
}

const named: Line = { model: 'public', stream: false }
const content = (text: string) => ({ content: { parts: [{ text }] }, outputDimensionality: 3 })
const listed = (found: Vectors, encode: (vector: readonly number[]) => unknown) => ({
  object: 'list',
  data: found.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector) })),
  model: 'public',
  usage: { prompt_tokens: 5, total_tokens: 5 },
})
const metadata = { usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 } }

const forms: Readonly<Record<string, Form>> = {
  'OpenAI, numbers': {
    caller: 'openai',
    operation: 'embeddings',
    line: {},
    many: input => ({ model: 'public', input, dimensions: 3 }),
    one: input => ({ model: 'public', input, dimensions: 3 }),
    reply: found => listed(found, vector => vector),
  },
  'OpenAI, base64': {
    caller: 'openai',
    operation: 'embeddings',
    line: {},
    many: input => ({ model: 'public', input, dimensions: 3, encoding_format: 'base64' }),
    one: input => ({ model: 'public', input, dimensions: 3, encoding_format: 'base64' }),
    reply: found => listed(found, base64Of),
  },
  'Gemini, one': {
    caller: 'gemini',
    operation: 'embedContent',
    line: named,
    many: undefined,
    one: content,
    reply: ([values]) => ({ embedding: { values }, ...metadata }),
  },
  'Gemini, a batch': {
    caller: 'gemini',
    operation: 'batchEmbedContents',
    line: named,
    many: texts => ({ requests: texts.map(text => ({ model: 'models/public', ...content(text) })) }),
    one: text => ({ requests: [{ model: 'models/public', ...content(text) }] }),
    reply: found => ({ embeddings: found.map(values => ({ values })), ...metadata }),
  },
  Ollama: {
    caller: 'ollama',
    operation: 'ollama.embed',
    line: {},
    many: input => ({ model: 'public', input, dimensions: 3 }),
    one: input => ({ model: 'public', input, dimensions: 3 }),
    reply: embeddings => ({
      model: 'public',
      embeddings,
      total_duration: 0,
      load_duration: 0,
      prompt_eval_count: 5,
    }),
  },
  'Ollama, as it was': {
    caller: 'ollama',
    operation: 'ollama.embeddings',
    line: {},
    many: undefined,
    one: prompt => ({ model: 'public', prompt, dimensions: 3 }),
    reply: ([embedding]) => ({ embedding }),
  },
}

/** What each kind of upstream must be asked, and what it answers. */
const upstreams = {
  openai: {
    path: '/v1/embeddings',
    body: (texts: readonly string[], single: boolean) => ({
      model: 'up',
      input: single ? texts[0] : texts,
      dimensions: 3,
    }),
    reply: (found: Vectors) => ({ ...listed(found, vector => vector), model: 'up' }),
  },
  gemini: {
    path: '/v1beta/models/up:batchEmbedContents',
    body: (texts: readonly string[]) => ({
      requests: texts.map(text => ({ model: 'models/up', ...content(text) })),
    }),
    reply: (found: Vectors) => ({ embeddings: found.map(values => ({ values })), ...metadata }),
  },
  ollama: {
    path: '/api/embed',
    body: (texts: readonly string[], single: boolean) => ({
      model: 'up',
      input: single ? texts[0] : texts,
      dimensions: 3,
    }),
    reply: (embeddings: Vectors) => ({ model: 'up', embeddings, prompt_eval_count: 5 }),
  },
} as const

const rows = Object.entries(forms).flatMap(([form, each]) =>
  (['openai', 'gemini', 'ollama'] as const)
    .filter(dialect => dialect !== each.caller)
    .map(dialect => ({ form, each, dialect })),
)

describe.each(rows)('vectors of $dialect for a caller of $form', ({ each, dialect }) => {
  const upstream = upstreams[dialect]
  const carried = (body: object) =>
    carryEmbeddings(
      readRequest(each.caller, each.operation, Buffer.from(JSON.stringify(body)), each.line),
      spoken[dialect],
      options,
    )

  test('C13: one text is asked for and answered as the caller has it', () => {
    const carriage = carried(each.one('hi'))
    const single = each.operation !== 'batchEmbedContents'
    expect(carriage).toMatchObject({ path: upstream.path, same: false })
    const body = upstream.body(['hi'], single)
    expect(parsed(joined(carriage.body))).toEqual(
      each.operation === 'ollama.embeddings' ? { ...body, ...withoutDimensions(body) } : body,
    )
    const reply = carriage.reply(Buffer.from(JSON.stringify(upstream.reply([[0.5, -1]]))))
    expect(parsed(reply?.bytes)).toEqual(each.reply([[0.5, -1]]))
    expect(reply?.usage?.quantities).toEqual({ 'tok.in.uncached': 5n })
  })

  const { many } = each
  if (many)
    test('C13: a list keeps its order, its dimensions and its form', () => {
      fc.assert(
        fc.property(vectors, found => {
          const texts = found.map((_, at) => `text ${at}`)
          const carriage = carried(many(texts))
          expect(parsed(joined(carriage.body))).toEqual(upstream.body(texts, false))
          const reply = carriage.reply(Buffer.from(JSON.stringify(upstream.reply(found))))
          expect(parsed(reply?.bytes)).toEqual(each.reply(found))
        }),
      )
    })

  test('a reply with too few vectors, or cut, is none', () => {
    const carriage = carried(each.one('hi'))
    expect(carriage.reply(Buffer.from(JSON.stringify(upstream.reply([]))))).toBeUndefined()
    const whole = Buffer.from(JSON.stringify(upstream.reply([[1, 2]])))
    for (let end = 0; end < whole.length; end++)
      expect(carriage.reply(whole.subarray(0, end))).toBeUndefined()
  })
})

/** The old form has no dimensions: what a caller sends so is named as dropped. */
function withoutDimensions(body: object): object {
  return 'requests' in body
    ? { requests: [{ model: 'models/up', content: { parts: [{ text: 'hi' }] } }] }
    : { dimensions: undefined }
}

test.each([
  ['openai', 'embeddings', {}, '{ "model":"public","input":[[1,2]]}', '/v1/embeddings'],
  [
    'openai',
    'embeddings',
    {},
    '{"input":"x","encoding_format":"base64", "model":"public"}',
    '/v1/embeddings',
  ],
  ['ollama', 'ollama.embed', {}, '{"model":"public","input":["a"],"keep_alive":1}', '/api/embed'],
  ['ollama', 'ollama.embeddings', {}, '{"model":"public","prompt":"a"}', '/api/embeddings'],
  ['gemini', 'embedContent', named, '{"content":{"parts":[{"text":"a"}]}}', '/v1beta/models/up:embedContent'],
  [
    'gemini',
    'batchEmbedContents',
    named,
    '{"requests":[ {"model":"models/public","content":{"parts":[{"text":"model"}]}},{"content":{}, "model":"models/public"}]}',
    '/v1beta/models/up:batchEmbedContents',
  ],
] as const)('within %s, %s passes as it is but for the model', (caller, operation, line, body, path) => {
  const ask = readRequest(caller, operation, Buffer.from(body), line)
  const carriage = carryEmbeddings(ask, spoken[caller], options)
  expect(carriage).toMatchObject({ path, same: true })
  expect(carriage.body.toString()).toBe(body.replaceAll('public', 'up'))
})

test('the reply within a dialect passes as it is but for the model, and its tokens are read', () => {
  const ask = readRequest('openai', 'embeddings', Buffer.from('{"model":"public","input":"x"}'), {})
  const carriage = carryEmbeddings(ask, spoken.openai, options)
  const body =
    '{ "data":[{"index":0,"embedding":"AAAAAA=="}],"model":"up","usage":{"prompt_tokens":5,"total_tokens":5}}'
  const reply = carriage.reply(Buffer.from(body))
  expect(reply?.bytes.toString()).toBe(body.replace('"up"', '"public"'))
  expect(reply?.usage?.quantities).toEqual({ 'tok.in.uncached': 5n })
  expect(carriage.reply(Buffer.from('{"error":{"message":"x","code":503}}'))?.error?.status).toBe(503)
})

test('C13: vectors that come out of order, or as base64, are put right', () => {
  const ask = readRequest('ollama', 'ollama.embed', Buffer.from('{"model":"public","input":["a","b"]}'), {})
  const data = [
    { index: 1, embedding: base64Of([2]) },
    { index: 0, embedding: base64Of([1]) },
  ]
  const reply = carryEmbeddings(ask, spoken.openai, options).reply(Buffer.from(JSON.stringify({ data })))
  expect(parsed(reply?.bytes)).toMatchObject({ embeddings: [[1], [2]] })
})

test('C5: nothing that was not asked for is sent, and what can not be said is named', () => {
  const ask = readRequest(
    'openai',
    'embeddings',
    Buffer.from('{"model":"m","input":"a","user":"u","encoding_format":null}'),
    {},
  )
  const carriage = carryEmbeddings(ask, spoken.ollama, options)
  expect(carriage.body.toString()).toBe('{"model":"up","input":"a"}')
  expect(carriage.dropped).toEqual(['user'])
})

test.each([
  ['openai', '{"model":"m","input":[1,2]}', 'ollama', 'unsupported_parameter'],
  ['openai', '{"model":"m","input":""}', 'ollama', 'invalid_value'],
  ['openai', '{"model":"m","input":[]}', 'ollama', 'invalid_value'],
  ['openai', '{"model":"m","input":[{}]}', 'ollama', 'invalid_value'],
  ['openai', '{"model":"m"}', 'gemini', 'missing_field'],
  ['openai', '{"model":"m","input":"a"}', 'anthropic', 'unsupported_by_model'],
] as const)('of %s, %s to %s is refused as %s', (caller, body, dialect, reason) => {
  const ask = readRequest(caller, 'embeddings', Buffer.from(body), {})
  let told: unknown
  try {
    carryEmbeddings(ask, spoken[dialect], options)
  } catch (error) {
    told = error
  }
  expect(told).toBeInstanceOf(Fault)
  expect(told).toMatchObject({ code: 'invalid', reason })
})
