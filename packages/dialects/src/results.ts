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
  const tidy: { readonly role: Turn['role']; readonly parts: Part[] }[] = []
  for (const turn of turns) {
    const parts = turn.parts.filter(part => part.type !== 'text' || part.text !== '')
    if (parts.length === 0) continue
    const last = tidy.at(-1)
    if (turn.role === 'tool' && last?.role === 'tool') for (const part of parts) last.parts.push(part)
    else tidy.push({ role: turn.role, parts })
  }
  return tidy
}

/** A failed result in a dialect that has no word for failure: the text says it. */
export function failedText(text: string): string {
  if (text === '') return 'Error'
  return /^\W*error/i.test(text) ? text : `Error: ${text}`
}

interface Asked {
  readonly id: string
  readonly name: string
}

/** Calls that wait for their results, each taken once; no look-up walks over the others. */
export class WaitingCalls<C extends Asked = Asked> {
  readonly #taken = new Set<C>()
  readonly #byId = new Map<string, Line<C>>()
  readonly #byName = new Map<string, Line<C>>()
  readonly #all: Line<C> = { calls: [], next: 0 }

  add(call: C): void {
    this.#all.calls.push(call)
    lineOf(this.#byId, call.id).calls.push(call)
    lineOf(this.#byName, call.name).calls.push(call)
  }

  byId(id: string): C | undefined {
    return this.#take(this.#byId.get(id))
  }

  /** The oldest of this name. */
  byName(name: string): C | undefined {
    return this.#take(this.#byName.get(name))
  }

  oldest(): C | undefined {
    return this.#take(this.#all)
  }

  #take(line: Line<C> | undefined): C | undefined {
    if (!line) return undefined
    let call = line.calls[line.next]
    for (; call && this.#taken.has(call); call = line.calls[line.next]) line.next++
    if (call) this.#taken.add(call)
    return call
  }
}

interface Line<C> {
  readonly calls: C[]
  /** Those before it are taken. */
  next: number
}

function lineOf<C>(lines: Map<string, Line<C>>, key: string): Line<C> {
  const known = lines.get(key)
  if (known) return known
  const made = { calls: [], next: 0 }
  lines.set(key, made)
  return made
}
