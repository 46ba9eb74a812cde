// A body for an upstream that speaks as its caller does: the same bytes, but for the model's name and the ask for usage.
import { includeUsage, readRequest as readAny } from '../ask.ts'
import type { Ask, Operation, Range } from '../exchange.ts'
import type { Payload } from '../pieces.ts'
import { Cursor, closed } from '../scan.ts'
import { type Edit, firstMember, modelEdit, spliced } from '../splice.ts'

const openBrace = 0x7b
const usageOption = Buffer.from('"include_usage":true')
const usageOptions = Buffer.from('{"include_usage":true}')
const usageMember = Buffer.from('"stream_options":{"include_usage":true}')
const commaByte = Buffer.from(',')
const noLine = Object.freeze({})

/** Reads and validates a body of OpenAI's. */
export function readRequest(operation: Operation, bytes: Buffer): Ask {
  return readAny('openai', operation, bytes, noLine)
}

/**
 * The body for an upstream that knows the model as `served`; the caller's own bytes when nothing differs. `usage`: the
 * upstream takes `stream_options.include_usage`.
 */
export function upstreamBody(ask: Ask, served: string, usage = true): Payload {
  const { bytes, at, stream } = ask
  const edits: Edit[] = [...modelEdit(bytes, at.model, { asked: ask.model, served })]
  if (usage && stream.on && !stream.usage) edits.push(askUsage(bytes, at.streamOptions))
  return spliced(bytes, edits, stream.on)
}

/** The one edit that makes `stream_options.include_usage` true. */
function askUsage(bytes: Buffer, options: Range | undefined): Edit {
  if (!options) return firstMember(bytes, usageMember)
  if (bytes[options.start] !== openBrace) return { ...options, bytes: usageOptions }
  const option = includeUsage(bytes, options)
  if (option) return { ...option, bytes: Buffer.from('true') }
  const start = options.start + 1
  const cursor = new Cursor(bytes, options.start, options.end)
  const empty = cursor.open() === closed
  return { start, end: start, bytes: empty ? usageOption : Buffer.concat([usageOption, commaByte]) }
}
