// What the callers of the bench ask for, as bytes. A word of the prompt tells the stub how to answer.
import { randomBytes } from 'node:crypto'
import type { Program } from './programs.ts'

/** How the stub answers; `burst` is at once. */
export type Manner = 'burst' | 'paced' | 'slow' | 'fail' | 'cut'

export interface Question {
  readonly path: '/v1/chat/completions' | '/v1/messages'
  readonly body: string
  readonly stream: boolean
}

function prompt(bytes: number, manner: Manner): string {
  const word = manner === 'burst' ? '' : `bench:${manner} `
  const text = 'The quick brown fox jumps over the lazy dog. '
  return (word + text.repeat(Math.ceil(bytes / text.length))).slice(0, bytes)
}

/** In the upstream's own dialect. */
export function same(promptBytes: number, stream: boolean, manner: Manner = 'burst'): Question {
  const messages = [{ role: 'user', content: prompt(promptBytes, manner) }]
  const body = JSON.stringify({ model: 'bench', ...(stream ? { stream } : {}), user: 'bench', messages })
  return { path: '/v1/chat/completions', body, stream }
}

/** From a caller who speaks Anthropic's. */
export function converted(promptBytes: number, stream: boolean, manner: Manner = 'burst'): Question {
  const messages = [{ role: 'user', content: prompt(promptBytes, manner) }]
  const body = JSON.stringify({ model: 'bench', max_tokens: 512, ...(stream ? { stream } : {}), messages })
  return { path: '/v1/messages', body, stream }
}

const image = (bytes: number) =>
  Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(Math.floor((bytes * 3) / 4))]).toString(
    'base64',
  )
const look = { type: 'text', text: 'What is in this picture?' }

export function sameImage(bytes: number): Question {
  const url = `data:image/png;base64,${image(bytes)}`
  const content = [look, { type: 'image_url', image_url: { url } }]
  const body = JSON.stringify({ model: 'bench', messages: [{ role: 'user', content }] })
  return { path: '/v1/chat/completions', body, stream: false }
}

export function convertedImage(bytes: number): Question {
  const source = { type: 'base64', media_type: 'image/png', data: image(bytes) }
  const content = [look, { type: 'image', source }]
  const body = JSON.stringify({ model: 'bench', max_tokens: 512, messages: [{ role: 'user', content }] })
  return { path: '/v1/messages', body, stream: false }
}

export function request({ headers }: Program, { path, body }: Question): string {
  return (
    `POST ${path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n` +
    `${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

/** Where a program takes such a question. */
export const portOf = (program: Program, { stream }: Question) =>
  stream ? (program.streamPort ?? program.port) : program.port
