// What a text cites, from each dialect that has a way to say it to each other one.
import {
  anthropic,
  type ChatPort,
  type Citation,
  type Delta,
  gemini,
  openaiChat,
  responses,
} from '@switchyard/dialects'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'
import { said } from './generate.ts'

const about = { id: 'id1', model: 'm', created: 1_700_000_000, usage: true }
const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const parse = (bytes: Buffer) => JSON.parse(bytes.toString()) as Record<string, unknown> // shapes are asserted below
const citations = (deltas: readonly Delta[] | undefined): readonly Citation[] =>
  (deltas ?? []).flatMap(delta => (delta.type === 'annotation' ? [delta.citation] : []))
const textOf = (deltas: readonly Delta[] | undefined) =>
  (deltas ?? []).map(delta => (delta.type === 'text' ? delta.text : '')).join('')
const characters = (text: string) => Array.from(text).length

function streamed(port: ChatPort, deltas: readonly Delta[]): readonly Delta[] {
  const encoder = port.encoder(about)
  const decoder = port.decoder()
  const heard = deltas.flatMap(delta => decoder.push(encoder.push([delta]) ?? Buffer.alloc(0)))
  return [...heard, ...decoder.finish()]
}

function answer(texts: readonly string[], cited: readonly Citation[]): readonly Delta[] {
  return [
    { choice: 0, type: 'start', id: 'c1', created: 1, model: 'up' },
    { choice: 0, type: 'open', block: 0, kind: 'text' },
    ...texts.map((text): Delta => ({ choice: 0, type: 'text', block: 0, text })),
    ...cited.map((citation): Delta => ({ choice: 0, type: 'annotation', block: 0, citation })),
    { choice: 0, type: 'close', block: 0 },
    { choice: 0, type: 'finish', stop: 'end' },
    { choice: 0, type: 'end' },
  ]
}

const places = fc
  .record({
    texts: fc.array(said, { minLength: 1, maxLength: 5 }),
    spans: fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 4 }),
  })
  .map(({ texts, spans }) => {
    const length = characters(texts.join(''))
    const cited = spans.map(([one, other], at): Citation => {
      const start = one % length
      return {
        url: `https://${at}.example/`,
        title: `T${at}`,
        start,
        end: start + 1 + (other % (length - start)),
      }
    })
    return { texts, cited }
  })
const sorted = (cited: readonly Citation[]) => cited.map(each => JSON.stringify(each)).sort()

describe.each<[string, ChatPort]>([
  ['OpenAI chat', openaiChat],
  ['Responses', responses],
  ['Gemini', gemini],
])('%s', (_, port) => {
  test('gives back every citation at its characters, whole and streamed', () => {
    fc.assert(
      fc.property(places, ({ texts, cited }) => {
        const deltas = answer(texts, cited)
        for (const heard of [port.readReply(port.writeReply(deltas, about)), streamed(port, deltas)]) {
          expect(textOf(heard)).toBe(texts.join(''))
          expect(sorted(citations(heard))).toEqual(sorted(cited))
        }
      }),
    )
  })
})

describe('a caller of Anthropic', () => {
  test('gets a text in blocks, each with all that cites it', () => {
    fc.assert(
      fc.property(places, ({ texts, cited }) => {
        const heard = anthropic.readReply(anthropic.writeReply(answer(texts, cited), about))
        expect(textOf(heard)).toBe(texts.join(''))
        const covered = (of: readonly Citation[]) =>
          new Set(
            of.flatMap(({ url, start = 0, end = 0 }) =>
              Array.from({ length: end - start }, (_, at) => `${url} ${start + at}`),
            ),
          )
        expect(covered(citations(heard))).toEqual(covered(cited))
      }),
    )
  })

  test('gets of a stream the block so far, and what comes behind it in another', () => {
    const deltas = answer(['one ', 'two '], [{ url: 'https://a.example/', title: 'A', start: 4, end: 7 }])
    const more: Delta = { choice: 0, type: 'text', block: 0, text: 'three' }
    const heard = streamed(anthropic, [...deltas.slice(0, -3), more, ...deltas.slice(-3)])
    expect(textOf(heard)).toBe('one two three')
    expect(citations(heard)).toEqual([{ url: 'https://a.example/', title: 'A', start: 0, end: 8 }])
  })

  test('gets what stands at no place once, with the last text', () => {
    const [start, ...rest] = answer(['one'], [{ url: 'https://a.example/' }])
    const heard = anthropic.writeReply(
      [
        ...(start ? [start] : []),
        { choice: 0, type: 'open', block: 5, kind: 'text' },
        { choice: 0, type: 'text', block: 5, text: 'last' },
        { choice: 0, type: 'close', block: 5 },
        ...rest,
      ],
      about,
    )
    expect(parse(heard).content).toMatchObject([
      { text: 'one' },
      { text: 'last', citations: [{ url: 'https://a.example/', title: null }] },
    ])
    expect(JSON.stringify(parse(heard).content).match(/https:/g)).toHaveLength(1)
  })
})

describe('an upstream of Anthropic', () => {
  const page = {
    type: 'web_search_result_location',
    url: 'https://a.example/',
    title: 'A',
    encrypted_index: 'E',
  }
  const cites = (each: object) => ({ type: 'message', stop_reason: 'end_turn', content: blocks(each) })
  const blocks = (each: object) => [
    { type: 'text', text: 'I say: ' },
    { type: 'text', text: '😀 so', citations: [each] },
  ]

  test('cites pages at the characters of their block', () => {
    const whole = anthropic.readReply(json(cites(page)))
    const place = { start: 7, end: 11 }
    expect(citations(whole)).toEqual([{ url: 'https://a.example/', title: 'A', ...place }])
    const own = { ...page, type: 'search_result_location', source: 'https://b.example/' }
    expect(citations(anthropic.readReply(json(cites(own))))).toMatchObject([
      { url: 'https://b.example/', ...place },
    ])
  })

  test('cites pages in a stream before the block ends', () => {
    const events = [
      { type: 'message_start', message: { content: [] } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'a' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'citations_delta', citation: page } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'b' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' } },
      { type: 'message_stop' },
    ]
    const heard = anthropic
      .decoder()
      .push(Buffer.from(events.map(each => `data: ${JSON.stringify(each)}\n\n`).join('')))
    expect(citations(heard)).toEqual([{ url: 'https://a.example/', title: 'A', start: 0, end: 2 }])
    expect(heard.findIndex(({ type }) => type === 'annotation')).toBe(
      heard.findIndex(({ type }) => type === 'close') - 1,
    )
  })

  test.each([
    { type: 'char_location', document_index: 0, cited_text: 'x' },
    { ...page, url: 'file:///etc/passwd' },
    { ...page, url: 7 },
    { type: '__proto__' },
  ])('what is no page passes nobody: %o', each => {
    expect(citations(anthropic.readReply(json(cites(each))))).toEqual([])
  })
})

describe('an upstream of Gemini', () => {
  const chunks = [{ web: { uri: 'https://a.example/', title: 'A' } }, { maps: { uri: 'https://b.example/' } }]
  const read = (parts: readonly object[], candidate: object) =>
    citations(
      gemini.readReply(json({ candidates: [{ content: { parts }, finishReason: 'STOP', ...candidate }] })),
    )
  const supports = (segment: object) => ({
    groundingMetadata: {
      groundingChunks: chunks,
      groundingSupports: [{ segment, groundingChunkIndices: [0, 1, 9] }],
    },
  })

  test('counts bytes in a part, and they become characters of all texts', () => {
    const parts = [{ text: 'hm', thought: true }, { text: 'é ' }, { text: '😀 so' }]
    expect(read(parts, supports({ partIndex: 2, startIndex: 5, endIndex: 7, text: 'so' }))).toEqual([
      { url: 'https://a.example/', title: 'A', start: 4, end: 6 },
      { url: 'https://b.example/', start: 4, end: 6 },
    ])
  })

  test('in a stream counts through all texts, and tells each citation once', () => {
    const chunk = (text: string, more: object) =>
      `data: ${JSON.stringify({ candidates: [{ content: { parts: [{ text }] }, ...more }] })}\n\n`
    const grounded = supports({ startIndex: 3, endIndex: 5, text: 'so' })
    const decoder = gemini.decoder()
    const heard = [
      ...decoder.push(
        Buffer.from(
          chunk('é ', {}) + chunk('so', grounded) + chunk('', { ...grounded, finishReason: 'STOP' }),
        ),
      ),
      ...decoder.finish(),
    ]
    expect(citations(heard)).toEqual([
      { url: 'https://a.example/', title: 'A', start: 2, end: 4 },
      { url: 'https://b.example/', start: 2, end: 4 },
    ])
  })

  test('is heard though a signature or a call follows the text', () => {
    const tail = [{ text: '', thoughtSignature: 'c2ln' }, { functionCall: { name: 'f', args: {} } }]
    const heard = read([{ text: 'so' }, ...tail], supports({ endIndex: 2, text: 'so' }))
    expect(heard).toMatchObject([
      { start: 0, end: 2 },
      { start: 0, end: 2 },
    ])
  })

  test.each([
    ['bytes inside a character', { startIndex: 1, endIndex: 2 }],
    ['bytes beyond the text', { startIndex: 0, endIndex: 99 }],
    ['words that stand elsewhere', { startIndex: 0, endIndex: 2, text: 'so' }],
    ['no numbers', { startIndex: 'x', endIndex: {} }],
  ])('keeps the address without a place where it has %s', (_, segment) => {
    expect(read([{ text: 'é so' }], supports(segment))).toEqual([
      { url: 'https://a.example/', title: 'A' },
      { url: 'https://b.example/' },
    ])
  })

  test('cites what it found where it refers to nothing, and what it recites', () => {
    expect(read([{ text: 'so' }], { groundingMetadata: { groundingChunks: chunks } })).toHaveLength(2)
    const sources = { citationMetadata: { citationSources: [{ endIndex: 2, uri: 'https://c.example/' }] } }
    expect(read([{ text: 'so' }], sources)).toEqual([{ url: 'https://c.example/', start: 0, end: 2 }])
  })
})

test('more citations than anybody reads are left out', () => {
  const many = Array.from({ length: 2_000 }, (_, at) => ({ url: `https://${at}.example/`, start: 0, end: 1 }))
  for (const port of [anthropic, gemini, openaiChat, responses])
    expect(citations(port.readReply(port.writeReply(answer(['a'], many), about)))).toHaveLength(512)
})

describe('a history', () => {
  const ask = (content: readonly object[]) =>
    anthropic.readAsk(
      json({
        model: 'm',
        max_tokens: 9,
        messages: [
          { role: 'user', content: 'hi' },
          { role: 'assistant', content },
          { role: 'user', content: 'so?' },
        ],
      }),
      {},
    )

  test('goes on without the pages that were cited in it; other citations are named as dropped', () => {
    const page = { type: 'web_search_result_location', url: 'https://a.example/', encrypted_index: 'E' }
    expect(ask([{ type: 'text', text: 'b', citations: [page] }]).rest).toEqual({})
    expect(ask([{ type: 'text', text: 'b', citations: [{ type: 'char_location' }] }]).rest).toEqual({
      'messages.content.citations': '[{"type":"char_location"}]',
    })
  })

  test('that wants places in its documents cited says so where nobody can', () => {
    const source = { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' }
    const body = {
      model: 'm',
      max_tokens: 9,
      messages: [{ role: 'user', content: [{ type: 'document', source, citations: { enabled: true } }] }],
    }
    const read = anthropic.readAsk(json(body), {})
    const options = { model: 'm', strict: false, maxOutput: 9 }
    expect(parse(joined(anthropic.writeAsk(read, options).value.body)).messages).toMatchObject([
      { content: [{ type: 'document', citations: { enabled: true } }] },
    ])
    for (const port of [openaiChat, responses, gemini])
      expect(port.writeAsk(read, options).dropped).toEqual(['citations'])
  })
})
