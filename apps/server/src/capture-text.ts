// What an answer says, as JSON that can be looked at: a body as it is, a stream as the values of all its events.

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** Members whose pieces make one text; of every other member the last value is kept. */
const pieces: ReadonlySet<string> = new Set([
  'content',
  'text',
  'delta',
  'refusal',
  'reasoning',
  'reasoning_content',
  'thinking',
  'partial_json',
  'arguments',
  'response',
])

/** Undefined where it is neither a body of JSON nor a stream of it. */
export function readCaptured(bytes: Buffer): Json | undefined {
  const text = bytes.toString()
  const whole = parsed(text)
  if (whole !== undefined) return whole
  const told = new Map<string, Json>()
  for (const line of text.split(/\r?\n/)) {
    const event = parsed(line.replace(/^data: ?/, '').replace(/^[[,]|[\],]$/g, ''))
    if (typeof event === 'object' && event !== null) gather(event, '', told)
  }
  return told.size > 0 ? Object.fromEntries(told) : undefined
}

/** Every value of an event, by its place: members of an array that say their `index` stand under it. */
function gather(value: Json, place: string, told: Map<string, Json>): void {
  if (typeof value === 'object' && value !== null) {
    const index = indexOf(value)
    for (const [name, inner] of Object.entries(value)) {
      const own = Array.isArray(value) ? String(indexOf(inner as Json) ?? name) : name
      const at =
        index !== undefined && place === '' ? `#${index}.${own}` : place === '' ? own : `${place}.${own}`
      gather(inner as Json, at, told) // what JSON holds is JSON
    }
    return
  }
  const name = place.slice(place.lastIndexOf('.') + 1)
  const before = told.get(place)
  if (typeof value === 'string' && typeof before === 'string' && pieces.has(name))
    told.set(place, before + value)
  else if (value !== null || before === undefined) told.set(place, value)
}

function indexOf(value: Json): number | undefined {
  if (typeof value !== 'object' || value === null || !('index' in value)) return undefined
  return typeof value.index === 'number' ? value.index : undefined
}

function parsed(text: string): Json | undefined {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as Json // what it gives
  } catch {
    // It is no JSON by itself: part of a stream, or other bytes.
    return undefined
  }
}

/** Every text of a value, in order. */
export function textsOf(value: Json): readonly string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(inner => textsOf(inner as Json)) // what JSON holds is JSON
}

/** The value with other texts, in the same order. */
export function withTexts(value: Json, texts: readonly string[]): Json {
  let next = 0
  const change = (one: Json): Json => {
    if (typeof one === 'string') return texts[next++] ?? ''
    if (Array.isArray(one)) return one.map(inner => change(inner as Json)) // what JSON holds is JSON
    if (typeof one !== 'object' || one === null) return one
    return Object.fromEntries(Object.entries(one).map(([name, inner]) => [name, change(inner as Json)]))
  }
  return change(value)
}
