// One text as it arrives: what may leave, with what is redacted already replaced. It is let go of as soon as no rule
// can find anything any more that begins in it; so what leaves is the same however the text is split.
import type { Side } from './compile.ts'
import { Folded } from './fold.ts'
import { injectionRows } from './injection.ts'
import { more, none, View } from './pii/index.ts'
import type { Found } from './rule.ts'
import type { Tally } from './tally.ts'

/** Units that a match of an operator's pattern may have. */
export const reach = 256

/** Folded units that stay before what is let go of, for rows that look back. */
const lookBack = 8

interface Span extends Found {
  readonly rule: number
  readonly mark: string
  /** Injection row; -1 for none. */
  readonly row: number
}

const inOrder = (one: Span, other: Span): number =>
  one.start - other.start || other.end - one.end || one.rule - other.rule

const longestSecond = Math.max(
  ...injectionRows.flatMap(({ second = [] }) => second.map(({ length }) => length)),
)

export interface ScanOptions {
  /** Folded units after which operators' patterns are asked again. */
  readonly step: number
  readonly injection: boolean
}

export class Scan {
  /** Something was replaced. */
  redacted = false
  readonly #side: Side
  readonly #tally: Tally
  readonly #options: ScanOptions
  readonly #folded = new Folded()
  readonly #view = new View()
  #raw = ''
  /** Original units that have left `#raw`. */
  #left = 0
  #final = false
  #spans: Span[] = []
  /** Automaton: its node, and the folded units it has read. */
  #node = 0
  #read = 0
  /** The first folded unit at which personal data may still begin. */
  #piiAt = 0
  readonly #ends: number[] = []
  /** Folded units that operators' patterns have been asked about; Infinity at the end. */
  #asked = 0
  /** Where the last first half of each injection row stands, in folded units. */
  readonly #firstStart: number[] = []
  readonly #firstEnd: number[] = []
  readonly #scores = new Map<number, Set<number>>()
  /** Original units that have left or been replaced, and the mark that stands last. */
  #cursor = 0
  #mark = ''
  readonly #lastEnd: number[] = []

  constructor(side: Side, tally: Tally, options: ScanOptions) {
    this.#side = side
    this.#tally = tally
    this.#options = options
    if (side.patterns.length === 0) this.#asked = Number.POSITIVE_INFINITY
  }

  /** Units that are held back. */
  get held(): number {
    return this.#raw.length
  }

  push(text: string): void {
    this.#raw += text
    this.#folded.push(text)
    this.#find()
  }

  close(): void {
    if (this.#final) return
    this.#final = true
    this.#folded.close()
    this.#find()
    if (this.#folded.base + this.#folded.length === 0) this.#asked = Number.POSITIVE_INFINITY
  }

  /** The text that operators' patterns are to be asked about next; answer by `found`, then `asked`. */
  due(): string | undefined {
    const end = this.#window()
    return end === undefined ? undefined : this.#folded.slice(this.#windowStart(), end)
  }

  /** Matches in the text of `due`. What may grow is left to the next text, if that will hold its beginning. */
  found(rule: number, matches: readonly Found[]): void {
    const start = this.#windowStart()
    const end = this.#window() ?? start
    for (const match of matches) {
      const from = start + match.start
      const to = start + match.end
      if (to < this.#asked || (start > 0 && from === start)) continue
      if (!this.#final && to === end && from > end - reach) continue
      this.#add(from, to, rule, this.#side.rules[rule]?.mark ?? '', -1)
    }
  }

  asked(): void {
    const end = this.#window()
    if (end === undefined) return
    const last = this.#final && end === this.#folded.base + this.#folded.length
    this.#asked = last ? Number.POSITIVE_INFINITY : end
  }

  /** What may leave now. After a rule has blocked, nothing more does. */
  take(): string {
    const limit = this.#final && this.#asked === Number.POSITIVE_INFINITY ? this.#end() : this.#limit()
    const out = this.#cut(limit)
    const gone = Math.max(this.#left, Math.min(limit, this.#end()))
    this.#raw = this.#raw.slice(gone - this.#left)
    this.#left = gone
    this.#folded.release(Math.max(0, this.#hold() - lookBack))
    return out
  }

  #cut(limit: number): string {
    if (this.#tally.blocked) return ''
    if (this.#spans.length > 1) this.#spans.sort(inOrder)
    let out = ''
    let ready = 0
    for (const span of this.#spans) {
      if (span.start >= limit) break
      ready++
      const rule = this.#side.rules[span.rule]
      if (!rule || !this.#counts(span)) continue
      if (rule.action === 'block') {
        this.#tally.block(span.rule)
        return out + this.#upTo(span.start)
      }
      this.#tally.count(span.rule)
      if (rule.action === 'redact' && span.end > this.#cursor) {
        const apart = span.start >= this.#cursor
        out += this.#upTo(span.start)
        if (apart || span.mark !== this.#mark) out += span.mark
        this.#mark = span.mark
        this.#cursor = span.end
        this.redacted = true
      }
    }
    this.#spans = ready === this.#spans.length ? [] : this.#spans.slice(ready)
    return out + this.#upTo(limit)
  }

  /** The original from where it was left up to there. */
  #upTo(end: number): string {
    if (end <= this.#cursor) return ''
    const text = this.#raw.slice(this.#cursor - this.#left, end - this.#left)
    this.#cursor = end
    this.#mark = ''
    return text
  }

  /** Whether a match is one of its own, and of an injection rule enough. */
  #counts({ rule, end, row }: Span): boolean {
    if (end <= (this.#lastEnd[rule] ?? 0)) return false
    this.#lastEnd[rule] = end
    if (row < 0) return true
    const rows = this.#scores.get(rule) ?? new Set()
    this.#scores.set(rule, rows.add(row))
    let score = 0
    for (const seen of rows) score += injectionRows[seen]?.weight ?? 0
    return score >= (this.#side.rules[rule]?.threshold ?? 0)
  }

  #end(): number {
    return this.#left + this.#raw.length
  }

  #limit(): number {
    return this.#folded.startOf(this.#hold())
  }

  /** The first folded unit at which something may still be found. */
  #hold(): number {
    const end = this.#folded.base + this.#folded.length
    let hold = end
    if (this.#side.words) hold = Math.min(hold, this.#read - (this.#side.words.depth[this.#node] ?? 0))
    if (this.#side.pii) hold = Math.min(hold, this.#piiAt)
    if (this.#asked !== Number.POSITIVE_INFINITY) hold = Math.min(hold, Math.max(0, this.#asked - reach + 1))
    this.#firstStart.forEach((start, row) => {
      const last = (this.#firstEnd[row] ?? 0) + (injectionRows[row]?.gap ?? 0) + longestSecond
      if (this.#read < last) hold = Math.min(hold, start)
    })
    return hold
  }

  #windowStart(): number {
    return Math.max(0, this.#asked - reach)
  }

  #window(): number | undefined {
    if (this.#asked === Number.POSITIVE_INFINITY) return undefined
    const end = this.#folded.base + this.#folded.length
    const next = this.#asked + this.#options.step
    if (next < end) return next
    return this.#final ? end : undefined
  }

  #add(from: number, to: number, rule: number, mark: string, row: number): void {
    this.#spans.push({ start: this.#folded.startOf(from), end: this.#folded.endOf(to), rule, mark, row })
  }

  #find(): void {
    if (this.#side.words) this.#findWords()
    if (this.#side.pii) this.#findPii()
  }

  #findWords(): void {
    const { words } = this.#side
    const { units, base, length } = this.#folded
    if (!words) return
    let node = this.#node
    for (let index = this.#read - base; index < length; index++) {
      node = words.step(node, units[index] ?? 0)
      if (node === 0 || !words.ends(node)) continue
      this.#read = base + index + 1
      words.tell(node, this.#onWord)
    }
    this.#node = node
    this.#read = base + length
  }

  readonly #onWord = (word: number, length: number): void => {
    const end = this.#read
    const start = end - length
    for (const use of this.#side.uses[word] ?? [])
      if ('rule' in use) this.#add(start, end, use.rule, this.#side.rules[use.rule]?.mark ?? '', -1)
      else if (this.#options.injection) this.#onSign(use.row, use.half, start, end)
  }

  #onSign(row: number, half: 'first' | 'second', start: number, end: number): void {
    const { second, gap } = injectionRows[row] ?? { gap: 0 }
    let from = start
    if (half === 'first' && second) {
      this.#firstStart[row] = start
      this.#firstEnd[row] = end
      return
    }
    if (half === 'second') {
      const after = start - (this.#firstEnd[row] ?? Number.POSITIVE_INFINITY)
      if (after < 0 || after > gap) return
      from = this.#firstStart[row] ?? start
    }
    for (const rule of this.#side.injections) this.#add(from, end, rule, '', row)
  }

  #findPii(): void {
    const { pii, piiRules } = this.#side
    const { units, base, length } = this.#folded
    if (!pii) return
    const view = this.#view
    view.units = units
    view.length = length
    view.final = this.#final
    let before = view.at(this.#piiAt - base - 1)
    for (let index = this.#piiAt - base; index < length; index++) {
      const unit = units[index] ?? 0
      const rows = unit < 128 ? pii[unit] : undefined
      // A number or a word that goes on has been read from its beginning.
      if (rows && !(isDigit(before) ? isAlnum(unit) : isLetter(unit) && isLetter(before))) {
        // Nothing is told of a place before every row has decided.
        for (let row = 0; row < rows.length; row++) {
          const end = rows[row]?.reads(view, index) ?? none
          if (end === more) {
            this.#piiAt = base + index
            return
          }
          this.#ends[row] = end
        }
        for (let row = 0; row < rows.length; row++) {
          const end = this.#ends[row] ?? none
          const type = rows[row]?.type
          if (end === none || !type) continue
          for (const rule of piiRules.get(type) ?? [])
            this.#add(
              base + index,
              base + end,
              rule,
              this.#side.rules[rule]?.mark || `[REDACTED:${type}]`,
              -1,
            )
        }
      }
      before = unit
    }
    this.#piiAt = base + length
  }
}

const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39
const isLetter = (unit: number): boolean => unit >= 0x61 && unit <= 0x7a
const isAlnum = (unit: number): boolean => isDigit(unit) || isLetter(unit)
