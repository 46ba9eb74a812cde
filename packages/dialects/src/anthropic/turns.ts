// Turns as Anthropic's messages: one system prompt, neighbours of one role merged, results first and all of them,
// in the order of their calls.
import type { Conversation, Media, Part, Turn } from '../conversation.ts'
import type { Text } from '../long-text.ts'
import type { Losses } from '../losses.ts'
import { readMedia } from '../media.ts'
import { invalidValue, type Json, objectArgs, unsupportedParameter, Verbatim } from '../raw.ts'
import { failedText, WaitingCalls } from '../results.ts'
import type { Row } from './row.ts'
import { callId, seal, toolName } from './words.ts'

export type Block = Record<string, Json>

export interface Message {
  readonly role: 'user' | 'assistant' | 'system'
  readonly content: Block[]
}

/** Marks of what is worth caching, in the order of the prompt. */
export class Marks {
  readonly #marked: Block[] = []

  mark(block: Block, { cache }: Pick<Part, 'cache'>): Block {
    if (!cache) return block
    block.cache_control = cache.ttl === '1h' ? { type: 'ephemeral', ttl: '1h' } : { type: 'ephemeral' }
    this.#marked.push(block)
    return block
  }

  /** Anthropic refuses more than four: the last ones cover the most. */
  limit(): void {
    for (const block of this.#marked.slice(0, -4)) delete block.cache_control
  }
}

/** What the writers of one body share. */
export interface Writing {
  readonly row: Row
  readonly losses: Losses
  readonly marks: Marks
}

const none: readonly Block[] = []

interface Call {
  readonly id: string
  readonly name: string
  readonly wire: string
  result?: Block
}

/** The leading system turns as one prompt: a string where that says it all. */
export function writeSystem(ask: Conversation, writing: Writing): Json {
  const blocks = leading(ask).flatMap(({ parts }) =>
    parts.flatMap(part => {
      const block = writeBlock(part, ask, writing)
      if (block && block.type !== 'text')
        throw unsupportedParameter('system', 'A system prompt is text: send the rest as a user turn.')
      return block ? [block] : []
    }),
  )
  const [only, ...others] = blocks
  if (!only) return undefined
  return others.length === 0 && only.cache_control === undefined ? only.text : blocks
}

function leading(ask: Conversation): readonly Turn[] {
  const count = ask.turns.findIndex(({ role }) => role !== 'system')
  return count === -1 ? ask.turns : ask.turns.slice(0, count)
}

export function writeMessages(ask: Conversation, writing: Writing): readonly Message[] {
  const messages: Message[] = []
  let calls: Call[] = []
  let waiting = new WaitingCalls<Call>()
  let counted = 0
  const answer = (part: Part & { readonly type: 'toolResult' }) => {
    const call =
      part.callId === '' ? (waiting.byName(part.name ?? '') ?? waiting.oldest()) : waiting.byId(part.callId)
    if (!call) throw orphan(part.callId)
    call.result = writeResult(part, call.wire, ask, writing)
  }
  /** The results of the calls so far go before everything else of the user's. */
  const settle = () => {
    if (calls.length === 0) return
    const missing = calls.find(({ result }) => !result)
    if (missing) throw unanswered(missing.id)
    const results = calls.flatMap(({ result }) => (result ? [result] : []))
    const last = messages.at(-1)
    if (last?.role === 'user') last.content.unshift(...results)
    else messages.push({ role: 'user', content: results })
    calls = []
    waiting = new WaitingCalls()
  }
  for (const turn of ask.turns.slice(leading(ask).length)) {
    const role = roleOf(turn, ask, writing.row)
    // Assistant turns in a row are one message, unless results stand between them.
    if (role !== 'user' && (messages.at(-1)?.role !== 'assistant' || answered(calls))) settle()
    const content: Block[] = []
    for (const part of turn.parts) {
      if (part.type === 'toolResult') answer(part)
      else if (part.type === 'toolCall') {
        const wire = part.id === '' ? callId(`call ${counted} ${part.name}`) : callId(part.id)
        counted++
        const made: Call = { id: part.id, name: part.name, wire }
        calls.push(made)
        waiting.add(made)
        content.push(writing.marks.mark(writeCall(part, wire, writing), part))
      } else {
        const block = writeBlock(part, ask, writing)
        if (block) content.push(block)
      }
    }
    if (content.length === 0) continue
    const last = messages.at(-1)
    if (last?.role === role) last.content.push(...content)
    else messages.push({ role, content })
  }
  settle()
  return messages
}

const answered = (calls: readonly Call[]) => calls.some(({ result }) => result)

/** A system turn in the middle keeps its role where caller or row know it, and is the user's text else. */
function roleOf({ role }: Turn, { dialect }: Conversation, row: Row): Message['role'] {
  if (role === 'system') return dialect === 'anthropic' || row.systemTurns ? 'system' : 'user'
  return role === 'assistant' ? role : 'user'
}

function writeCall(
  { name, args }: Part & { readonly type: 'toolCall' },
  id: string,
  writing: Writing,
): Block {
  const input = objectArgs(args)
  if (input !== args && args.trim() !== '') writing.losses.clamp('tool_calls.arguments')
  return { type: 'tool_use', id, name: toolName(name), input: new Verbatim(input) }
}

function writeResult(
  part: Part & { readonly type: 'toolResult' },
  id: string,
  ask: Conversation,
  writing: Writing,
): Block {
  const blocks = part.parts.flatMap(inner => writeBlock(inner, ask, writing) ?? none)
  const [only, ...others] = blocks
  const simple = others.length === 0 && only?.type === 'text' && only.cache_control === undefined
  const block: Block = { type: 'tool_result', tool_use_id: id }
  if (only) block.content = simple ? only.text : blocks
  if (part.isError) {
    // A failure that says nothing is refused.
    block.content ??= failedText('')
    block.is_error = true
  }
  return writing.marks.mark(block, part)
}

/** Undefined for what Anthropic rejects and nobody misses: empty text, reasoning that it can't verify. */
function writeBlock(part: Part, ask: Conversation, writing: Writing): Block | undefined {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return part.text === '' ? undefined : writing.marks.mark({ type: 'text', text: part.text }, part)
    case 'image':
      if (part.detail !== undefined && part.detail !== 'auto') writing.losses.drop('detail')
      return writing.marks.mark({ type: 'image', source: writeMedia(part.source, ask, 'image') }, part)
    case 'document':
      return writing.marks.mark(
        {
          type: 'document',
          source: writeMedia(part.source, ask, 'document'),
          title: part.name || undefined,
          citations: part.cited && { enabled: true },
        },
        part,
      )
    case 'reasoning':
      return writeReasoning(part, writing)
    case 'audio':
      throw unsupportedParameter('messages', 'This model does not listen to audio: send text instead.')
    case 'toolCall':
    case 'toolResult':
      throw invalidValue('messages', 'Tool calls stand in assistant turns, and their results behind them.')
  }
}

function writeReasoning(part: Part & { readonly type: 'reasoning' }, writing: Writing): Block | undefined {
  const { text, signature, opaque, origin } = part
  if (origin === 'anthropic') {
    const proof = {
      origin,
      ...(signature !== undefined && { signature }),
      ...(opaque !== undefined && { opaque }),
    }
    if (signature !== undefined)
      return { type: 'thinking', thinking: text ?? '', signature: seal(proof, 'signature') }
    if (opaque !== undefined && text === undefined) return { type: 'redacted_thinking', data: opaque }
  }
  writing.losses.drop('reasoning_content')
  return undefined
}

function writeMedia(source: Media, ask: Conversation, kind: 'image' | 'document'): Json {
  if ('file' in source) {
    if (ask.dialect === 'anthropic') return { type: 'file', file_id: source.file }
    const message = 'Files stay with the provider that stores them: send the content itself, in base64.'
    throw unsupportedParameter('messages', message)
  }
  if ('base64' in source) return writeData(source.base64, source.mime, kind)
  const inline = readMedia(source.url)
  if ('base64' in inline) return writeData(inline.base64, inline.mime, kind)
  if (/^https?:/i.test(source.url)) return { type: 'url', url: source.url }
  const message = 'Media is an http(s) URL or a data: URL in base64.'
  throw invalidValue('messages', message)
}

function writeData(data: Text, mime: string, kind: 'image' | 'document'): Json {
  if (kind === 'document' && mime.startsWith('text/'))
    return { type: 'text', media_type: 'text/plain', data: Buffer.from(data.toString(), 'base64').toString() }
  return { type: 'base64', media_type: mime, data }
}

function unanswered(id: string) {
  const message = `The call '${id}' has no result: send one for every call, right after the turn that made them.`
  return invalidValue('messages', message)
}

function orphan(id: string) {
  const message = `The result for '${id}' has no call in the assistant turn before it: send that turn, or leave the result out.`
  return invalidValue('messages', message)
}
