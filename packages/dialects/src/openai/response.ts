// Reads a whole reply: taps its usage, and puts the public model name in the place of the upstream's.
import { isUtf8 } from 'node:buffer'
import type { Reply } from '../carriage.ts'
import { Cursor, closed, more, Names } from '../scan.ts'
import { tiered } from '../tier.ts'
import { readError } from './error.ts'
import { normaliseUsage } from './usage.ts'

const tapped = new Names(['model', 'usage', 'error', 'timings', 'service_tier'])
const model = 0
const usage = 1
const error = 2
const timings = 3
const serviceTier = 4
const letterN = 0x6e

const names = new Map<string, Buffer>()
const mostNames = 1000

/** The bytes of a model name as JSON writes it, for replies: not to be changed. */
export function publicName(name: string): Buffer {
  let bytes = names.get(name)
  if (bytes === undefined) {
    bytes = Buffer.from(JSON.stringify(name))
    if (names.size >= mostNames) names.clear()
    names.set(name, bytes)
  }
  return bytes
}

/** Undefined when the bytes are not one JSON object. Without a name the upstream's stays. */
export function readReply(bytes: Buffer, name: Buffer | undefined): Reply | undefined {
  if (!isUtf8(bytes)) return undefined
  const cursor = new Cursor(bytes)
  // Plain arrays: a typed one costs 0.1 µs to make.
  const starts = [-1, -1, -1, -1, -1]
  const ends = [0, 0, 0, 0, 0]
  cursor.space()
  let step = cursor.open()
  while (step === more) {
    const index = tapped.find(bytes, cursor.nameStart, cursor.nameEnd)
    const start = cursor.at
    if (!cursor.value(1)) return undefined
    if (index >= 0 && bytes[start] !== letterN) {
      starts[index] = start
      ends[index] = cursor.at
    }
    step = cursor.next()
  }
  cursor.space()
  if (step !== closed || cursor.at !== bytes.length) return undefined

  const at = (index: number) => starts[index] ?? -1
  const slice = (index: number): unknown =>
    at(index) < 0 ? undefined : JSON.parse(bytes.toString('utf8', at(index), ends[index]))
  return {
    bytes: at(model) < 0 || !name ? bytes : renamed(bytes, at(model), ends[model] ?? 0, name),
    usage:
      at(usage) < 0
        ? undefined
        : tiered(normaliseUsage(slice(usage), 'engine', slice(timings)), slice(serviceTier)),
    error: at(error) < 0 ? undefined : readError(bytes, at(error), ends[error] ?? 0),
  }
}

/** The same bytes with another model name; the very same when the name stands there already. */
export function renamed(bytes: Buffer, start: number, end: number, name: Buffer): Buffer {
  if (end - start === name.length && bytes.compare(name, 0, name.length, start, end) === 0) return bytes
  return Buffer.concat([bytes.subarray(0, start), name, bytes.subarray(end)])
}
