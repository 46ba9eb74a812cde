// How guardrails stand in the way of one request: what is asked is looked at before it is forwarded, what is answered
// between the upstream's dialect and the caller's.
import {
  type Ask,
  type Conversation,
  conversationOf,
  type Delta,
  type Filter,
  readRequest,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import {
  type Blocked,
  type Finding,
  type GuardContext,
  type Guards,
  guardRequest,
  guardTexts,
  type ResponseGuard,
  responseGuard,
} from './guard/index.ts'
import type { Carrying } from './paths.ts'

/** What may be forwarded. */
export interface Guarded {
  readonly blocked: Blocked | undefined
  readonly findings: readonly Finding[]
  /** The body with what was redacted in it; the same where nothing was. */
  readonly ask: Ask
  /** Of a chat in which something was redacted. */
  readonly conversation: Conversation | undefined
}

/** Throws `invalid` for a body that its dialect forbids. */
export function guardAsk(
  ask: Ask,
  carrying: Carrying,
  guards: Guards,
  context: GuardContext,
): Guarded | Promise<Guarded> {
  if (carrying === 'chat') {
    const whole = conversationOf(ask)
    const told = guardRequest(whole, guards, context)
    const guarded = ({ blocked, conversation, findings }: Awaited<typeof told>): Guarded => ({
      blocked,
      findings,
      ask,
      conversation: conversation === whole ? undefined : conversation,
    })
    return told instanceof Promise ? told.then(guarded) : guarded(told)
  }
  const body = new Texts(ask.bytes)
  const told = guardTexts(body.texts, guards, context)
  const guarded = ({ blocked, texts, findings }: Awaited<typeof told>): Guarded => ({
    blocked,
    findings,
    ask: body.with(texts, ask),
    conversation: undefined,
  })
  return told instanceof Promise ? told.then(guarded) : guarded(told)
}

/** Members of a body that is no chat which hold texts: one, or a list of them. */
const textual = ['prompt', 'input', 'suffix', 'query', 'documents', 'instructions', 'content', 'requests']

/** The texts of a body, in the order in which they stand. */
class Texts {
  readonly texts: readonly string[]
  readonly #body: unknown

  constructor(bytes: Buffer) {
    const texts: string[] = []
    this.#body = JSON.parse(bytes.toString())
    walkBody(this.#body, text => {
      texts.push(text)
      return text
    })
    this.texts = texts
  }

  /** The ask with other texts. Numbers of its body are printed anew. */
  with(texts: readonly string[], ask: Ask): Ask {
    if (texts.every((text, i) => text === this.texts[i])) return ask
    let next = 0
    const changed = walkBody(this.#body, text => texts[next++] ?? text)
    return readRequest(ask.caller, ask.operation, Buffer.from(JSON.stringify(changed)), ask.line)
  }
}

type Change = (text: string) => string

function walkBody(body: unknown, change: Change): unknown {
  if (!isObject(body)) return body
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, textual.includes(name) ? walk(value, change) : value]),
  )
}

function walk(value: unknown, change: Change): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((one: unknown) => walk(one, change))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, name === 'model' ? one : walk(one, change)]),
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The guard of one answer, as a filter between two dialects. */
export class AnswerGuard implements Filter {
  readonly #guard: ResponseGuard

  constructor(guards: Guards, context: GuardContext) {
    this.#guard = responseGuard(guards, context)
  }

  push(deltas: readonly Delta[]): readonly Delta[] | Promise<readonly Delta[]> {
    return this.#guard.push(deltas)
  }

  get stopped(): boolean {
    return this.#guard.blocked !== undefined
  }

  get blocked(): Blocked | undefined {
    return this.#guard.blocked
  }

  get findings(): readonly Finding[] {
    return this.#guard.findings
  }
}

/** What a caller is told whose request, or its answer, a guardrail has refused. */
export function filtered({ rule, failure }: Blocked, what: 'request' | 'answer'): Fault {
  const message =
    failure === undefined
      ? `The guardrail '${rule}' refused the ${what}: change what is asked.`
      : `The guardrail '${rule}' could not check the ${what} (${failure}), and refuses what it cannot check: try again.`
  return new Fault('invalid', message, { reason: 'content_filter' })
}
