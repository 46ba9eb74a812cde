// What a request asks of the upstream, by its path and a few words of its body.
import { anthropic } from './anthropic.ts'
import { gemini } from './gemini.ts'
import { ollama, ollamaGenerate } from './ollama.ts'
import { embedded, openai } from './openai.ts'
import { responses } from './responses.ts'
import { type Speaker, tokens } from './speaker.ts'

export interface Asked {
  readonly speaker: Speaker
  readonly streamed: boolean
  /** Usage is wanted on the stream. */
  readonly usage: boolean
  /** The answer to what is no chat: vectors and counts. */
  readonly other: string | undefined
}

const speakers: readonly (readonly [end: RegExp, speaker: Speaker])[] = [
  [/\/responses$/, responses],
  [/\/messages(\/count_tokens)?$/, anthropic],
  [/:[A-Za-z]+$/, gemini],
  [/\/api\/generate$/, ollamaGenerate],
  [/\/api\/\w+$/, ollama],
]

const others: readonly (readonly [end: RegExp, answer: object | string])[] = [
  [/\/embeddings$/, embedded],
  [/:batchEmbedContents$/, { embeddings: [{ values: [0.5, -0.25] }] }],
  [/\/api\/embed$/, { model: 'm', embeddings: [[0.5, -0.25]], prompt_eval_count: tokens.input }],
  [/\/count_tokens$/, { input_tokens: tokens.input }],
  [/:countTokens$/, { totalTokens: tokens.input }],
]

export function readAsked(url: string, body: Buffer): Asked {
  const [path = ''] = url.split('?')
  const text = body.toString()
  const speaker = speakers.find(([end]) => end.test(path))?.[1] ?? openai
  const lines = speaker === ollama || speaker === ollamaGenerate
  const other = others.find(([end]) => end.test(path))?.[1]
  return {
    speaker,
    streamed:
      path.endsWith(':streamGenerateContent') ||
      (lines ? !/"stream":\s*false/.test(text) : /"stream":\s*true/.test(text)),
    usage: text.includes('"include_usage":true'),
    other: typeof other === 'object' ? JSON.stringify(other) : other,
  }
}
