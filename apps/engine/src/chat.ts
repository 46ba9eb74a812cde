// From messages to prompt tokens, by the chat template that the GGUF carries.
//
// The template's own text may name control tokens such as <|im_end|>; the caller's text may not. The whole
// prompt is rendered and tokenized in one piece, as llama-server does it, except that what looks like a control
// token inside a caller's string travels between two marks and is tokenized as plain text.
import { Template } from '@huggingface/jinja'
import type { OpenModel, Token } from './model.ts'

/** Noncharacters, which Unicode reserves for such use; they are removed from what callers send. */
const open = '\uFDD0'
const close = '\uFDD1'
const marks = /[\uFDD0\uFDD1]/g

/** What a model without a template gets: the most common one. */
const chatml =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

export interface Message {
  readonly role: string
  readonly content: string
  readonly [field: string]: unknown
}

/** The template refused these messages, or cannot be read at all. */
export class TemplateFault extends Error {}

export type ChatPrompt = (messages: readonly Message[], parameters?: Record<string, unknown>) => Token[]

/** Throws TemplateFault when it is used with a template that cannot be read, so that such a model still loads. */
export function chatPrompt(model: OpenModel): ChatPrompt {
  const template = parse(model.template ?? chatml)
  const guard = guardFor(model.specials)
  return (messages, parameters = {}) => {
    if (template instanceof TemplateFault) throw template
    let text: string
    try {
      text = template.render({
        ...guarded(parameters, guard),
        messages: guarded(messages, guard),
        add_generation_prompt: true,
        bos_token: model.bos.text,
        eos_token: model.eosText,
      })
    } catch (fault) {
      throw new TemplateFault(`the model's chat template refused these messages: ${reason(fault)}`)
    }
    return withBeginning(model, tokenizeMarked(model, text))
  }
}

/** A prompt that is plain text: control tokens in it are read as such, as in every raw completion. */
export const textPrompt = (model: OpenModel, text: string): Token[] =>
  withBeginning(model, model.tokenize(text, true))

function parse(source: string): Template | TemplateFault {
  try {
    return new Template(source)
  } catch (fault) {
    return new TemplateFault(
      `the model's chat template cannot be read (${reason(fault)}); use /v1/completions with this model`,
    )
  }
}

const reason = (fault: unknown) => (fault instanceof Error ? fault.message : String(fault))

/** Marks every control token's text, and an end that could become one together with what follows. */
export function guardFor(specials: readonly string[]): (text: string) => string {
  const longestFirst = specials.toSorted((a, b) => b.length - a.length)
  const beginnings = new Set(specials.flatMap(text => prefixes(text)))
  const longest = longestFirst[0]?.length ?? 0
  const whole = new RegExp(
    longestFirst.map(text => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'),
    'g',
  )
  return text => {
    const clean = text.replaceAll(marks, '')
    if (longest === 0) return clean
    const marked = clean.replaceAll(whole, found => `${open}${found}${close}`)
    for (let length = Math.min(longest - 1, marked.length); length > 0; length--) {
      const end = marked.slice(-length)
      if (beginnings.has(end)) return `${marked.slice(0, -length)}${open}${end}${close}`
    }
    return marked
  }
}

const prefixes = (text: string) => Array.from({ length: text.length - 1 }, (_, at) => text.slice(0, at + 1))

function guarded<Value>(value: Value, guard: (text: string) => string): Value {
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return guard(part)
    if (Array.isArray(part)) return part.map(walk)
    if (typeof part === 'object' && part !== null)
      return Object.fromEntries(Object.entries(part).map(([key, inner]) => [guard(key), walk(inner)]))
    return part
  }
  return walk(value) as Value // the same shape: only strings within it were changed
}

/** Pieces between marks are plain text whatever they look like; a lost mark errs on the side of plain. */
function tokenizeMarked(model: OpenModel, text: string): Token[] {
  if (!text.includes(open)) return model.tokenize(text.replaceAll(marks, ''), true)
  return text.split(new RegExp(`(${open}[^${close}]*(?:${close}|$))`)).flatMap((piece, index) => {
    const plain = piece.startsWith(open)
    const inner = piece.replaceAll(marks, '')
    return inner === '' ? [] : model.tokenize(inner, !plain, index > 0)
  })
}

function withBeginning(model: OpenModel, tokens: Token[]): Token[] {
  const { token, prepend } = model.bos
  return prepend && token !== null && tokens[0] !== token ? [token, ...tokens] : tokens
}
