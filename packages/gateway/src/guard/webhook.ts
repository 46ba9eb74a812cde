// Asks a guard elsewhere what it thinks of a text, and does no more than the rule allows.
import type { CompiledRule, Side } from './compile.ts'
import type { Found, GuardContext, GuardRule, WebhookReply } from './rule.ts'
import { type Steps, wait } from './steps.ts'
import type { Tally } from './tally.ts'

interface Said {
  readonly action: 'allow' | 'flag' | 'redact' | 'block'
  /** The text of each part; null keeps it. */
  readonly texts: readonly (string | null)[]
  /** Ranges in code points. */
  readonly spans: readonly (Found & { readonly part: number })[]
}

const replyUnits = 4 * 1024 * 1024

/** The parts as every webhook of the side has left them. */
export function* askWebhooks(
  stage: 'request' | 'response',
  side: Side,
  parts: readonly string[],
  tally: Tally,
  context: GuardContext,
): Steps<readonly string[]> {
  let texts = parts
  for (const { rule, hook } of side.webhooks) {
    const compiled = side.rules[rule]
    if (!compiled || tally.blocked || texts.length === 0) break
    const body = JSON.stringify({
      stage,
      model: context.model,
      requestId: context.requestId,
      parts: texts.map(text => ({ text })),
    })
    const said = yield* wait(ask(hook, body, texts.length, context))
    if (typeof said === 'string') tally.fail(rule, said)
    else texts = obey(said, compiled, rule, texts, tally)
  }
  return texts
}

function obey(
  said: Said,
  { action, mark }: CompiledRule,
  rule: number,
  texts: readonly string[],
  tally: Tally,
): readonly string[] {
  if (said.action === 'allow') return texts
  if (said.action === 'block' && action === 'block') {
    tally.block(rule)
    return texts
  }
  tally.count(rule, Math.max(1, said.spans.length))
  if (said.action === 'flag' || action === 'flag') return texts
  const pointed = said.action === 'redact' && (said.texts.length > 0 || said.spans.length > 0)
  return texts.map((text, part) => {
    if (!pointed) return mark
    const given = said.texts[part]
    if (typeof given === 'string') return given
    return cut(
      text,
      said.spans.filter(span => span.part === part),
      mark,
    )
  })
}

function cut(text: string, spans: readonly Found[], mark: string): string {
  if (spans.length === 0) return text
  const points = Array.from(text)
  let out = ''
  let at = 0
  for (const { start, end } of spans.toSorted((one, other) => one.start - other.start)) {
    if (end <= at) continue
    if (start >= at) out += points.slice(at, start).join('') + mark
    at = end
  }
  return out + points.slice(at).join('')
}

async function ask(
  hook: Extract<GuardRule, { kind: 'webhook' }>,
  body: string,
  parts: number,
  { send, signal }: GuardContext,
): Promise<Said | 'timeout' | 'unavailable'> {
  const deadline = AbortSignal.timeout(hook.timeoutMs)
  const ended = signal ? AbortSignal.any([signal, deadline]) : deadline
  const headers = ['content-type', 'application/json', 'accept', 'application/json']
  if (hook.authorization) headers.push('authorization', hook.authorization.reveal())
  const given = Promise.withResolvers<'ended'>()
  const end = () => given.resolve('ended')
  ended.addEventListener('abort', end, { once: true })
  if (ended.aborted) end()
  try {
    // One that does not heed the signal is not waited for.
    const reply = await Promise.race([send(hook.url, headers, body, ended), given.promise])
    if (reply === 'ended') return deadline.aborted ? 'timeout' : 'unavailable'
    return read(reply, parts) ?? 'unavailable'
  } catch {
    // Whatever went wrong, the guard has not answered: the rule's onFailure decides.
    return deadline.aborted ? 'timeout' : 'unavailable'
  } finally {
    ended.removeEventListener('abort', end)
  }
}

/** Undefined for what is no answer: it counts as none. */
function read({ status, body }: WebhookReply, parts: number): Said | undefined {
  if (status < 200 || status > 299 || body.length > replyUnits) return undefined
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return undefined
  }
  if (!isObject(value)) return undefined
  const { action, text, spans = [] } = value
  if (action !== 'allow' && action !== 'flag' && action !== 'redact' && action !== 'block') return undefined
  const texts = text === undefined ? [] : Array.isArray(text) ? text : [text]
  if (texts.length > 0 && texts.length !== parts) return undefined
  if (!texts.every(one => one === null || typeof one === 'string')) return undefined
  if (!Array.isArray(spans)) return undefined
  const ranges = spans.map(span => rangeOf(span, parts))
  if (!ranges.every(range => range !== undefined)) return undefined
  return { action, texts, spans: ranges }
}

function rangeOf(span: unknown, parts: number): (Found & { readonly part: number }) | undefined {
  if (!isObject(span)) return undefined
  const { part = 0, start, end } = span
  if (!isCount(part) || !isCount(start) || !isCount(end)) return undefined
  return part < parts && start < end ? { part, start, end } : undefined
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
