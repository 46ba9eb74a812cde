// Gemini's streams: server-sent events (alt=sse), or one JSON array that grows. Neither has a terminal marker but the
// reason of the end and the end of the body.
import type { Fault } from '@switchyard/kinds'
import type { Delta } from '../conversation.ts'
import type { About, Decoder, Encoder } from '../dialect.ts'
import type { Usage } from '../exchange.ts'
import { Raw } from '../raw.ts'
import { EventReader, maxEventBytes } from '../sse.ts'
import { CandidateParts, writeCandidate, writeChunk } from './candidate.ts'
import { errorBody } from './error.ts'
import { Answer, elementsOf } from './response.ts'

const malformedInARow = 3
const blankLine = Buffer.from('\n\n')
const broken = { choice: 0, type: 'fault', status: 502 } as const satisfies Delta

/** Cuts the elements out of a growing array, or the one object of a body that is no stream. */
class ElementReader {
  tooLarge = false
  #left: Buffer = Buffer.alloc(0)
  #at = 0
  #start = -1
  #depth = 0
  #quoted = false
  #escaped = false

  /** Whole elements, once each. */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.#left.length === 0 ? chunk : Buffer.concat([this.#left, chunk])
    const found: Buffer[] = []
    let at = this.#at
    for (; at < bytes.length; at++) {
      const byte = bytes[at]
      if (this.#escaped) this.#escaped = false
      else if (this.#quoted) {
        if (byte === 0x5c) this.#escaped = true
        else if (byte === 0x22) this.#quoted = false
      } else if (byte === 0x22) this.#quoted = this.#depth > 0
      else if (byte === 0x7b) {
        if (this.#depth++ === 0) this.#start = at
      } else if (byte === 0x7d && this.#depth > 0 && --this.#depth === 0) {
        found.push(bytes.subarray(this.#start, at + 1))
        this.#start = -1
      }
    }
    this.#left = this.#start < 0 ? Buffer.alloc(0) : bytes.subarray(this.#start)
    this.#at = this.#left.length
    if (this.#start >= 0) this.#start = 0
    if (this.#left.length > maxEventBytes) this.tooLarge = true
    return found
  }
}

class GeminiDecoder implements Decoder {
  malformed = 0
  readonly #answer = new Answer()
  readonly #events = new EventReader()
  #elements: ElementReader | undefined
  #begun = false
  #malformedInARow = 0

  push(chunk: Buffer): readonly Delta[] {
    if (this.#answer.failed) return []
    const bytes = this.#begun ? chunk : this.#begin(chunk)
    const out: Delta[] = []
    if (this.#elements) {
      for (const element of this.#elements.push(bytes)) this.#read(out, element)
      if (this.#elements.tooLarge) this.#break(out)
      return out
    }
    this.#events.push(bytes)
    while (!this.#answer.failed && this.#events.next()) {
      const { hasData, data, dataStart, dataEnd, start, end } = this.#events
      if (hasData) this.#read(out, data.subarray(dataStart, dataEnd))
      else if (this.#events.bytes[start] === 0x7b) this.#read(out, this.#events.bytes.subarray(start, end))
    }
    if (this.#events.tooLarge) this.#break(out)
    return out
  }

  finish(): readonly Delta[] {
    const out: Delta[] = []
    if (!this.#elements && this.#events.unfinished > 0) out.push(...this.push(blankLine))
    return [...out, ...this.#answer.finish()]
  }

  /** The first byte tells the form: an event never begins with a bracket. */
  #begin(chunk: Buffer): Buffer {
    const first = chunk.findIndex(byte => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
    if (first < 0) return chunk.subarray(0, 0)
    this.#begun = true
    if (chunk[first] === 0x5b || chunk[first] === 0x7b) this.#elements = new ElementReader()
    return chunk.subarray(first)
  }

  #read(out: Delta[], bytes: Buffer): void {
    if (this.#answer.failed) return
    const raw = Raw.parse(bytes)
    // Older gateways send an error as an array of one.
    const [chunk] = (raw && elementsOf(raw)) ?? []
    const deltas = chunk && this.#answer.read(chunk)
    if (deltas) {
      this.#malformedInARow = 0
      for (const delta of deltas) out.push(delta)
    } else this.#spoilt(out)
  }

  #spoilt(out: Delta[]): void {
    this.malformed++
    if (++this.#malformedInARow === malformedInARow) this.#break(out)
  }

  #break(out: Delta[]): void {
    if (this.#answer.failed) return
    this.#answer.failed = true
    out.push(broken)
  }
}

export function decoder(): Decoder {
  return new GeminiDecoder()
}

/** How chunks are put on the wire. */
interface Framing {
  readonly contentType: string
  chunk(json: string, first: boolean): string
  readonly end: string
  error(json: string, first: boolean): string
}

export const events: Framing = {
  contentType: 'text/event-stream; charset=utf-8',
  chunk: json => `data: ${json}\n\n`,
  end: '',
  // Google's older clients throw on a bare object alone, and only when it ends the body.
  error: json => `data: ${json}\n\n${json}`,
}

export const array: Framing = {
  contentType: 'application/json; charset=utf-8',
  chunk: (json, first) => `${first ? '[' : ',\n'}${json}`,
  end: ']',
  error: (json, first) => `${first ? '[' : ',\n'}${json}]`,
}

class GeminiEncoder implements Encoder {
  readonly #about: About
  readonly #framing: Framing
  readonly #candidates = new Map<number, CandidateParts>()
  #usage: Usage | undefined
  #first = true
  #ended = false

  constructor(about: About, framing: Framing) {
    this.#about = about
    this.#framing = framing
  }

  get contentType(): string {
    return this.#framing.contentType
  }

  push(deltas: readonly Delta[]): Buffer | undefined {
    if (this.#ended) return undefined
    let ends = false
    for (const delta of deltas) {
      if (delta.type === 'usage') this.#usage = delta.usage
      else if (delta.type === 'end') ends = true
      else if (delta.type === 'fault') break
      else if (delta.type !== 'start') this.#candidate(delta.choice).apply(delta)
    }
    const text = ends ? this.#last() : this.#next()
    return text === '' ? undefined : Buffer.from(text)
  }

  fault(fault: Fault, kind?: string): Buffer {
    if (this.#ended) return Buffer.alloc(0)
    this.#ended = true
    return Buffer.from(this.#framing.error(errorBody(fault, kind), this.#first))
  }

  #candidate(index: number): CandidateParts {
    const known = this.#candidates.get(index)
    if (known) return known
    const made = new CandidateParts()
    this.#candidates.set(index, made)
    return made
  }

  #next(): string {
    const candidates = [...this.#candidates].flatMap(([index, candidate]) => {
      const parts = candidate.take()
      return parts.length > 0 ? [writeCandidate(index, { parts, tokens: candidate.takeTokens() })] : []
    })
    return candidates.length > 0 ? this.#chunk(candidates) : ''
  }

  #last(): string {
    this.#ended = true
    if (this.#candidates.size === 0) this.#candidate(0)
    const candidates = [...this.#candidates].map(([index, candidate]) => {
      candidate.finish()
      const parts = candidate.take()
      return writeCandidate(index, {
        parts: parts.length > 0 ? parts : [{ text: '' }],
        tokens: candidate.takeTokens(),
        stop: candidate.stop,
        grounding: candidate.grounding(),
      })
    })
    return this.#chunk(candidates) + this.#framing.end
  }

  #chunk(candidates: Parameters<typeof writeChunk>[0]): string {
    const text = this.#framing.chunk(writeChunk(candidates, this.#usage, this.#about), this.#first)
    this.#first = false
    return text
  }
}

/** Server-sent events: what `alt=sse` asks for. */
export function encoder(about: About): Encoder {
  return new GeminiEncoder(about, events)
}

/** One JSON array that grows: what a caller gets without `alt=sse`. */
export function arrayEncoder(about: About): Encoder {
  return new GeminiEncoder(about, array)
}
