// Content blocks of a caller's request as parts.
import type { CacheMark, Media, Part } from '../conversation.ts'
import { Fields } from '../fields.ts'
import { invalidValue, type Raw, unsupportedParameter } from '../raw.ts'
import { isAddress } from './citations.ts'
import { unseal } from './words.ts'

/** A string, or an array of blocks. */
export function readContent(raw: Raw): readonly Part[] {
  const text = raw.string()
  if (text !== undefined) return [{ type: 'text', text }]
  const blocks = raw.elements()
  if (!blocks) throw invalidValue(raw.path, `'${raw.path}' must be a string or an array of content blocks.`)
  return blocks.map(block => readBlock(new Fields(block)))
}

function readBlock(fields: Fields): Part {
  const type = fields.needs('type', fields.string('type'))
  const reader = readers.get(type)
  if (!reader) {
    const message = `Blocks of type '${type.slice(0, 64)}' do not convert to other providers: leave the block out.`
    throw unsupportedParameter(fields.path, message)
  }
  const part = reader(fields)
  const cache = readCache(fields)
  return cache ? { ...part, cache } : part
}

export function readCache(fields: Fields): CacheMark | undefined {
  const mark = fields.object('cache_control')
  if (!mark) return undefined
  mark.needs('type', mark.word('type', ['ephemeral']))
  return { ttl: mark.word('ttl', ['5m', '1h']) ?? '5m' }
}

type Reader = (fields: Fields) => Part

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['text', readText],
  [
    'image',
    fields => ({ type: 'image', source: readMedia(fields.needs('source', fields.object('source'))) }),
  ],
  ['document', readDocument],
  ['tool_use', readCall],
  ['tool_result', readResult],
  [
    'thinking',
    fields => {
      const text = fields.needs('thinking', fields.string('thinking'))
      const signature = fields.string('signature') ?? ''
      return {
        type: 'reasoning',
        ...(text !== '' && { text }),
        ...(signature !== '' && unseal(signature, 'signature')),
      }
    },
  ],
  [
    'redacted_thinking',
    fields => ({ type: 'reasoning', ...unseal(fields.needs('data', fields.string('data')), 'opaque') }),
  ],
])

function readText(fields: Fields): Part {
  const citations = fields.raw('citations')
  if (citations && !citations.elements()?.every(isAddress)) fields.leave('citations')
  return { type: 'text', text: fields.needs('text', fields.string('text')) }
}

function readMedia(source: Fields): Media {
  switch (source.needs('type', source.word('type', ['base64', 'url', 'file']))) {
    case 'base64':
      return {
        base64: source.needs('data', source.longText('data')),
        mime: source.needs('media_type', source.string('media_type')),
      }
    case 'url':
      return { url: source.needs('url', source.string('url')) }
    case 'file':
      return { file: source.needs('file_id', source.string('file_id')) }
  }
}

function readDocument(fields: Fields): Part {
  const source = fields.needs('source', fields.object('source'))
  const name = fields.string('title')
  const citations = fields.object('citations')
  const cited = citations?.boolean('enabled') === true
  return {
    type: 'document',
    source: readPages(source),
    ...(name !== undefined && { name }),
    ...(cited && { cited }),
  }
}

function readPages(source: Fields): Media {
  const type = source.string('type')
  if (type !== 'text' && type !== 'content') return readMedia(source)
  if (type === 'text') return plain(source.needs('data', source.string('data')))
  const parts = readContent(source.needs('content', source.raw('content')))
  return plain(
    parts
      .map(part => {
        if (part.type === 'text') return part.text
        const message = 'Documents made of images do not convert to other providers: send them as images.'
        throw unsupportedParameter(source.at('content'), message)
      })
      .join('\n\n'),
  )
}

function plain(text: string): Media {
  return { base64: Buffer.from(text).toString('base64'), mime: 'text/plain' }
}

function readCall(fields: Fields): Part {
  const input = fields.needs('input', fields.raw('input'))
  if (input.kind !== 'object') throw invalidValue(input.path, `'${input.path}' must be a JSON object.`)
  const spoilt = input.members()?.size === 1 ? input.get('_invalid_json')?.string() : undefined
  return {
    type: 'toolCall',
    id: fields.needs('id', fields.string('id')),
    name: fields.needs('name', fields.string('name')),
    args: spoilt ?? input.text,
  }
}

function readResult(fields: Fields): Part {
  const content = fields.raw('content')
  const parts = content ? readContent(content) : []
  const odd = parts.find(({ type }) => type !== 'text' && type !== 'image' && type !== 'document')
  if (odd) throw invalidValue(fields.at('content'), `A tool result holds text, images and documents alone.`)
  return {
    type: 'toolResult',
    callId: fields.needs('tool_use_id', fields.string('tool_use_id')),
    parts,
    isError: fields.boolean('is_error') ?? false,
  }
}
