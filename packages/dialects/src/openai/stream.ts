// Taps a stream that passes through: whole events leave as they came, but for the upstream's model name and the
// usage chunk that the caller had not asked for. Tells when content begins, and how the stream ends.
import type { Fault } from '@switchyard/kinds'
import type { Tap } from '../carriage.ts'
import { memberBytes, textBytesIn } from '../delivered.ts'
import type { Usage } from '../exchange.ts'
import { Cursor, closed, more, Names } from '../scan.ts'
import { EventReader } from '../sse.ts'
import { tiered } from '../tier.ts'
import { errorEvent, readError, type UpstreamError } from './error.ts'
import { normaliseUsage } from './usage.ts'

const chunkNames = new Names(['choices', 'model', 'usage', 'error', 'timings', 'service_tier'])
const choices = 0
const model = 1
const usage = 2
const error = 3
const timings = 4
const serviceTier = 5

const choiceNames = new Names(['delta', 'finish_reason', 'text', 'index'])
const delta = 0
const finishReason = 1
const text = 2
const index = 3

const contentNames = new Names([
  'content',
  'reasoning_content',
  'reasoning',
  'refusal',
  'tool_calls',
  'function_call',
  'audio',
])

const toolTexts = [Buffer.from('"arguments"')]

const letterN = 0x6e
const quote = 0x22
const doneMarker = Buffer.from('[DONE]')
const doneEvent = Buffer.from('data: [DONE]\n\n')
const blankLine = Buffer.from('\n\n')
const malformedInARow = 3
const noName = Buffer.alloc(0)

type Verdict = 'pass' | 'rename' | 'withhold' | 'end' | 'fault'

export interface TapOptions {
  /** The model name that the caller sees, as JSON writes it; undefined keeps the upstream's. */
  readonly name: Buffer | undefined
  /** The caller asked for usage: its chunk stays. */
  readonly usage: boolean
  /** Answers that were asked for, 1 when omitted: without `[DONE]` each must have given its reason to finish. */
  readonly choices?: number
  /** A delta may be several tokens: its text is measured. */
  readonly measured?: boolean
}

/** `push` each chunk; then `out` is what may leave, and the other fields tell what has been seen so far. */
export class StreamTap implements Tap {
  /** Bytes that the last `push` or `finish` lets pass. */
  out: Buffer | undefined
  /** The first content (text, tool call, reasoning, refusal, or a finish reason) has been seen. */
  begun = false
  /** Deltas with content: what counts as output when no usage is reported. */
  deltas = 0
  textBytes = 0
  usage: Usage | undefined
  /** Events that were no JSON and were withheld. */
  malformed = 0
  /** The bytes that end the stream for the caller, once it is known to be complete. They are not in `out`. */
  terminal: Buffer | undefined
  /** The stream has failed: an error event, or events that can't be read. */
  error: UpstreamError | undefined

  readonly #options: TapOptions
  readonly #many: boolean
  readonly #reader = new EventReader()
  #finished = false
  /** Where several answers were asked for: those that have finished, and those that this chunk finishes. */
  readonly #ended = new Set<number>()
  readonly #ending: number[] = []
  #malformedInARow = 0
  #modelStart = 0
  #modelEnd = 0

  constructor(options: TapOptions) {
    this.#options = options
    this.#many = (options.choices ?? 1) > 1
  }

  push(chunk: Buffer): void {
    const reader = this.#reader
    this.out = undefined
    reader.push(chunk)
    const { bytes } = reader
    let parts: Buffer[] | undefined
    let run = 0
    let stop = 0
    while (reader.next()) {
      stop = reader.end
      const verdict = this.#judge()
      if (verdict === 'pass') continue
      parts ??= []
      if (reader.start > run) parts.push(bytes.subarray(run, reader.start))
      run = stop
      if (verdict === 'rename') parts.push(...this.#renamed())
      else if (verdict === 'end') {
        this.terminal = reader.bytes.subarray(reader.start, reader.end)
        break
      } else if (verdict === 'fault') break
    }
    if (reader.tooLarge) this.error ??= { status: 502, type: undefined }
    if (!parts) {
      if (stop > 0) this.out = stop === bytes.length ? bytes : bytes.subarray(0, stop)
      return
    }
    if (stop > run) parts.push(bytes.subarray(run, stop))
    if (parts.length > 0) this.out = parts.length === 1 ? parts[0] : Buffer.concat(parts)
  }

  /**
   * The upstream has ended the body. A last event without its blank line is read; a stream that gave its finish
   * reason is complete without `[DONE]`. Afterwards the stream was cut unless `terminal` is set.
   */
  finish(): void {
    this.out = undefined
    if (this.terminal || this.error) return
    if (this.#reader.unfinished > 0) this.push(blankLine)
    const whole = this.#finished && (!this.#many || this.#ended.size >= (this.#options.choices ?? 1))
    if (whole && !this.error) this.terminal ??= doneEvent
  }

  fail(fault: Fault, type?: string): Buffer {
    return Buffer.from(errorEvent(fault, type))
  }

  #judge(): Verdict {
    const { hasData, data, dataStart, dataEnd } = this.#reader
    if (!hasData) return 'pass'
    const length = dataEnd - dataStart
    if (length === doneMarker.length && data.compare(doneMarker, 0, length, dataStart, dataEnd) === 0)
      return 'end'
    return this.#chunk(new Cursor(data, dataStart, dataEnd))
  }

  #chunk(cursor: Cursor): Verdict {
    const { bytes } = cursor
    let choicesSeen = 0
    let usageStart = -1
    let usageEnd = 0
    let errorStart = -1
    let errorEnd = 0
    let timingsStart = -1
    let timingsEnd = 0
    let tierStart = -1
    let tierEnd = 0
    this.#modelStart = -1
    const deltasBefore = this.deltas
    const textBefore = this.textBytes
    const finishedBefore = this.#finished
    if (this.#ending.length > 0) this.#ending.length = 0
    cursor.space()
    let step = cursor.open()
    while (step === more) {
      const name = chunkNames.find(bytes, cursor.nameStart, cursor.nameEnd)
      const start = cursor.at
      if (name === choices && bytes[start] !== letterN) {
        choicesSeen = this.#choices(cursor)
        if (choicesSeen < 0) break
      } else if (!cursor.value(1)) break
      else if (bytes[start] !== letterN) {
        if (name === model) {
          this.#modelStart = start
          this.#modelEnd = cursor.at
        } else if (name === usage) {
          usageStart = start
          usageEnd = cursor.at
        } else if (name === error) {
          errorStart = start
          errorEnd = cursor.at
        } else if (name === timings) {
          timingsStart = start
          timingsEnd = cursor.at
        } else if (name === serviceTier) {
          tierStart = start
          tierEnd = cursor.at
        }
      }
      step = cursor.next()
    }
    if (step === closed) cursor.space()
    if (step !== closed || cursor.at !== cursor.end) {
      this.deltas = deltasBefore
      this.textBytes = textBefore
      this.#finished = finishedBefore
      return this.#spoilt()
    }
    this.#malformedInARow = 0
    if (this.#ending.length > 0) for (const choice of this.#ending) this.#ended.add(choice)
    if (errorStart >= 0) {
      this.error = readError(bytes, errorStart, errorEnd)
      return 'fault'
    }
    if (this.deltas > deltasBefore || this.#finished) this.begun = true
    if (usageStart >= 0) {
      const reported = normaliseUsage(
        parse(bytes, usageStart, usageEnd),
        'engine',
        parse(bytes, timingsStart, timingsEnd),
      )
      this.usage = tiered(reported, parse(bytes, tierStart, tierEnd)) ?? this.usage
      if (choicesSeen === 0 && !this.#options.usage) return 'withhold'
    }
    return this.#named(bytes) ? 'pass' : 'rename'
  }

  /** Number of choices; negative when they are not JSON. */
  #choices(cursor: Cursor): number {
    let seen = 0
    let step = cursor.openArray()
    if (step < 0) return cursor.value(1) ? 0 : -1
    while (step === more) {
      seen++
      if (!this.#choice(cursor)) return -1
      step = cursor.nextElement()
    }
    return step === closed ? seen : -1
  }

  #choice(cursor: Cursor): boolean {
    const { bytes } = cursor
    let step = cursor.open()
    if (step < 0) return false
    let content = false
    let finished = false
    let at = 0
    while (step === more) {
      const name = choiceNames.find(bytes, cursor.nameStart, cursor.nameEnd)
      const start = cursor.at
      if (name === delta && bytes[start] === 0x7b) {
        const inner = this.#delta(cursor)
        if (inner < 0) return false
        if (inner > 0) content = true
      } else if (!cursor.value(3)) return false
      else if (name === finishReason && bytes[start] !== letterN) finished = true
      else if (name === index) at = digits(bytes, start, cursor.at)
      else if (name === text && bytes[start] !== letterN && cursor.at - start > 2) {
        content = true
        if (this.#options.measured) this.textBytes += textOf(bytes, start, cursor.at)
      }
      step = cursor.next()
    }
    if (content) this.deltas++
    if (finished) {
      this.#finished = true
      if (this.#many) this.#ending.push(at)
    }
    return step === closed
  }

  /** 1 when the delta holds content, 0 when not, negative when it is not JSON. */
  #delta(cursor: Cursor): number {
    const { bytes } = cursor
    let content = 0
    let step = cursor.open()
    while (step === more) {
      const name = contentNames.find(bytes, cursor.nameStart, cursor.nameEnd)
      const start = cursor.at
      if (!cursor.value(4)) return -1
      // An empty string, array or object has two bytes.
      if (name >= 0 && bytes[start] !== letterN && cursor.at - start > 2) {
        content = 1
        if (this.#options.measured) this.textBytes += textOf(bytes, start, cursor.at)
      }
      step = cursor.next()
    }
    return step === closed ? content : -1
  }

  #spoilt(): Verdict {
    this.malformed++
    if (++this.#malformedInARow < malformedInARow) return 'withhold'
    this.error = { status: 502, type: undefined }
    return 'fault'
  }

  #named(bytes: Uint8Array): boolean {
    const { name } = this.#options
    const start = this.#modelStart
    if (!name || start < 0) return true
    if (this.#modelEnd - start !== name.length) return false
    for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false
    return true
  }

  /** The event with the public model name. Data that stood on several lines is written on as many again. */
  #renamed(): Buffer[] {
    const { bytes, data, start, end, dataStart, dataEnd } = this.#reader
    const { name = noName } = this.#options // it is there: nothing is renamed without
    if (data === bytes)
      return [bytes.subarray(start, this.#modelStart), name, bytes.subarray(this.#modelEnd, end)]
    const json = Buffer.concat([
      data.subarray(dataStart, this.#modelStart),
      name,
      data.subarray(this.#modelEnd, dataEnd),
    ])
    const lines = json.toString('latin1').split('\n')
    return [Buffer.from(`${lines.map(line => `data: ${line}\n`).join('')}\n`, 'latin1')]
  }
}

/** UTF-8 bytes of the text of a piece of content, or of the arguments of a call of a tool. */
function textOf(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] === quote) return textBytesIn(bytes, start + 1, end)
  return memberBytes(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start), toolTexts)
}

/** A whole number; what is none counts as some other. */
function digits(bytes: Uint8Array, start: number, end: number): number {
  let value = 0
  for (let i = start; i < end; i++) value = value * 10 + bytes[i]! - 0x30
  return value
}

function parse(bytes: Uint8Array, start: number, end: number): unknown {
  if (start < 0) return undefined
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString())
}
