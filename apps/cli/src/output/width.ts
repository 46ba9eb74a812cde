// How many columns a text takes on a terminal: Chinese, Japanese, Korean and emoji take two, marks none.
import { stripVTControlCharacters } from 'node:util'

const zero = /[\p{Mn}\p{Me}\p{Cf}]/u
/** East Asian Width W and F (UAX 11), as scripts and blocks, and emoji that are drawn wide. */
const wide =
  /[\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Bopomofo}\p{sc=Yi}\p{Emoji_Presentation}\u3000-\u303e\u309b\u309c\u30a0\u30fb\u30fc\u31c0-\u31ef\u3200-\u4dbf\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6]/u

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
const plain = /^[\x20-\x7e]*$/

export function displayWidth(text: string): number {
  const bare = stripVTControlCharacters(text)
  if (plain.test(bare)) return bare.length
  let width = 0
  for (const { segment } of segmenter.segment(bare)) {
    const first = segment.codePointAt(0)
    const character = first === undefined ? '' : String.fromCodePoint(first)
    // U+FE0F asks for the emoji picture of a character that is narrow as text.
    if (wide.test(character) || segment.includes('\ufe0f')) width += 2
    else if (!zero.test(character)) width += 1
  }
  return width
}

export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const gap = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'right' ? gap + text : text + gap
}

/** Control characters but tab and newline, and what turns the direction of text around. */
const harmful = /(?![\t\n])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu

/** Text of others made harmless: nothing in it steers the terminal. */
export const safe = (text: string): string => text.replace(harmful, '\ufffd')
