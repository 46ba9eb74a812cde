// OpenAI's Responses: events with names and numbers, and the whole response in the last one.
import { failure, refusals } from './openai.ts'
import {
  type Content,
  model,
  named,
  type Script,
  type Speaker,
  said,
  secret,
  type Told,
  thought,
  tokens,
  tool,
  words,
} from './speaker.ts'

const usage = {
  input_tokens: tokens.input,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: tokens.output,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: tokens.input + tokens.output,
}

function response(status: string, output: readonly object[], more: object = {}): object {
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: null,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    truncation: 'disabled',
    usage: status === 'completed' ? usage : null,
    user: null,
    metadata: {},
    ...more,
  }
}

const text = (value: string) => ({ type: 'output_text', text: value, annotations: [], logprobs: [] })
const message = (status: string, content: readonly object[]) => ({
  id: 'msg_1',
  type: 'message',
  status,
  role: 'assistant',
  content,
})
const summary = (value: string) => ({ type: 'summary_text', text: value })
const reasoning = (parts: readonly object[]) => ({ id: 'rs_1', type: 'reasoning', summary: parts })
const call = (status: string, args: string) => ({
  id: 'fc_1',
  type: 'function_call',
  status,
  call_id: 'call_1',
  name: tool.name,
  arguments: args,
})

function messageEvents(output_index: number): readonly Told[] {
  const at = { item_id: 'msg_1', output_index, content_index: 0 }
  return [
    { type: 'response.output_item.added', output_index, item: message('in_progress', []) },
    { type: 'response.content_part.added', ...at, part: text('') },
    ...words.map(delta => ({ type: 'response.output_text.delta', ...at, delta, logprobs: [] })),
    { type: 'response.output_text.done', ...at, text: said, logprobs: [] },
    { type: 'response.content_part.done', ...at, part: text(said) },
    { type: 'response.output_item.done', output_index, item: message('completed', [text(said)]) },
  ]
}

function thoughtEvents(): readonly Told[] {
  const at = { item_id: 'rs_1', output_index: 0, summary_index: 0 }
  return [
    { type: 'response.output_item.added', output_index: 0, item: reasoning([]) },
    { type: 'response.reasoning_summary_part.added', ...at, part: summary('') },
    { type: 'response.reasoning_summary_text.delta', ...at, delta: thought },
    { type: 'response.reasoning_summary_text.done', ...at, text: thought },
    { type: 'response.reasoning_summary_part.done', ...at, part: summary(thought) },
    { type: 'response.output_item.done', output_index: 0, item: reasoning([summary(thought)]) },
  ]
}

function callEvents(): readonly Told[] {
  const at = { item_id: 'fc_1', output_index: 0 }
  const args = JSON.stringify(tool.args)
  return [
    { type: 'response.output_item.added', output_index: 0, item: call('in_progress', '') },
    { type: 'response.function_call_arguments.delta', ...at, delta: args.slice(0, 8) },
    { type: 'response.function_call_arguments.delta', ...at, delta: args.slice(8) },
    { type: 'response.function_call_arguments.done', ...at, name: tool.name, arguments: args },
    { type: 'response.output_item.done', output_index: 0, item: call('completed', args) },
  ]
}

const answer = message('completed', [text(said)])
const outputs = {
  text: [answer],
  reasoning: [reasoning([summary(thought)]), answer],
  tools: [call('completed', JSON.stringify(tool.args))],
} as const satisfies Record<Content, readonly object[]>
const told = {
  text: messageEvents(0),
  reasoning: [...thoughtEvents(), ...messageEvents(1)],
  tools: callEvents(),
} as const satisfies Record<Content, readonly Told[]>

/** Of the events between `in_progress` and the end. */
const firstContent = { text: 2, reasoning: 2, tools: 0 } as const

const error = { code: 'rate_limit_exceeded', message: secret }
const failed = response('failed', [], { error })

export const responses: Speaker = {
  streamType: 'text/event-stream',
  script(content): Script {
    const events: readonly Told[] = [
      { type: 'response.created', response: response('in_progress', []) },
      { type: 'response.in_progress', response: response('in_progress', []) },
      ...told[content],
      { type: 'response.completed', response: response('completed', outputs[content]) },
    ]
    return {
      events: events.map((one, sequence_number) => named({ ...one, sequence_number })),
      first: 2 + firstContent[content],
      whole: events.length - 1,
    }
  },
  reply: content => JSON.stringify(response('completed', outputs[content])),
  failure,
  refusal: why => refusals[why],
  errorEvent: named({ type: 'response.failed', response: failed }),
  errorMeans: 429,
  errorReply: JSON.stringify(failed),
  ping: ': ping\n\n',
  malformed: 'event: response.output_text.delta\ndata: {"type":\n\n',
}
