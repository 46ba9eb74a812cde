// Streams of the Responses API: named events, numbered without gaps, that end in a whole response. There is no [DONE].
import type { Fault } from '@switchyard/kinds'
import { readAnnotations, TextPlace } from '../annotations.ts'
import { Blocks } from '../blocks.ts'
import type { Delta } from '../conversation.ts'
import type { About, Decoder, Encoder } from '../dialect.ts'
import { readLogprobs, tokensOf } from '../logprobs.ts'
import { isImage, mediaFault } from '../media.ts'
import { list, type Members, members, parse, text } from '../members.ts'
import { type Json, Raw, Verbatim, writeJson } from '../raw.ts'
import { EventReader } from '../sse.ts'
import { failureCode, readFailure } from './error.ts'
import { Output } from './output.ts'
import { callIdOf, readEnd, readItem, readSeal, readStart } from './response.ts'

const malformedInARow = 3
const blankLine = Buffer.from('\n\n')

interface Item {
  /** Block of a call. */
  readonly tool: number | undefined
  /** Something of it has been streamed. */
  said: boolean
}

class ResponsesDecoder implements Decoder {
  malformed = 0
  readonly #events = new EventReader()
  readonly #blocks = new Blocks(0)
  readonly #items = new Map<unknown, Item>()
  readonly #place = new TextPlace()
  #started = false
  /** Content came in deltas, with or without an item around it. */
  #said = false
  #ended = false
  #malformedInARow = 0

  push(chunk: Buffer): readonly Delta[] {
    if (this.#ended) return []
    const out: Delta[] = []
    this.#events.push(chunk)
    while (!this.#ended && this.#events.next()) {
      const { hasData, data, dataStart, dataEnd } = this.#events
      if (hasData) this.#read(out, data.subarray(dataStart, dataEnd))
    }
    if (this.#events.tooLarge) this.#break(out)
    return out
  }

  finish(): readonly Delta[] {
    const out: Delta[] = []
    if (this.#events.unfinished > 0) out.push(...this.push(blankLine))
    this.#break(out)
    return out
  }

  #read(out: Delta[], data: Buffer): void {
    const event = members(parse(data))
    const type = text(event.type)
    if (type === '') {
      // An error that a proxy wrote, or [DONE], which some engines add.
      if (event.error !== undefined) this.#fail(out, event.error)
      else if (data.toString() !== '[DONE]') this.#spoilt(out)
      return
    }
    this.#malformedInARow = 0
    this.#event(out, type, event)
  }

  #event(out: Delta[], type: string, event: Members): void {
    const blocks = this.#blocks
    const delta = text(event.delta)
    if (type === 'error') {
      this.#fail(out, event.error ?? event)
      return
    }
    if (type === 'response.failed') {
      this.#end(out, members(event.response))
      return
    }
    this.#start(out, members(event.response))
    if (type === 'response.output_item.added') this.#added(out, event.output_index, members(event.item))
    else if (type === 'response.content_part.added') this.#place.begin()
    else if (type === 'response.output_text.delta') {
      blocks.say(out, 'text', delta)
      this.#place.say(delta)
      if (event.logprobs) blocks.score(out, 'text', readLogprobs(event.logprobs))
    } else if (type === 'response.output_text.annotation.added')
      blocks.cite(out, readAnnotations([event.annotation], this.#place.before))
    else if (type === 'response.refusal.delta') blocks.say(out, 'refusal', delta)
    else if (type === 'response.reasoning_summary_text.delta' || type === 'response.reasoning_text.delta')
      blocks.say(out, 'reasoning', delta)
    else if (type === 'response.reasoning_summary_part.added') this.#paragraph(out, event)
    else if (type === 'response.function_call_arguments.delta') {
      const tool = this.#items.get(event.output_index)?.tool
      if (tool !== undefined) blocks.args(out, tool, delta)
    } else if (type === 'response.output_item.done') this.#done(out, event.output_index, members(event.item))
    else if (type === 'response.completed' || type === 'response.incomplete')
      this.#end(out, members(event.response))
    if (delta !== '') {
      this.#said = true
      const item = this.#items.get(event.output_index)
      if (item) item.said = true
    }
  }

  #start(out: Delta[], response: Members): void {
    if (this.#started) return
    this.#started = true
    out.push(readStart(response))
  }

  /** Parts of a summary are paragraphs of one text. */
  #paragraph(out: Delta[], event: Members): void {
    if (this.#items.get(event.output_index)?.said && event.summary_index !== 0)
      this.#blocks.say(out, 'reasoning', '\n\n')
  }

  #added(out: Delta[], index: unknown, item: Members): void {
    const tool =
      item.type === 'function_call' ? this.#blocks.tool(out, callIdOf(item), text(item.name)) : undefined
    const given = text(item.arguments)
    if (tool !== undefined) this.#blocks.args(out, tool, given)
    this.#items.set(index, { tool, said: given !== '' })
  }

  /** What an item holds that was not streamed before. */
  #done(out: Delta[], index: unknown, item: Members): void {
    const known = this.#items.get(index)
    if (known?.said) {
      if (item.type === 'reasoning') readSeal(out, item, this.#blocks)
    } else if (known?.tool !== undefined) this.#blocks.args(out, known.tool, text(item.arguments))
    else readItem(out, item, this.#blocks, this.#place)
    this.#items.set(index, { tool: known?.tool, said: true })
  }

  #end(out: Delta[], response: Members): void {
    if (this.#items.size === 0 && !this.#said)
      for (const item of list(response.output)) readItem(out, members(item), this.#blocks, this.#place)
    for (const delta of readEnd(response, this.#blocks)) out.push(delta)
    this.#ended = true
  }

  #spoilt(out: Delta[]): void {
    this.malformed++
    if (++this.#malformedInARow === malformedInARow) this.#break(out)
  }

  #fail(out: Delta[], error: unknown): void {
    this.#ended = true
    out.push(readFailure(error))
  }

  #break(out: Delta[]): void {
    if (this.#ended) return
    this.#ended = true
    out.push({ choice: 0, type: 'fault', status: 502 })
  }
}

export function decoder(): Decoder {
  return new ResponsesDecoder()
}

class ResponsesEncoder implements Encoder {
  readonly contentType = 'text/event-stream; charset=utf-8'
  readonly #output: Output
  #text = ''
  #sequence = 0
  #ended = false

  constructor(about: About) {
    this.#output = new Output(about, (type, event) => this.#tell(type, event))
  }

  push(deltas: readonly Delta[]): Buffer | undefined {
    if (this.#ended) return undefined
    for (let at = 0; at < deltas.length; at++) {
      const delta = deltas[at]!
      if (delta.type === 'fault') break
      if (delta.type === 'media' && !isImage(delta.mime)) return this.#broken(delta)
      this.#begin()
      if (delta.type === 'end') {
        this.#ended = true
        this.#output.finish()
        const { status, response } = this.#output.ended()
        this.#tell(`response.${status}`, { response })
        break
      }
      const tokens = tokensOf(deltas, at)
      this.#output.apply(delta, tokens)
      if (tokens) at++
    }
    return this.#take()
  }

  #broken(media: Parameters<typeof mediaFault>[0]): Buffer {
    const told = this.#take() ?? Buffer.alloc(0)
    return Buffer.concat([told, this.fault(mediaFault(media))])
  }

  fault(fault: Fault): Buffer {
    if (this.#ended) return Buffer.alloc(0)
    this.#ended = true
    this.#begin()
    const error = { code: failureCode(fault), message: fault.message }
    this.#tell('response.failed', { response: this.#output.response('failed', error) })
    return this.#take() ?? Buffer.alloc(0)
  }

  #begin(): void {
    if (this.#sequence > 0) return
    const response = this.#output.response('in_progress')
    this.#tell('response.created', { response })
    this.#tell('response.in_progress', { response })
  }

  #tell(type: string, event: Readonly<Record<string, Json>>): void {
    const data = writeJson({ type, sequence_number: this.#sequence++, ...event })
    this.#text += `event: ${type}\ndata: ${data}\n\n`
  }

  #take(): Buffer | undefined {
    const text = this.#text
    this.#text = ''
    return text === '' ? undefined : Buffer.from(text)
  }
}

interface Failing {
  readonly about: About
  /** Number of the event. */
  readonly sequence: number
  /** The response as it was begun, as JSON; undefined when nothing of it was told. */
  readonly begun: Buffer | undefined
}

/** Ends a stream that another has written: its own response, failed. */
export function failedEvent(fault: Fault, { about, sequence, begun }: Failing): Buffer {
  if (sequence === 0) return encoder(about).fault(fault)
  const error = { code: failureCode(fault), message: fault.message }
  const told = begun && Raw.parse(begun)?.members()
  const ours = Object.entries(new Output(about, () => undefined).response('failed', error))
  const response = Object.fromEntries<Json>([
    ...(told ? [...told].map(([name, { text: json }]) => [name, new Verbatim(json)] as const) : ours),
    ['model', about.model],
    ['status', 'failed'],
    ['error', error],
  ])
  const type = 'response.failed'
  const data = writeJson({ type, sequence_number: sequence, response })
  return Buffer.from(`event: ${type}\ndata: ${data}\n\n`)
}

export function encoder(about: About): Encoder {
  return new ResponsesEncoder(about)
}
