// Where a body of Gemini's names the model beside the request line: at the top, in each request of a batch, and in the
// request whose tokens are to be counted. All must name what the line names.
import type { Range } from '../exchange.ts'
import { Cursor, more, Names } from '../scan.ts'
import type { Edit } from '../splice.ts'

const names = new Names(['model', 'requests', 'generateContentRequest'])
const model = 0
const requests = 1
const openBrace = 0x7b
const quote = 0x22

/** The edits that make a body name the model as the upstream knows it. The body is valid JSON. */
export function modelNameEdits(bytes: Buffer, served: string): readonly Edit[] {
  const cursor = new Cursor(bytes)
  cursor.space()
  const name = Buffer.from(JSON.stringify(`models/${served}`))
  return inObject(cursor, true).map(range => ({ ...range, bytes: name }))
}

function inObject(cursor: Cursor, deeper: boolean): readonly Range[] {
  const { bytes } = cursor
  const found: Range[] = []
  for (let step = cursor.open(); step === more; step = cursor.next()) {
    const name = names.find(bytes, cursor.nameStart, cursor.nameEnd)
    const start = cursor.at
    if (name === model || name < 0 || !deeper) {
      cursor.value(1)
      if (name === model && bytes[start] === quote) found.push({ start, end: cursor.at })
    } else if (name !== requests && bytes[start] === openBrace) found.push(...inObject(cursor, false))
    else if (name === requests) found.push(...inArray(cursor))
    else cursor.value(1)
  }
  return found
}

function inArray(cursor: Cursor): readonly Range[] {
  const found: Range[] = []
  const begun = cursor.openArray()
  if (begun < 0) cursor.value(1)
  for (let step = begun; step === more; step = cursor.nextElement())
    if (cursor.bytes[cursor.at] === openBrace) found.push(...inObject(cursor, false))
    else cursor.value(2)
  return found
}
