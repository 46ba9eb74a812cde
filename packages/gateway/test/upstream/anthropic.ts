// Anthropic's messages: named events, blocks that open and close.
import {
  type Content,
  model,
  named,
  type Script,
  type Speaker,
  said,
  secret,
  thought,
  tokens,
  tool,
  words,
} from './speaker.ts'

const start = named({
  type: 'message_start',
  message: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: tokens.input, output_tokens: 1 },
  },
})
const ping = 'event: ping\ndata: {"type": "ping"}\n\n'
const opened = (index: number, content_block: object) =>
  named({ type: 'content_block_start', index, content_block })
const delta = (index: number, part: object) => named({ type: 'content_block_delta', index, delta: part })
const closed = (index: number) => named({ type: 'content_block_stop', index })
const stopped = (stop_reason: string) =>
  named({
    type: 'message_delta',
    delta: { stop_reason, stop_sequence: null },
    usage: { output_tokens: tokens.output },
  })

const spoken = (index: number) => [
  opened(index, { type: 'text', text: '' }),
  ...words.map(text => delta(index, { type: 'text_delta', text })),
  closed(index),
]
const args = JSON.stringify(tool.args)
const blocks = {
  text: spoken(0),
  reasoning: [
    opened(0, { type: 'thinking', thinking: '', signature: '' }),
    delta(0, { type: 'thinking_delta', thinking: thought }),
    delta(0, { type: 'signature_delta', signature: 'c2lnbmVk' }),
    closed(0),
    ...spoken(1),
  ],
  tools: [
    opened(0, { type: 'tool_use', id: 'toolu_1', name: tool.name, input: {} }),
    delta(0, { type: 'input_json_delta', partial_json: args.slice(0, 8) }),
    delta(0, { type: 'input_json_delta', partial_json: args.slice(8) }),
    closed(0),
  ],
} as const satisfies Record<Content, readonly string[]>

const contents = {
  text: [{ type: 'text', text: said }],
  reasoning: [
    { type: 'thinking', thinking: thought, signature: 'c2lnbmVk' },
    { type: 'text', text: said },
  ],
  tools: [{ type: 'tool_use', id: 'toolu_1', name: tool.name, input: tool.args }],
} as const satisfies Record<Content, readonly object[]>

const reasonOf = (content: Content) => (content === 'tools' ? 'tool_use' : 'end_turn')
const error = (type: string, message: string) => ({
  type: 'error',
  error: { type, message },
  request_id: 'req_1',
})
const overloaded = error('overloaded_error', secret)

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
}

const refusals = {
  'context length': 'prompt is too long: 250000 tokens > 200000 maximum',
  'content filter': 'Output blocked by content filtering policy: the content_policy of this key forbids it',
  other: 'temperature: the value 9 is too high',
} as const

export const anthropic: Speaker = {
  streamType: 'text/event-stream; charset=utf-8',
  script(content): Script {
    const inner = blocks[content]
    const events = [start, ping, ...inner, stopped(reasonOf(content)), named({ type: 'message_stop' })]
    return { events, first: content === 'tools' ? 2 : 3, whole: events.length - 2 }
  },
  reply: content =>
    JSON.stringify({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model,
      content: contents[content],
      stop_reason: reasonOf(content),
      stop_sequence: null,
      usage: { input_tokens: tokens.input, output_tokens: tokens.output },
    }),
  failure: status => JSON.stringify(error(types[status] ?? 'api_error', secret)),
  refusal: why => `${JSON.stringify(error('invalid_request_error', refusals[why]))} `,
  errorEvent: named(overloaded),
  errorMeans: 529,
  errorReply: JSON.stringify(overloaded),
  ping,
  malformed: 'event: content_block_delta\ndata: {"type":\n\n',
}
