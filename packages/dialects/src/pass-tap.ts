// Taps a stream that passes in its own dialect: whole events leave as they came, but for the upstream's model name;
// the dialect's own decoder hears them too, and tells usage, content, end and errors.
import type { Fault } from '@switchyard/kinds'
import type { Tap } from './carriage.ts'
import { memberBytes } from './delivered.ts'
import type { Decoder } from './dialect.ts'
import { Heard } from './heard.ts'
import type { NamePlace } from './name-place.ts'
import type { EventReader } from './sse.ts'

const malformedInARow = 3
const openBrace = 0x7b
const doneMarker = Buffer.from('[DONE]')
const nothing = Buffer.alloc(0)

/** Finds whole events in chunks: events of a stream, or lines. */
type Reader = Pick<
  EventReader,
  | 'bytes'
  | 'start'
  | 'end'
  | 'hasData'
  | 'data'
  | 'dataStart'
  | 'dataEnd'
  | 'tooLarge'
  | 'unfinished'
  | 'push'
  | 'next'
>

/** What is particular to a dialect's streams. Made anew for every tap. */
export interface Script {
  readonly reader: Reader
  readonly decoder: Decoder
  readonly place: NamePlace
  /** What makes the last event whole when the upstream left out its end. */
  readonly closing: Buffer
  /** Ends a stream that is complete, after the terminal event or in its place. */
  readonly end: Buffer
  /** The answer may be over with this event: it waits until another follows, or the body ends. */
  last?(data: Buffer): boolean
  /** The form in which the data of each event leaves; as it came without it. */
  frame?(data: Buffer): Buffer
  /** The event is a piece of content and nothing else: it is counted, and not decoded. */
  content?(data: Buffer, place: NamePlace): boolean
  /** Names of the members that hold the text of such a piece. */
  readonly texts?: readonly Buffer[]
  /** Looks at an event that leaves. */
  heard?(data: Buffer, place: NamePlace): void
  fail(fault: Fault, type?: string): Buffer
}

type Verdict = 'pass' | 'change' | 'over'

export class PassTap extends Heard implements Tap {
  out: Buffer | undefined
  malformed = 0
  terminal: Buffer | undefined
  readonly #script: Script
  readonly #name: Buffer | undefined
  #held: Buffer | undefined
  /** What leaves in the place of an event whose verdict is `change`. */
  #changed: readonly Buffer[] = []
  #malformedInARow = 0

  /**
   * `name` is the model's for the caller, as JSON writes it; undefined keeps the upstream's. `measured`: a delta may be
   * several tokens.
   */
  constructor(script: Script, name: Buffer | undefined, measured: boolean) {
    super(measured)
    this.#script = script
    this.#name = name
  }

  push(chunk: Buffer): void {
    this.out = undefined
    if (this.terminal || this.error) return
    const { reader } = this.#script
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
      if (verdict === 'over') break
      parts.push(...this.#changed)
    }
    if (reader.tooLarge) this.error ??= { status: 502, type: undefined }
    if (!parts) {
      if (stop > 0) this.out = stop === bytes.length ? bytes : bytes.subarray(0, stop)
      return
    }
    if (stop > run) parts.push(bytes.subarray(run, stop))
    if (parts.length > 0) this.out = parts.length === 1 ? parts[0] : Buffer.concat(parts)
  }

  finish(): void {
    this.out = undefined
    if (this.terminal || this.error) return
    const { reader, closing, decoder, end } = this.#script
    if (reader.unfinished > 0) this.push(closing)
    if (this.terminal || this.error) return
    const last = decoder.finish()
    if (last.some(({ type }) => type === 'fault')) return
    this.hear(last)
    if (this.ended) this.terminal = Buffer.concat([this.#held ?? nothing, end])
  }

  fail(fault: Fault, type?: string): Buffer {
    return this.#script.fail(fault, type)
  }

  #judge(): Verdict {
    const { reader, place, heard, last, frame } = this.#script
    const event = reader.bytes.subarray(reader.start, reader.end)
    if (!reader.hasData) {
      // Google ends a failed stream with the bare error.
      if (event[0] === openBrace) this.#decode(event)
      if (this.error) return 'over'
      return event[0] === openBrace || frame ? this.#leaves() : 'pass'
    }
    const { data, dataStart, dataEnd } = reader
    if (!place.find(data, dataStart, dataEnd)) return this.#spoilt(data.subarray(dataStart, dataEnd))
    this.#malformedInARow = 0
    if (this.#script.content?.(data, place)) this.#piece(data, dataStart, dataEnd)
    else this.#decode(event)
    if (this.error) return 'over'
    heard?.call(this.#script, data, place)
    const renamed = place.differs(data, this.#name)
    if (this.ended) {
      this.terminal = Buffer.concat(renamed ? this.#renamed() : [event])
      return 'over'
    }
    if (last) return this.#awaited(event, renamed)
    return renamed ? this.#leaves(...this.#renamed()) : 'pass'
  }

  #piece(data: Buffer, start: number, end: number): void {
    const { texts } = this.#script
    if (this.measured && texts) this.textBytes += memberBytes(data.subarray(start, end), texts)
    this.content()
  }

  /** Where pieces are counted by themselves, what repeats them whole is not counted again. */
  #decode(event: Buffer): void {
    const { decoder, content } = this.#script
    const { deltas, textBytes } = this
    this.hear(decoder.push(event))
    if (!content || deltas === 0) return
    this.deltas = deltas
    this.textBytes = textBytes
  }

  /** The verdict where the end of the body is the end of the answer. */
  #awaited(event: Buffer, renamed: boolean): Verdict {
    const { reader, frame, last } = this.#script
    const { data, dataStart, dataEnd } = reader
    const before = this.#held
    this.#held = undefined
    const bytes = frame
      ? frame.call(
          this.#script,
          Buffer.concat(renamed ? this.#renamedData() : [data.subarray(dataStart, dataEnd)]),
        )
      : renamed
        ? Buffer.concat(this.#renamed())
        : event
    if (last?.call(this.#script, data.subarray(dataStart, dataEnd))) {
      this.#held = bytes
      return this.#leaves(...(before ? [before] : []))
    }
    if (!before && bytes === event) return 'pass'
    return this.#leaves(...(before ? [before] : []), bytes)
  }

  #leaves(...changed: readonly Buffer[]): Verdict {
    this.#changed = changed
    return 'change'
  }

  #spoilt(data: Buffer): Verdict {
    // Some engines add it where the dialect has no such marker.
    if (doneMarker.equals(data)) return this.#leaves()
    this.malformed++
    if (++this.#malformedInARow < malformedInARow) return this.#leaves()
    this.error = { status: 502, type: undefined }
    return 'over'
  }

  #renamedData(): Buffer[] {
    const { reader, place } = this.#script
    const { data, dataStart, dataEnd } = reader
    return [data.subarray(dataStart, place.start), this.#name ?? nothing, data.subarray(place.end, dataEnd)]
  }

  /** The event with the public model name. Data that stood on several lines is written on as many again. */
  #renamed(): Buffer[] {
    const { reader, place } = this.#script
    const { bytes, data, start, end } = reader
    if (data === bytes)
      return [bytes.subarray(start, place.start), this.#name ?? nothing, bytes.subarray(place.end, end)]
    const others = bytes
      .toString('latin1', start, end)
      .split(/\r\n|\r|\n/)
      .filter(line => line !== '' && !/^data(:|$)/.test(line))
    const lines = Buffer.concat(this.#renamedData())
      .toString('latin1')
      .split('\n')
      .map(line => `data: ${line}`)
    return [Buffer.from(`${[...others, ...lines].join('\n')}\n\n`, 'latin1')]
  }
}
