// Ollama's chat and generate: lines of JSON, the last of them `done`.
import {
  type Content,
  model,
  type Script,
  type Speaker,
  said,
  secret,
  thought,
  tokens,
  tool,
  words,
} from './speaker.ts'

interface Said {
  readonly content: string
  readonly thinking?: string
  readonly tool_calls?: readonly object[]
}

const called = [{ function: { name: tool.name, arguments: tool.args } }]
const spoken: readonly Said[] = words.map(content => ({ content }))
const scripts = {
  text: spoken,
  reasoning: [{ content: '', thinking: thought }, ...spoken],
  tools: [{ content: '', tool_calls: called }],
} as const satisfies Record<Content, readonly Said[]>
const whole = {
  text: { content: said },
  reasoning: { content: said, thinking: thought },
  tools: { content: '', tool_calls: called },
} as const satisfies Record<Content, Said>

const counted = {
  done: true,
  done_reason: 'stop',
  total_duration: 5_000_000,
  load_duration: 1_000_000,
  prompt_eval_count: tokens.input,
  prompt_eval_duration: 1_000_000,
  eval_count: tokens.output,
  eval_duration: 3_000_000,
}
const refusals = {
  'context length': 'the input length exceeds the context length',
  'content filter': 'the request is against the content policy',
  other: 'the value 9 of temperature is too high',
} as const

/** `form` is how a piece stands in a line: below `message`, or by itself. */
function speaker(form: (piece: Said) => object): Speaker {
  const line = (piece: Said, end: object) =>
    JSON.stringify({ model, created_at: '2026-01-01T00:00:00Z', ...form(piece), ...end })
  return {
    streamType: 'application/x-ndjson',
    script(content): Script {
      const pieces = scripts[content].map(piece => `${line(piece, { done: false })}\n`)
      const events = [...pieces, `${line({ content: '' }, counted)}\n`]
      return { events, first: 0, whole: events.length - 1 }
    },
    reply: content => line(whole[content], counted),
    failure: () => JSON.stringify({ error: secret }),
    refusal: why => `${JSON.stringify({ error: refusals[why] })} `,
    errorEvent: `${JSON.stringify({ error: secret })}\n`,
    errorMeans: 502,
    errorReply: JSON.stringify({ error: secret }),
    ping: '\n',
    malformed: '{"model":"upstream-name","message":{\n',
  }
}

export const ollama = speaker(piece => ({ message: { role: 'assistant', ...piece } }))
export const ollamaGenerate = speaker(({ content, ...more }) => ({ response: content, ...more }))
