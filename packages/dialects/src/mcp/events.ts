// The events of a server of tools on their way to a caller: as the bytes that they are, or one by one where tools are
// taken out of their lists.
import { EventReader } from '../sse.ts'
import { cutTools } from './tools.ts'

const lf = 0x0a
const cr = 0x0d
const colon = 0x3a
const letterI = 0x69
const letterD = 0x64

/** Watches bytes pass: where the last whole event ends, and whether one had an id by which the stream can be resumed. */
export class EventEdge {
  /** What was seen last ends an event, so that something of ours may stand behind it. */
  whole = true
  /** An event has told its id. */
  resumable = false
  /** Bytes of the line under way. */
  #column = 0
  #afterCr = false
  /** The line under way is `id` as far as it has come. */
  #names = true

  /** Offset in `chunk` behind the last whole event; -1 where none ends there. */
  see(chunk: Buffer): number {
    let edge = -1
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number // at < length
      if (byte === lf && this.#afterCr) {
        this.#afterCr = false
        if (edge === at) edge = at + 1
        continue
      }
      this.#afterCr = byte === cr
      if (byte !== lf && byte !== cr) {
        this.whole = false
        this.#letter(byte)
        continue
      }
      if (this.#column === 0) {
        this.whole = true
        edge = at + 1
      } else if (this.#names && this.#column === 2) this.resumable = true
      this.#column = 0
      this.#names = true
    }
    return edge
  }

  #letter(byte: number): void {
    const column = this.#column++
    if (!this.#names || column > 2) return
    if (column === 2 && byte === colon) this.resumable = true
    else if (byte !== (column === 0 ? letterI : letterD) || column === 2) this.#names = false
  }
}

/** What passes events on. */
export interface McpPasser {
  readonly edge: EventEdge
  /** Events that could not be read and were withheld, in a row. */
  readonly malformed: number
  /** Bytes of an event that is held until it is whole. */
  readonly held: number
  /** The bytes that may leave. */
  push(chunk: Buffer): Buffer
}

/** Passes what comes as it comes. */
export class PlainEvents implements McpPasser {
  readonly edge = new EventEdge()
  readonly malformed = 0
  readonly held = 0

  push(chunk: Buffer): Buffer {
    this.edge.see(chunk)
    return chunk
  }
}

/** Passes whole events, with the tools that are not allowed cut out of their lists. */
export class CutEvents implements McpPasser {
  readonly edge = new EventEdge()
  malformed = 0
  held = 0
  #waiting: Buffer[] = []
  readonly #reader = new EventReader()
  readonly #allows: (tool: string) => boolean

  constructor(allows: (tool: string) => boolean) {
    this.#allows = allows
  }

  push(chunk: Buffer): Buffer {
    const edge = this.edge.see(chunk)
    if (edge < 0) {
      this.#waiting.push(chunk)
      this.held += chunk.length
      return nothing
    }
    const whole = Buffer.concat([...this.#waiting, chunk.subarray(0, edge)])
    const rest = chunk.subarray(edge)
    this.#waiting = rest.length > 0 ? [rest] : []
    this.held = rest.length
    return this.#cut(whole)
  }

  #cut(whole: Buffer): Buffer {
    const reader = this.#reader
    reader.push(whole)
    const out: Buffer[] = []
    while (reader.next()) {
      const { start, end, hasData, data, dataStart, dataEnd } = reader
      const event = reader.bytes.subarray(start, end)
      if (!hasData || dataEnd === dataStart) {
        out.push(event)
        continue
      }
      const said = data.subarray(dataStart, dataEnd)
      const cut = cutTools(said, this.#allows)
      this.malformed = cut ? 0 : this.malformed + 1
      if (cut) out.push(cut === said ? event : withData(event, cut))
    }
    return out.length === 1 ? (out[0] ?? nothing) : Buffer.concat(out)
  }
}

const nothing = Buffer.alloc(0)

/** The event with other data: its first line of data has all of it, its other lines stay as they are. */
function withData(event: Buffer, data: Buffer): Buffer {
  const parts: Buffer[] = []
  let told = false
  for (let at = 0; at < event.length; ) {
    let end = at
    while (end < event.length && event[end] !== lf && event[end] !== cr) end++
    let next = end + 1
    if (event[end] === cr && event[next] === lf) next++
    const line = event.subarray(at, next)
    const isData = /^(?:\xef\xbb\xbf)?data(?::|$)/.test(event.toString('latin1', at, Math.min(end, at + 8)))
    if (!isData) parts.push(line)
    else if (!told) {
      told = true
      parts.push(dataField, oneLine(data), event.subarray(end, next))
    }
    at = next
  }
  return Buffer.concat(parts)
}

const dataField = Buffer.from('data: ')

/** Line breaks stand between the values of JSON alone, where a blank does as well. */
function oneLine(json: Buffer): Buffer {
  return json.includes(lf) ? Buffer.from(json.toString().replaceAll('\n', ' ')) : json
}
