// A frame of a segment: length u32, crc32c u32, kind u8, payload. Little-endian; the checksum covers kind and
// payload. What the requests of one key have in common stands once in each segment, before the first that names it
// by its number, and so does what their ends have in common: the records of a request are 60 and some 110 bytes, where
// a JSON event for each took 700.
//
//   common   JSON [number, workspace, project, key, keyName, model, endpoint, operation, streamed, hold]
//   shape    JSON [number, end, status, attempt, upstream, billable, [source, flags, units, tier], part, by, tries]
//            by: [model, provider, endpoint, region]; tries: [upstream, outcome, status] of each
//   open     common u32, admitted f64, request
//   ended    common u32, shape u32, admitted f64, ended f64, length of request u8, request, f64 of each unit; where the shape
//            has tries: first token u32, and of each of them start u32, content u32, end u32, in milliseconds since
//            admission, all bits set where there was none
//   used     common u32, admitted f64, ended f64, length of request u8, request,
//            JSON [end, status, attempt, upstream, billable, usage, part, by, times]: for quantities that no f64 holds
//            times: [first token, [upstream, outcome, status, start, content, end] of each]
//   progress the same as ended: how far a request had come, for when nothing more is heard of it
//   denied   number u32, JSON of the refusal
import {
  type Admission,
  type AnsweredBy,
  type AttemptOutcome,
  type AttemptTimes,
  type CallTimes,
  type Denied,
  type Ended,
  type Used,
  usageUnits,
} from '@switchyard/runtime'
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
const shapeKind = 6
const endedKind = 7
const progressKind = 8
const deniedKind = 9

const numberBytes = 4
const openBytes = 12
const usedBytes = 21
const endedBytes = 25
const quantityBytes = 8
const timeBytes = 4
const noTime = 0xffff_ffff
const mostUnits = usageUnits.length
const mostRequestBytes = 255

/** What an admission shares with the others of its key, model and operation. */
export type Common = Omit<Admission, 'request' | 'at'>

type TryText = readonly [upstream: string, outcome: AttemptOutcome, status: number]

/** What an end shares with others: all but its moment and how much was used. */
export interface Shape extends Omit<Ended, 'at' | 'usage' | 'times'> {
  /** Undefined where nothing is told of when what happened. */
  readonly tries: readonly TryText[] | undefined
  readonly usage:
    | (Pick<Counted, 'source' | 'flags' | 'tier'> & {
        readonly units: readonly (keyof Counted['quantities'])[]
      })
    | undefined
}

/** What the frames of a segment have told so far, by its number. */
export class Told {
  readonly commons = new Map<number, Common>()
  readonly shapes = new Map<number, Shape>()

  clear(): void {
    this.commons.clear()
    this.shapes.clear()
  }
}

type Counted = NonNullable<Ended['usage']>

export type Frame =
  | { readonly kind: 'common'; readonly number: number; readonly common: Common; readonly end: number }
  | { readonly kind: 'shape'; readonly number: number; readonly shape: Shape; readonly end: number }
  | { readonly kind: 'open'; readonly admitted: Admission; readonly end: number }
  | { readonly kind: 'used'; readonly used: readonly Used[]; readonly end: number }
  /** How far one had come that was not heard of again. */
  | { readonly kind: 'progress'; readonly used: Used; readonly end: number }
  | { readonly kind: 'denied'; readonly number: number; readonly denied: Denied; readonly end: number }
  | { readonly kind: 'skipped'; readonly end: number }
  /** `needs`: how many bytes from the frame's start would make it whole. */
  | { readonly kind: 'short'; readonly needs: number }
  | { readonly kind: 'bad' }

/** Frames that wait to be written, in bytes that grow as they need. */
export class FrameBuffer {
  bytes = Buffer.allocUnsafeSlow(256 * 1024)
  used = 0

  common(number: number, common: Common): void {
    const { workspace, project, key, keyName, model, endpoint, operation, streamed, hold } = common
    const told = [number, workspace, project, key, keyName, model, endpoint, operation, streamed]
    const text = JSON.stringify(hold === undefined ? told : [...told, hold])
    const at = this.#begin(text.length * 3)
    this.#end(commonKind, at + this.bytes.write(text, at, 'utf8'))
  }

  shape(number: number, shape: Shape): void {
    const { usage, tries } = shape
    const text = JSON.stringify([number, ...endTextOf(shape, usage, usage?.units, tries)])
    const at = this.#begin(text.length * 3)
    this.#end(shapeKind, at + this.bytes.write(text, at, 'utf8'))
  }

  open(common: number, { request, at: admittedAt }: Admission): void {
    const at = this.#begin(openBytes + request.length)
    this.bytes.writeUInt32LE(common, at)
    this.bytes.writeDoubleLE(admittedAt, at + 4)
    this.#end(openKind, at + openBytes + this.bytes.write(request, at + openBytes, 'latin1'))
  }

  /** Every quantity of the end is a safe integer. */
  ended(common: number, shape: number, admitted: Admission, ended: Ended): void {
    this.#shaped(endedKind, common, shape, admitted, ended)
  }

  /** How far it has come, as an end. Every quantity is a safe integer. */
  progress(common: number, shape: number, admitted: Admission, ended: Ended): void {
    this.#shaped(progressKind, common, shape, admitted, ended)
  }

  #shaped(
    kind: number,
    common: number,
    shape: number,
    { request, at: admittedAt }: Admission,
    ended: Ended,
  ): void {
    const { usage, times } = ended
    const timesBytes = times ? timeBytes * (1 + 3 * times.attempts.length) : 0
    const at = this.#begin(endedBytes + request.length + mostUnits * quantityBytes + timesBytes)
    const { bytes } = this
    bytes.writeUInt32LE(common, at)
    bytes.writeUInt32LE(shape, at + 4)
    bytes.writeDoubleLE(admittedAt, at + 8)
    bytes.writeDoubleLE(ended.at, at + 16)
    bytes[at + 24] = request.length
    let rest = at + endedBytes + bytes.write(request, at + endedBytes, 'latin1')
    for (const unit in usage?.quantities) {
      const quantity = usage?.quantities[unit as keyof Counted['quantities']]
      if (quantity !== undefined) rest = bytes.writeDoubleLE(Number(quantity), rest)
    }
    this.#end(kind, times ? this.#times(times, rest) : rest)
  }

  #times({ firstTokenMs, attempts }: CallTimes, at: number): number {
    const { bytes } = this
    let rest = bytes.writeUInt32LE(firstTokenMs ?? noTime, at)
    for (const { startMs, contentMs, endMs } of attempts) {
      rest = bytes.writeUInt32LE(startMs, rest)
      rest = bytes.writeUInt32LE(contentMs ?? noTime, rest)
      rest = bytes.writeUInt32LE(endMs, rest)
    }
    return rest
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

  /** `number` is one more than that of the refusal before it in this epoch. */
  denied(number: number, denied: Denied): void {
    const text = JSON.stringify(denied)
    const at = this.#begin(numberBytes + text.length * 3)
    this.bytes.writeUInt32LE(number, at)
    this.#end(deniedKind, at + numberBytes + this.bytes.write(text, at + numberBytes, 'utf8'))
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

function textOf(ended: Ended): string {
  const { usage } = ended
  const quantities: Record<string, string> = {}
  const given = usage?.quantities ?? {}
  let unit: keyof typeof given
  for (unit in given) {
    const quantity = given[unit]
    if (quantity !== undefined) quantities[unit] = quantity.toString()
  }
  const { times } = ended
  const told = times && [
    times.firstTokenMs ?? null,
    times.attempts.map(({ upstream, outcome, status, startMs, contentMs, endMs }) => [
      upstream,
      outcome,
      status,
      startMs,
      contentMs ?? null,
      endMs,
    ]),
  ]
  return JSON.stringify(endTextOf(ended, usage, quantities, told))
}

/** `counts` are units, or quantities, and `times` tries, or times. What is absent at the end is left out. */
function endTextOf(
  { end, status, attempt, upstream, billable, part, by }: Omit<Shape, 'usage' | 'tries'>,
  usage: Pick<Counted, 'source' | 'flags' | 'tier'> | undefined,
  counts: unknown,
  times: unknown,
): readonly unknown[] {
  const counted = usage ? [usage.source, usage.flags, counts, ...(usage.tier ? [usage.tier] : [])] : null
  const told = [end, status, attempt, upstream, billable, counted]
  const answered = by && [by.model, by.provider, by.endpoint, by.region]
  if (times !== undefined) return [...told, part ?? null, answered ?? null, times]
  if (answered) return [...told, part ?? null, answered]
  return part === undefined ? told : [...told, part]
}

type ByText = readonly [string, (string | null)?, (string | null)?, (string | null)?]

function byOf(text: ByText | null | undefined): AnsweredBy | undefined {
  if (!text) return undefined
  const [model, provider, endpoint, region] = text
  return {
    model,
    ...(provider != null && { provider }),
    ...(endpoint != null && { endpoint }),
    ...(region != null && { region }),
  }
}

/** `told` by the frames before it in its segment. Frames of what has not ended are skipped unless `opens`. */
export function readFrame(bytes: Buffer, at: number, told: Told, opens: boolean): Frame {
  if (at + headBytes > bytes.length) return { kind: 'short', needs: headBytes }
  const length = bytes.readUInt32LE(at)
  const end = at + headBytes + length
  if (length === 0 || length > maxPayloadBytes) return { kind: 'bad' }
  if (end > bytes.length) return { kind: 'short', needs: end - at }
  if (crc32c(bytes, at + 8, end) !== bytes.readUInt32LE(at + 4)) return { kind: 'bad' }
  const kind = bytes[at + 8]
  if (!opens && (kind === openKind || kind === eventOpenKind || kind === progressKind))
    return { kind: 'skipped', end }
  // The checksum tells that these are the bytes that were written, and so of these types.
  const from = at + headBytes
  if (kind === commonKind) return readCommon(bytes.toString('utf8', from, end), end)
  if (kind === shapeKind) return readShape(bytes.toString('utf8', from, end), end)
  if (kind === eventOpenKind || kind === eventsKind) {
    const used = eventsOf(bytes.toString('utf8', from, end))
    const [one] = used
    if (kind === eventOpenKind) return one ? { kind: 'open', admitted: one.admitted, end } : { kind: 'bad' }
    return { kind: 'used', used, end }
  }
  if (kind === deniedKind) {
    const denied = JSON.parse(bytes.toString('utf8', from + numberBytes, end)) as Denied
    return { kind: 'denied', number: bytes.readUInt32LE(from), denied, end }
  }
  const common = told.commons.get(bytes.readUInt32LE(from))
  if (!common) return { kind: 'bad' }
  if (kind === endedKind || kind === progressKind) {
    const used = readEnded(bytes, from, common, told)
    if (!used) return { kind: 'bad' }
    return kind === endedKind ? { kind: 'used', used: [used], end } : { kind: 'progress', used, end }
  }
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

type CommonText = [number, string, string | null, string, string, string, string, string, boolean, string?]

function readCommon(text: string, end: number): Frame {
  const [number, workspace, project, key, keyName, model, endpoint, operation, streamed, hold] = JSON.parse(
    text,
  ) as CommonText
  const common = { workspace, project, key, keyName, model, endpoint, operation, streamed, hold }
  return { kind: 'common', number, common, end }
}

type EndedText = [
  Ended['end'],
  number,
  number,
  string,
  Ended['billable'],
  [Counted['source'], readonly string[], Readonly<Record<string, string>>, Counted['tier']?] | null,
  (Ended['part'] | null)?,
  (ByText | null)?,
  TimesText?,
]

type TimesText = readonly [
  firstTokenMs: number | null,
  attempts: readonly (readonly [
    ...tried: TryText,
    startMs: number,
    contentMs: number | null,
    endMs: number,
  ])[],
]

function timesOf([firstTokenMs, attempts]: TimesText): CallTimes {
  return {
    ...(firstTokenMs !== null && { firstTokenMs }),
    attempts: attempts.map(([upstream, outcome, status, startMs, contentMs, endMs]) => ({
      upstream,
      outcome,
      status,
      startMs,
      ...(contentMs !== null && { contentMs }),
      endMs,
    })),
  }
}

function endedOf(at: number, text: string): Ended {
  const [end, status, attempt, upstream, billable, counted, its, told, timed] = JSON.parse(text) as EndedText
  const [part, by] = [its ?? undefined, byOf(told)]
  const times = timed && { times: timesOf(timed) }
  if (!counted) return { at, end, status, attempt, upstream, by, billable, part, ...times, usage: undefined }
  const [source, flags, texts, tier] = counted
  const quantities: Record<string, bigint> = {}
  for (const unit in texts) quantities[unit] = BigInt(texts[unit] as string) // a member of its own
  const usage = { source, flags, tier, quantities }
  return { at, end, status, attempt, upstream, by, billable, part, ...times, usage }
}

type ShapeText = [
  number,
  Shape['end'],
  number,
  number,
  string,
  Shape['billable'],
  [Counted['source'], readonly string[], readonly (keyof Counted['quantities'])[], Counted['tier']?] | null,
  (Shape['part'] | null)?,
  (ByText | null)?,
  Shape['tries']?,
]

function readShape(text: string, end: number): Frame {
  const [number, how, status, attempt, upstream, billable, counted, part, by, tries] = JSON.parse(
    text,
  ) as ShapeText
  const usage = counted
    ? { source: counted[0], flags: counted[1], units: counted[2], tier: counted[3] }
    : undefined
  const named = { end: how, status, attempt, upstream, by: byOf(by), billable }
  return { kind: 'shape', number, shape: { ...named, part: part ?? undefined, tries, usage }, end }
}

/** Undefined when its shape was never told. */
function readEnded(bytes: Buffer, from: number, common: Common, { shapes }: Told): Used | undefined {
  const shape = shapes.get(bytes.readUInt32LE(from + 4))
  if (!shape) return undefined
  let rest = from + endedBytes + (bytes[from + 24] as number) // within the frame
  const request = bytes.toString('latin1', from + endedBytes, rest)
  const { usage } = shape
  let counted: Counted | undefined
  if (usage) {
    const { source, flags, tier, units } = usage
    const quantities: Record<string, bigint> = {}
    for (const unit of units) {
      quantities[unit] = BigInt(bytes.readDoubleLE(rest))
      rest += quantityBytes
    }
    counted = { source, flags, tier, quantities }
  }
  const admitted = { ...common, request, at: bytes.readDoubleLE(from + 8) }
  const { end, status, attempt, upstream, by, billable, part, tries } = shape
  const at = bytes.readDoubleLE(from + 16)
  const times = tries && readTimes(bytes, rest, tries)
  return {
    admitted,
    ended: { at, end, status, attempt, upstream, by, billable, part, times, usage: counted },
  }
}

function readTimes(bytes: Buffer, from: number, tries: readonly TryText[]): CallTimes {
  const attempts: AttemptTimes[] = []
  let at = from + timeBytes
  for (const [upstream, outcome, status] of tries) {
    attempts.push({
      upstream,
      outcome,
      status,
      startMs: timeAt(bytes, at) ?? 0,
      contentMs: timeAt(bytes, at + timeBytes),
      endMs: timeAt(bytes, at + 2 * timeBytes) ?? 0,
    })
    at += 3 * timeBytes
  }
  return { firstTokenMs: timeAt(bytes, from), attempts }
}

function timeAt(bytes: Buffer, at: number): number | undefined {
  const time = bytes.readUInt32LE(at)
  return time === noTime ? undefined : time
}
