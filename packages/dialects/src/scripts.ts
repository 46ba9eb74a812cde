// How each dialect's streams pass in their own dialect, but for OpenAI's chat, which has a tap of its own.
import type { Fault } from '@switchyard/kinds'
import { errorEvent as anthropicError } from './anthropic/error.ts'
import type { Speech } from './carriage.ts'
import type { About } from './dialect.ts'
import { errorBody as geminiError } from './gemini/error.ts'
import { array as arrayFraming, events as eventFraming } from './gemini/stream.ts'
import { LineReader } from './lines.ts'
import { NamePlace } from './name-place.ts'
import { errorLine } from './ollama/error.ts'
import type { Script } from './pass-tap.ts'
import { failedEvent } from './responses/stream.ts'
import { upstreamPort } from './speech.ts'
import { EventReader } from './sse.ts'

const blankLine = Buffer.from('\n\n')
const lineFeed = Buffer.from('\n')
const nothing = Buffer.alloc(0)

type Other = Exclude<Speech, { dialect: 'openai' }>
type Of<D extends Other['dialect']> = Extract<Other, { dialect: D }>

const messageStop = Buffer.from('event: message_stop\ndata: {"type":"message_stop"}\n\n')

const blockDelta = Buffer.from('"content_block_delta"')
const blockTexts = ['"text"', '"thinking"', '"partial_json"'].map(name => Buffer.from(name))

export function anthropicScript(to: Of<'anthropic'>): Script {
  return {
    reader: new EventReader(),
    decoder: upstreamPort(to).decoder(),
    place: new NamePlace('message', 'model'),
    closing: blankLine,
    end: messageStop,
    content: (data, place) => place.typeEnds(data, blockDelta),
    texts: blockTexts,
    fail: (fault, type) => Buffer.from(anthropicError(fault, type)),
  }
}

const anyDelta = Buffer.from('.delta"')
const deltaTexts = [Buffer.from('"delta"')]

/** Bytes of a begun response that are kept: a larger one fails without its own members. */
const mostBegun = 256 * 1024

/** A failed response has the next number, and is the one that was begun. */
class ResponsesScript implements Script {
  readonly reader = new EventReader()
  readonly decoder
  readonly place = new NamePlace('response', 'model')
  readonly closing = blankLine
  readonly end = nothing
  readonly texts = deltaTexts
  readonly #about: About
  #sequence = -1
  #begun: Buffer | undefined

  constructor(to: Of<'responses'>, about: About) {
    this.decoder = upstreamPort(to).decoder()
    this.#about = about
  }

  content(data: Buffer, place: NamePlace): boolean {
    return place.typeEnds(data, anyDelta)
  }

  heard(data: Buffer, { sequence, outerStart, outerEnd }: NamePlace): void {
    if (Number.isSafeInteger(sequence) && sequence >= 0) this.#sequence = sequence
    if (this.#begun || outerStart < 0 || outerEnd - outerStart > mostBegun) return
    this.#begun = Buffer.from(data.subarray(outerStart, outerEnd))
  }

  fail(fault: Fault): Buffer {
    return failedEvent(fault, { about: this.#about, sequence: this.#sequence + 1, begun: this.#begun })
  }
}

export function responsesScript(to: Of<'responses'>, about: About): Script {
  return new ResponsesScript(to, about)
}

const finishReason = Buffer.from('"finishReason"')
const blockReason = Buffer.from('"blockReason"')

/** The body's end is the answer's: an event with a reason is the last, unless another follows. */
const givesReason = (data: Buffer) => data.includes(finishReason) || data.includes(blockReason)

export function geminiScript(to: Of<'gemini'>): Script {
  return {
    reader: new EventReader(),
    decoder: upstreamPort(to).decoder(),
    place: new NamePlace('modelVersion'),
    closing: blankLine,
    end: nothing,
    last: givesReason,
    fail: (fault, type) => Buffer.from(eventFraming.error(geminiError(fault, type), false)),
  }
}

/** For callers without `alt=sse`: the data of each event is an element of one array. */
export function geminiArrayScript(to: Of<'gemini'>): Script {
  let first = true
  return {
    ...geminiScript(to),
    end: Buffer.from(arrayFraming.end),
    frame: data => {
      const lead = Buffer.from(arrayFraming.chunk('', first))
      first = false
      return Buffer.concat([lead, data])
    },
    fail: (fault, type) => Buffer.from(arrayFraming.error(geminiError(fault, type), first)),
  }
}

export function ollamaScript(to: Of<'ollama'>): Script {
  return {
    reader: new LineReader(),
    decoder: upstreamPort(to).decoder(),
    place: new NamePlace('model'),
    closing: lineFeed,
    end: nothing,
    fail: fault => Buffer.from(errorLine(fault)),
  }
}
