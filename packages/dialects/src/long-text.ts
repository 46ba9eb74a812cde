// A string of a body that is too long to be made one: an image in base64. It stays the bytes that were sent, between
// its quotes, escapes and all, from the caller's body into the upstream's.
import { Pieces } from './pieces.ts'

/** Strings of so many bytes stay bytes. */
export const longBytes = 64 * 1024

/** Bytes in which a data URL says what it is. */
const headBytes = 1024
const comma = 0x2c

/** Either is the same text. */
export type Text = string | LongText

export class LongText {
  /** What JSON has between the quotes; no escape is cut. */
  readonly written: Pieces

  constructor(written: readonly Buffer[]) {
    this.written = new Pieces(written)
  }

  /** The text through its first comma, and what is behind it; undefined where none is near the start. */
  split(): { readonly head: string; readonly rest: LongText } | undefined {
    const first = this.#first(headBytes)
    const end = first.indexOf(comma) + 1
    if (end === 0) return undefined
    let left = end
    const rest = this.written.list.map(piece => {
      const from = Math.min(left, piece.length)
      left -= from
      return piece.subarray(from)
    })
    return { head: unescaped(first.toString('utf8', 0, end)), rest: new LongText(rest) }
  }

  /** The same text behind another. */
  behind(text: string): LongText {
    return new LongText([Buffer.from(JSON.stringify(text).slice(1, -1)), ...this.written.list])
  }

  /** `start` is of ASCII. */
  startsWith(start: string): boolean {
    // Six bytes are the longest escape.
    const text = this.#first(start.length * 6).toString('latin1')
    const [whole = ''] = /^(?:[^\\]|\\u[\dA-Fa-f]{4}|\\[^u])*/.exec(text) ?? []
    return unescaped(whole).startsWith(start)
  }

  includes(character: string): boolean {
    const written = this.written.list
    return written.some(piece => piece.includes('\\u')) || written.some(piece => piece.includes(character))
  }

  toString(): string {
    return unescaped(this.written.toString())
  }

  #first(bytes: number): Buffer {
    return Buffer.concat(this.written.list.map(piece => piece.subarray(0, bytes))).subarray(0, bytes)
  }
}

function unescaped(text: string): string {
  return text.includes('\\') ? String(JSON.parse(`"${text}"`)) : text
}
