// Reads the messages of a chat completions request as turns.
import type { CacheMark, Media, Part, Turn } from '../../conversation.ts'
import { Fields } from '../../fields.ts'
import { stableHash } from '../../ids.ts'
import { LongText, type Text } from '../../long-text.ts'
import { readMedia } from '../../media.ts'
import { invalidValue, type Raw, unsupportedParameter } from '../../raw.ts'
import { checkResults, tidyTurns } from '../../results.ts'

const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const

export function readTurns(messages: readonly Raw[]): readonly Turn[] {
  const turns: Turn[] = []
  /** Calls of the old kind have no id: name and order join them with their results. */
  const unnamed: { readonly name: string; readonly id: string }[] = []
  for (const [index, raw] of messages.entries()) {
    const message = new Fields(raw)
    const role = message.needs('role', message.word('role', roles))
    const parts = readContent(message, role)
    if (role === 'system' || role === 'developer') turns.push({ role: 'system', parts })
    else if (role === 'user') turns.push({ role, parts })
    else if (role === 'tool') {
      const callId = message.needs('tool_call_id', message.string('tool_call_id'))
      turns.push({ role, parts: [{ type: 'toolResult', callId, parts, isError: false }] })
    } else if (role === 'function') {
      const name = message.needs('name', message.string('name'))
      const at = Math.max(
        0,
        unnamed.findIndex(call => call.name === name),
      )
      const callId = unnamed.splice(at, 1)[0]?.id ?? name
      turns.push({ role: 'tool', parts: [{ type: 'toolResult', callId, name, parts, isError: false }] })
    } else {
      const old = message.object('function_call')
      const calls = readCalls(message)
      if (old) {
        const name = old.needs('name', old.string('name'))
        const id = `call_${stableHash(`${index}.${name}`)}`
        unnamed.push({ name, id })
        calls.push({ type: 'toolCall', id, name, args: old.string('arguments') ?? '' })
      }
      const refusal = message.string('refusal')
      turns.push({
        role,
        parts: [
          ...readReasoning(message),
          ...parts,
          ...(refusal ? [{ type: 'refusal', text: refusal } as const] : []),
          ...calls,
        ],
      })
      message.skip('annotations')
    }
  }
  const tidy = tidyTurns(turns)
  if (tidy.length === 0)
    throw invalidValue('messages', "'messages' must hold at least one message with content.")
  checkResults(tidy)
  return tidy
}

function readContent(message: Fields, role: string): Part[] {
  const raw = message.raw('content')
  if (!raw) return []
  const text = raw.string()
  if (text !== undefined) return [{ type: 'text', text }]
  const parts = raw.elements()
  if (!parts) throw invalidValue(raw.path, `'${raw.path}' must be a string or an array of parts.`)
  return parts.map(part => readPart(new Fields(part), role))
}

function readPart(fields: Fields, role: string): Part {
  const type = fields.needs('type', fields.string('type'))
  const cache = readCache(fields)
  const part = partOf(fields, type)
  if (!part || (role !== 'user' && role !== 'tool' && part.type !== 'text' && part.type !== 'refusal'))
    throw unsupportedParameter(
      fields.at('type'),
      `A message of role ${role} can't hold parts of type '${type}'.`,
    )
  return cache ? { ...part, cache } : part
}

function readCache(fields: Fields): CacheMark | undefined {
  const breakpoint = fields.object('prompt_cache_breakpoint')
  const control = fields.object('cache_control')
  if (!breakpoint && !control) return undefined
  return { ttl: control?.string('ttl') === '1h' ? '1h' : '5m' }
}

function partOf(fields: Fields, type: string): Part | undefined {
  if (type === 'text') return { type, text: fields.needs('text', fields.string('text')) }
  if (type === 'refusal') return { type, text: fields.needs('refusal', fields.string('refusal')) }
  if (type === 'image_url') {
    const image = fields.needs('image_url', fields.object('image_url'))
    const source = readMedia(image.needs('url', image.longText('url')))
    const detail = image.word('detail', ['auto', 'low', 'high'])
    return { type: 'image', source, ...(detail && { detail }) }
  }
  if (type === 'input_audio') {
    const audio = fields.needs('input_audio', fields.object('input_audio'))
    const format = audio.needs('format', audio.string('format'))
    const base64 = audio.needs('data', audio.longText('data'))
    return { type: 'audio', source: { base64, mime: `audio/${format === 'mp3' ? 'mpeg' : format}` }, format }
  }
  if (type === 'file') {
    const file = fields.needs('file', fields.object('file'))
    const name = file.string('filename')
    const id = file.string('file_id')
    const data = id === undefined ? file.needs('file_data', file.longText('file_data')) : undefined
    const source = data === undefined ? { file: id ?? '' } : inlineFile(data)
    return { type: 'document', source, ...(name !== undefined && { name }) }
  }
  return undefined
}

/** Files are data URLs; some clients send the base64 alone, of a PDF. */
function inlineFile(data: Text): Media {
  if (data instanceof LongText && !data.includes(':')) return { base64: data, mime: 'application/pdf' }
  const source = readMedia(data)
  return 'url' in source && !source.url.includes(':')
    ? { base64: source.url, mime: 'application/pdf' }
    : source
}

function readCalls(message: Fields): Part[] {
  return (message.array('tool_calls') ?? []).map(raw => {
    const call = new Fields(raw)
    const type = call.string('type') ?? 'function'
    call.skip('index')
    if (type !== 'function')
      throw unsupportedParameter(
        call.at('type'),
        `Calls of type '${type}' can't be converted: use functions.`,
      )
    const made = call.needs('function', call.object('function'))
    return {
      type: 'toolCall',
      id: call.needs('id', call.string('id')),
      name: made.needs('name', made.string('name')),
      args: made.string('arguments') ?? '',
    }
  })
}

/** `reasoning_details` say all; `reasoning_content` or `reasoning` is the text alone, or the text of a detail. */
function readReasoning(message: Fields): Part[] {
  const shown = [message.raw('reasoning_content'), message.raw('reasoning')]
    .map(raw => raw?.string())
    .find(text => text !== undefined && text !== '')
  const details = (message.array('reasoning_details') ?? []).map(readDetail)
  if (details.length === 0) return shown === undefined ? [] : [{ type: 'reasoning', text: shown }]
  if (shown === undefined || details.some(part => part.text !== undefined)) return details
  const first = details.findIndex(part => part.opaque === undefined)
  if (first === -1) return [{ type: 'reasoning', text: shown }, ...details]
  return details.map((part, index) => (index === first ? { ...part, text: shown } : part))
}

function readDetail(raw: Raw): Extract<Part, { type: 'reasoning' }> {
  const detail = new Fields(raw)
  detail.skip('type', 'id', 'index')
  const text = detail.string('text') ?? detail.string('summary')
  const signature = detail.string('signature')
  const opaque = detail.string('data')
  const origin = detail.string('format')
  return {
    type: 'reasoning',
    ...(text && { text }),
    ...(signature !== undefined && { signature }),
    ...(opaque !== undefined && { opaque }),
    ...(origin !== undefined && { origin }),
  }
}
