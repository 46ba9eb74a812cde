// Images too long to be made strings: a conversion says the same of them as of short ones, and copies nothing.
import { type CallerName, type ChatDialect, RequestScan, readRequest } from '@switchyard/dialects'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { callerPort } from '../src/callers.ts'
import { LongText } from '../src/long-text.ts'
import { mediaUrl, readMedia } from '../src/media.ts'
import { Pieces } from '../src/pieces.ts'
import { writeBytes, writeJson } from '../src/raw.ts'

const short = 'iVBORw0KGgo/AA=='
const long = `iVBORw0KGgo/${'QUJD'.repeat(100_000)}AA==`

/** As some callers write a slash. */
const escaped = (text: string) => text.replaceAll('/', '\\/')

const messages = (part: object) => ({ messages: [{ role: 'user', content: [part] }] })
const bodies: readonly { readonly caller: CallerName; readonly body: (data: string) => object }[] = [
  {
    caller: 'openai',
    body: data => messages({ type: 'image_url', image_url: { url: `data:image/png;base64,${data}` } }),
  },
  {
    caller: 'anthropic',
    body: data => ({
      max_tokens: 9,
      ...messages({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } }),
    }),
  },
  {
    caller: 'gemini',
    body: data => ({
      contents: [{ role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data } }] }],
    }),
  },
  {
    caller: 'responses',
    body: data => ({
      input: [
        { role: 'user', content: [{ type: 'input_image', image_url: `data:image/png;base64,${data}` }] },
      ],
    }),
  },
  { caller: 'ollama', body: data => ({ messages: [{ role: 'user', content: 'look', images: [data] }] }) },
  {
    caller: 'ollama',
    body: data => ({
      messages: [{ role: 'user', content: 'look', images: [`data:image/png;base64,${data}`] }],
    }),
  },
]
const dialects: readonly ChatDialect[] = ['openai', 'responses', 'anthropic', 'gemini', 'ollama']
const options = { model: 'up', strict: false, maxOutput: 99 }

function converted(caller: CallerName, text: string, to: ChatDialect) {
  const bytes = Buffer.from(text)
  const scan = new RequestScan(caller)
  for (let at = 0; at < bytes.length; at += 65_536) scan.push(bytes.subarray(at, at + 65_536))
  const line = { model: 'm', stream: false }
  const ask = readRequest(caller, 'chat.completions', bytes, line, scan)
  const conversation = callerPort(caller).readAsk(ask.bytes, line, ask.ends)
  return { bytes, body: callerPort(to).writeAsk(conversation, options).value.body }
}

describe('an image of a large body', () => {
  for (const to of dialects)
    test.each(bodies)(`from $caller to ${to} is written as a short one`, ({ caller, body }) => {
      const text = (data: string) => JSON.stringify({ model: 'm', ...body(data) })
      const expected: unknown = JSON.parse(converted(caller, text(short), to).body.toString())
      for (const write of [(data: string) => data, escaped]) {
        const sent = write(text(long))
        const { body: said } = converted(caller, sent, to)
        expect(JSON.parse(said.toString().replace(write(long), write(short)))).toEqual(expected)
      }
    })

  test('B5: is the bytes that the caller sent, copied nowhere', () => {
    for (const { caller, body } of bodies) {
      const { bytes, body: sent } = converted(
        caller,
        JSON.stringify({ model: 'm', ...body(long) }),
        'anthropic',
      )
      if (!(sent instanceof Pieces)) throw new Error('it was joined')
      const image = sent.list.find(({ length }) => length > long.length / 2)
      expect(image?.buffer).toBe(bytes.buffer)
    }
  })
})

describe('a long text', () => {
  const character = fc.constantFrom('a', '/', '"', '\\', 'é', '😀', '\n', ',', ':', '\ud800')
  const text = fc.array(character, { maxLength: 30 }).map(all => all.join(''))
  const of = (said: string) => new LongText([Buffer.from(escaped(JSON.stringify(said)).slice(1, -1))])

  test('is the text, and written as it is', () => {
    fc.assert(
      fc.property(text, text, (said, before) => {
        const long = of(said)
        expect(long.toString()).toBe(said)
        expect(long.behind(before).toString()).toBe(before + said)
        expect(JSON.parse(writeJson({ a: long }))).toEqual({ a: said })
        expect(JSON.parse(writeBytes({ a: long, b: 1 }).toString())).toEqual({ a: said, b: 1 })
      }),
    )
  })

  test('begins with what the text begins with', () => {
    const start = fc.constantFrom('a', '/a', 'data:', ',', '"', '\\')
    fc.assert(
      fc.property(start, text, (head, said) => {
        expect(of(said).startsWith(head)).toBe(said.startsWith(head))
        expect(of(said).behind(head).startsWith(head)).toBe(true)
      }),
    )
  })

  test('is media as the text is', () => {
    const head = fc.constantFrom(
      'data:image/png;base64,',
      'data:;base64,',
      'data:a/b;x=1;base64,',
      'data:,',
      'https://x/,',
      '',
    )
    fc.assert(
      fc.property(head, text, (before, said) => {
        const plain = readMedia(before + said)
        for (const long of [of(before + said), of(said).behind(before)]) {
          const media = readMedia(long)
          expect({ ...media, ...('base64' in media && { base64: media.base64.toString() }) }).toEqual(plain)
          expect(mediaUrl(media)?.toString()).toBe(mediaUrl(plain))
        }
      }),
    )
  })
})
