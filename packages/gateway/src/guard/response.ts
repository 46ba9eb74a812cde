// What models answer, as it streams: text leaves as soon as no rule can find anything in it any more, arguments of
// tools leave whole, and what has left is never taken back.
import type { Delta } from '@switchyard/dialects'
import { Check, streamStep } from './check.ts'
import type { Guards, Side } from './compile.ts'
import { argumentsOf, isJson } from './json.ts'
import type { Blocked, Finding, GuardContext } from './rule.ts'
import { Scan } from './scan.ts'
import { drive, type Steps, wait } from './steps.ts'
import { Tally } from './tally.ts'
import { askWebhooks } from './webhook.ts'

/**
 * Guards one reply. After a rule has blocked, the deltas that are given close every block and finish every choice
 * with `filter`; of what is pushed later only `usage` and `end` pass, so that the caller may end the reply by
 * pushing an `end`, or let the upstream come to its own.
 */
export interface ResponseGuard {
  /** Deltas that may leave, in order; a promise where a rule has to wait. Await it before the next push. */
  push(deltas: readonly Delta[]): readonly Delta[] | Promise<readonly Delta[]>
  /** What is still held back, where the reply ended without `finish` or `end`. */
  finish(): readonly Delta[] | Promise<readonly Delta[]>
  readonly blocked: Blocked | undefined
  readonly findings: readonly Finding[]
}

type ContentDelta = Extract<Delta, { readonly block: number }>
type Kind = Extract<Delta, { type: 'open' }>['kind']

interface Block {
  readonly kind: Kind
  scan: Scan
  /** Of a block that a rule wants whole: what has passed the others. */
  whole: string
  redacted: boolean
  /** The signature leaves last. */
  readonly seals: Delta[]
}

interface Choice {
  readonly choice: number
  readonly open: Map<number, Block>
  /** From the opening of a tool until every tool is closed. */
  waiting: ContentDelta[]
  waitingUnits: number
  readonly tools: Set<number>
  finished: boolean
}

/** Units that a text block may hold back while it streams: more than any match has, were it not hostile. */
const heldUnits = 65_536
/** Units of a block that is held whole, and of the tools of a choice. */
const wholeUnits = 1024 * 1024

export function responseGuard(guards: Guards, context: GuardContext): ResponseGuard {
  const side = guards.response
  if (side.rules.length > 0) return new Guard(side, context)
  return { push: deltas => deltas, finish: () => [], blocked: undefined, findings: Object.freeze([]) }
}

class Guard implements ResponseGuard {
  readonly #side: Side
  readonly #tally: Tally
  readonly #check: Check
  readonly #context: GuardContext
  readonly #choices = new Map<number, Choice>()
  #waits = false

  constructor(side: Side, context: GuardContext) {
    this.#side = side
    this.#tally = new Tally(side)
    this.#check = new Check(side, this.#tally, context)
    this.#context = context
  }

  get blocked(): Blocked | undefined {
    return this.#tally.blocked
  }

  get findings(): readonly Finding[] {
    return this.#tally.findings()
  }

  push(deltas: readonly Delta[]): readonly Delta[] | Promise<readonly Delta[]> {
    return this.#run(this.#pushed(deltas))
  }

  finish(): readonly Delta[] | Promise<readonly Delta[]> {
    return this.#run(this.#finished())
  }

  #run(steps: Steps<readonly Delta[]>): readonly Delta[] | Promise<readonly Delta[]> {
    if (this.#waits) throw new TypeError('await the promise of the last push before the next one')
    const result = drive(steps)
    if (!(result instanceof Promise)) return result
    this.#waits = true
    return result.finally(() => {
      this.#waits = false
    })
  }

  *#pushed(deltas: readonly Delta[]): Steps<readonly Delta[]> {
    const out: Delta[] = []
    for (const delta of deltas) {
      const before = this.#tally.blocked
      if (before) {
        if (delta.type === 'usage' || delta.type === 'end') out.push(delta)
        continue
      }
      yield* this.#take(delta, out)
      if (this.#tally.blocked) this.#endAll(out)
    }
    return out
  }

  *#finished(): Steps<readonly Delta[]> {
    const out: Delta[] = []
    if (this.#tally.blocked) return out
    yield* this.#flushAll(out)
    if (this.#tally.blocked) this.#endAll(out)
    return out
  }

  *#take(delta: Delta, out: Delta[]): Steps<void> {
    switch (delta.type) {
      case 'usage':
        out.push(delta)
        return
      case 'start':
        this.#choiceOf(delta.choice)
        out.push(delta)
        return
      case 'fault':
        // Half of a match may be in what is held back: it stays back.
        this.#choices.clear()
        out.push(delta)
        return
      case 'end':
        yield* this.#flushAll(out)
        if (!this.#tally.blocked) out.push(delta)
        else this.#endAll(out, delta)
        return
      case 'finish': {
        const choice = this.#choiceOf(delta.choice)
        yield* this.#flush(choice, out)
        if (this.#tally.blocked) return
        choice.finished = true
        out.push(delta)
        return
      }
      default:
        yield* this.#content(this.#choiceOf(delta.choice), delta, out)
    }
  }

  /** Content of a choice, which waits while one of its tools is open. */
  *#content(choice: Choice, delta: ContentDelta, out: Delta[]): Steps<void> {
    const opensTool = delta.type === 'open' && delta.kind === 'tool'
    if (choice.tools.size === 0 && !opensTool) {
      yield* this.#now(choice, delta, out)
      return
    }
    choice.waiting.push(delta)
    choice.waitingUnits += unitsOf(delta)
    if (opensTool) choice.tools.add(delta.block)
    if (delta.type === 'close') choice.tools.delete(delta.block)
    if (choice.tools.size === 0) yield* this.#drain(choice, out)
    else if (choice.waitingUnits > wholeUnits) {
      this.#held()
      if (!this.#tally.blocked) yield* this.#drain(choice, out)
    }
  }

  /** The tools that have waited, each with its arguments in one delta, and what stood between them. */
  *#drain(choice: Choice, out: Delta[]): Steps<void> {
    const waiting = choice.waiting
    choice.waiting = []
    choice.waitingUnits = 0
    choice.tools.clear()
    const args = new Map<number, string>()
    for (const delta of waiting)
      if (delta.type === 'args') args.set(delta.block, (args.get(delta.block) ?? '') + delta.json)
    for (const delta of waiting) {
      if (delta.type === 'open' && delta.kind === 'tool') {
        const json = yield* this.#arguments(args.get(delta.block) ?? '')
        if (this.#tally.blocked) return
        yield* this.#now(choice, delta, out)
        if (json !== '') out.push({ choice: choice.choice, type: 'args', block: delta.block, json })
      } else if (delta.type !== 'args') yield* this.#now(choice, delta, out)
      if (this.#tally.blocked) return
    }
  }

  *#arguments(raw: string): Steps<string> {
    const kept = yield* this.#check.json(raw, true)
    if (this.#tally.blocked || kept === '' || this.#side.webhooks.length === 0) return kept
    const [said = kept] = yield* askWebhooks('response', this.#side, [kept], this.#tally, this.#context)
    return said === kept || !isJson(kept) ? said : argumentsOf(said)
  }

  *#now(choice: Choice, delta: ContentDelta, out: Delta[]): Steps<void> {
    if (delta.type === 'open') {
      choice.open.set(delta.block, {
        kind: delta.kind,
        scan: this.#scan(),
        whole: '',
        redacted: false,
        seals: [],
      })
      out.push(delta)
      return
    }
    const block = choice.open.get(delta.block)
    if (delta.type === 'close') {
      if (block) yield* this.#release(choice, delta.block, block, out)
      if (this.#tally.blocked) return
      choice.open.delete(delta.block)
      out.push(delta)
    } else if (delta.type === 'text' || delta.type === 'reasoning') {
      if (!block) return
      block.scan.push(delta.text)
      yield* this.#pass(choice, delta.block, block, out)
    } else if (delta.type === 'signature' && block && block.kind !== 'tool') block.seals.push(delta)
    else out.push(delta)
  }

  /** Lets out of a block what its rules have settled. */
  *#pass(choice: Choice, number: number, block: Block, out: Delta[]): Steps<void> {
    const text = yield* this.#check.settled(block.scan)
    if (this.#whole(block)) block.whole += text
    else say(choice, number, block, text, out)
    if (this.#tally.blocked) return
    if (block.scan.held > heldUnits || block.whole.length > wholeUnits) {
      this.#held()
      if (this.#tally.blocked) return
      block.scan.close()
      const rest = block.whole + (yield* this.#check.settled(block.scan))
      block.whole = ''
      block.redacted ||= block.scan.redacted
      say(choice, number, block, rest, out)
      block.scan = this.#scan()
    }
  }

  /** All of a block, at its end. */
  *#release(choice: Choice, number: number, block: Block, out: Delta[]): Steps<void> {
    block.scan.close()
    const text = yield* this.#check.settled(block.scan)
    let all = block.whole + text
    const whole = this.#whole(block)
    block.whole = ''
    block.redacted ||= block.scan.redacted
    if (whole && all !== '' && !this.#tally.blocked) all = yield* this.#judged(block, all)
    if (!whole || !this.#tally.blocked) say(choice, number, block, all, out)
    if (!block.redacted && !this.#tally.blocked) out.push(...block.seals)
    block.seals.length = 0
    block.scan = this.#scan()
  }

  /** What schemas and webhooks, which want the whole, say of it. */
  *#judged(block: Block, text: string): Steps<string> {
    for (const { rule, schema } of block.kind === 'text' ? this.#side.schemas : []) {
      const checked = yield* wait(this.#context.checker.fits(schema, text))
      if ('failure' in checked) this.#tally.fail(rule, checked.failure)
      else if (!checked.value) this.#refuse(rule)
      if (this.#tally.blocked) return ''
    }
    const [said = text] = yield* askWebhooks('response', this.#side, [text], this.#tally, this.#context)
    if (said !== text) block.redacted = true
    return said
  }

  #refuse(rule: number): void {
    if (this.#side.rules[rule]?.action === 'block') this.#tally.block(rule)
    else this.#tally.count(rule)
  }

  /** Too much would have to be held back: each rule that wants it has failed. */
  #held(): void {
    this.#side.rules.forEach((_rule, index) => {
      this.#tally.fail(index, 'held')
    })
  }

  #whole({ kind }: Block): boolean {
    return this.#side.webhooks.length > 0 || (kind === 'text' && this.#side.schemas.length > 0)
  }

  *#flush(choice: Choice, out: Delta[]): Steps<void> {
    if (choice.waiting.length > 0) yield* this.#drain(choice, out)
    for (const [number, block] of choice.open) {
      if (this.#tally.blocked) return
      if (block.kind !== 'tool') yield* this.#release(choice, number, block, out)
    }
  }

  *#flushAll(out: Delta[]): Steps<void> {
    for (const choice of this.#choices.values()) {
      if (this.#tally.blocked) return
      yield* this.#flush(choice, out)
    }
  }

  /** The ending of a reply that is blocked. */
  #endAll(out: Delta[], end?: Delta): void {
    for (const { choice, open, finished } of this.#choices.values()) {
      for (const block of open.keys()) out.push({ choice, type: 'close', block })
      if (!finished) out.push({ choice, type: 'finish', stop: 'filter' })
    }
    this.#choices.clear()
    if (end) out.push(end)
  }

  #choiceOf(choice: number): Choice {
    const known = this.#choices.get(choice)
    if (known) return known
    const made: Choice = {
      choice,
      open: new Map(),
      waiting: [],
      waitingUnits: 0,
      tools: new Set(),
      finished: false,
    }
    this.#choices.set(choice, made)
    return made
  }

  #scan(): Scan {
    return new Scan(this.#side, this.#tally, { step: streamStep, injection: true })
  }
}

function say(choice: Choice, block: number, { kind }: Block, text: string, out: Delta[]): void {
  if (text === '') return
  out.push({ choice: choice.choice, type: kind === 'reasoning' ? 'reasoning' : 'text', block, text })
}

function unitsOf(delta: ContentDelta): number {
  if (delta.type === 'args') return delta.json.length
  return delta.type === 'text' || delta.type === 'reasoning' ? delta.text.length : 64
}
