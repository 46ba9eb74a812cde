// Calls and their results: each call that stands in a history must be answered, by the turn that follows it.
import type { Part, Turn } from './conversation.ts'
import { invalidValue } from './raw.ts'

export type ToolCall = Extract<Part, { type: 'toolCall' }>
export type ToolResult = Extract<Part, { type: 'toolResult' }>

/** Throws `invalid` naming the id of a call without a result, or of a result without a call. */
export function checkResults(turns: readonly Turn[]): void {
  let open = new Set<string>()
  for (const { role, parts } of turns) {
    const results = parts.filter(part => part.type === 'toolResult')
    for (const { callId } of results)
      if (!open.delete(callId))
        throw invalidValue(
          'messages',
          `The result for tool call '${callId}' answers no call before it: remove it.`,
        )
    if (role === 'tool' || role === 'system') continue
    requireAnswered(open)
    open = new Set(parts.filter(part => part.type === 'toolCall').map(({ id }) => id))
  }
  requireAnswered(open)
}

function requireAnswered(open: ReadonlySet<string>): void {
  const [missing] = open
  if (missing === undefined) return
  throw invalidValue('messages', `Tool call '${missing}' has no result: send one before the next message.`)
}

/** Turns without empty text, and without the turns that this leaves empty; tool turns in a row become one. */
export function tidyTurns(turns: readonly Turn[]): readonly Turn[] {
  const tidy: Turn[] = []
  for (const turn of turns) {
    const parts = turn.parts.filter(part => part.type !== 'text' || part.text !== '')
    if (parts.length === 0) continue
    const last = tidy.at(-1)
    if (turn.role === 'tool' && last?.role === 'tool')
      tidy[tidy.length - 1] = { role: 'tool', parts: [...last.parts, ...parts] }
    else tidy.push({ role: turn.role, parts })
  }
  return tidy
}

/** A failed result in a dialect that has no word for failure: the text says it. */
export function failedText(text: string): string {
  if (text === '') return 'Error'
  return /^\W*error/i.test(text) ? text : `Error: ${text}`
}
