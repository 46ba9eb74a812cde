// Characters as dialects count them: code points, of which a pair of surrogates is one; and bytes of UTF-8, for the one
// that counts those.

/** Characters of a text. */
export function lengthOf(text: string): number {
  let length = text.length
  for (let at = 1; at < text.length; at++) if (isPair(text, at)) length--
  return length
}

/** Where in the string so many characters end; its length where there are fewer. */
export function indexOf(text: string, characters: number): number {
  let left = characters
  let at = 0
  for (; at < text.length && left > 0; left--) at += isPair(text, at + 1) ? 2 : 1
  return at
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800
}

export interface Span {
  readonly start: number
  readonly end: number
}

/** Characters that bytes of the UTF-8 text are; undefined where they do not begin and end with whole characters. */
export function charactersAt(utf8: Buffer, { start, end }: Span): Span | undefined {
  const whole = (at: number) => at === utf8.length || ((utf8[at] ?? 0) & 0xc0) !== 0x80
  if (start < 0 || start > end || end > utf8.length || !whole(start) || !whole(end)) return undefined
  const before = lengthOf(utf8.toString('utf8', 0, start))
  return { start: before, end: before + lengthOf(utf8.toString('utf8', start, end)) }
}
