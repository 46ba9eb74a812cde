// Every caller and every upstream, and a request of each, for the tests of what is carried between them.
import {
  anthropic,
  type CallerName,
  type Carriage,
  type CarriageOptions,
  type ChatDialect,
  type ChatPort,
  callers,
  carry,
  type Delta,
  gemini,
  type Operation,
  ollama,
  ollamaGenerate,
  openaiChat,
  readRequest,
  responses,
  type Speech,
} from '@switchyard/dialects'
import { anthropicRow } from '../src/anthropic/row.ts'
import { currentRow } from '../src/gemini/row.ts'
import { engineRow } from '../src/openai/chat/row.ts'

export const speeches: readonly Speech[] = [
  { dialect: 'openai', row: engineRow },
  { dialect: 'responses' },
  { dialect: 'anthropic', row: anthropicRow },
  { dialect: 'gemini', row: currentRow },
  { dialect: 'ollama' },
]

export const ports: Readonly<Record<ChatDialect, ChatPort>> = {
  openai: openaiChat,
  responses,
  anthropic,
  gemini,
  ollama,
}

interface Asked {
  readonly operation: Operation
  readonly body: string
  readonly line?: { readonly model: string; readonly stream: boolean }
}

const messages = '"messages":[{"role":"user","content":"hi"}]'
const contents = '{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'

/** A streamed request of each caller. */
export const streamed: Readonly<Record<CallerName, Asked>> = {
  openai: {
    operation: 'chat.completions',
    body: `{"model":"public",${messages},"stream":true,"stream_options":{"include_usage":true}}`,
  },
  responses: { operation: 'responses', body: '{"model":"public","input":"hi","stream":true}' },
  anthropic: {
    operation: 'messages',
    body: `{"model":"public","max_tokens":9,${messages},"stream":true}`,
  },
  gemini: { operation: 'generateContent', body: contents, line: { model: 'public', stream: true } },
  geminiArray: { operation: 'generateContent', body: contents, line: { model: 'public', stream: true } },
  ollama: { operation: 'ollama.chat', body: `{"model":"public",${messages}}` },
  ollamaGenerate: { operation: 'ollama.generate', body: '{"model":"public","prompt":"hi"}' },
}

export const options: CarriageOptions = {
  served: 'up',
  shown: 'public',
  strict: false,
  maxOutput: 4096,
  about: { id: 'id1', created: 1_700_000_000 },
}

export const pairs = Object.values(callers).flatMap(caller =>
  speeches.map(to => ({ caller, name: caller.name, to, upstream: to.dialect })),
)

export function carriageOf(name: CallerName, to: Speech, more: Partial<CarriageOptions> = {}): Carriage {
  const { operation, body, line = {} } = streamed[name]
  return carry(readRequest(name, operation, Buffer.from(body), line), to, { ...options, ...more })
}

/** What such an upstream sends, event by event, on the path that it is asked. */
export function upstreamEvents(dialect: ChatDialect, deltas: readonly Delta[], path = ''): readonly Buffer[] {
  const port = path === '/api/generate' ? ollamaGenerate : ports[dialect]
  const encoder = port.encoder({ id: 'up1', model: 'up', created: 1_700_000_000, usage: true })
  const bytes = Buffer.concat(deltas.flatMap(delta => encoder.push([delta]) ?? []))
  const end = dialect === 'ollama' ? '\n' : '\n\n'
  return bytes
    .toString()
    .split(end)
    .slice(0, -1)
    .map(event => Buffer.from(event + end))
}

export function decode(dialect: ChatDialect, bytes: Buffer): readonly Delta[] {
  const decoder = ports[dialect].decoder()
  return [...decoder.push(bytes), ...decoder.finish()]
}

/** Everything that leaves for the caller, the terminal set apart. */
export function drain(carriage: Carriage, chunks: readonly Buffer[]) {
  const tap = carriage.tap()
  const out: Buffer[] = []
  for (const chunk of chunks) {
    tap.push(chunk)
    if (tap.out) out.push(tap.out)
    if (tap.terminal || tap.error) break
  }
  if (!tap.terminal && !tap.error) {
    tap.finish()
    if (tap.out) out.push(tap.out)
  }
  return { tap, out: Buffer.concat(out) }
}
