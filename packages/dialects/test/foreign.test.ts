// A caller keeps what an answer was signed with. Where its conversation goes on at an upstream of its own dialect, what
// another has signed would be refused there: it is cut out, and nothing else is touched.
import {
  anthropic,
  type CallerName,
  type CarriageOptions,
  type ChatPort,
  carry,
  type Delta,
  gemini,
  type Operation,
  readRequest,
  responses,
  type Speech,
} from '@switchyard/dialects'
import { describe, expect, test } from 'vitest'
import { anthropicRow } from '../src/anthropic/row.ts'
import { currentRow } from '../src/gemini/row.ts'
import { options } from './carriages.ts'

const about = { id: 'id1', model: 'm', created: 1_700_000_000, usage: true }

/** Reasoning of this origin, signed or not, and a call. */
function answer(origin: string | undefined): readonly Delta[] {
  const seal = { signature: 'c2lnbmVk', origin: origin ?? '' }
  return [
    { choice: 0, type: 'open', block: 0, kind: 'reasoning' },
    { choice: 0, type: 'reasoning', block: 0, text: 'hm' },
    ...(origin === undefined ? [] : [{ choice: 0, type: 'signature', block: 0, ...seal } as const]),
    { choice: 0, type: 'close', block: 0 },
    { choice: 0, type: 'open', block: 1, kind: 'text' },
    { choice: 0, type: 'text', block: 1, text: 'hello' },
    { choice: 0, type: 'annotation', block: 1, citation: { url: 'https://a.example/', start: 0, end: 5 } },
    { choice: 0, type: 'close', block: 1 },
    { choice: 0, type: 'open', block: 2, kind: 'tool', id: 'c1', name: 'f' },
    { choice: 0, type: 'args', block: 2, json: '{"n":12345678901234567890}' },
    { choice: 0, type: 'close', block: 2 },
    { choice: 0, type: 'finish', stop: 'tool' },
    { choice: 0, type: 'end' },
  ]
}

/** What a caller's client keeps of it: JSON of the reply's parts, as they were written. */
function kept(port: ChatPort, name: string, origin: string | undefined): string {
  const reply = port.writeReply(answer(origin), about).toString()
  const from = reply.indexOf('[', reply.indexOf(`"${name}":`))
  let depth = 0
  for (let at = from; at < reply.length; at++) {
    if (reply[at] === '[') depth++
    if (reply[at] === ']' && --depth === 0) return reply.slice(from, at + 1)
  }
  throw new Error(`no ${name} in ${reply}`)
}

interface Sent {
  readonly body: string
  readonly dropped: readonly string[]
}

function send(
  [caller, operation, to, line]: readonly [CallerName, Operation, Speech, object?],
  body: string,
  more: Partial<CarriageOptions> = {},
): Sent {
  const ask = readRequest(caller, operation, Buffer.from(body), line ?? {})
  const carriage = carry(ask, to, { ...options, served: 'm', ...more })
  expect(carriage.same).toBe(true)
  return { body: carriage.body.toString(), dropped: carriage.dropped }
}

const messages = ['anthropic', 'messages', { dialect: 'anthropic', row: anthropicRow }] as const
const items = ['responses', 'responses', { dialect: 'responses' }] as const
const contents = [
  'gemini',
  'generateContent',
  { dialect: 'gemini', row: currentRow },
  { model: 'm', stream: false },
] as const

describe.each([['gemini'], ['responses'], [undefined]])('C9: what %s has signed', origin => {
  const history = (content: string, result: string, more = '') =>
    `{"max_tokens":9, "x":[1e400 ],"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":${content}},${result}], "model":"m"${more}}`
  const result = '{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"x"}]}'

  test('is not sent to Anthropic, nor are citations of others', () => {
    const { body, dropped } = send(messages, history(kept(anthropic, 'content', origin), result))
    const clean =
      '[{"type":"text","text":"hello","citations":[]},{"type":"tool_use","id":"c1","name":"f","input":{"n":12345678901234567890}}]'
    expect(body).toBe(history(clean, result))
    expect(dropped).toEqual([])
  })

  test('lets Anthropic go on without thinking where its own thoughts are wanted, by name or not at all', () => {
    const thinking = ',"thinking":{"type":"enabled","budget_tokens":2048}'
    const text = history(kept(anthropic, 'content', origin), result, thinking)
    const { body, dropped } = send(messages, text)
    expect(JSON.parse(body)).toMatchObject({ thinking: { type: 'disabled' } })
    expect(dropped).toEqual(['thinking'])
    expect(() => send(messages, text, { strict: true })).toThrow(
      expect.objectContaining({ code: 'invalid', reason: 'unsupported_parameter' }),
    )
  })

  test('takes a turn of Anthropic with it in which nothing else was said', () => {
    const [thought] = JSON.parse(kept(anthropic, 'content', origin)) as object[]
    const { body } = send(messages, history(JSON.stringify([thought]), '{"role":"user","content":"so?"}'))
    expect(JSON.parse(body)).toMatchObject({
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'user', content: 'so?' },
      ],
    })
  })

  if (origin !== 'responses')
    test('is not sent to Responses', () => {
      const output = kept(responses, 'output', origin)
      const input = (text: string) =>
        `{"model":"m","input":[{"role":"user","content":"hi"},${text.slice(1, -1)},{"type":"function_call_output","call_id":"c1","output":"x"}]}`
      const { body } = send(items, input(output))
      const [reasoning, ...others] = JSON.parse(output) as { type: string }[]
      expect(reasoning?.type).toBe('reasoning')
      expect(JSON.parse(body)).toEqual(JSON.parse(input(JSON.stringify(others))))
      expect(body).not.toContain('c3kx')
    })
})

test('C9: what others have signed is not sent to Gemini: a call has the word for a lost one', () => {
  const of = kept(gemini, 'parts', 'anthropic')
  const body = (parts: string) => `{"contents":[{"role":"model","parts":${parts}}]}`
  const seal = /"thoughtSignature":"(c3kx[^"]*)"/.exec(of)?.[1] ?? ''
  expect(seal).not.toBe('')
  expect(send(contents, body(of)).body).toBe(body(of.replace(`"${seal}"`, 'null')))
  const called = `[{"functionCall":{"name":"f","args":{}},"thought_signature":"${seal}"}]`
  expect(send(contents, body(called)).body).toBe(
    body(called.replace(seal, 'skip_thought_signature_validator')),
  )
})

test('C9: what an upstream has signed itself stays, and the bytes with it', () => {
  const own = kept(anthropic, 'content', 'anthropic').replace(/,"citations":\[.*?\]/, '')
  expect(own).toContain('"signature":"c2lnbmVk"')
  const text = `{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":${own}}],"user":"\\"c3kx"}`
  expect(send(messages, text).body).toBe(text)
})
