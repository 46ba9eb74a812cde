// A whole message as deltas, and deltas as a whole message.
import { Fault } from '@switchyard/kinds'
import { TextPlace } from '../annotations.ts'
import type { Citation, Delta, Part } from '../conversation.ts'
import type { About } from '../dialect.ts'
import { fold } from '../fold.ts'
import { refuseMedia } from '../media.ts'
import { foreign } from '../origin.ts'
import { type Json, objectArgs, Raw, Verbatim, writeJson } from '../raw.ts'
import { citedBlocks, readCitations } from './citations.ts'
import { readError } from './error.ts'
import { outputTool, type Row } from './row.ts'
import { mergeReport, usageOf, writeUsage } from './usage.ts'
import { callId, readStop, seal, unseal, writeStop } from './words.ts'

/** Undefined when the body is no message. */
export function readReply(body: Buffer, row: Row): readonly Delta[] | undefined {
  try {
    const message = Raw.parse(body)
    if (message?.kind !== 'object') return undefined
    const error = message.get('error')
    if (error) return [readError(error)]
    const content = message.get('content')?.elements()
    return content && readMessage(message, content, row)
  } catch (error) {
    // Raw refuses containers of too many entries with a fault for callers: an upstream's is no message.
    if (error instanceof Fault) return undefined
    throw error
  }
}

function readMessage(message: Raw, content: readonly Raw[], row: Row): readonly Delta[] {
  const id = message.get('id')?.string()
  const model = message.get('model')?.string()
  const deltas: Delta[] = [
    { type: 'start', choice: 0, ...(id !== undefined && { id }), ...(model !== undefined && { model }) },
  ]
  let blocks = 0
  let calls = false
  const place = new TextPlace()
  for (const part of content) {
    const read = readBlock(part, blocks)
    if (!read) continue
    blocks++
    if (read[0]?.type === 'open' && read[0].kind === 'tool') calls = true
    place.begin()
    for (const delta of read) if (delta.type === 'text') place.say(delta.text)
    const span = { start: place.before, end: place.all }
    const cited = readCitations(part.get('citations')?.elements() ?? [], span)
    deltas.push(...read)
    for (const citation of cited) deltas.push({ type: 'annotation', choice: 0, block: blocks - 1, citation })
    deltas.push({ type: 'close', choice: 0, block: blocks - 1 })
  }
  const usage = usageOf(mergeReport({}, message.get('usage')), row.counts)
  const finish = readStop(message.get('stop_reason')?.string(), message.get('stop_sequence')?.string(), calls)
  deltas.push({ type: 'finish', choice: 0, ...finish })
  if (usage) deltas.push({ type: 'usage', choice: 0, usage })
  deltas.push({ type: 'end', choice: 0 })
  return deltas
}

/** Undefined for blocks of kinds that do not convert. */
function readBlock(part: Raw, block: number): readonly Delta[] | undefined {
  const at = { choice: 0, block }
  const said = (name: string) => part.get(name)?.string() ?? ''
  switch (said('type')) {
    case 'text':
      return [{ type: 'open', ...at, kind: 'text' }, ...texts('text', said('text'), at)]
    case 'thinking':
      return [
        { type: 'open', ...at, kind: 'reasoning' },
        ...texts('reasoning', said('thinking'), at),
        ...proofs(said('signature'), 'signature', at),
      ]
    case 'redacted_thinking':
      return [{ type: 'open', ...at, kind: 'reasoning' }, ...proofs(said('data'), 'opaque', at)]
    case 'tool_use': {
      const json = part.get('input')?.text ?? '{}'
      // The call is the answer itself: its arguments are the text.
      if (said('name') === outputTool)
        return [{ type: 'open', ...at, kind: 'text' }, ...texts('text', json, at)]
      return [
        { type: 'open', ...at, kind: 'tool', id: said('id'), name: said('name') },
        { type: 'args', ...at, json },
      ]
    }
    default:
      return undefined
  }
}

interface At {
  readonly choice: number
  readonly block: number
}

function texts(type: 'text' | 'reasoning', text: string, at: At): readonly Delta[] {
  return text === '' ? [] : [{ type, ...at, text }]
}

function proofs(value: string, place: 'signature' | 'opaque', at: At): readonly Delta[] {
  const proof = unseal(value, place)
  return value === '' || proof.origin === undefined ? [] : [{ type: 'signature', ...at, ...proof }]
}

/** Throws `unavailable` when the deltas do not end in `end`: half an answer is none. */
export function writeReply(deltas: readonly Delta[], about: About): Buffer {
  refuseMedia(deltas)
  const { choices, usage } = fold(deltas)
  const { parts, stop, sequence, citations } = choices[0] ?? {
    parts: [],
    stop: 'end' as const,
    citations: [],
  }
  const calls = parts.some(({ type }) => type === 'toolCall')
  const raw = deltas.find(delta => delta.type === 'finish' && delta.choice === 0)
  const reason = writeStop({
    stop: stop === 'end' && calls ? 'tool' : stop,
    ...(raw?.type === 'finish' && raw.raw !== undefined && { raw: raw.raw }),
  })
  return Buffer.from(
    writeJson({
      id: about.id,
      type: 'message',
      role: 'assistant',
      model: about.model,
      content: writeParts(parts, citations),
      stop_reason: reason,
      stop_sequence: sequence ?? null,
      usage: writeUsage(usage),
    }),
  )
}

function writeParts(parts: readonly Part[], citations: readonly Citation[]): Json {
  if (citations.length === 0) return parts.flatMap(part => writePart(part) ?? [])
  const place = new TextPlace()
  const last = parts.findLastIndex(part => part.type === 'text' && part.text !== '')
  return parts.flatMap((part, at) => {
    if (part.type !== 'text') return writePart(part) ?? []
    place.begin()
    place.say(part.text)
    // What has no place stands with the last text, as it would in a stream.
    const here = citations.filter(({ start }) => start !== undefined || at === last)
    return part.text === '' ? [] : citedBlocks(part.text, place.before, here)
  })
}

/** Undefined when nothing was said: an empty block could not be sent back. */
function writePart(part: Part): Readonly<Record<string, Json>> | undefined {
  if (part.type === 'toolCall')
    return {
      type: 'tool_use',
      id: callId(part.id),
      name: part.name,
      input: new Verbatim(objectArgs(part.args)),
    }
  if (part.type === 'text' || part.type === 'refusal')
    return part.text === '' ? undefined : { type: 'text', text: part.text }
  if (part.type !== 'reasoning') return undefined
  const { text = '', origin } = part
  const proof = origin === undefined ? undefined : { ...part, origin }
  if (proof?.signature === undefined && proof?.opaque !== undefined && text === '')
    return { type: 'redacted_thinking', data: seal(proof, 'opaque') }
  const signature = proof && seal(proof, 'signature')
  if (text === '' && signature === undefined) return undefined
  return { type: 'thinking', thinking: text, signature: signature ?? foreign }
}
