// RFC 8785: one text for one JSON value, so that a hash of it means the value.

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined }

/** Members sorted by UTF-16 code units, no space; an `undefined` member is absent. A TypeError for NaN and lone surrogates. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(
      (member): member is [string, Json] => member[1] !== undefined,
    )
    members.sort(([one], [other]) => (one < other ? -1 : 1))
    return `{${members.map(([name, member]) => `${text(name)}:${canonical(member)}`).join(',')}}`
  }
  if (typeof value === 'string') return text(value)
  // ECMAScript's own number to text is the one that the RFC asks for.
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`${value} cannot stand in JSON`)
  return JSON.stringify(value)
}

function text(string: string): string {
  if (!string.isWellFormed()) throw new TypeError('a lone surrogate cannot stand in canonical JSON')
  return JSON.stringify(string)
}
