// The two forms of an answer: /api/chat has a message, /api/generate has its members beside the others.
import type { About } from '../dialect.ts'
import type { Json } from '../raw.ts'

export interface Said {
  readonly text: string
  readonly thinking?: string | undefined
  readonly calls?: readonly Json[] | undefined
}

/** Where what was said stands in an object. */
export type Form = (said: Said) => Record<string, Json>

export const chatForm: Form = ({ text, thinking, calls }) => ({
  message: { role: 'assistant', content: text, thinking, tool_calls: calls },
})

export const generateForm: Form = ({ text, thinking, calls }) => ({
  response: text,
  thinking,
  tool_calls: calls,
})

/** How each object begins. */
export function headOf({ model, created }: About): Record<string, Json> {
  return { model, created_at: new Date(created * 1000).toISOString() }
}
