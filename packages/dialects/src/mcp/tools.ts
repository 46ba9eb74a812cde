// Takes tools out of what a server lists: their bytes are cut, all others stay as they came. A list is known by its
// form (`result.tools`) and not by the id that asked for it, so that one that is told again on another stream is cut too.
import { isUtf8 } from 'node:buffer'
import { Cursor, closed, more } from '../scan.ts'
import { memberName } from './names.ts'

interface Cut {
  readonly start: number
  readonly end: number
}

const openBrace = 0x7b
const openBracket = 0x5b

/** JSON that cannot be read, and so not be shown to stay within the list. */
class Unreadable extends Error {}

/** The same bytes where nothing is cut; undefined where they are no JSON. */
export function cutTools(bytes: Buffer, allows: Allows): Buffer | undefined {
  if (!isUtf8(bytes)) return undefined
  const cuts: Cut[] = []
  const cursor = new Cursor(bytes)
  try {
    cursor.space()
    if (bytes[cursor.at] === openBracket) eachElement(cursor, () => message(bytes, cursor, 1, allows, cuts))
    else message(bytes, cursor, 0, allows, cuts)
    cursor.space()
    if (cursor.at !== bytes.length) return undefined
  } catch (error) {
    if (error instanceof Unreadable) return undefined
    throw error
  }
  if (cuts.length === 0) return bytes
  const kept: Buffer[] = []
  let from = 0
  for (const { start, end } of cuts) {
    kept.push(bytes.subarray(from, start))
    from = end
  }
  return Buffer.concat([...kept, bytes.subarray(from)])
}

type Allows = (tool: string) => boolean

function message(bytes: Buffer, cursor: Cursor, depth: number, allows: Allows, cuts: Cut[]): void {
  eachMember(bytes, cursor, depth, name => {
    if (name !== 'result') pass(cursor, depth + 1)
    else
      eachMember(bytes, cursor, depth + 1, inner => {
        if (inner === 'tools' && bytes[cursor.at] === openBracket)
          list(bytes, cursor, depth + 2, allows, cuts)
        else pass(cursor, depth + 2)
      })
  })
}

/** The list at this place. */
function list(bytes: Buffer, cursor: Cursor, depth: number, allows: Allows, cuts: Cut[]): void {
  const elements: { start: number; end: number; kept: boolean }[] = []
  eachElement(cursor, () => {
    const { at: start } = cursor
    const kept = isShown(bytes, cursor, depth + 1, allows)
    elements.push({ start, end: cursor.at, kept })
  })
  let any = false
  for (const [place, { start, end, kept }] of elements.entries()) {
    const before = elements[place - 1]
    const after = elements[place + 1]
    // The comma goes with it: the one before where something stays there, else the one behind.
    if (!kept) cuts.push(any && before ? { start: before.end, end } : { start, end: after?.start ?? end })
    any ||= kept
  }
}

/** One name at least, and every one of them allowed. */
function isShown(bytes: Buffer, cursor: Cursor, depth: number, allows: Allows): boolean {
  let shown: boolean | undefined
  eachMember(bytes, cursor, depth, name => {
    const { at } = cursor
    pass(cursor, depth + 1)
    if (name !== 'name') return
    const value: unknown = JSON.parse(bytes.toString('utf8', at, cursor.at))
    shown = shown !== false && typeof value === 'string' && allows(value)
  })
  return shown === true
}

/** Walks an object, whose `each` passes every value; whatever else stands there is passed. */
function eachMember(
  bytes: Buffer,
  cursor: Cursor,
  depth: number,
  each: (name: string | undefined) => void,
): void {
  if (bytes[cursor.at] !== openBrace) {
    pass(cursor, depth)
    return
  }
  let step = cursor.open()
  for (; step === more; step = cursor.next()) each(memberName(bytes, cursor.nameStart, cursor.nameEnd))
  if (step !== closed) throw new Unreadable()
}

function eachElement(cursor: Cursor, each: () => void): void {
  let step = cursor.openArray()
  for (; step === more; step = cursor.nextElement()) each()
  if (step !== closed) throw new Unreadable()
}

function pass(cursor: Cursor, depth: number): void {
  if (!cursor.value(depth)) throw new Unreadable()
}
