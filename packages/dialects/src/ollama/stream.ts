// A stream of Ollama: one JSON object and a line feed per event <-> deltas.
import type { Fault } from '@switchyard/kinds'
import type { Delta, Stop, TokenLogprob } from '../conversation.ts'
import type { About, Decoder, Encoder } from '../dialect.ts'
import type { Usage } from '../exchange.ts'
import { tokensOf, writeLogprobs } from '../logprobs.ts'
import { mediaFault } from '../media.ts'
import { type Json, writeJson } from '../raw.ts'
import type { ToolCall } from '../results.ts'
import { maxEventBytes } from '../sse.ts'
import { Answer, doneReason } from './answer.ts'
import { errorLine, withheld } from './error.ts'
import { type Form, headOf, type Said } from './form.ts'
import { writeCall } from './messages.ts'
import { writeCounts } from './usage.ts'

const lf = 0x0a
const malformedInARow = 3

export class OllamaDecoder implements Decoder {
  /** Lines that were no JSON and were withheld. */
  malformed = 0
  readonly #answer = new Answer()
  #parts: Buffer[] = []
  #length = 0
  #malformedInARow = 0

  push(chunk: Buffer): readonly Delta[] {
    const out: Delta[] = []
    let from = 0
    for (let at = chunk.indexOf(lf); at >= 0; at = chunk.indexOf(lf, from)) {
      this.#line(out, this.#whole(chunk.subarray(from, at)))
      from = at + 1
    }
    if (from < chunk.length) {
      this.#parts.push(chunk.subarray(from))
      this.#length += chunk.length - from
      if (this.#length > maxEventBytes) this.#fail(out, 'The model sent a line that is too large.')
    }
    return out
  }

  finish(): readonly Delta[] {
    const out: Delta[] = []
    this.#line(out, this.#whole(Buffer.alloc(0)))
    this.#fail(out, 'The model stopped in the middle of its answer.')
    return out
  }

  #whole(end: Buffer): Buffer {
    if (this.#parts.length === 0) return end
    const line = Buffer.concat([...this.#parts, end])
    this.#parts = []
    this.#length = 0
    return line
  }

  #line(out: Delta[], line: Buffer): void {
    if (this.#answer.over || line.every(byte => byte === 0x20 || byte === 0x0d || byte === 0x09)) return
    if (this.#answer.read(out, line)) {
      this.#malformedInARow = 0
      return
    }
    this.malformed++
    if (++this.#malformedInARow === malformedInARow)
      this.#fail(out, 'The model sent lines that are not JSON.')
  }

  #fail(out: Delta[], message: string): void {
    if (this.#answer.over) return
    this.#answer.over = true
    out.push({ choice: 0, type: 'fault', status: 502, message })
  }
}

export class OllamaEncoder implements Encoder {
  readonly contentType = 'application/x-ndjson'
  readonly #head: Record<string, Json>
  readonly #form: Form
  /** Calls whose arguments are not whole: they are sent in one piece. */
  readonly #calls = new Map<number, ToolCall>()
  #sent = 0
  #stop: Stop = 'end'
  #usage: Usage | undefined
  #over = false

  constructor(about: About, form: Form) {
    this.#head = headOf(about)
    this.#form = form
  }

  push(deltas: readonly Delta[]): Buffer | undefined {
    let out = ''
    for (let at = 0; at < deltas.length && !this.#over; at++) {
      const delta = deltas[at]!
      const tokens = tokensOf(deltas, at)
      if (delta.choice === 0) out += this.#write(delta, tokens)
      if (tokens) at++
    }
    return out === '' ? undefined : Buffer.from(out)
  }

  fault(fault: Fault): Buffer {
    this.#over = true
    return Buffer.from(errorLine(fault))
  }

  #write(delta: Delta, tokens: readonly TokenLogprob[] | undefined): string {
    if (delta.type === 'text')
      return delta.text === '' && !tokens ? '' : this.#line({ text: delta.text }, tokens)
    if (delta.type === 'logprobs') return this.#line({ text: '' }, delta.tokens)
    if (delta.type === 'media') {
      this.#over = true
      return errorLine(mediaFault(delta))
    }
    if (delta.type === 'reasoning')
      return delta.text === '' ? '' : this.#line({ text: '', thinking: delta.text })
    if (delta.type === 'open') {
      if (delta.kind === 'tool')
        this.#calls.set(delta.block, { type: 'toolCall', id: delta.id, name: delta.name, args: '' })
      return ''
    }
    if (delta.type === 'args') {
      const call = this.#calls.get(delta.block)
      if (call) this.#calls.set(delta.block, { ...call, args: call.args + delta.json })
      return ''
    }
    if (delta.type === 'close') return this.#call(delta.block)
    if (delta.type === 'usage') this.#usage = delta.usage
    if (delta.type === 'fault') this.#over = true
    if (delta.type === 'finish') return this.#finish(delta.stop)
    if (delta.type !== 'end') return ''
    this.#over = true
    const counts = writeCounts(this.#usage, delta.took)
    const said = this.#form({ text: '' })
    return `${writeJson({ ...this.#head, ...said, done: true, done_reason: doneReason[this.#stop], ...counts })}\n`
  }

  #finish(stop: Stop): string {
    this.#stop = stop
    if (doneReason[stop] !== undefined)
      return [...this.#calls.keys()].map(block => this.#call(block)).join('')
    this.#over = true
    return errorLine(withheld())
  }

  #call(block: number): string {
    const call = this.#calls.get(block)
    if (!call) return ''
    this.#calls.delete(block)
    return this.#line({ text: '', calls: [writeCall(call, this.#sent++)] })
  }

  #line(said: Said, tokens?: readonly TokenLogprob[]): string {
    const logprobs = tokens && writeLogprobs(tokens)
    return `${writeJson({ ...this.#head, ...this.#form(said), logprobs, done: false })}\n`
  }
}
