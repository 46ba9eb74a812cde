// What callers ask, before it is forwarded: the text of every turn, of tools and of their results.
import type { Conversation, Part, Tool, Turn } from '@switchyard/dialects'
import { Check } from './check.ts'
import type { Guards } from './compile.ts'
import { argumentsOf } from './json.ts'
import type { Blocked, Finding, GuardContext } from './rule.ts'
import { drive, type Steps } from './steps.ts'
import { Tally } from './tally.ts'
import { askWebhooks } from './webhook.ts'

export interface Verdict {
  /** The rule that refuses; what else is given is then of no use. */
  readonly blocked?: Blocked
  readonly conversation: Conversation
  readonly findings: readonly Finding[]
}

export interface TextsVerdict {
  readonly blocked?: Blocked
  /** As many as were given. */
  readonly texts: readonly string[]
  readonly findings: readonly Finding[]
}

/** `instructions`: written by who built the application, and so no attempt to take it over. */
type Form = 'text' | 'instructions' | 'json'
type Pass = (text: string, form: Form) => string | Steps<string>

/**
 * A verdict at once, or its promise where a rule has to wait or the text is long. The conversation is the same
 * one where nothing was redacted.
 */
export function guardRequest(
  conversation: Conversation,
  guards: Guards,
  context: GuardContext,
): Verdict | Promise<Verdict> {
  return drive(guardConversation(conversation, guards, context))
}

/** The same for inputs that are plain text: embeddings, completions. */
export function guardTexts(
  texts: readonly string[],
  guards: Guards,
  context: GuardContext,
): TextsVerdict | Promise<TextsVerdict> {
  return drive(guardAll(texts, guards, context))
}

function* guardConversation(
  conversation: Conversation,
  guards: Guards,
  context: GuardContext,
): Steps<Verdict> {
  const side = guards.request
  const tally = new Tally(side)
  if (side.rules.length === 0) return verdict(conversation, tally)
  const check = new Check(side, tally, context)
  let kept = yield* conversationOf(conversation, (text, form) =>
    form === 'json' ? check.json(text, false) : check.text(text, form === 'text'),
  )
  if (side.webhooks.length > 0 && !tally.blocked) {
    const parts: string[] = []
    const forms: Form[] = []
    yield* conversationOf(kept, (text, form) => {
      parts.push(text)
      forms.push(form)
      return text
    })
    const replaced = asJson(yield* askWebhooks('request', side, parts, tally, context), parts, forms)
    let part = 0
    kept = yield* conversationOf(kept, text => replaced[part++] ?? text)
  }
  return verdict(kept, tally)
}

/** Arguments of a tool stay JSON: what a webhook made of them and is none becomes a string. */
function asJson(
  texts: readonly string[],
  before: readonly string[],
  forms: readonly Form[],
): readonly string[] {
  return texts.map((text, index) =>
    forms[index] === 'json' && text !== before[index] ? argumentsOf(text) : text,
  )
}

function verdict(conversation: Conversation, tally: Tally): Verdict {
  const findings = tally.findings()
  return Object.freeze(
    tally.blocked ? { blocked: tally.blocked, conversation, findings } : { conversation, findings },
  )
}

function* guardAll(texts: readonly string[], guards: Guards, context: GuardContext): Steps<TextsVerdict> {
  const side = guards.request
  const tally = new Tally(side)
  const check = new Check(side, tally, context)
  let kept = texts
  if (side.rules.length > 0) {
    const passed: string[] = []
    for (const text of texts) {
      passed.push(yield* check.text(text, true))
      if (tally.blocked) break
    }
    kept = tally.blocked ? texts : yield* askWebhooks('request', side, passed, tally, context)
  }
  const findings = tally.findings()
  const frozen = Object.freeze([...kept])
  return Object.freeze(
    tally.blocked ? { blocked: tally.blocked, texts: frozen, findings } : { texts: frozen, findings },
  )
}

function* passed(pass: Pass, text: string, form: Form): Steps<string> {
  const given = pass(text, form)
  return typeof given === 'string' ? given : yield* given
}

function* conversationOf(conversation: Conversation, pass: Pass): Steps<Conversation> {
  const turns = yield* each(conversation.turns, turn => turnOf(turn, pass))
  const tools = yield* each(conversation.tools, tool => toolOf(tool, pass))
  if (turns === conversation.turns && tools === conversation.tools) return conversation
  return Object.freeze({ ...conversation, turns, tools })
}

function* each<T>(values: readonly T[], change: (value: T) => Steps<T>): Steps<readonly T[]> {
  const changed: T[] = []
  let same = true
  for (const value of values) {
    const made = yield* change(value)
    same &&= made === value
    changed.push(made)
  }
  return same ? values : Object.freeze(changed)
}

function* turnOf(turn: Turn, pass: Pass): Steps<Turn> {
  const form: Form = turn.role === 'user' || turn.role === 'tool' ? 'text' : 'instructions'
  const parts = yield* each(turn.parts, part => partOf(part, form, pass))
  return parts === turn.parts ? turn : Object.freeze({ ...turn, parts })
}

function* toolOf(tool: Tool, pass: Pass): Steps<Tool> {
  if (tool.description === undefined) return tool
  const description = yield* passed(pass, tool.description, 'instructions')
  return description === tool.description ? tool : Object.freeze({ ...tool, description })
}

function* partOf(part: Part, form: Form, pass: Pass): Steps<Part> {
  switch (part.type) {
    case 'text':
    case 'refusal': {
      const text = yield* passed(pass, part.text, form)
      return text === part.text ? part : Object.freeze({ ...part, text })
    }
    case 'reasoning': {
      if (part.text === undefined) return part
      const text = yield* passed(pass, part.text, form)
      if (text === part.text) return part
      // Whoever signed it would refuse the changed text.
      const { signature: _signature, opaque: _opaque, ...rest } = part
      return Object.freeze({ ...rest, text })
    }
    case 'toolCall': {
      const args = yield* passed(pass, part.args, 'json')
      return args === part.args ? part : Object.freeze({ ...part, args })
    }
    case 'toolResult': {
      const parts = yield* each(part.parts, inner => partOf(inner, 'text', pass))
      return parts === part.parts ? part : Object.freeze({ ...part, parts })
    }
    case 'image':
    case 'audio':
    case 'document':
      return part
  }
}
