// A stream of chat completion chunks <-> deltas.
import type { Fault } from '@switchyard/kinds'
import { writeChatAnnotation } from '../../annotations.ts'
import type { Delta, TokenLogprob } from '../../conversation.ts'
import type { About, Decoder, Encoder } from '../../dialect.ts'
import type { Usage } from '../../exchange.ts'
import { tokensOf, writeLogprobs } from '../../logprobs.ts'
import { mediaFault } from '../../media.ts'
import { list, type Members, members, parse, text } from '../../members.ts'
import { type Json, writeJson } from '../../raw.ts'
import { EventReader } from '../../sse.ts'
import { tiered } from '../../tier.ts'
import { errorEvent } from '../error.ts'
import { normaliseUsage } from '../usage.ts'
import { Choice } from './choice.ts'
import { readFault } from './error.ts'
import { writeDetail } from './messages.ts'
import { callId } from './names.ts'
import { startOf } from './response.ts'
import type { Row } from './row.ts'
import { finishReason } from './stop.ts'
import { writeUsage } from './usage.ts'

const blankLine = Buffer.from('\n\n')
const doneMarker = '[DONE]'
const malformedInARow = 3

export class ChatDecoder implements Decoder {
  /** Events that were no JSON and were withheld. */
  malformed = 0
  readonly #row: Row
  readonly #reader = new EventReader()
  readonly #choices = new Map<number, Choice>()
  #seed = ''
  #started = false
  #over = false
  #malformedInARow = 0

  constructor(row: Row) {
    this.#row = row
  }

  push(chunk: Buffer): readonly Delta[] {
    const out: Delta[] = []
    if (this.#over) return out
    this.#reader.push(chunk)
    while (!this.#over && this.#reader.next()) {
      const { hasData, data, dataStart, dataEnd } = this.#reader
      if (hasData) this.#event(out, data.subarray(dataStart, dataEnd))
    }
    if (!this.#over && this.#reader.tooLarge) this.#fail(out, 'The model sent an event that is too large.')
    return out
  }

  finish(): readonly Delta[] {
    if (this.#over) return []
    const out = this.#reader.unfinished > 0 ? [...this.push(blankLine)] : []
    if (this.#over) return out
    const choices = [...this.#choices.values()]
    if (choices.length > 0 && choices.every(choice => choice.finished)) this.#end(out)
    else this.#fail(out, 'The model stopped in the middle of its answer.')
    return out
  }

  #event(out: Delta[], data: Buffer): void {
    const done = data.length === doneMarker.length && data.toString() === doneMarker
    const parsed = done ? undefined : parse(data)
    if (done) this.#end(out)
    else if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) this.#spoilt(out)
    else this.#chunk(out, members(parsed))
  }

  #chunk(out: Delta[], chunk: Members): void {
    this.#malformedInARow = 0
    const fault = readFault(chunk)
    if (fault) {
      this.#over = true
      out.push(fault)
      return
    }
    if (!this.#started && Array.isArray(chunk.choices) && chunk.choices.length > 0) {
      this.#started = true
      this.#seed = text(chunk.id)
      out.push(startOf(chunk))
    }
    for (const [position, value] of list(chunk.choices).entries()) {
      const given = members(value)
      const choice = this.#choice(typeof given.index === 'number' ? given.index : position)
      choice.say(out, members(given.delta), given.logprobs)
      const reason = text(given.finish_reason)
      if (reason) choice.finish(out, reason)
      if (out.at(-1)?.type === 'fault') this.#over = true
    }
    const usage = chunk.usage
      ? tiered(normaliseUsage(chunk.usage, this.#row.counts, chunk.timings), chunk.service_tier)
      : undefined
    if (usage && !this.#over) out.push({ choice: 0, type: 'usage', usage })
  }

  #choice(index: number): Choice {
    const known = this.#choices.get(index)
    if (known) return known
    const choice = new Choice(index, this.#seed)
    this.#choices.set(index, choice)
    return choice
  }

  /** The marker ends the answer, also of a provider that gives no finish reason. */
  #end(out: Delta[]): void {
    if (this.#choices.size === 0) {
      this.#fail(out, 'The model ended its answer before it began.')
      return
    }
    this.#over = true
    for (const choice of this.#choices.values()) choice.finish(out, undefined)
    out.push({ choice: 0, type: 'end' })
  }

  #spoilt(out: Delta[]): void {
    this.malformed++
    if (++this.#malformedInARow === malformedInARow)
      this.#fail(out, 'The model sent events that are not JSON.')
  }

  #fail(out: Delta[], message: string): void {
    this.#over = true
    out.push({ choice: 0, type: 'fault', status: 502, message })
  }
}

interface Block {
  readonly kind: 'text' | 'reasoning' | 'refusal' | 'tool'
  /** Position among the calls of its choice. */
  readonly index: number
  /** Text of the reasoning, which its signature is sent with; of a call, whether arguments were sent. */
  text: string
}

interface State {
  readonly blocks: Map<number, Block>
  calls: number
  details: number
  finished: boolean
}

export class ChatEncoder implements Encoder {
  readonly contentType = 'text/event-stream; charset=utf-8'
  readonly #head: string
  readonly #wantsUsage: boolean
  readonly #choices = new Map<number, State>()
  #usage: Usage | undefined
  #over = false

  constructor({ id, model, created, usage }: About) {
    const head = JSON.stringify({ id, object: 'chat.completion.chunk', created, model })
    this.#head = `data: ${head.slice(0, -1)},"choices":[`
    this.#wantsUsage = usage
  }

  push(deltas: readonly Delta[]): Buffer | undefined {
    let out = ''
    for (let at = 0; at < deltas.length && !this.#over; at++) {
      const delta = deltas[at]!
      const tokens = tokensOf(deltas, at)
      out += this.#write(delta, tokens)
      if (tokens) at++
    }
    return out === '' ? undefined : Buffer.from(out)
  }

  fault(fault: Fault, kind?: string): Buffer {
    this.#over = true
    return Buffer.from(errorEvent(fault, kind))
  }

  #write(delta: Delta, tokens: readonly TokenLogprob[] | undefined): string {
    if (delta.type === 'usage') {
      this.#usage = delta.usage
      return ''
    }
    if (delta.type === 'end') return this.#end()
    if (delta.type === 'fault') {
      this.#over = true
      return ''
    }
    if (delta.type === 'media') {
      this.#over = true
      return errorEvent(mediaFault(delta))
    }
    const known = this.#choices.get(delta.choice)
    if (known) return known.finished ? '' : this.#step(delta, known, tokens)
    const state = { blocks: new Map<number, Block>(), calls: 0, details: 0, finished: false }
    this.#choices.set(delta.choice, state)
    return this.#chunk(delta.choice, { role: 'assistant', content: '' }) + this.#step(delta, state, tokens)
  }

  #step(
    delta: Exclude<Delta, { type: 'usage' | 'end' | 'fault' | 'media' }>,
    state: State,
    tokens: readonly TokenLogprob[] | undefined,
  ): string {
    const { choice } = delta
    if (delta.type === 'start') return ''
    if (delta.type === 'finish') {
      state.finished = true
      return this.#chunk(choice, {}, finishReason[delta.stop])
    }
    if (delta.type === 'open') {
      const tool = delta.kind === 'tool'
      const index = tool ? state.calls++ : 0
      state.blocks.set(delta.block, { kind: delta.kind, index, text: '' })
      if (!tool) return ''
      const made = { name: delta.name, arguments: '' }
      return this.#chunk(choice, {
        tool_calls: [{ index, id: callId(delta.id), type: 'function', function: made }],
      })
    }
    const block = state.blocks.get(delta.block)
    if (!block) return ''
    if (delta.type === 'close') {
      state.blocks.delete(delta.block)
      return block.kind === 'tool' && block.text === '' ? this.#args(choice, block, '{}') : ''
    }
    if (delta.type === 'args') {
      if (delta.json !== '') block.text = delta.json
      return this.#args(choice, block, delta.json)
    }
    if (delta.type === 'signature') {
      const { signature, opaque, origin } = delta
      const detail = writeDetail({
        ...(block.text && { text: block.text }),
        ...(signature !== undefined && { signature }),
        ...(opaque !== undefined && { opaque }),
        origin,
      })
      return this.#chunk(choice, { reasoning_details: [{ ...detail, index: state.details++ }] })
    }
    if (delta.type === 'logprobs') return this.#said(choice, block, '', delta.tokens)
    if (delta.type === 'annotation')
      return this.#chunk(choice, { annotations: [writeChatAnnotation(delta.citation)] })
    if (delta.text === '' && !tokens) return ''
    if (delta.type === 'reasoning') {
      block.text += delta.text
      return this.#chunk(choice, { reasoning_content: delta.text })
    }
    return this.#said(choice, block, delta.text, tokens)
  }

  #said(choice: number, { kind }: Block, text: string, tokens: readonly TokenLogprob[] | undefined): string {
    const refusal = kind === 'refusal'
    const delta = refusal ? { refusal: text } : { content: text }
    const written = tokens && writeLogprobs(tokens, null)
    const logprobs = written && { content: refusal ? null : written, refusal: refusal ? written : null }
    return this.#chunk(choice, delta, null, logprobs)
  }

  #args(choice: number, { index }: Block, json: string): string {
    return json === '' ? '' : this.#chunk(choice, { tool_calls: [{ index, function: { arguments: json } }] })
  }

  #chunk(choice: number, delta: Json, reason: string | null = null, logprobs?: Json): string {
    return `${this.#head}${writeJson({ index: choice, delta, logprobs, finish_reason: reason })}]}\n\n`
  }

  #end(): string {
    this.#over = true
    const usage =
      this.#wantsUsage && this.#usage
        ? `${this.#head}],"usage":${writeJson(writeUsage(this.#usage))}}\n\n`
        : ''
    return `${usage}data: ${doneMarker}\n\n`
  }
}
