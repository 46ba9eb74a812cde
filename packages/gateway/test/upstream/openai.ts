// OpenAI's chat completions, and what stands beside them on its paths.
import {
  event,
  model,
  type Refusal,
  type Script,
  type Speaker,
  said,
  secret,
  thought,
  tokens,
  tool,
  words,
} from './speaker.ts'

const usage = {
  prompt_tokens: tokens.input,
  completion_tokens: tokens.output,
  total_tokens: tokens.input + tokens.output,
}
const chunk = (members: object) =>
  event({ id: 'cmpl-1', object: 'chat.completion.chunk', created: 1, model, ...members })
const delta = (part: object, finish_reason: string | null = null) =>
  chunk({ choices: [{ index: 0, delta: part, finish_reason }] })
const call = { index: 0, id: 'call_1', type: 'function', function: { name: tool.name, arguments: '' } }
const args = (text: string) => delta({ tool_calls: [{ index: 0, function: { arguments: text } }] })

export const parts = {
  role: delta({ role: 'assistant', content: '' }),
  one: delta({ content: words[0] }),
  two: delta({ content: words[1] }),
  three: delta({ content: words[2] }),
  finish: delta({}, 'stop'),
  usage: chunk({ choices: [], usage }),
  done: 'data: [DONE]\n\n',
}
const spoken = [parts.one, parts.two, parts.three]
const contents = {
  text: [...spoken, parts.finish],
  reasoning: [delta({ reasoning_content: thought }), ...spoken, parts.finish],
  tools: [delta({ tool_calls: [call] }), args('{"city":'), args('"Oslo"}'), delta({}, 'tool_calls')],
}

const messages = {
  text: { content: said },
  reasoning: { content: said, reasoning_content: thought },
  tools: {
    content: null,
    tool_calls: [
      {
        id: call.id,
        type: call.type,
        function: { name: tool.name, arguments: JSON.stringify(tool.args) },
      },
    ],
  },
}
const replyOf = (content: keyof typeof messages) =>
  JSON.stringify({
    id: 'cmpl-1',
    object: 'chat.completion',
    created: 1,
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', ...messages[content] },
        finish_reason: content === 'tools' ? 'tool_calls' : 'stop',
      },
    ],
    usage,
  })
export const reply = replyOf('text')

/** Shared with the Responses API. The space is the provider's own: who passes bytes must keep it. */
export const refusals = {
  'context length':
    '{"error":{"message":"This model\'s maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"} }',
  'content filter':
    '{"error":{"message":"The prompt triggered the content management policy.","type":null,"param":"prompt","code":"content_filter"} }',
  other:
    '{"error":{"message":"The value 9 is too high.","type":"invalid_request_error","param":"temperature","code":"invalid_value"} }',
} as const satisfies Record<Refusal, string>

export const failure = (status: number) =>
  JSON.stringify({ error: { message: secret, type: 'server_error', param: null, code: status } })

const overloaded = { error: { message: secret, type: 'overloaded_error', code: 503 } }

export const openai: Speaker = {
  streamType: 'text/event-stream',
  script(content, asksUsage): Script {
    const events = [parts.role, ...contents[content], ...(asksUsage ? [parts.usage] : []), parts.done]
    return { events, first: 1, whole: contents[content].length }
  },
  reply: replyOf,
  failure,
  refusal: why => refusals[why],
  errorEvent: event(overloaded),
  errorMeans: 503,
  errorReply: JSON.stringify(overloaded),
  ping: ': ping\n\n',
  malformed: 'data: {"choices":[\n\n',
}

export const embedded = JSON.stringify({
  object: 'list',
  model,
  data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.25] }],
  usage: { prompt_tokens: tokens.input, total_tokens: tokens.input },
})
