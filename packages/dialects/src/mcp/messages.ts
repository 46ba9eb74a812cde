// Reads what a caller says to a server of tools: one JSON-RPC message, or a batch of them as versions before
// 2025-06-18 have it. Nothing is built: what governs is found by its bytes, and the body passes as it was sent.
import { isUtf8 } from 'node:buffer'
import { Fault } from '@switchyard/kinds'
import { duplicate, firstBadByte, invalidJson } from '../ask.ts'
import type { Range } from '../exchange.ts'
import { Cursor, closed, more } from '../scan.ts'
import { memberName } from './names.ts'

export interface McpMessage {
  /** JSON text of the id of a request; undefined for notifications and for answers. */
  readonly id: string | undefined
  /** Undefined for answers. */
  readonly method: string | undefined
  /** The tool that a `tools/call` names. */
  readonly tool: string | undefined
}

export interface McpBody {
  readonly messages: readonly McpMessage[]
  readonly batch: boolean
}

/** Messages of one batch. */
const mostMessages = 100
const openBrace = 0x7b
const openBracket = 0x5b
const quote = 0x22
const minus = 0x2d

export const toolsCall = 'tools/call'

const invalid = (message: string, path = '') =>
  new Fault('invalid', message, {
    reason: 'invalid_value',
    details: [{ path, rule: 'invalid_value', message }],
  })

/**
 * Throws `invalid` for what is no JSON in UTF-8, no message or batch, and where two readers could see two methods, ids
 * or tools: a member that stands twice, is written with escapes, or differs from a governed one in its case alone.
 */
export function readMcp(bytes: Buffer): McpBody {
  if (!isUtf8(bytes)) throw invalidJson(firstBadByte(bytes))
  const cursor = new Cursor(bytes)
  cursor.space()
  const batch = bytes[cursor.at] === openBracket
  const messages = batch ? readBatch(bytes, cursor) : [readMessage(bytes, cursor, 0)]
  cursor.space()
  if (cursor.at !== bytes.length) throw invalidJson(cursor.at)
  return { messages, batch }
}

function readBatch(bytes: Buffer, cursor: Cursor): readonly McpMessage[] {
  const messages: McpMessage[] = []
  let step = cursor.openArray()
  for (; step === more; step = cursor.nextElement()) {
    if (messages.length === mostMessages)
      throw invalid(`A batch has at most ${mostMessages} messages: send several.`)
    messages.push(readMessage(bytes, cursor, 1))
  }
  if (step !== closed) throw invalidJson(cursor.at)
  if (messages.length === 0) throw invalid('A batch must hold a message.')
  return messages
}

function readMessage(bytes: Buffer, cursor: Cursor, depth: number): McpMessage {
  const found = governedOf(bytes, cursor, ['id', 'method', 'params'], '', depth)
  const method = textAt(bytes, found.get('method'), 'method')
  if (method === undefined) return { id: undefined, method, tool: undefined }
  const id = idAt(bytes, found.get('id'))
  if (method !== toolsCall) return { id, method, tool: undefined }
  const params = found.get('params')
  if (!params || bytes[params.start] !== openBrace)
    throw invalid(`'params' of ${toolsCall} must be an object that names the tool.`, 'params')
  const named = governedOf(bytes, new Cursor(bytes, params.start, params.end), ['name'], 'params.', depth + 1)
  const tool = textAt(bytes, named.get('name'), 'params.name')
  if (tool === undefined) throw invalid(`'params.name' of ${toolsCall} must be the name of a tool.`, 'params')
  return { id, method, tool }
}

/** Walks the object at this place; tells where the values of the governed names stand. */
function governedOf(
  bytes: Buffer,
  cursor: Cursor,
  names: readonly string[],
  path: string,
  depth: number,
): ReadonlyMap<string, Range> {
  if (bytes[cursor.at] !== openBrace || cursor.at >= cursor.end) {
    const { at } = cursor
    if (!cursor.value(depth)) throw invalidJson(cursor.at)
    throw invalid(`A message must be a JSON object: see byte ${at}.`)
  }
  const found = new Map<string, Range>()
  let step = cursor.open()
  for (; step === more; step = cursor.next()) {
    const { nameStart, nameEnd, at: start } = cursor
    if (!cursor.value(depth + 1)) throw invalidJson(cursor.at)
    const name = memberName(bytes, nameStart, nameEnd)
    const governed = name === undefined ? undefined : names.find(one => one === folded(name))
    if (governed === undefined) continue
    const plain = name === governed && nameEnd - nameStart === governed.length
    if (!plain || found.has(governed)) throw duplicate(path + governed)
    found.set(governed, { start, end: cursor.at })
  }
  if (step !== closed) throw invalidJson(cursor.at)
  return found
}

/** Some readers take `Name` for `name`, and by Unicode's rules of case the long s for an s. */
const folded = (name: string): string => name.toUpperCase().toLowerCase()

/** Undefined where nothing stands. */
function textAt(bytes: Buffer, at: Range | undefined, path: string): string | undefined {
  if (!at) return undefined
  const value: unknown =
    bytes[at.start] === quote ? JSON.parse(bytes.toString('utf8', at.start, at.end)) : undefined
  if (typeof value !== 'string') throw invalid(`'${path}' must be a string.`, path)
  // Readers differ in what they make of half a character.
  if (!value.isWellFormed()) throw invalid(`'${path}' must be well-formed Unicode.`, path)
  return value
}

/** MCP takes strings and numbers; a `null` is none. */
function idAt(bytes: Buffer, at: Range | undefined): string | undefined {
  if (!at) return undefined
  const first = bytes[at.start] ?? 0
  if (first !== quote && first !== minus && !(first >= 0x30 && first <= 0x39))
    throw invalid("'id' must be a string or a number.", 'id')
  return bytes.toString('utf8', at.start, at.end)
}
