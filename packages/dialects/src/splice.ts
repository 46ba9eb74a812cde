// Puts values into bytes that otherwise stay as they are.
import type { Range } from './exchange.ts'
import { apart, largeBytes, type Payload, Pieces } from './pieces.ts'
import { Cursor, closed } from './scan.ts'

export interface Edit extends Range {
  readonly bytes: Buffer
}

const openBrace = 0x7b
const comma = Buffer.from(',')

/** The bytes with these edits; the very same when there are none. `lasting`: they are kept for as long as a stream runs. */
export function spliced(bytes: Buffer, edits: readonly Edit[], lasting = false): Payload {
  if (edits.length === 0) return bytes
  const parts: Buffer[] = []
  let from = 0
  for (const edit of edits.toSorted((one, other) => one.start - other.start)) {
    parts.push(bytes.subarray(from, edit.start), edit.bytes)
    from = edit.end
  }
  parts.push(bytes.subarray(from))
  if (bytes.length > largeBytes) return new Pieces(parts)
  return lasting ? apart(parts) : Buffer.concat(parts)
}

/** A member, written as `"name":value`, at the beginning of the object that these bytes hold. */
export function firstMember(bytes: Buffer, member: Buffer, from = 0): Edit {
  const brace = bytes.indexOf(openBrace, from)
  const cursor = new Cursor(bytes, brace)
  const alone = cursor.open() === closed
  return { start: brace + 1, end: brace + 1, bytes: alone ? member : Buffer.concat([member, comma]) }
}

/** The model's name in a body, changed to what the upstream calls it; nothing when it is the same. */
export function modelEdit(
  bytes: Buffer,
  at: Range | undefined,
  names: { readonly asked: string; readonly served: string },
): readonly Edit[] {
  if (!at) return [firstMember(bytes, Buffer.from(`"model":${JSON.stringify(names.served)}`))]
  if (names.served === names.asked) return []
  return [{ ...at, bytes: Buffer.from(JSON.stringify(names.served)) }]
}
