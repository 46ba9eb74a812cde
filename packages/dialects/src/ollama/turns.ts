// Reads Ollama's messages as turns. Calls have no ids of their own there: they are minted from their place, and
// results find them by id, else by name, else by order.
import type { Part, RawJson, Turn } from '../conversation.ts'
import { Fields } from '../fields.ts'
import { stableHash } from '../ids.ts'
import { imageType, readMedia } from '../media.ts'
import { invalidValue, type Raw } from '../raw.ts'
import { checkResults, type ToolCall, tidyTurns, WaitingCalls } from '../results.ts'

const roles = ['system', 'user', 'assistant', 'tool'] as const

export function readTurns(messages: readonly Raw[]): readonly Turn[] {
  const turns: Turn[] = []
  let open = new WaitingCalls<ToolCall>()
  for (const [index, raw] of messages.entries()) {
    const message = new Fields(raw)
    const role = message.needs('role', message.word('role', roles))
    const text = message.string('content') ?? ''
    const said: Part[] = [{ type: 'text', text }, ...readImages(message)]
    if (role === 'tool') {
      const call = takeCall(open, message)
      const name = message.string('tool_name') ?? message.string('name')
      const callId = call?.id ?? message.string('tool_call_id') ?? name ?? ''
      const parts = said.filter(part => part.type !== 'text' || part.text !== '')
      turns.push({
        role,
        parts: [{ type: 'toolResult', callId, ...(name !== undefined && { name }), parts, isError: false }],
      })
    } else if (role === 'assistant') {
      const calls = readCalls(message, index)
      const thinking = message.string('thinking')
      for (const call of calls) open.add(call)
      turns.push({
        role,
        parts: [...(thinking ? [{ type: 'reasoning' as const, text: thinking }] : []), ...said, ...calls],
      })
    } else {
      if (role === 'user') open = new WaitingCalls()
      turns.push({ role, parts: said })
    }
  }
  const tidy = tidyTurns(turns)
  if (tidy.length === 0)
    throw invalidValue('messages', "'messages' must hold at least one message with content.")
  checkResults(tidy)
  return tidy
}

/** Bare base64, whose first letters tell its type. A data URL is taken too. */
export function readImages(fields: Fields): readonly Part[] {
  return (fields.array('images') ?? []).map(raw => {
    const text = raw.longText()
    if (text === undefined || text === '')
      throw invalidValue(raw.path, `'${raw.path}' must be an image in base64.`)
    const source = text.startsWith('data:') ? readMedia(text) : { base64: text, mime: imageType(text) }
    return { type: 'image', source }
  })
}

function readCalls(message: Fields, index: number): readonly ToolCall[] {
  return (message.array('tool_calls') ?? []).map((raw, at) => {
    const call = new Fields(raw)
    const made = call.needs('function', call.object('function'))
    call.skip('type')
    made.skip('index')
    const name = made.needs('name', made.string('name'))
    const id = call.string('id') || `call_${stableHash(`${index}.${at}.${name}`)}`
    return { type: 'toolCall', id, name, args: argumentsOf(made.raw('arguments')) }
  })
}

/** An object, or as other dialects have it, its text. */
export function argumentsOf(raw: Raw | undefined): RawJson {
  return raw?.string() ?? raw?.text ?? '{}'
}

function takeCall(open: WaitingCalls<ToolCall>, message: Fields): ToolCall | undefined {
  const id = message.string('tool_call_id')
  const name = message.string('tool_name') ?? message.string('name')
  return (
    (id === undefined ? undefined : open.byId(id)) ??
    (name === undefined ? undefined : open.byName(name)) ??
    open.oldest()
  )
}
