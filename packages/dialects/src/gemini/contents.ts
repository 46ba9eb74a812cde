// Turns, written as Gemini's `systemInstruction` and `contents`.
import type { Part, Turn } from '../conversation.ts'
import { invalidValue, type Json } from '../raw.ts'
import { type WriteParts, writeModelParts, writeUserParts } from './write-parts.ts'

interface Group {
  readonly role: 'user' | 'model'
  readonly parts: Part[]
}

/** Leading system turns are the instruction; later ones keep their place as the user's. Neighbours are merged. */
export function writeTurns(turns: readonly Turn[], options: WriteParts): Record<string, Json> {
  const firstOther = turns.findIndex(turn => turn.role !== 'system')
  const leading = firstOther < 0 ? [] : turns.slice(0, firstOther)
  const groups: Group[] = []
  for (const turn of turns.slice(leading.length)) {
    const role = turn.role === 'assistant' ? 'model' : 'user'
    const parts = turn.parts.filter(part => part.type !== 'text' || part.text !== '')
    if (parts.length === 0) continue
    const last = groups.at(-1)
    if (last?.role === role) last.parts.push(...parts)
    else groups.push({ role, parts: [...parts] })
  }
  const contents: Json[] = []
  groups.forEach((group, at) => {
    const calls = (at > 0 ? groups[at - 1] : undefined)?.parts.filter(part => part.type === 'toolCall') ?? []
    const named = new Map(calls.map(({ id, name }) => [id, name]))
    const unanswered = group.role === 'model' && at === groups.length - 1
    const waiting = unanswered ? group.parts.find(part => part.type === 'toolCall') : undefined
    if (waiting?.type === 'toolCall') throw missingResult(waiting.id)
    const parts =
      group.role === 'model'
        ? writeModelParts(group.parts, options)
        : writeUserParts(inCallOrder(group.parts, calls), options, id => named.get(id))
    if (parts.length > 0) contents.push({ role: group.role, parts })
  })
  const system = writeUserParts(
    leading.flatMap(turn => turn.parts),
    options,
    () => undefined,
  )
  if (contents.length === 0 && system.length === 0)
    throw invalidValue('messages', 'The conversation is empty: send at least one message with content.')
  // An instruction alone is no request: it is said by the user.
  if (contents.length === 0) return { contents: [{ role: 'user', parts: system }] }
  return { ...(system.length > 0 && { systemInstruction: { parts: system } }), contents }
}

/** Results first, one for each call, in the order of the calls. */
function inCallOrder(
  parts: readonly Part[],
  calls: readonly Extract<Part, { type: 'toolCall' }>[],
): readonly Part[] {
  const results = parts.filter(part => part.type === 'toolResult')
  const known = new Set(calls.map(({ id }) => id))
  const stray = results.find(({ callId }) => !known.has(callId))
  if (stray)
    throw invalidValue(
      'messages',
      `The result '${stray.callId}' answers no call of the turn before it: send it right after its call.`,
    )
  const byCall = new Map(results.map(result => [result.callId, result]))
  const ordered = calls.map(call => {
    const result = byCall.get(call.id)
    if (!result) throw missingResult(call.id)
    return result
  })
  return [...ordered, ...parts.filter(part => part.type !== 'toolResult')]
}

function missingResult(id: string) {
  return invalidValue(
    'messages',
    `The tool call '${id}' has no result: send one right after the turn that calls.`,
  )
}
