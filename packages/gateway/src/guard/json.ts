// JSON as rules look at it: each string by what it says and each number as it stands, so that an escape hides
// nothing and what is replaced leaves JSON.

interface Token {
  readonly start: number
  readonly end: number
  /** What a string says, or a number as it stands. */
  readonly text: string
}

const quote = 0x22
const backslash = 0x5c
const isWord = (unit: number): boolean =>
  (unit >= 0x30 && unit <= 0x39) ||
  (unit >= 0x61 && unit <= 0x7a) ||
  (unit >= 0x41 && unit <= 0x5a) ||
  unit === 0x2b ||
  unit === 0x2d ||
  unit === 0x2e

export function* tokens(raw: string): Generator<Token> {
  for (let at = 0; at < raw.length; at++) {
    const start = at
    if (raw.charCodeAt(at) === quote) {
      for (at++; at < raw.length && raw.charCodeAt(at) !== quote; at++)
        if (raw.charCodeAt(at) === backslash) at++
      const text = at < raw.length ? said(raw.slice(start, at + 1)) : undefined
      if (text !== undefined && text !== '') yield { start, end: at + 1, text }
    } else if (isWord(raw.charCodeAt(at))) {
      while (at + 1 < raw.length && isWord(raw.charCodeAt(at + 1))) at++
      yield { start, end: at + 1, text: raw.slice(start, at + 1) }
    }
  }
}

function said(literal: string): string | undefined {
  if (!literal.includes('\\')) return literal.slice(1, -1)
  try {
    const text: unknown = JSON.parse(literal)
    return typeof text === 'string' ? text : undefined
  } catch {
    return undefined
  }
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Arguments are an object: what has become another value, or none, stands in one as text. */
export function argumentsOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text
  } catch {
    // No JSON: it is carried as a string.
  }
  return JSON.stringify({ redacted: text })
}
