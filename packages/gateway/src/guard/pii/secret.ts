// Secrets that carry a sign of their issuer, tokens and private keys. The text is folded, so all is lower case.
import { dot, hyphen, isAlnum, isDigit, more, none, type Reads, type View } from './text.ts'

const underscore = 0x5f

interface Issued {
  readonly prefix: string
  /** Units after the prefix. */
  readonly least: number
}

const issued: readonly Issued[] = [
  { prefix: 'sk-', least: 20 },
  { prefix: 'sk_live_', least: 16 },
  { prefix: 'sk_test_', least: 16 },
  { prefix: 'rk_live_', least: 16 },
  { prefix: 'akia', least: 16 },
  { prefix: 'asia', least: 16 },
  { prefix: 'ghp_', least: 30 },
  { prefix: 'gho_', least: 30 },
  { prefix: 'ghu_', least: 30 },
  { prefix: 'ghs_', least: 30 },
  { prefix: 'ghr_', least: 30 },
  { prefix: 'github_pat_', least: 30 },
  { prefix: 'glpat-', least: 20 },
  { prefix: 'xoxb-', least: 20 },
  { prefix: 'xoxp-', least: 20 },
  { prefix: 'xoxa-', least: 20 },
  { prefix: 'aiza', least: 35 },
  { prefix: 'hf_', least: 30 },
  { prefix: 'npm_', least: 30 },
]

const tokenPrefix = 'eyj'
const keyPrefix = '-----begin '
const keyTitle = 'private key-----'
const keyEnd = '-----end '

/** Units that are read at most; of what is longer the beginning is taken. */
const longestIssued = 256
/** A key holds a digit among its first units; names of packages and the like seldom do. */
const digitWithin = 40
const longest = 8192

const isInToken = (unit: number): boolean => unit === dot || unit === hyphen || unit === underscore

function startsWith(text: View, start: number, prefix: string): boolean | undefined {
  for (let index = 0; index < prefix.length; index++) {
    const unit = text.at(start + index)
    if (unit === more) return undefined
    if (unit !== prefix.charCodeAt(index)) return false
  }
  return true
}

/** The end of a run of letters, digits, `-`, `_` and, in a token, `.`; it must hold a digit and enough units. */
function run(text: View, start: number, least: number, dots: number, most: number): number {
  let digits = 0
  let points = 0
  let at = start
  for (; at - start < most; at++) {
    const unit = text.at(at)
    if (unit === more) return more
    if (isDigit(unit)) digits++
    else if (unit === dot && dots > 0) points++
    else if (!isAlnum(unit) && unit !== hyphen && unit !== underscore) break
    else if (digits === 0 && at - start >= digitWithin) return none
  }
  return at - start >= least && digits > 0 && points >= dots ? at : none
}

/** From the first line of a private key to its last, or to where nothing of a key stands any more. */
function privateKey(text: View, start: number): number {
  let at = start + keyPrefix.length
  for (const last = at + 32; ; at++) {
    const title = startsWith(text, at, keyTitle)
    if (title === undefined) return more
    if (title) break
    if (at === last || text.at(at) === hyphen) return none
  }
  at += keyTitle.length
  let end = at
  for (; at - start < longest; at++) {
    const unit = text.at(at)
    if (unit === more) return more
    if (unit === hyphen) {
      const closing = startsWith(text, at, keyEnd)
      if (closing === undefined) return more
      if (closing) return closingLine(text, at + keyEnd.length)
      if (startsWith(text, at, keyPrefix)) return end
    }
    const inKey = isAlnum(unit) || unit === 0x2b || unit === 0x2f || unit === 0x3d
    // White space, an escaped line break, and headers such as `proc-type: 4,encrypted`.
    const around =
      (unit >= 9 && unit <= 13) || unit === 0x20 || unit === 0x5c || unit === 0x3a || unit === 0x2c
    if (inKey) end = at + 1
    else if (!around && unit !== hyphen) return end
  }
  return at
}

function closingLine(text: View, start: number): number {
  let hyphens = 0
  let at = start
  for (; at - start < 64; at++) {
    const unit = text.at(at)
    if (unit === more) return more
    if (unit === hyphen) hyphens++
    else if (hyphens > 0 || (!isAlnum(unit) && unit !== 0x20)) return at
    if (hyphens === 5) return at + 1
  }
  return at
}

export const secret: Reads = (text, start) => {
  if (text.at(start) === hyphen) {
    if (text.at(start - 1) === hyphen) return none
    const begins = startsWith(text, start, keyPrefix)
    if (begins === undefined) return more
    return begins ? privateKey(text, start) : none
  }
  if (isAlnum(text.at(start - 1))) return none
  const token = startsWith(text, start, tokenPrefix)
  if (token === undefined) return more
  if (token) return isInToken(text.at(start - 1)) ? none : run(text, start, 40, 2, longest)
  for (const { prefix, least } of issued) {
    if (text.at(start) !== prefix.charCodeAt(0)) continue
    const begins = startsWith(text, start, prefix)
    if (begins === undefined) return more
    if (begins) return run(text, start + prefix.length, least, 0, longestIssued)
  }
  return none
}
