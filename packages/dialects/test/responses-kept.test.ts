import {
  continuedRequest,
  conversationItems,
  deletedBody,
  guardedRequest,
  itemsBody,
  keptContent,
  keptResponse,
  type Part,
  responses,
  shownResponse,
  type ToldResponse,
  type Turn,
  toldResponse,
} from '@switchyard/dialects'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))
const output = (id: string, text: string) => ({
  id: `msg_${id}`,
  type: 'message',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations: [] }],
})

function told(id: string, text: string): ToldResponse {
  const found = toldResponse(bytes({ id, store: true, output: [output(id, text)] }), false)
  if (!found) throw new Error('no response')
  return found
}

interface Item {
  readonly id: string
  readonly type: string
  readonly role: string
  readonly content: unknown
}
const items = (contents: readonly string[], last: 'asked' | 'answered' = 'answered') =>
  conversationItems(contents, last).map(item => JSON.parse(item) as Item) // what `kept.ts` writes
const page = (all: readonly string[], asked: Parameters<typeof itemsBody>[1]) => {
  const body = itemsBody(all, asked)
  if (body === undefined) throw new Error('no page')
  return JSON.parse(body) as { data: Item[]; first_id: string; last_id: string; has_more: boolean }
}

describe('what a caller was told', () => {
  const response = { id: 'resp_1', store: true, output: [] }

  test.each([
    ['a whole reply', bytes(response), false, { id: 'resp_1', stored: true }],
    ['one that is not kept', bytes({ ...response, store: false }), false, { id: 'resp_1', stored: false }],
    ['one that says nothing of it', bytes({ id: 'resp_1' }), false, { id: 'resp_1', stored: true }],
    [
      'the end of a stream',
      Buffer.from(`event: response.completed\ndata: ${JSON.stringify({ type: 'x', response })}\n\n`),
      true,
      { id: 'resp_1', stored: true },
    ],
    [
      'an end behind a last word, without its blank line',
      Buffer.from(`data: {"type":"a"}\n\ndata: ${JSON.stringify({ response })}\n`),
      true,
      { id: 'resp_1', stored: true },
    ],
    ['no JSON', Buffer.from('<html>'), false, undefined],
    ['no id', bytes({ store: true }), false, undefined],
    ['an empty id', bytes({ id: '' }), false, undefined],
    ['a stream without a response', Buffer.from('data: [DONE]\n\n'), true, undefined],
    ['nothing', Buffer.alloc(0), true, undefined],
  ] as const)('%s', (_, sent, streamed, expected) => {
    const found = toldResponse(sent, streamed)
    expect(found && { id: found.id, stored: found.stored }).toEqual(expected)
  })

  test('never throws, whatever an upstream sends', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.boolean(), (text, streamed) => {
        toldResponse(Buffer.from(streamed ? `data: ${text}\n\n` : text), streamed)
      }),
    )
  })
})

describe('what is kept', () => {
  test('is the response to the digit, and the items of the request as they are told', () => {
    const json = '{"id":"resp_1","temperature":1.0,"created_at":12345678901234567890,"output":[]}'
    const reply = { id: 'resp_1', stored: true, json }
    const content = keptContent(bytes({ model: 'm', input: 'one' }), reply)
    expect(keptResponse(content)).toBe(json)
    expect(items([content])).toMatchObject([
      { type: 'message', role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'one' }] },
    ])
  })

  test('gives an id to every item that has none, and to no two of them the same', () => {
    const input = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'c' }], id: 'msg_own' },
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'x' },
      { type: '__proto__', x: 1 },
    ]
    const found = items([keptContent(bytes({ input }), told('resp_1', 'r'))])
    expect(found.map(({ id }) => id.split('_')[0])).toEqual(['msg', 'msg', 'msg', 'fc', 'fco', 'item', 'msg'])
    expect(found[2]?.id).toBe('msg_own')
    expect(found[1]?.content).toEqual([{ type: 'output_text', text: 'b', annotations: [] }])
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length)
  })

  test('gives no item the id that the answer has for its own', () => {
    const about = { id: 'resp_1', model: 'm', created: 1, usage: true }
    const reply = responses.writeReply(
      [
        { type: 'open', choice: 0, block: 0, kind: 'text' },
        { type: 'text', choice: 0, block: 0, text: 'hi' },
        { type: 'close', choice: 0, block: 0 },
        { type: 'finish', choice: 0, stop: 'end' },
        { type: 'end', choice: 0 },
      ],
      about,
    )
    const found = toldResponse(Buffer.from(reply), false)
    if (!found) throw new Error('no response')
    const all = items([keptContent(bytes({ input: 'one' }), found)])
    expect(new Set(all.map(({ id }) => id)).size).toBe(2)
  })
})

describe('a conversation', () => {
  const turns = fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1, maxLength: 6 })
  const kept = (all: readonly (readonly [string, string])[]) =>
    all.map(([asked, answered], index) =>
      keptContent(bytes({ model: 'm', input: asked }), told(`resp_${index}`, answered)),
    )
  const texts = (all: readonly Item[]) => all.map(({ content }) => (content as { text: string }[])[0]?.text) // messages of one part each

  test('goes on with all that was said, in its order, and with everything else of the request as it stands', () => {
    fc.assert(
      fc.property(turns, fc.string(), (all, input) => {
        const request = Buffer.from(
          `{"model":"m","temperature":1.0,"previous_response_id":"resp_0","input":${JSON.stringify(input)}}`,
        )
        const body = continuedRequest(request, conversationItems(kept(all), 'answered')).toString()
        const { input: sent, ...rest } = JSON.parse(body) as { input: Item[] } // it has just been written
        expect(rest).toEqual({ model: 'm', temperature: 1 })
        expect(body).toContain('"temperature":1.0')
        const [said, { content }] = [sent.slice(0, -1), sent.at(-1) as Item]
        expect(texts(said)).toEqual(all.flat())
        expect(content).toBe(input)
        // It is a request that is read.
        expect(responses.readAsk(Buffer.from(body), {}).turns.length).toBeGreaterThan(0)
      }),
    )
  })

  test('lists for a response what it was asked with: all but its own answer', () => {
    fc.assert(
      fc.property(turns, all => {
        expect(texts(items(kept(all), 'asked'))).toEqual(all.flat().slice(0, -1))
      }),
    )
  })

  test('is listed page by page, every item once, in both orders', () => {
    fc.assert(
      fc.property(
        turns,
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom('asc', 'desc'),
        (all, limit, order) => {
          const told = conversationItems(kept(all), 'asked')
          const seen: string[] = []
          let after: string | undefined
          for (let more = true; more; ) {
            const { data, first_id, last_id, has_more } = page(told, { after, limit, order })
            expect([first_id, last_id]).toEqual([data[0]?.id, data.at(-1)?.id])
            seen.push(...data.map(({ id }) => id))
            after = last_id
            more = has_more
          }
          const ids = items(kept(all), 'asked').map(({ id }) => id)
          expect(seen).toEqual(order === 'asc' ? ids : ids.toReversed())
        },
      ),
    )
  })

  test('ends its pages though a caller gave two items one id', () => {
    const told = ['{"id":"a"}', '{"id":"b"}', '{"id":"a"}']
    expect(page(told, { after: 'a', limit: 1, order: 'asc' })).toMatchObject({ data: [], has_more: false })
    expect(itemsBody(told, { after: 'c', limit: 1, order: 'asc' })).toBeUndefined()
    expect(page([], { after: undefined, limit: 1, order: 'asc' })).toMatchObject({ first_id: null, data: [] })
  })
})

describe('a request in which a guardrail has changed something', () => {
  const word = 'swordfish'
  const text = fc.constantFrom('', 'a', `b ${word}`, `${word} 😀`)
  const message = fc.record({
    role: fc.constantFrom('user', 'assistant', 'developer'),
    content: fc.oneof(
      text,
      fc.array(
        text.map(said => ({ type: 'input_text', text: said, mine: 1.5 })),
        { maxLength: 3 },
      ),
    ),
  })
  const called = text.map(said => [
    { type: 'function_call', call_id: 'c', name: 'f', arguments: JSON.stringify({ said }) },
    { type: 'function_call_output', call_id: 'c', output: said },
  ])
  const thought = text.map(said => ({
    type: 'reasoning',
    id: 'rs_1',
    summary: [{ type: 'summary_text', text: said }],
  }))
  const items = fc
    .array(
      fc.oneof(
        message.map(one => [one]),
        called,
        thought.map(one => [one]),
      ),
      { maxLength: 5 },
    )
    .map(all => all.flat())
  const input = fc.oneof(text, items)
  const whole = (before: object[], given: unknown) =>
    responses.readAsk(
      bytes({ model: 'm', instructions: 'Be brief.', input: before.concat(inputs(given)) }),
      {},
    )
  const inputs = (given: unknown) =>
    (Array.isArray(given) ? given : [{ role: 'user', content: given }]) as object[]

  /** As a rule that redacts does: parts without the word stay the same objects. */
  const redacted = (part: Part): Part => {
    if (part.type === 'text' || part.type === 'reasoning')
      return part.text?.includes(word) ? { ...part, text: part.text.replaceAll(word, '***') } : part
    if (part.type === 'toolCall')
      return part.args.includes(word) ? { ...part, args: part.args.replaceAll(word, '***') } : part
    if (part.type !== 'toolResult') return part
    const parts = part.parts.map(redacted)
    return parts.every((one, i) => one === part.parts[i]) ? part : { ...part, parts }
  }

  test('is kept without it, and each item that was not changed as it was sent', () => {
    fc.assert(
      fc.property(items, input, (history, given) => {
        const before = whole(history, given)
        const turns = before.turns.map(turn => ({ ...turn, parts: turn.parts.map(redacted) }))
        const kept = guardedRequest(bytes({ model: 'm', input: given }), {
          before,
          after: { ...before, turns },
        })
        const left = (JSON.parse(kept.toString()) as { input: object[] }).input // it has just been written
        expect(JSON.stringify(left)).not.toContain(word)
        const clean = (all: readonly object[]) =>
          all.map(item => JSON.stringify(item)).filter(item => !item.includes('***') && !item.includes(word))
        expect(clean(left)).toEqual(clean(inputs(given)))
        // It says what is left of the conversation, in its order.
        const partsOf = (all: readonly Turn[], from: number) =>
          all
            .flatMap(({ parts }) => parts)
            .slice(from)
            .filter(part => part.type !== 'text' || part.text !== '')
        const earlier = whole(history, []).turns.flatMap(({ parts }) => parts).length
        expect(partsOf(whole([], left).turns, 1)).toEqual(partsOf(turns, earlier))
      }),
    )
  })
})

test('a response of an upstream is shown with the public name of its model alone', () => {
  const body = Buffer.from('{"id":"r","model":"up","output":[{"model":"up"}]}')
  expect(shownResponse(body, 'm')?.toString()).toBe('{"id":"r","model":"m","output":[{"model":"up"}]}')
  expect(shownResponse(body, undefined)).toBe(body)
  expect(shownResponse(Buffer.from('[1'), 'm')).toBeUndefined()
  expect(JSON.parse(deletedBody('r'))).toEqual({ id: 'r', object: 'response', deleted: true })
})
