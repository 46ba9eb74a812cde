// The items of the Responses API, read into turns and written from them. Items of one speaker that follow each other
// are one turn.
import type { Media, Part, Turn } from '../conversation.ts'
import { Fields } from '../fields.ts'
import { fitId, fitName, stableHash } from '../ids.ts'
import type { Losses } from '../losses.ts'
import { imageType, mediaUrl, readMedia } from '../media.ts'
import { unwrapSeal } from '../origin.ts'
import { invalidValue, type Json, type Raw, unsupportedParameter } from '../raw.ts'
import { failedText, tidyTurns } from '../results.ts'

const origin = 'responses'

export const toolName = (name: string): string => fitName(name, /^[A-Za-z0-9_-]{1,64}$/)
const callId = (id: string): string => fitId(id, /^[\x21-\x7e]{1,64}$/, 'call_')

/** Reads `input`. */
export function readInput(raw: Raw): Turn[] {
  const text = raw.string()
  if (text !== undefined) return [{ role: 'user', parts: [{ type: 'text', text }] }]
  const items = raw.elements()
  if (!items) throw invalidValue(raw.path, `'${raw.path}' must be a text or an array of items.`)
  const turns: { readonly role: Turn['role']; readonly parts: Part[] }[] = []
  for (const item of items) {
    const { role, parts } = readItem(new Fields(item))
    const last = turns.at(-1)
    if (last?.role === role && (role === 'assistant' || role === 'tool'))
      for (const part of parts) last.parts.push(part)
    else turns.push({ role, parts: [...parts] })
  }
  return turns
}

/** A turn of one item. */
export function readItem(item: Fields): Turn {
  const type = item.string('type') ?? 'message'
  const read = readers[type]
  item.skip('id', 'status', 'phase')
  if (read) return read(item)
  const message = `Items of type '${type}' can't be converted for the model behind this name: leave the item out.`
  throw unsupportedParameter(item.at('type'), message)
}

const readers: Readonly<Record<string, (item: Fields) => Turn>> = {
  __proto__: null as never, // No name is found that is not written here.
  message: item => {
    const word = item.word('role', ['user', 'assistant', 'system', 'developer'])
    const role = item.needs('role', word)
    const content = item.needs('content', item.raw('content'))
    return { role: role === 'developer' ? 'system' : role, parts: readContent(content) }
  },
  function_call: item => ({
    role: 'assistant',
    parts: [
      {
        type: 'toolCall',
        id: item.needs('call_id', item.string('call_id')),
        name: item.needs('name', item.string('name')),
        args: item.string('arguments') || '{}',
      },
    ],
  }),
  function_call_output: item => ({
    role: 'tool',
    parts: [
      {
        type: 'toolResult',
        callId: item.needs('call_id', item.string('call_id')),
        parts: readContent(item.needs('output', item.raw('output'))).filter(
          part => part.type !== 'text' || part.text !== '',
        ),
        isError: false,
      },
    ],
  }),
  image_generation_call: item => {
    const base64 = item.needs('result', item.longText('result'))
    const source = { base64, mime: imageType(base64) }
    return { role: 'assistant', parts: [{ type: 'image', source }] }
  },
  reasoning: item => {
    const texts = [...(item.array('summary') ?? []), ...(item.array('content') ?? [])].map(raw => {
      const part = new Fields(raw)
      part.skip('type')
      return part.string('text') ?? ''
    })
    const text = texts.filter(Boolean).join('\n\n')
    const id = item.string('id')
    const sealed = item.string('encrypted_content')
    const own = sealed && { ...(id !== undefined && { signature: id }), opaque: sealed, origin }
    const seal = sealed ? (unwrapSeal(sealed) ?? own) : undefined
    return { role: 'assistant', parts: [{ type: 'reasoning', ...(text && { text }), ...seal }] }
  },
}

function readContent(raw: Raw): Part[] {
  const text = raw.string()
  if (text !== undefined) return [{ type: 'text', text }]
  const parts = raw.elements()
  if (!parts) throw invalidValue(raw.path, `'${raw.path}' must be a text or an array of parts.`)
  return parts.map(part => readPart(new Fields(part)))
}

function readPart(part: Fields): Part {
  const type = part.needs('type', part.string('type'))
  if (type === 'output_text') part.skip('annotations', 'logprobs')
  if (type === 'input_text' || type === 'output_text' || type === 'text')
    return { type: 'text', text: part.needs('text', part.string('text')) }
  if (type === 'refusal') return { type: 'refusal', text: part.needs('refusal', part.string('refusal')) }
  if (type === 'input_image') {
    const detail = part.string('detail')
    const known = (['auto', 'low', 'high'] as const).find(word => word === detail)
    if (!known) part.leave('detail')
    const url = part.longText('image_url')
    const source = url === undefined ? { file: fileOf(part) } : readMedia(url)
    return { type: 'image', source, ...(known && { detail: known }) }
  }
  if (type === 'input_file') {
    const name = part.string('filename')
    const data = part.longText('file_data')
    const url = data ?? part.string('file_url')
    const read: Media = url === undefined ? { file: fileOf(part) } : readMedia(url)
    // Data without the form of a data URL is bare base64: PDF is what the API takes so.
    const source = data !== undefined && 'url' in read ? { base64: data, mime: 'application/pdf' } : read
    return { type: 'document', source, ...(name !== undefined && { name }) }
  }
  if (type === 'input_audio') {
    const audio = part.needs('input_audio', part.object('input_audio'))
    const format = audio.needs('format', audio.string('format'))
    const base64 = audio.needs('data', audio.longText('data'))
    return { type: 'audio', source: { base64, mime: `audio/${format}` }, format }
  }
  throw unsupportedParameter(
    part.at('type'),
    `Parts of type '${type}' can't be converted: leave the part out.`,
  )
}

function fileOf(part: Fields): string {
  return part.needs('file_id', part.string('file_id'))
}

/** Writes turns as items. `own`: the caller speaks this dialect and keeps its reasoning items itself. */
export function writeInput(turns: readonly Turn[], own: boolean, losses: Losses): Json[] {
  return tidyTurns(turns).flatMap((turn): Json[] => {
    if (turn.role === 'assistant') return writeAssistant(turn.parts, own, losses)
    const results = turn.parts.filter(part => part.type === 'toolResult')
    const others = turn.parts.filter(part => part.type !== 'toolResult')
    return [
      ...results.map(result => writeResult(result, losses)),
      ...(others.length > 0
        ? [{ role: turn.role === 'tool' ? 'user' : turn.role, content: writeContent(others, losses) }]
        : []),
    ]
  })
}

function writeAssistant(parts: readonly Part[], own: boolean, losses: Losses): Json[] {
  const items: Json[] = []
  let spoken: Json[] = []
  const speak = () => {
    if (spoken.length > 0) items.push({ type: 'message', role: 'assistant', content: spoken })
    spoken = []
  }
  for (const part of parts) {
    if (part.type === 'text') spoken.push({ type: 'output_text', text: part.text, annotations: [] })
    else if (part.type === 'refusal') spoken.push({ type: 'refusal', refusal: part.text })
    else if (part.type === 'toolCall') {
      speak()
      const { id, name, args } = part
      const named = { call_id: callId(id), name: toolName(name) }
      items.push({ type: 'function_call', ...named, arguments: args.trim() === '' ? '{}' : args })
    } else if (part.type === 'reasoning') {
      speak()
      const item = writeReasoning(part, own)
      if (item) items.push(item)
      else losses.drop('reasoning')
    } else losses.drop(part.type)
  }
  speak()
  return items
}

/** A reasoning item that its maker will know again; undefined for another's. */
function writeReasoning(part: Extract<Part, { type: 'reasoning' }>, own: boolean): Json {
  const sealed = part.origin === origin && part.opaque !== undefined
  const unsigned = part.signature === undefined && part.opaque === undefined
  if (!sealed && !(own && unsigned)) return undefined
  return {
    type: 'reasoning',
    id: sealed ? (part.signature ?? `rs_${stableHash(part.opaque ?? '')}`) : undefined,
    summary: part.text ? [{ type: 'summary_text', text: part.text }] : [],
    encrypted_content: sealed ? part.opaque : undefined,
  }
}

function writeResult(result: Extract<Part, { type: 'toolResult' }>, losses: Losses): Json {
  const texts = result.parts.flatMap(part => (part.type === 'text' ? [part.text] : []))
  const plain = texts.length === result.parts.length
  const said = texts.join('\n')
  const output = plain ? (result.isError ? failedText(said) : said) : writeContent(result.parts, losses)
  return { type: 'function_call_output', call_id: callId(result.callId), output }
}

function writeContent(parts: readonly Part[], losses: Losses): Json {
  const [only, ...others] = parts
  if (only?.type === 'text' && others.length === 0) return only.text
  return parts.flatMap((part): Json[] => {
    if (part.type === 'text' || part.type === 'refusal') return [{ type: 'input_text', text: part.text }]
    if (part.type === 'image')
      return [{ type: 'input_image', ...address(part.source, 'image_url', 'image_url'), detail: part.detail }]
    if (part.type === 'document') {
      if (part.cited) losses.drop('citations')
      const filename = part.name ?? ('base64' in part.source ? 'document' : undefined)
      return [{ type: 'input_file', ...address(part.source, 'file_data', 'file_url'), filename }]
    }
    if (part.type === 'audio' && 'base64' in part.source) {
      const format = part.format ?? part.source.mime.replace(/^audio\/(x-)?/, '')
      return [{ type: 'input_audio', input_audio: { data: part.source.base64, format } }]
    }
    if (part.type === 'audio') throw losses.refusal('audio', 'this model takes audio as base64 only')
    losses.drop(part.type)
    return []
  })
}

function address(source: Media, inline: string, remote: string): { readonly [name: string]: Json } {
  if ('file' in source) return { file_id: source.file }
  return { ['base64' in source ? inline : remote]: mediaUrl(source) }
}
