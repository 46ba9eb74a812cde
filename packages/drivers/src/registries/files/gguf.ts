// Reads the header of a GGUF file (versions 2 and 3, ggml's docs/gguf.md). The bytes are somebody else's:
// every length is checked against the size of the file before it is believed, and nothing is kept but facts.
import { fileTypes, tensorTypes } from './gguf-types.ts'

export class BadGguf extends Error {
  override readonly name = 'BadGguf'
}

/** The header goes on behind the bytes given. */
export class NeedMore extends Error {
  override readonly name = 'NeedMore'
}

export type GgufValue = string | number | boolean

export interface GgufHeader {
  readonly version: number
  /** Scalars of the metadata; a long string or an array is absent here. */
  readonly values: ReadonlyMap<string, GgufValue>
  /** Lengths of arrays. */
  readonly lengths: ReadonlyMap<string, number>
  /** Distinct numbers of short numeric arrays, such as one head count for each layer. */
  readonly numbers: ReadonlyMap<string, readonly number[]>
  /** Keys present, whatever their value. */
  readonly keys: ReadonlySet<string>
  readonly tensors: number
  readonly parameters: number
  /** Name of the commonest tensor type, by weights; undefined when none is known. */
  readonly dominantType: string | undefined
  /** Bytes that the file must have at least; undefined when a tensor's type is unknown. */
  readonly needed: number | undefined
}

const most = {
  keys: 65_536,
  tensors: 262_144,
  key: 65_535,
  keptText: 4096,
  dimensions: 8,
  nesting: 4,
  numbers: 4096,
}

/** Bytes of each scalar type, by its number; 8 is a string and 9 an array. */
const widths: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
}

/** @param size bytes of the whole file. Throws BadGguf, or NeedMore when `bytes` is too short a prefix. */
export function readHeader(bytes: Uint8Array, size: number): GgufHeader {
  const cursor = new Cursor(bytes, size)
  if (cursor.u32() !== 0x46554747) throw new BadGguf('it does not begin with GGUF')
  const version = cursor.u32()
  if (version !== 2 && version !== 3) throw new BadGguf(`GGUF version ${version} is not 2 or 3`)
  const tensors = cursor.count('tensors', most.tensors, 24)
  const keyCount = cursor.count('keys', most.keys, 13)
  const header = {
    version,
    tensors,
    values: new Map<string, GgufValue>(),
    lengths: new Map<string, number>(),
    numbers: new Map<string, readonly number[]>(),
    keys: new Set<string>(),
  }
  for (let at = 0; at < keyCount; at++) {
    const key = cursor.text('key', most.key)
    if (header.keys.has(key)) throw new BadGguf(`the key ${JSON.stringify(key)} stands twice`)
    header.keys.add(key)
    const type = cursor.u32()
    if (type === 8) {
      const value = cursor.shortText(most.keptText)
      if (value !== undefined) header.values.set(key, value)
    } else if (type === 9) readArray(cursor, key, header, 1)
    else header.values.set(key, cursor.scalar(type))
  }
  return { ...header, ...readTensors(cursor, tensors, header.values.get('general.alignment')) }
}

function readArray(
  cursor: Cursor,
  key: string,
  kept: { readonly lengths: Map<string, number>; readonly numbers: Map<string, readonly number[]> },
  depth: number,
): void {
  if (depth > most.nesting) throw new BadGguf(`${key} nests arrays too deep`)
  const type = cursor.u32()
  const width = type === 8 ? 8 : type === 9 ? 12 : widths[type]
  if (width === undefined) throw new BadGguf(`${key} has values of the unknown type ${type}`)
  const length = cursor.count(key, Number.MAX_SAFE_INTEGER, width)
  if (depth === 1) kept.lengths.set(key, length)
  if (type === 9) for (let at = 0; at < length; at++) readArray(cursor, key, kept, depth + 1)
  else if (type === 8) for (let at = 0; at < length; at++) cursor.skip(cursor.u64('string'))
  else if (depth === 1 && length <= most.numbers && type !== 7) {
    const distinct = new Set<number>()
    for (let at = 0; at < length; at++) distinct.add(Number(cursor.scalar(type)))
    kept.numbers.set(key, [...distinct])
  } else cursor.skip(length * width)
}

function readTensors(
  cursor: Cursor,
  tensors: number,
  alignmentValue: GgufValue | undefined,
): Pick<GgufHeader, 'parameters' | 'dominantType' | 'needed'> {
  const alignment = alignmentValue === undefined ? 32 : Number(alignmentValue)
  if (!Number.isInteger(alignment) || alignment < 1 || alignment > 2 ** 20)
    throw new BadGguf(`the alignment ${String(alignmentValue)} is not possible`)
  let parameters = 0
  let end: number | undefined = 0
  const weights = new Map<string, number>()
  for (let at = 0; at < tensors; at++) {
    const name = cursor.text('tensor name', most.key)
    const dimensions = cursor.u32()
    if (dimensions > most.dimensions)
      throw new BadGguf(`the tensor ${JSON.stringify(name)} has ${dimensions} dimensions`)
    let elements = 1
    for (let d = 0; d < dimensions; d++) elements *= cursor.u64('dimension')
    if (!Number.isSafeInteger(elements))
      throw new BadGguf(`the tensor ${JSON.stringify(name)} is impossibly large`)
    const type = tensorTypes[cursor.u32()]
    const offset = cursor.u64('tensor offset')
    parameters += elements
    if (!type) end = undefined
    else {
      weights.set(type.name, (weights.get(type.name) ?? 0) + elements)
      if (end !== undefined) end = Math.max(end, offset + Math.ceil(elements / type.block) * type.bytes)
    }
  }
  if (!Number.isSafeInteger(parameters)) throw new BadGguf('the tensors are impossibly large')
  const start = Math.ceil(cursor.position / alignment) * alignment
  const [dominant] = [...weights].sort(([, a], [, b]) => b - a)
  return { parameters, dominantType: dominant?.[0], needed: end === undefined ? undefined : start + end }
}

export const quantisationOf = (header: GgufHeader): string | undefined => {
  const named = header.values.get('general.file_type')
  return (typeof named === 'number' ? fileTypes[named] : undefined) ?? header.dominantType
}

/** Reads little-endian values; a length that reaches beyond the file is refused before it is used. */
class Cursor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #size: number
  position = 0

  constructor(bytes: Uint8Array, size: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#size = size
  }

  skip(count: number): number {
    const at = this.position
    if (at + count > this.#size) throw new BadGguf('the header reaches beyond the end of the file')
    if (at + count > this.#bytes.length) throw new NeedMore()
    this.position = at + count
    return at
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), true)
  }

  u64(what: string): number {
    const value = Number(this.#view.getBigUint64(this.skip(8), true))
    if (!Number.isSafeInteger(value)) throw new BadGguf(`the ${what} is impossibly large`)
    return value
  }

  /** A number of things of at least `width` bytes each, so many as the file can hold. */
  count(what: string, limit: number, width: number): number {
    const value = this.u64(what)
    if (value > limit || value * width > this.#size - this.position)
      throw new BadGguf(`${value} ${what} do not fit into the file`)
    return value
  }

  text(what: string, limit: number): string {
    const length = this.u64(what)
    if (length > limit) throw new BadGguf(`a ${what} of ${length} bytes is too long`)
    const at = this.skip(length)
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, length).toString('utf8')
  }

  /** Reads over the text; its value only when it is short enough to keep. */
  shortText(limit: number): string | undefined {
    const length = this.u64('text')
    const at = this.skip(length)
    return length <= limit
      ? Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + at, length).toString('utf8')
      : undefined
  }

  scalar(type: number): number | boolean {
    const width = widths[type]
    if (width === undefined) throw new BadGguf(`a value has the unknown type ${type}`)
    const at = this.skip(width)
    const view = this.#view
    switch (type) {
      case 0:
        return view.getUint8(at)
      case 1:
        return view.getInt8(at)
      case 2:
        return view.getUint16(at, true)
      case 3:
        return view.getInt16(at, true)
      case 4:
        return view.getUint32(at, true)
      case 5:
        return view.getInt32(at, true)
      case 6:
        return view.getFloat32(at, true)
      case 7:
        return view.getUint8(at) !== 0
      case 10:
        return Number(view.getBigUint64(at, true))
      case 11:
        return Number(view.getBigInt64(at, true))
      default:
        return view.getFloat64(at, true)
    }
  }
}
