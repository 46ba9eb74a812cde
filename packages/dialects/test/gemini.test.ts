import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GoogleGenAI } from '@google/genai'
import type { About, Conversation, Delta } from '@switchyard/dialects'
import { gemini, geminiArray, geminiFor } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import { answers, conversations, cut, meaning } from './generate.ts'
import { checkGemini, geminiChunks } from './orders.ts'

/** A text of this form, in an expectation. */
const like = (form: RegExp): unknown => expect.stringMatching(form)
const line = { model: 'm', stream: false }
const options = { model: 'up', strict: false, maxOutput: 4096 }
const about: About = { id: 'r1', model: 'public', created: 1700000000, usage: true }
const read = (body: object) => gemini.readAsk(Buffer.from(JSON.stringify(body)), line)
const write = (ask: Conversation, more: object = {}, port = gemini) =>
  port.writeAsk(ask, { ...options, ...more })
const written = (ask: Conversation, port = gemini) =>
  JSON.parse(write(ask, {}, port).value.body.toString()) as Record<string, unknown>
const hi = [{ role: 'user', parts: [{ text: 'hi' }] }]

function refusal(run: () => unknown): Fault {
  try {
    run()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a generateContent request', () => {
  test('says in a conversation what it says, in either spelling', () => {
    const body = {
      system_instruction: { parts: [{ text: 'be kind' }] },
      contents: [
        { role: 'user', parts: [{ text: 'see' }, { inline_data: { mime_type: 'image/png', data: 'AAAA' } }] },
        {
          role: 'model',
          parts: [
            { text: 'hm', thought: true },
            { functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'c2ln' },
            { functionCall: { name: 'f', args: { a: 2 } } },
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { name: 'f', response: { output: 'one' } } },
            { functionResponse: { name: 'f', response: { error: 'no' } } },
            { text: 'go on' },
          ],
        },
      ],
      tools: [
        {
          functionDeclarations: [
            {
              name: 'f',
              description: 'd',
              parameters: { type: 'OBJECT', properties: { a: { type: 'INTEGER', nullable: true } } },
            },
          ],
        },
      ],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
      generationConfig: {
        temperature: 0.5,
        topK: 3,
        maxOutputTokens: 7,
        stopSequences: ['x'],
        responseMimeType: 'application/json',
        responseJsonSchema: { type: 'object' },
        thinkingConfig: { thinkingBudget: 1024, includeThoughts: true },
        mediaResolution: 'MEDIA_RESOLUTION_LOW',
      },
      safetySettings: [],
    }
    const ask = read(body)
    const [, , calls, results, after] = ask.turns
    const ids = calls?.parts.flatMap(part => (part.type === 'toolCall' ? [part.id] : [])) ?? []
    expect(new Set(ids).size).toBe(2)
    expect(calls?.parts.map(part => part.type)).toEqual(['reasoning', 'reasoning', 'toolCall', 'toolCall'])
    expect(calls?.parts[1]).toEqual({ type: 'reasoning', signature: 'c2ln', origin: 'gemini' })
    expect(results).toEqual({
      role: 'tool',
      parts: [
        {
          type: 'toolResult',
          callId: ids[0],
          name: 'f',
          parts: [{ type: 'text', text: 'one' }],
          isError: false,
        },
        {
          type: 'toolResult',
          callId: ids[1],
          name: 'f',
          parts: [{ type: 'text', text: 'no' }],
          isError: true,
        },
      ],
    })
    expect(after).toEqual({ role: 'user', parts: [{ type: 'text', text: 'go on' }] })
    expect({ ...ask, turns: ask.turns.slice(0, 2) }).toEqual({
      dialect: 'gemini',
      model: 'm',
      turns: [
        { role: 'system', parts: [{ type: 'text', text: 'be kind' }] },
        {
          role: 'user',
          parts: [
            { type: 'text', text: 'see' },
            { type: 'image', source: { base64: 'AAAA', mime: 'image/png' } },
          ],
        },
      ],
      tools: [
        {
          name: 'f',
          description: 'd',
          schema: '{"type":"object","properties":{"a":{"type":["integer","null"]}}}',
        },
      ],
      toolChoice: { name: 'f' },
      output: { type: 'schema', schema: '{"type":"object"}' },
      maxOutput: 7,
      stop: ['x'],
      sampling: { temperature: 0.5, topK: 3 },
      reasoning: { budget: 1024, show: true },
      stream: { on: false, usage: true },
      rest: { safetySettings: '[]', 'generationConfig.mediaResolution': '"MEDIA_RESOLUTION_LOW"' },
    })
    const again = written(ask)
    expect(again.safetySettings).toEqual([])
    expect(again.generationConfig).toMatchObject({ mediaResolution: 'MEDIA_RESOLUTION_LOW', topK: 3 })
    const contents = again.contents as { parts: object[] }[] // written just above
    expect(contents[1]?.parts[1]).toMatchObject({
      thoughtSignature: 'c2ln',
      functionCall: { args: { a: 1 } },
    })
  })

  test('keeps its meaning when it is written and read again', () => {
    const bare = (ask: Conversation) => ({
      ...ask,
      stream: ask.stream.on,
      turns: ask.turns.map(turn => ({
        ...turn,
        parts: turn.parts.map(part => (part.type === 'toolResult' ? { ...part, name: undefined } : part)),
      })),
    })
    fc.assert(
      fc.property(conversations('gemini'), ask => {
        const { value, dropped, clamped } = write(ask)
        expect([dropped, clamped]).toEqual([[], []])
        expect(value.path).toBe(
          `/v1beta/models/up:${ask.stream.on ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
        )
        const again = gemini.readAsk(joined(value.body), { model: ask.model, stream: ask.stream.on })
        expect(bare(again)).toEqual(bare(ask))
      }),
    )
  })

  test('keeps the digits of arguments', () => {
    const args = '{"n":12345678901234567890,"x":1.0}'
    const body = `{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":${args}}}]},{"parts":[{"functionResponse":{"name":"f","response":${args}}}]}]}`
    const ask = gemini.readAsk(Buffer.from(body), line)
    expect(ask.turns[0]?.parts[0]).toMatchObject({ args })
    const text = write(ask).value.body.toString()
    expect(text).toContain(`"args":${args}`)
    expect(text).toContain(`"response":${args}`)
  })

  test('stands in for signatures that another caller has lost, and leaves out those of others', () => {
    const turns: Conversation['turns'] = [
      { role: 'user', parts: [{ type: 'text', text: 'go' }] },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'hm', signature: 'x', origin: 'anthropic' },
          { type: 'text', text: 'ok' },
          { type: 'toolCall', id: 'a', name: 'f', args: '' },
          { type: 'toolCall', id: 'b', name: 'f', args: '{broken' },
        ],
      },
      {
        role: 'tool',
        parts: ['b', 'a'].map(callId => ({ type: 'toolResult', callId, parts: [], isError: false })),
      },
    ]
    const ask: Conversation = { ...read({ contents: hi }), dialect: 'openai', turns }
    const { dropped, value } = write(ask)
    expect(dropped).toEqual(['reasoning'])
    const body = JSON.parse(value.body.toString()) as { contents: unknown[] }
    expect(body.contents.slice(1)).toEqual([
      {
        role: 'model',
        parts: [
          { text: 'ok' },
          {
            functionCall: { id: 'a', name: 'f', args: {} },
            thoughtSignature: 'skip_thought_signature_validator',
          },
          { functionCall: { id: 'b', name: 'f', args: { _invalid_json: '{broken' } } },
        ],
      },
      {
        role: 'user',
        parts: ['a', 'b'].map(id => ({ functionResponse: { id, name: 'f', response: { output: '' } } })),
      },
    ])
    const own: Conversation = {
      ...ask,
      turns: turns.map(turn => ({
        ...turn,
        parts: turn.parts.map(part =>
          part.type === 'reasoning' ? { type: 'reasoning', signature: 'c2ln', origin: 'gemini' } : part,
        ),
      })),
    }
    expect(write(own).value.body.toString()).toContain('"args":{}},"thoughtSignature":"c2ln"')
  })

  test('C12: a schema that would be endless when its references are written out is refused', () => {
    const defs = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => {
        const next = { $ref: `#/$defs/d${at + 1}` }
        return [`d${at}`, { type: 'object', properties: { a: next, b: next } }]
      }),
    )
    const schema = JSON.stringify({ $ref: '#/$defs/d0', $defs: defs })
    const turns = [{ role: 'user' as const, parts: [{ type: 'text' as const, text: 'hi' }] }]
    const ask = {
      ...read({ contents: [{ parts: [{ text: 'hi' }] }] }),
      turns,
      output: { type: 'schema' as const, schema },
    }
    const options = { model: 'm', strict: false, maxOutput: 9 }
    expect(() => geminiFor({ schemas: 'subset' }).writeAsk(ask, options)).toThrow(
      expect.objectContaining({ code: 'invalid', reason: 'invalid_value' }),
    )
  })

  test('writes the schema subset for models that take no JSON Schema', () => {
    const schema = JSON.stringify({
      $schema: 's',
      type: 'object',
      additionalProperties: false,
      $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } } } },
      properties: {
        a: { type: ['string', 'null'] },
        b: { const: 1 },
        c: { $ref: '#/$defs/node' },
        __proto__x: {},
      },
      required: ['a'],
    })
    const row = { schemas: 'subset', thinking: 'level' } as const
    const ask: Conversation = {
      ...read({ contents: hi }),
      tools: [{ name: 'a b', schema }],
      output: { type: 'schema', schema },
      reasoning: { effort: 'max' },
    }
    const expected = {
      type: 'OBJECT',
      properties: {
        a: { type: 'STRING', nullable: true },
        b: { type: 'STRING', enum: ['1'] },
        c: { type: 'OBJECT', properties: { next: { type: 'OBJECT' } } },
        __proto__x: {},
      },
      required: ['a'],
    }
    const body = written(ask, geminiFor(row))
    expect(body.generationConfig).toEqual({
      responseMimeType: 'application/json',
      responseSchema: expected,
      thinkingConfig: { thinkingLevel: 'HIGH' },
    })
    expect(body.tools).toEqual([
      { functionDeclarations: [{ name: like(/^a_b_[0-9a-f]{8}$/), parameters: expected }] },
    ])
  })

  test.each([
    ['no contents', {}, 'missing_field', 'contents'],
    ['contents that are none', { contents: [1] }, 'invalid_value', 'contents.0'],
    ['a role that is none', { contents: [{ role: 'x', parts: [] }] }, 'invalid_value', 'contents.0.role'],
    [
      'a tool that Google runs',
      { contents: hi, tools: [{ googleSearch: {} }] },
      'unsupported_parameter',
      'tools.0.googleSearch',
    ],
    [
      'speech',
      { contents: hi, generationConfig: { responseModalities: ['AUDIO'] } },
      'unsupported_parameter',
      'generationConfig.responseModalities.0',
    ],
    [
      'one member in two spellings',
      { contents: hi, generationConfig: {}, generation_config: {} },
      'invalid_value',
      'generationConfig',
    ],
    [
      'a part that is run code',
      { contents: [{ parts: [{ executableCode: {} }] }] },
      'unsupported_parameter',
      'contents.0.parts.0.executableCode',
    ],
  ])('is refused by name with %s', (_, body, reason, path) => {
    const fault = refusal(() => read(body))
    expect([fault.code, fault.reason, fault.details[0]?.path]).toEqual(['invalid', reason, path])
  })

  test('names the call without a result, the result without a call, and what it drops', () => {
    const ask = read({ contents: hi })
    const call = {
      role: 'assistant',
      parts: [{ type: 'toolCall', id: 'c7', name: 'f', args: '{}' }],
    } as const
    const result = {
      role: 'tool',
      parts: [{ type: 'toolResult', callId: 'c9', parts: [], isError: false }],
    } as const
    expect(refusal(() => write({ ...ask, turns: [call, ...ask.turns] })).message).toContain("'c7'")
    expect(refusal(() => write({ ...ask, turns: [...ask.turns, result] })).message).toContain("'c9'")
    const foreign: Conversation = {
      ...ask,
      dialect: 'openai',
      user: 'u',
      sampling: { logitBias: '{}', temperature: 3 },
      rest: { store: 'true' },
    }
    expect(write(foreign)).toMatchObject({
      dropped: ['logit_bias', 'user', 'store'],
      clamped: ['temperature'],
    })
    expect(refusal(() => write(foreign, { strict: true })).reason).toBe('unsupported_parameter')
    const image: Conversation = {
      ...ask,
      turns: [{ role: 'user', parts: [{ type: 'image', source: { url: 'https://x.example/a.png' } }] }],
    }
    expect(refusal(() => write(image)).reason).toBe('unsupported_parameter')
  })

  test.each(['{"__proto__":{"contents":[1]},', '{"generationConfig":{"__proto__":{"a":1}},'])(
    'is not replaced by a prototype: %s',
    start => {
      const ask = gemini.readAsk(Buffer.from(`${start}"contents":${JSON.stringify(hi)}}`), line)
      expect(written(ask)).toEqual({ contents: hi })
    },
  )

  test('names members of parts that have no place in a turn', () => {
    const part = { inlineData: { mimeType: 'video/mp4', data: 'AAAA' }, videoMetadata: { fps: 1 } }
    const ask = read({ contents: [{ parts: [part] }] })
    expect(ask.rest).toEqual({ 'contents.parts.videoMetadata': '{"fps":1}' })
    expect(write(ask).dropped).toEqual(['contents.parts.videoMetadata'])
  })

  test('never fails but by a fault, whatever is sent', () => {
    const names = [
      'role',
      'parts',
      'text',
      'inlineData',
      'functionCall',
      'functionResponse',
      'name',
      'args',
      'response',
      'id',
      'mimeType',
      'data',
      'thought',
      'functionDeclarations',
      'parameters',
      'mode',
      'functionCallingConfig',
      'thinkingConfig',
      'responseSchema',
      'responseMimeType',
      'stopSequences',
      '__proto__',
      'constructor',
    ]
    const hostile = fc.letrec(tie => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom(null, true, 0, -1.5, '', 'user', 'model', 'text', 'application/json'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 5, noNullPrototype: true }),
      ),
    }))
    const top = ['contents', 'tools', 'toolConfig', 'generationConfig', 'systemInstruction', '__proto__']
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...top), hostile.value, { noNullPrototype: true }), body => {
        try {
          write(read({ contents: hi, ...body }))
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
          expect((error as Fault).code).toBe('invalid') // checked on the line above
        }
      }),
      { numRuns: 1000 },
    )
    const deep = `{"contents":${'['.repeat(5000)}${']'.repeat(5000)}}`
    expect(refusal(() => gemini.readAsk(Buffer.from(deep), line)).reason).toBe('invalid_json')
    const many = `{"contents":[${'0,'.repeat(100_000)}0]}`
    expect(refusal(() => gemini.readAsk(Buffer.from(many), line)).reason).toBe('invalid_value')
  })
})

const chunk = (parts: readonly object[], more: object = {}) => ({
  candidates: [{ content: { parts, role: 'model' }, index: 0, ...more }],
  modelVersion: 'gemini-x',
  responseId: 'r',
})
const usage = {
  promptTokenCount: 10,
  cachedContentTokenCount: 4,
  candidatesTokenCount: 3,
  thoughtsTokenCount: 5,
  toolUsePromptTokenCount: 2,
  totalTokenCount: 20,
}
const whole = [
  chunk([{ text: 'hm é', thought: true }]),
  chunk([{ text: 'a漢' }]),
  chunk([{ text: 'b"}\\' }]),
  chunk([{ functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'c2ln' }]),
  chunk([{ functionCall: { name: 'g', args: {} } }]),
  { ...chunk([{ text: '' }], { finishReason: 'STOP' }), usageMetadata: usage },
]
const sse = (chunks: readonly object[]) => chunks.map(value => `data: ${JSON.stringify(value)}\n\n`).join('')
const decode = (stream: string | Buffer, cuts: readonly number[] = []) => {
  const decoder = gemini.decoder()
  return [...cut(Buffer.from(stream), cuts).flatMap(part => [...decoder.push(part)]), ...decoder.finish()]
}
const encode = (deltas: readonly Delta[], port = gemini) => {
  const encoder = port.encoder(about)
  return Buffer.concat(deltas.flatMap(delta => encoder.push([delta]) ?? []))
}

describe('a stream of Gemini', () => {
  const expected = decode(sse(whole))

  test('is read as deltas: thoughts apart from text, signatures before what they sign, usage', () => {
    expect(meaning(expected)).toEqual({
      choices: [
        {
          choice: 0,
          said: [
            { kind: 'reasoning', text: 'hm é' },
            { kind: 'text', text: 'a漢b"}\\' },
            { kind: 'reasoning', text: '', signature: 'c2ln' },
            { kind: 'tool', id: like(/^call_/), name: 'f', text: '{"a":1}' },
            { kind: 'tool', id: like(/^call_/), name: 'g', text: '{}' },
          ],
          stop: 'tool',
        },
      ],
      usage: { 'tok.in.cache_read': 4n, 'tok.in.uncached': 8n, 'tok.out.reasoning': 5n, 'tok.out.text': 3n },
      ended: 'end',
    })
  })

  const forms = [
    ...['\n', '\r', '\r\n'].map(end => [JSON.stringify(end), sse(whole).replaceAll('\n', end)] as const),
    ['an array', `[${whole.map(value => JSON.stringify(value)).join('\n,\r\n')}]\n`] as const,
  ]
  test.each(forms)('gives the same deltas however its bytes are cut: %s', (_, text) => {
    const bytes = Buffer.from(text)
    for (let at = 0; at <= bytes.length; at++) expect(decode(bytes, [at])).toEqual(expected)
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), cuts => {
        expect(decode(bytes, cuts)).toEqual(expected)
      }),
    )
  })

  test('is a fault and no end when it is cut before the reason of its end', () => {
    for (let events = 0; events < whole.length; events++) {
      expect(meaning(decode(sse(whole.slice(0, events)))).ended).toBe('fault')
      expect(
        meaning(
          decode(
            `[${whole
              .slice(0, events)
              .map(value => JSON.stringify(value))
              .join(',')}`,
          ),
        ).ended,
      ).toBe('fault')
    }
  })

  test.each([
    ['STOP', 'end'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'filter'],
    ['RECITATION', 'filter'],
    ['BLOCKLIST', 'filter'],
    ['PROHIBITED_CONTENT', 'filter'],
    ['SPII', 'filter'],
    ['IMAGE_SAFETY', 'filter'],
    ['SOMETHING_NEW', 'end'],
  ])('that ends by %s has the stop %s', (finishReason, stop) => {
    const deltas = decode(sse([chunk([{ text: 'x' }], { finishReason })]))
    expect(deltas.find(delta => delta.type === 'finish')).toMatchObject({ stop, raw: finishReason })
  })

  test('is a fault when the model spoils a call, and a filter when the prompt is blocked', () => {
    expect(decode(sse([chunk([], { finishReason: 'MALFORMED_FUNCTION_CALL' })])).at(-1)).toMatchObject({
      type: 'fault',
      kind: 'MALFORMED_FUNCTION_CALL',
    })
    const blocked = decode(
      sse([
        {
          promptFeedback: { blockReason: 'SAFETY' },
          usageMetadata: { promptTokenCount: 1, totalTokenCount: 1 },
        },
      ]),
    )
    expect(blocked.slice(-2)).toMatchObject([{ type: 'finish', stop: 'filter' }, { type: 'end' }])
  })

  test.each([
    ['an event', `data: {"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}\n\n`],
    ['a bare object', `{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}`],
    ['an array', `[{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}]`],
  ])('tells of an error that comes as %s', (_, text) => {
    const fault = { choice: 0, type: 'fault', status: 429, kind: 'RESOURCE_EXHAUSTED', message: 'slow' }
    expect(decode(text)).toEqual([fault])
    expect(decode(`${sse(whole.slice(0, 1))}${text}`).at(-1)).toMatchObject(
      text.startsWith('[') ? { type: 'fault' } : fault,
    )
  })

  test('never throws, whatever the upstream sends', () => {
    const hostile = fc.letrec(tie => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        fc.constantFrom(null, true, 0, -1.5, 1e300, '', 'STOP', 'SAFETY', 'AUDIO', 'x'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            'candidates',
            'content',
            'parts',
            'text',
            'thought',
            'thoughtSignature',
            'functionCall',
            'name',
            'args',
            'finishReason',
            'index',
            'usageMetadata',
            'promptTokenCount',
            'totalTokenCount',
            'promptTokensDetails',
            'modality',
            'tokenCount',
            'error',
            'code',
            'promptFeedback',
            'blockReason',
            '__proto__',
          ),
          tie('value'),
          { maxKeys: 6, noNullPrototype: true },
        ),
      ),
    }))
    const judge = (text: string) => {
      const deltas = gemini.readReply(Buffer.from(text))
      if (deltas) expect(deltas.at(-1)?.type).toMatch(/^(end|fault)$/)
      for (const stream of [`data: ${text}\n\n`, text])
        expect(decode(stream).at(-1)?.type).toMatch(/^(end|fault)$/)
    }
    fc.assert(
      fc.property(hostile.value, value => {
        judge(JSON.stringify(value))
      }),
      { numRuns: 1000 },
    )
    judge(`{"error":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)
    judge(`{"candidates":[${'0,'.repeat(100_000)}0]}`)
  })

  test('passes over events that are no chunks, three in a row end it', () => {
    const odd = 'data: {"x"\n\n'
    expect(meaning(decode(`${odd}${odd}${sse(whole)}`))).toEqual(meaning(expected))
    expect(meaning(decode(`${odd}${odd}${odd}${sse(whole)}`)).ended).toBe('fault')
  })
})

describe('an encoded stream', () => {
  const arbitrary = fc
    .integer({ min: 1, max: 2 })
    .chain(choices => answers({ choices, signatures: true, logprobs: true }))

  test('keeps the order of its dialect, and is read again with the same meaning', () => {
    fc.assert(
      fc.property(arbitrary, deltas => {
        const bytes = encode(deltas)
        checkGemini(geminiChunks(bytes), about)
        expect(meaning(decode(bytes))).toEqual(meaning(deltas))
        const array = encode(deltas, geminiArray)
        expect(JSON.parse(array.toString())).toEqual(geminiChunks(bytes))
        expect(meaning(decode(array))).toEqual(meaning(deltas))
      }),
    )
  })

  test('says the same as the whole reply', () => {
    fc.assert(
      fc.property(arbitrary, deltas => {
        const reply = gemini.readReply(gemini.writeReply(deltas, about))
        expect(meaning(reply ?? [])).toEqual(meaning(deltas))
      }),
    )
  })

  test('that fails at any place shows the error and no reason of an end', () => {
    const fault = new Fault('unavailable', 'gone', { status: 502, reason: 'upstream_error' })
    const error = { error: { code: 502, message: 'gone', status: 'UNAVAILABLE', details: [] } }
    const [deltas] = fc.sample(arbitrary, { numRuns: 1, seed: 7 })
    for (let at = 0; at < (deltas?.length ?? 0); at++) {
      const part = deltas?.slice(0, at) ?? []
      const encoder = gemini.encoder(about)
      const text = Buffer.concat([
        ...part.flatMap(delta => encoder.push([delta]) ?? []),
        encoder.fault(fault),
      ]).toString()
      expect(text).not.toContain('finishReason')
      expect(text.endsWith(`data: ${JSON.stringify(error)}\n\n${JSON.stringify(error)}`)).toBe(true)
      const array = geminiArray.encoder(about)
      const json = Buffer.concat([...part.flatMap(delta => array.push([delta]) ?? []), array.fault(fault)])
      expect((JSON.parse(json.toString()) as unknown[]).at(-1)).toEqual(error)
      expect(meaning(decode(text)).ended).toBe('fault')
      expect(meaning(decode(json)).ended).toBe('fault')
    }
  })

  test('wraps the signature of another origin, and takes it back as it was', () => {
    const deltas: Delta[] = [
      { choice: 0, type: 'start' },
      { choice: 0, type: 'open', block: 0, kind: 'reasoning' },
      { choice: 0, type: 'signature', block: 0, signature: 'sig', opaque: 'o', origin: 'anthropic' },
      { choice: 0, type: 'close', block: 0 },
      { choice: 0, type: 'finish', stop: 'end' },
      { choice: 0, type: 'end' },
    ]
    const [last] = geminiChunks(encode(deltas))
    const content = last?.candidates[0]?.content
    const ask = read({ contents: [...hi, content, ...hi] })
    expect(ask.turns[1]?.parts).toEqual([
      { type: 'reasoning', signature: 'sig', opaque: 'o', origin: 'anthropic' },
    ])
  })
})

describe('usage', () => {
  const reply = (usageMetadata: object) =>
    gemini
      .readReply(Buffer.from(JSON.stringify({ ...chunk([], { finishReason: 'STOP' }), usageMetadata })))
      ?.find(delta => delta.type === 'usage')?.usage

  test.each([
    [
      'cached media',
      {
        promptTokenCount: 9,
        cachedContentTokenCount: 3,
        totalTokenCount: 9,
        promptTokensDetails: [
          { modality: 'AUDIO', tokenCount: 4 },
          { modality: 'IMAGE', tokenCount: 2 },
        ],
        cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 1 }],
      },
      {
        'tok.in.audio': 3n,
        'tok.in.cache_read': 2n,
        'tok.in.cache_read_audio': 1n,
        'tok.in.image': 2n,
        'tok.in.uncached': 1n,
      },
    ],
    [
      'thoughts inside the candidates',
      { promptTokenCount: 1, candidatesTokenCount: 5, thoughtsTokenCount: 2, totalTokenCount: 6 },
      { 'tok.in.uncached': 1n, 'tok.out.reasoning': 2n, 'tok.out.text': 3n },
    ],
    ['no candidates', { promptTokenCount: 1, totalTokenCount: 1 }, { 'tok.in.uncached': 1n }],
  ])('of %s is divided into classes', (_, report, quantities) => {
    expect(reply(report)).toEqual({ quantities, source: 'provider', flags: [] })
  })

  test('C11: that contradicts itself is flagged', () => {
    expect(reply({ promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 9 })?.flags).toEqual([
      'partition_mismatch',
    ])
  })
})

describe('the official client', () => {
  let answer: { type: string; bytes: Buffer } = { type: '', bytes: Buffer.alloc(0) }
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': answer.type })
      response.end(answer.bytes)
    })
  })
  let client: GoogleGenAI
  beforeAll(async () => {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // it listens on TCP
    client = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `http://127.0.0.1:${port}` } })
  })
  afterAll(() => server.close())

  test('accepts converted streams and replies', async () => {
    for (const deltas of fc.sample(answers({ signatures: true }), { numRuns: 25, seed: 3 })) {
      const [{ said, stop } = { said: [], stop: undefined }] = meaning(deltas).choices
      const blocks = said as { kind: string; text: string; name?: string }[] // what meaning() makes
      const joined = (kind: string) =>
        blocks
          .filter(block => block.kind === kind)
          .map(({ text }) => text)
          .join('')
      const names = blocks.flatMap(({ name }) => name ?? [])
      answer = { type: 'text/event-stream; charset=utf-8', bytes: encode(deltas) }
      const stream = await client.models.generateContentStream({ model: 'm', contents: 'hi' })
      let text = ''
      let thoughts = ''
      const called: string[] = []
      let reason: string | undefined
      for await (const part of stream) {
        for (const { text: piece, thought, functionCall } of part.candidates?.[0]?.content?.parts ?? []) {
          if (thought) thoughts += piece ?? ''
          else text += piece ?? ''
          if (functionCall?.name) called.push(functionCall.name)
        }
        reason = part.candidates?.[0]?.finishReason
      }
      expect([text, thoughts, called]).toEqual([joined('text'), joined('reasoning'), names])
      expect(reason).toBe(stop === 'length' ? 'MAX_TOKENS' : 'STOP')
      answer = { type: 'application/json', bytes: gemini.writeReply(deltas, about) }
      const reply = await client.models.generateContent({ model: 'm', contents: 'hi' })
      const parts = reply.candidates?.[0]?.content?.parts ?? []
      expect(parts.flatMap(({ functionCall }) => functionCall?.name ?? [])).toEqual(names)
      expect(parts.map(part => (part.thought ? '' : (part.text ?? ''))).join('')).toBe(joined('text'))
    }
  })

  test('throws on a fault in the middle of a stream', async () => {
    const encoder = gemini.encoder(about)
    const open: Delta[] = [
      { choice: 0, type: 'open', block: 0, kind: 'text' },
      { choice: 0, type: 'text', block: 0, text: 'x' },
    ]
    const fault = new Fault('unavailable', 'gone', { status: 502, reason: 'upstream_error' })
    const bytes = Buffer.concat([encoder.push(open) ?? Buffer.alloc(0), encoder.fault(fault)])
    answer = { type: 'text/event-stream; charset=utf-8', bytes }
    const stream = await client.models.generateContentStream({ model: 'm', contents: 'hi' })
    let text = ''
    await expect(
      (async () => {
        for await (const part of stream) text += part.text ?? ''
      })(),
    ).rejects.toThrow('gone')
    expect(text).toBe('x')
  })
})

describe('an error body', () => {
  test.each([
    ['invalid', undefined, 'INVALID_ARGUMENT'],
    ['exhausted', undefined, 'RESOURCE_EXHAUSTED'],
    ['unsupported', 'not_implemented', 'UNIMPLEMENTED'],
    ['deadline', undefined, 'DEADLINE_EXCEEDED'],
    ['internal', undefined, 'INTERNAL'],
  ] as const)('of %s (%s) has the status %s', (code, reason, status) => {
    const fault = new Fault(code, 'text', reason ? { reason, status: 501 } : {})
    const expected = { error: { code: fault.status, message: 'text', status, details: [] } }
    expect(JSON.parse(gemini.errorBody(fault, 'r').toString())).toEqual(expected)
    expect(JSON.parse(geminiArray.errorBody(fault, 'r').toString())).toEqual([expected])
  })
})
