// A frame of a segment: length u32, crc32c u32, kind u8, payload. Little-endian; the checksum covers kind and
// payload. What the requests of one key have in common stands once in each segment, before the first that names it
// by its number, so that the records of a request are 60 and some 150 bytes: a JSON event for each took 700.
//
//   common   JSON [number, workspace, project, key, keyName, model, endpoint, operation, streamed]
//   open     common u32, admitted f64, request
//   used     common u32, admitted f64, ended f64, length of request u8, request,
//            JSON [end, status, attempt, upstream, billable, usage]
import type { Admission, Ended, Used } from '@switchyard/runtime'
import { crc32c } from './crc32c.ts'
import { eventsOf } from './frame-events.ts'

export const headBytes = 9
/** More than any record has: a longer length is taken for damage. */
export const maxPayloadBytes = 16 * 1024 * 1024

const eventOpenKind = 1
const eventsKind = 2
const commonKind = 3
const openKind = 4
const usedKind = 5

const openBytes = 12
const usedBytes = 21
const mostRequestBytes = 255

/** What an admission shares with the others of its key, model and operation. */
export type Common = Omit<Admission, 'request' | 'at'>

export type Frame =
  | { readonly kind: 'common'; readonly number: number; readonly common: Common; readonly end: number }
  | { readonly kind: 'open'; readonly admitted: Admission; readonly end: number }
  | { readonly kind: 'used'; readonly used: readonly Used[]; readonly end: number }
  | { readonly kind: 'skipped'; readonly end: number }
  /** `needs`: how many bytes from the frame's start would make it whole. */
  | { readonly kind: 'short'; readonly needs: number }
  | { readonly kind: 'bad' }

/** Frames that wait to be written, in bytes that grow as they need. */
export class FrameBuffer {
  bytes = Buffer.allocUnsafeSlow(256 * 1024)
  used = 0

  common(number: number, common: Common): void {
    const { workspace, project, key, keyName, model, endpoint, operation, streamed } = common
    const text = JSON.stringify([
      number,
      workspace,
      project,
      key,
      keyName,
      model,
      endpoint,
      operation,
      streamed,
    ])
    const at = this.#begin(text.length * 3)
    this.#end(commonKind, at + this.bytes.write(text, at, 'utf8'))
  }

  open(common: number, { request, at: admittedAt }: Admission): void {
    const at = this.#begin(openBytes + request.length)
    this.bytes.writeUInt32LE(common, at)
    this.bytes.writeDoubleLE(admittedAt, at + 4)
    this.#end(openKind, at + openBytes + this.bytes.write(request, at + openBytes, 'latin1'))
  }

  usage(common: number, { request, at: admittedAt }: Admission, ended: Ended): void {
    const text = textOf(ended)
    const at = this.#begin(usedBytes + request.length + text.length * 3)
    this.bytes.writeUInt32LE(common, at)
    this.bytes.writeDoubleLE(admittedAt, at + 4)
    this.bytes.writeDoubleLE(ended.at, at + 12)
    this.bytes[at + 20] = request.length
    const rest = at + usedBytes + this.bytes.write(request, at + usedBytes, 'latin1')
    this.#end(usedKind, rest + this.bytes.write(text, rest, 'utf8'))
  }

  /** Place of a payload of at most so many bytes. */
  #begin(most: number): number {
    const needed = this.used + headBytes + most
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, needed))
      this.bytes.copy(larger, 0, 0, this.used)
      this.bytes = larger
    }
    return this.used + headBytes
  }

  #end(kind: number, end: number): void {
    const { bytes, used } = this
    bytes.writeUInt32LE(end - used - headBytes, used)
    bytes[used + 8] = kind
    bytes.writeUInt32LE(crc32c(bytes, used + 8, end), used + 4)
    this.used = end
  }
}

/** Ids are ours: a UUIDv7. */
export function checkRequest(request: string): void {
  if (request.length > mostRequestBytes || !/^[\x20-\x7e]+$/.test(request))
    throw new TypeError(`${JSON.stringify(request)} is no id of a request`)
}

function textOf({ end, status, attempt, upstream, billable, usage }: Ended): string {
  let counted: readonly unknown[] | null = null
  if (usage) {
    const quantities: Record<string, string> = {}
    const { quantities: given } = usage
    let unit: keyof typeof given
    for (unit in given) {
      const quantity = given[unit]
      if (quantity !== undefined) quantities[unit] = quantity.toString()
    }
    counted = [usage.source, usage.flags, quantities]
  }
  return JSON.stringify([end, status, attempt, upstream, billable, counted])
}

/** The commons are those that the frames before it in its segment have told. `open` frames are skipped unless `opens`. */
export function readFrame(
  bytes: Buffer,
  at: number,
  commons: ReadonlyMap<number, Common>,
  opens: boolean,
): Frame {
  if (at + headBytes > bytes.length) return { kind: 'short', needs: headBytes }
  const length = bytes.readUInt32LE(at)
  const end = at + headBytes + length
  if (length === 0 || length > maxPayloadBytes) return { kind: 'bad' }
  if (end > bytes.length) return { kind: 'short', needs: end - at }
  if (crc32c(bytes, at + 8, end) !== bytes.readUInt32LE(at + 4)) return { kind: 'bad' }
  const kind = bytes[at + 8]
  if (!opens && (kind === openKind || kind === eventOpenKind)) return { kind: 'skipped', end }
  // The checksum tells that these are the bytes that were written, and so of these types.
  const from = at + headBytes
  if (kind === commonKind) return readCommon(bytes.toString('utf8', from, end), end)
  if (kind === eventOpenKind || kind === eventsKind) {
    const used = eventsOf(bytes.toString('utf8', from, end))
    const [one] = used
    if (kind === eventOpenKind) return one ? { kind: 'open', admitted: one.admitted, end } : { kind: 'bad' }
    return { kind: 'used', used, end }
  }
  const common = commons.get(bytes.readUInt32LE(from))
  if (!common) return { kind: 'bad' }
  const admittedAt = bytes.readDoubleLE(from + 4)
  if (kind === openKind) {
    const request = bytes.toString('latin1', from + openBytes, end)
    return { kind: 'open', admitted: { ...common, request, at: admittedAt }, end }
  }
  if (kind !== usedKind) return { kind: 'bad' }
  const rest = from + usedBytes + (bytes[from + 20] as number) // within the frame
  const request = bytes.toString('latin1', from + usedBytes, rest)
  const ended = endedOf(bytes.readDoubleLE(from + 12), bytes.toString('utf8', rest, end))
  return { kind: 'used', used: [{ admitted: { ...common, request, at: admittedAt }, ended }], end }
}

type CommonText = [number, string, string | null, string, string, string, string, string, boolean]

function readCommon(text: string, end: number): Frame {
  const [number, workspace, project, key, keyName, model, endpoint, operation, streamed] = JSON.parse(
    text,
  ) as CommonText
  const common = { workspace, project, key, keyName, model, endpoint, operation, streamed }
  return { kind: 'common', number, common, end }
}

type Counted = NonNullable<Ended['usage']>
type EndedText = [
  Ended['end'],
  number,
  number,
  string,
  Ended['billable'],
  [Counted['source'], readonly string[], Readonly<Record<string, string>>] | null,
]

function endedOf(at: number, text: string): Ended {
  const [end, status, attempt, upstream, billable, counted] = JSON.parse(text) as EndedText
  if (!counted) return { at, end, status, attempt, upstream, billable, usage: undefined }
  const [source, flags, texts] = counted
  const quantities: Record<string, bigint> = {}
  for (const unit in texts) quantities[unit] = BigInt(texts[unit] as string) // a member of its own
  return { at, end, status, attempt, upstream, billable, usage: { source, flags, quantities } }
}
