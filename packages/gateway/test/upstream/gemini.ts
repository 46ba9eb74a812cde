// Google's generateContent: each event is a whole answer with the part that is new.
import {
  event,
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

const usageMetadata = {
  promptTokenCount: tokens.input,
  candidatesTokenCount: tokens.output,
  totalTokenCount: tokens.input + tokens.output,
}
const answer = (parts: readonly object[], finishReason?: string) => ({
  candidates: [
    { content: { parts, role: 'model' }, ...(finishReason !== undefined && { finishReason }), index: 0 },
  ],
  usageMetadata: finishReason === undefined ? { promptTokenCount: tokens.input } : usageMetadata,
  modelVersion: model,
  responseId: 'r1',
})

const called = [{ functionCall: { name: tool.name, args: tool.args } }]
const mused = { text: thought, thought: true }
const spoken = words.map(text => answer([{ text }]))
const last = answer([{ text: '' }], 'STOP')
const scripts = {
  text: [...spoken, last],
  reasoning: [answer([mused]), ...spoken, last],
  tools: [answer(called), last],
}
const parts = { text: [{ text: said }], reasoning: [mused, { text: said }], tools: called }

const error = (code: number, status: string, message: string) => ({ error: { code, message, status } })
const statuses: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
}
const overloaded = error(503, 'UNAVAILABLE', secret)

const refusals = {
  'context length': 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
  'content filter': 'The prompt was blocked by the safety settings.',
  other: 'The value 9 of temperature is too high.',
} as const

export const gemini: Speaker = {
  streamType: 'text/event-stream',
  script(content): Script {
    const events = scripts[content].map(event)
    return { events, first: 0, whole: events.length - 1 }
  },
  reply: content => JSON.stringify(answer(parts[content], 'STOP')),
  failure: status => JSON.stringify(error(status, statuses[status] ?? 'UNKNOWN', secret)),
  refusal: why => JSON.stringify(error(400, 'INVALID_ARGUMENT', refusals[why]), undefined, 2),
  errorEvent: event(overloaded),
  errorMeans: 503,
  errorReply: JSON.stringify(overloaded),
  ping: ': ping\n\n',
  malformed: 'data: {"candidates":[\n\n',
}
