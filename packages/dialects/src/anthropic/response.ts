// A whole message as deltas, and deltas as a whole message.
import { Fault } from '@switchyard/kinds'
import type { Delta } from '../conversation.ts'
import type { About } from '../dialect.ts'
import type { Usage } from '../exchange.ts'
import { type Json, objectArgs, Raw, Verbatim, writeJson } from '../raw.ts'
import { readError } from './error.ts'
import { mergeReport, usageOf, writeUsage } from './usage.ts'
import { type Finish, type Proof, readStop, seal, unseal, wireId, writeStop } from './words.ts'

/** Undefined when the body is no message. */
export function readReply(body: Buffer): readonly Delta[] | undefined {
  try {
    const message = Raw.parse(body)
    if (message?.kind !== 'object') return undefined
    const error = message.get('error')
    if (error) return [readError(error)]
    const content = message.get('content')?.elements()
    return content && readMessage(message, content)
  } catch (error) {
    // Raw refuses containers of too many entries with a fault for callers: an upstream's is no message.
    if (error instanceof Fault) return undefined
    throw error
  }
}

function readMessage(message: Raw, content: readonly Raw[]): readonly Delta[] {
  const id = message.get('id')?.string()
  const model = message.get('model')?.string()
  const deltas: Delta[] = [
    { type: 'start', choice: 0, ...(id !== undefined && { id }), ...(model !== undefined && { model }) },
  ]
  let blocks = 0
  let calls = false
  for (const part of content) {
    const read = readBlock(part, blocks)
    if (!read) continue
    blocks++
    if (read[0]?.type === 'open' && read[0].kind === 'tool') calls = true
    deltas.push(...read, { type: 'close', choice: 0, block: blocks - 1 })
  }
  const usage = usageOf(mergeReport({}, message.get('usage')))
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
    case 'tool_use':
      return [
        { type: 'open', ...at, kind: 'tool', id: said('id'), name: said('name') },
        { type: 'args', ...at, json: part.get('input')?.text ?? '{}' },
      ]
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
  return value === '' ? [] : [{ type: 'signature', ...at, ...unseal(value, place) }]
}

interface Said {
  readonly opened: Delta & { readonly type: 'open' }
  text: string
  proof: Proof | undefined
}

/** Deltas of an answer that has ended well: one that failed is an error body's business. */
export function writeReply(deltas: readonly Delta[], about: About): Buffer {
  const blocks = new Map<number, Said>()
  let usage: Usage | undefined
  let finish: Finish = { stop: 'end' }
  for (const step of deltas) {
    if (step.choice !== 0) continue
    if (step.type === 'open') blocks.set(step.block, { opened: step, text: '', proof: undefined })
    else if (step.type === 'usage') usage = step.usage
    else if (step.type === 'finish') finish = step
    else if ('block' in step) {
      const said = blocks.get(step.block)
      if (!said) continue
      if (step.type === 'signature') said.proof = step
      else if (step.type === 'args') said.text += step.json
      else if (step.type !== 'close') said.text += step.text
    }
  }
  const said = [...blocks.values()]
  const calls = said.some(({ opened }) => opened.kind === 'tool')
  const { stop, sequence, raw } = finish
  const reason = writeStop({
    stop: stop === 'end' && calls ? 'tool' : stop,
    ...(raw !== undefined && { raw }),
  })
  return Buffer.from(
    writeJson({
      id: about.id,
      type: 'message',
      role: 'assistant',
      model: about.model,
      content: said.flatMap(block => writeBlock(block) ?? []),
      stop_reason: reason,
      stop_sequence: sequence ?? null,
      usage: writeUsage(usage),
    }),
  )
}

/** Undefined when nothing was said: an empty block could not be sent back. */
function writeBlock({ opened, text, proof }: Said): Readonly<Record<string, Json>> | undefined {
  if (opened.kind === 'tool') {
    const input = new Verbatim(objectArgs(text))
    return { type: 'tool_use', id: wireId(opened.id), name: opened.name, input }
  }
  if (opened.kind !== 'reasoning') return text === '' ? undefined : { type: 'text', text }
  if (text === '' && !proof) return undefined
  if (text === '' && proof && proof.signature === undefined)
    return { type: 'redacted_thinking', data: seal(proof, 'opaque') }
  return { type: 'thinking', thinking: text, signature: (proof && seal(proof, 'signature')) ?? '' }
}
