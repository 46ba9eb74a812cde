// Looks into parsed JSON that an upstream sent: every member may be absent or of another kind.

export type Members = Readonly<Record<string, unknown>>

/** The value as an object; an empty one when it is none. */
export function members(value: unknown): Members {
  // Any object may be looked into by name; what is found is checked where it is used.
  return typeof value === 'object' && value !== null ? (value as Members) : {}
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** A text that is not empty. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** JSON of these bytes; undefined when they are none. */
export function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
