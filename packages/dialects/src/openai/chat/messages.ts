// Writes turns as the messages of a chat completions request.
import type { ChatDialect, Part, Turn } from '../../conversation.ts'
import type { Losses } from '../../losses.ts'
import { mediaUrl } from '../../media.ts'
import type { Json } from '../../raw.ts'
import { failedText, type ToolCall, type ToolResult, tidyTurns } from '../../results.ts'
import { callId, toolName } from './names.ts'
import type { Row } from './row.ts'

type Message = Record<string, Json>

export function writeMessages(turns: readonly Turn[], row: Row, losses: Losses): readonly Message[] {
  const messages: Message[] = []
  /** Images of results: no tool message takes them, so they wait for the user's turn that follows. */
  let images: Part[] = []
  const flush = () => {
    if (images.length > 0) messages.push({ role: 'user', content: writeContent(images, losses) })
    images = []
  }
  for (const { role, parts } of tidyTurns(turns)) {
    if (role === 'assistant') {
      flush()
      messages.push(writeAssistant(parts, row, losses))
      continue
    }
    const results = parts.filter(part => part.type === 'toolResult')
    for (const result of results) {
      const shown = result.parts.filter(part => part.type !== 'text')
      images.push(...shown)
      messages.push(writeResult(result, shown.length > 0))
    }
    const rest = parts.filter(part => part.type !== 'toolResult')
    if (rest.length === 0) continue
    if (role === 'system') {
      flush()
      messages.push({ role, content: writeContent(rest, losses) })
    } else {
      messages.push({ role: 'user', content: writeContent([...images, ...rest], losses) })
      images = []
    }
  }
  flush()
  return messages
}

function writeResult({ callId: id, parts, isError }: ToolResult, shown: boolean): Message {
  const texts = parts.flatMap(part => (part.type === 'text' ? [part.text] : []))
  if (texts.length === 0 && shown) texts.push('The result is attached to the next message.')
  const [first = ''] = texts
  if (isError) texts[0] = failedText(first)
  const content = texts.length > 1 ? texts.map(text => ({ type: 'text', text })) : (texts[0] ?? '')
  return { role: 'tool', tool_call_id: callId(id), content }
}

function writeContent(parts: readonly Part[], losses: Losses): Json {
  const [only] = parts
  if (parts.length === 1 && only?.type === 'text') return only.text
  return parts.map(part => writePart(part, losses))
}

function writePart(part: Part, losses: Losses): Message {
  if (part.type === 'text') return { type: 'text', text: part.text }
  if (part.type === 'image') {
    const url = mediaUrl(part.source)
    if (url === undefined) throw losses.refusal('image', 'files of another provider do not exist here')
    return { type: 'image_url', image_url: { url, detail: part.detail } }
  }
  if (part.type === 'audio') {
    if (!('base64' in part.source)) throw losses.refusal('audio', 'audio must be sent in the request itself')
    const subtype = part.source.mime.replace(/^audio\/(x-)?/, '')
    const format = part.format ?? (subtype === 'mpeg' ? 'mp3' : subtype)
    return { type: 'input_audio', input_audio: { data: part.source.base64, format } }
  }
  if (part.type === 'document') {
    if (part.cited) losses.drop('citations')
    const { source, name } = part
    if ('url' in source) throw losses.refusal('document', 'documents must be sent in the request itself')
    if ('file' in source) return { type: 'file', file: { file_id: source.file, filename: name } }
    return { type: 'file', file: { file_data: mediaUrl(source), filename: name ?? 'document' } }
  }
  if (part.type === 'refusal') return { type: 'text', text: part.text }
  throw losses.refusal(part.type, 'only an assistant may say it')
}

function writeAssistant(parts: readonly Part[], row: Row, losses: Losses): Message {
  const said = parts.filter(part => part.type === 'text' || part.type === 'refusal')
  const calls = parts.filter(part => part.type === 'toolCall')
  const other = parts.find(({ type }) => !['text', 'refusal', 'toolCall', 'reasoning'].includes(type))
  if (other) throw losses.refusal(other.type, 'only a user may send it')
  return {
    role: 'assistant',
    content: writeSaid(said),
    ...(row.reasoning && writeReasoning(parts.filter(ownSeal))),
    ...(calls.length > 0 && {
      tool_calls: calls.map(call => writeCall({ ...call, name: toolName(call.name) })),
    }),
  }
}

const others: readonly string[] = ['responses', 'anthropic', 'gemini', 'ollama'] satisfies ChatDialect[]

/** What another origin has signed is of no use here, and is never sent to it. */
function ownSeal(part: Part): boolean {
  return part.type === 'reasoning' && (part.origin === undefined || !others.includes(part.origin))
}

function writeSaid(said: readonly Extract<Part, { type: 'text' | 'refusal' }>[]): Json {
  const [only] = said
  if (!only) return null
  if (said.length === 1 && only.type === 'text') return only.text
  return said.map(({ type, text }) => (type === 'text' ? { type, text } : { type, refusal: text }))
}

/** In an answer the name is the caller's own, in a request it must be fit. */
export function writeCall({ id, name, args }: ToolCall): Message {
  const made = { name, arguments: args.trim() === '' ? '{}' : args }
  return { id: callId(id), type: 'function', function: made }
}

/** Text as `reasoning_content`; what is signed also as `reasoning_details`, to be given back as it is. */
export function writeReasoning(parts: readonly Part[]): Message {
  const reasoning = parts.filter(part => part.type === 'reasoning')
  if (reasoning.length === 0) return {}
  const text = reasoning.map(part => part.text ?? '').join('')
  const signed = reasoning.some(part => part.signature !== undefined || part.opaque !== undefined)
  return {
    ...(text !== '' && { reasoning_content: text }),
    ...(signed && { reasoning_details: reasoning.map(writeDetail) }),
  }
}

export function writeDetail(part: Omit<Extract<Part, { type: 'reasoning' }>, 'type'>): Message {
  const { text, signature, opaque, origin } = part
  const type = opaque === undefined ? 'reasoning.text' : 'reasoning.encrypted'
  return { type, text, signature, data: opaque, format: origin }
}
