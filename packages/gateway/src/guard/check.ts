// Puts whole texts past the rules that look at text: at once where it can be, else in steps that wait.
import { setImmediate } from 'node:timers/promises'
import type { Side } from './compile.ts'
import { isJson, tokens } from './json.ts'
import type { GuardContext } from './rule.ts'
import { reach, Scan } from './scan.ts'
import { type Steps, wait } from './steps.ts'
import type { Tally } from './tally.ts'

/** Units after which the loop may serve others: 1 ms of ordinary text, 10 ms of the most hostile. */
const breath = 16_384
/** Folded units after which operators' patterns are asked again in a request. */
const requestStep = 65_536

export class Check {
  readonly tally: Tally
  readonly side: Side
  readonly context: GuardContext
  #sinceBreath = 0

  constructor(side: Side, tally: Tally, context: GuardContext) {
    this.side = side
    this.tally = tally
    this.context = context
  }

  /** A text as it may pass; what it gives once a rule has blocked is of no use. */
  *text(text: string, injection: boolean): Steps<string> {
    const scan = new Scan(this.side, this.tally, { step: requestStep, injection })
    let out = ''
    for (let at = 0; at < text.length; at += breath) {
      const chunk = at === 0 && text.length <= breath ? text : text.slice(at, at + breath)
      this.#sinceBreath += chunk.length
      if (this.#sinceBreath > breath) {
        this.#sinceBreath = chunk.length
        yield* wait(setImmediate())
      }
      scan.push(chunk)
      out += yield* this.settled(scan)
      if (this.tally.blocked) return out
    }
    scan.close()
    return out + (yield* this.settled(scan))
  }

  /** Asks operators' patterns where they are due, and gives what may leave. */
  *settled(scan: Scan): Steps<string> {
    for (let due = scan.due(); due !== undefined; due = scan.due()) {
      for (const { rule, patterns } of this.side.patterns) {
        const checked = yield* wait(this.context.checker.find(patterns, due))
        if ('failure' in checked) this.tally.fail(rule, checked.failure)
        else scan.found(rule, checked.value)
      }
      if (this.tally.blocked) return ''
      scan.asked()
    }
    return scan.take()
  }

  /** The strings and numbers in JSON as they may pass; it stays JSON. What is no JSON is a text. */
  *json(raw: string, injection: boolean): Steps<string> {
    if (raw === '') return raw
    let out = ''
    let at = 0
    for (const { start, end, text } of tokens(raw)) {
      const kept = yield* this.text(text, injection)
      if (this.tally.blocked) return ''
      if (kept === text) continue
      out += raw.slice(at, start) + JSON.stringify(kept)
      at = end
    }
    out += raw.slice(at)
    return isJson(raw) ? out : yield* this.text(out, injection)
  }
}

/** Folded units after which operators' patterns are asked again in a stream; `reach` more are held back. */
export const streamStep = reach / 4
