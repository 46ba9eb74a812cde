// An address of e-mail: a local part, an at sign, and a domain whose last label is a word.
import { dot, hyphen, isAlnum, isLetter, more, none, type Reads, type View } from './text.ts'

const isLocal = (unit: number): boolean =>
  isAlnum(unit) || unit === dot || unit === hyphen || unit === 0x5f || unit === 0x25 || unit === 0x2b

/** Units of a whole address, RFC 5321 §4.5.3.1; 64 of them before the at sign. */
const longest = 254
const longestLocal = 64

const isPunycode = (text: View, label: number): boolean =>
  text.at(label) === 0x78 && text.at(label + 1) === 0x6e && text.at(label + 2) === hyphen

export const email: Reads = (text, start) => {
  if (isLocal(text.at(start - 1))) return none
  let at = start
  while (at - start <= longestLocal && isLocal(text.at(at))) at++
  const length = at - start
  if (length > longestLocal) return none
  const sign = text.at(at)
  if (sign === more) return more
  if (sign !== 0x40) return none
  let end = none
  let labels = 0
  let labelStart = ++at
  let word = true
  for (; at - start <= longest; at++) {
    const unit = text.at(at)
    if (unit === more) return more
    if (isAlnum(unit) || unit === hyphen) {
      if (!isLetter(unit)) word = false
      continue
    }
    if (at === labelStart) return end
    labels++
    if (labels > 1 && at - labelStart > 1 && (word || isPunycode(text, labelStart))) end = at
    if (unit !== dot) return end
    labelStart = at + 1
    word = true
  }
  return end
}
