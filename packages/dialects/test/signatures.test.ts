import type { ChatPort, Conversation, Delta, Turn } from '@switchyard/dialects'
import { anthropic, gemini, openaiChat, responses } from '@switchyard/dialects'
import { describe, expect, test } from 'vitest'
import { joined } from '../src/pieces.ts'

const options = { model: 'm', strict: false, maxOutput: 4096 }
const about = { id: 'id1', model: 'm', created: 1_700_000_000, usage: true }
const line = { model: 'm', stream: false }
const parse = (bytes: Buffer) => JSON.parse(bytes.toString()) as Record<string, unknown> // shapes are asserted below

/** What a caller's client puts into its history after a reply, and the request with a result of every call. */
const callers: readonly (readonly [string, ChatPort, (reply: Record<string, unknown>) => object])[] = [
  [
    'OpenAI chat',
    openaiChat,
    reply => {
      const message = (reply.choices as { message: { tool_calls: { id: string }[] } }[])[0]?.message
      const results =
        message?.tool_calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'x' })) ?? []
      return { model: 'm', messages: [{ role: 'user', content: 'hi' }, message, ...results] }
    },
  ],
  [
    'Responses',
    responses,
    reply => {
      const output = reply.output as { type: string; call_id: string }[]
      const calls = output.filter(({ type }) => type === 'function_call')
      const results = calls.map(({ call_id }) => ({ type: 'function_call_output', call_id, output: 'x' }))
      return { model: 'm', input: [{ role: 'user', content: 'hi' }, ...output, ...results] }
    },
  ],
  [
    'Anthropic',
    anthropic,
    reply => {
      const content = reply.content as { type: string; id: string }[]
      const calls = content.filter(({ type }) => type === 'tool_use')
      const results = calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: 'x' }))
      const messages = [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content },
        { role: 'user', content: results },
      ]
      return { model: 'm', max_tokens: 9, messages }
    },
  ],
  [
    'Gemini',
    gemini,
    reply => {
      const content = (
        reply.candidates as { content: { parts: { functionCall?: { id: string; name: string } }[] } }[]
      )[0]?.content
      const calls = content?.parts.flatMap(({ functionCall }) => functionCall ?? []) ?? []
      const parts = calls.map(({ id, name }) => ({
        functionResponse: { id, name, response: { output: 'x' } },
      }))
      return { contents: [{ role: 'user', parts: [{ text: 'hi' }] }, content, { role: 'user', parts }] }
    },
  ],
]

const upstreams: readonly (readonly [string, ChatPort, object])[] = [
  [
    'Gemini',
    gemini,
    {
      responseId: 'r',
      candidates: [
        {
          index: 0,
          finishReason: 'STOP',
          content: {
            role: 'model',
            parts: [
              { text: 'hm', thought: true },
              { text: 'I look.' },
              { functionCall: { name: 'f', args: {} }, thoughtSignature: 'c2lnbmVk' },
              { functionCall: { name: 'g', args: {} } },
            ],
          },
        },
      ],
    },
  ],
  [
    'Responses',
    responses,
    {
      object: 'response',
      id: 'resp_u',
      status: 'completed',
      output: [
        {
          type: 'reasoning',
          id: 'rs_u',
          summary: [{ type: 'summary_text', text: 'hm' }],
          encrypted_content: 'c2lnbmVk',
        },
        { type: 'function_call', id: 'fc_u', call_id: 'c1', name: 'f', arguments: '{}' },
      ],
    },
  ],
  [
    'Anthropic',
    anthropic,
    {
      id: 'msg_u',
      type: 'message',
      role: 'assistant',
      model: 'm',
      stop_reason: 'tool_use',
      stop_sequence: null,
      usage: { input_tokens: 1, output_tokens: 1 },
      content: [
        { type: 'thinking', thinking: 'hm', signature: 'c2lnbmVk' },
        { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} },
      ],
    },
  ],
]

const signedBy = {
  Gemini: (body: Record<string, unknown>) => {
    const contents = body.contents as {
      parts: { functionCall?: { name: string }; thoughtSignature?: string }[]
    }[]
    return contents.flatMap(({ parts }) =>
      parts.flatMap(part =>
        part.thoughtSignature ? [[part.functionCall?.name, part.thoughtSignature]] : [],
      ),
    )
  },
  Responses: (body: Record<string, unknown>) =>
    (body.input as { type: string; id: string; encrypted_content: string }[]).flatMap(item =>
      item.type === 'reasoning' ? [[item.id, item.encrypted_content]] : [],
    ),
  Anthropic: (body: Record<string, unknown>) =>
    (
      body.messages as { content: { type: string; thinking: string; signature: string }[] | string }[]
    ).flatMap(({ content }) =>
      typeof content === 'string'
        ? []
        : content.flatMap(part => (part.type === 'thinking' ? [[part.thinking, part.signature]] : [])),
    ),
}
const expectations = {
  Gemini: [['f', 'c2lnbmVk']],
  Responses: [['rs_u', 'c2lnbmVk']],
  Anthropic: [['hm', 'c2lnbmVk']],
}

function streamed(port: ChatPort, deltas: readonly Delta[]): readonly Delta[] {
  const encoder = port.encoder(about)
  const decoder = port.decoder()
  return [
    ...deltas.flatMap(delta => [...decoder.push(encoder.push([delta]) ?? Buffer.alloc(0))]),
    ...decoder.finish(),
  ]
}

describe.each(upstreams)('what an upstream of %s has signed', (name, upstream, reply) => {
  const key = name as keyof typeof signedBy // the table above has these names alone
  const deltas = upstream.readReply(Buffer.from(JSON.stringify(reply))) ?? []

  test.each(callers)('comes back to it from a caller of %s', (_, caller, history) => {
    for (const said of [deltas, streamed(caller, deltas)]) {
      const ask = caller.readAsk(
        Buffer.from(JSON.stringify(history(parse(caller.writeReply(said, about))))),
        line,
      )
      const { value, dropped } = upstream.writeAsk(
        { ...ask, reasoning: { effort: 'high' } },
        { ...options, maxOutput: 64_000 },
      )
      expect(dropped).toEqual([])
      expect(signedBy[key](parse(joined(value.body)))).toEqual(expectations[key])
    }
  })

  test.each(upstreams.filter(([other]) => other !== name))(
    'is never sent to an upstream of %s',
    (_, other) => {
      for (const [, caller, history] of callers) {
        const ask: Conversation = caller.readAsk(
          Buffer.from(JSON.stringify(history(parse(caller.writeReply(deltas, about))))),
          line,
        )
        const turns: readonly Turn[] = ask.turns
        const { value } = other.writeAsk({ ...ask, turns }, options)
        expect(value.body.toString()).not.toContain('c2lnbmVk')
      }
    },
  )
})
