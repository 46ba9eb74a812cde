// What another origin has signed, or nobody: a caller keeps it in its history, and where the conversation goes on at an
// upstream of the caller's own dialect it would be refused there. It is cut out of the bytes; all else stays as sent.
import type { ChatDialect } from './conversation.ts'
import type { Ask } from './exchange.ts'
import { noSignature } from './gemini/parts.ts'
import { unwrapSeal, wrappedString } from './origin.ts'
import { Raw } from './raw.ts'
import type { Edit } from './splice.ts'

export interface Cleaning {
  readonly edits: readonly Edit[]
  /** Members that can't be sent without what is taken out. */
  readonly dropped: readonly string[]
}

const clean: Cleaning = Object.freeze({ edits: [], dropped: [] })
const nothing = Buffer.alloc(0)
const disabled = Buffer.from('{"type":"disabled"}')

/** What has to change before an upstream of this dialect may have the body. One search where nothing has. */
export function cleaning({ bytes, ends }: Ask, dialect: ChatDialect): Cleaning {
  const cleaner = cleaners[dialect]
  if (!cleaner || !bytes.includes(wrappedString)) return clean
  const body = Raw.parse(bytes, ends)
  return body ? cleaner(body) : clean
}

const cleaners: Readonly<Partial<Record<ChatDialect, (body: Raw) => Cleaning>>> = {
  anthropic: cleanMessages,
  responses: body => ({
    edits: without(body.get('input')?.elements() ?? [], item => isForeign(item.get('encrypted_content'))),
    dropped: [],
  }),
  gemini: body => ({ edits: elementsOf(body, 'contents').flatMap(cleanContent), dropped: [] }),
}

function isForeign(value: Raw | undefined): boolean {
  return unwrapSeal(value?.string() ?? '') !== undefined
}

function elementsOf(raw: Raw, name: string): readonly Raw[] {
  return raw.get(name)?.elements() ?? []
}

/** Thoughts and citations; a turn that is gone on with can't be thought about any further without its own thoughts. */
function cleanMessages(body: Raw): Cleaning {
  const messages = elementsOf(body, 'messages')
  const foreignThought = (block: Raw) => isForeign(block.get('signature') ?? block.get('data'))
  const emptied = (message: Raw) => {
    const blocks = elementsOf(message, 'content')
    return blocks.length > 0 && blocks.every(foreignThought)
  }
  const edits = [
    ...without(messages, emptied),
    ...messages
      .filter(message => !emptied(message))
      .flatMap(message => {
        const blocks = elementsOf(message, 'content')
        const kept = blocks.filter(block => !foreignThought(block))
        const cited = kept.flatMap(block =>
          without(elementsOf(block, 'citations'), each => isForeign(each.get('encrypted_index'))),
        )
        return [...without(blocks, foreignThought), ...cited]
      }),
  ]
  const last = messages.findLast(message => message.get('role')?.string() === 'assistant')
  const thinking = body.get('thinking')
  const asked = thinking !== undefined && thinking.get('type')?.string() !== 'disabled'
  if (!asked || !last || !elementsOf(last, 'content').some(foreignThought)) return { edits, dropped: [] }
  return { edits: [...edits, { ...thinking.range, bytes: disabled }], dropped: ['thinking'] }
}

/** Signatures of parts: a call needs one, and Gemini has a word for one that is lost. */
function cleanContent(content: Raw): readonly Edit[] {
  return elementsOf(content, 'parts').flatMap(part => {
    const called = part.get('functionCall') ?? part.get('function_call')
    const bytes = Buffer.from(called ? JSON.stringify(noSignature) : 'null')
    return ['thoughtSignature', 'thought_signature'].flatMap(name => {
      const signature = part.get(name)
      return signature && isForeign(signature) ? [{ ...signature.range, bytes }] : []
    })
  })
}

/** Cuts elements out of an array, with the commas that stood between them. */
function without(elements: readonly Raw[], goes: (element: Raw) => boolean): readonly Edit[] {
  const edits: Edit[] = []
  for (let from = 0; from < elements.length; from++) {
    if (!goes(elements[from]!)) continue
    let to = from
    for (let next = elements[to + 1]; next && goes(next); next = elements[to + 1]) to++
    const [before, first, last, after] = [from - 1, from, to, to + 1].map(at => elements[at]?.range)
    if (first && last)
      edits.push({
        start: before?.end ?? first.start,
        end: before ? last.end : (after?.start ?? last.end),
        bytes: nothing,
      })
    from = to
  }
  return edits
}
