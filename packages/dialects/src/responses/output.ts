// An answer as output items, made from deltas: each change of an item is told as an event, and the whole response can
// be had at any time.
import { mostCitations, writeAnnotation } from '../annotations.ts'
import { lengthOf } from '../characters.ts'
import type { Citation, Delta, Stop, TokenLogprob } from '../conversation.ts'
import type { About } from '../dialect.ts'
import type { Usage } from '../exchange.ts'
import { stableHash } from '../ids.ts'
import { writeLogprobs } from '../logprobs.ts'
import { foreign, wrapSeal } from '../origin.ts'
import type { Json } from '../raw.ts'
import { writeUsage } from './usage.ts'

type Members = Readonly<Record<string, Json>>

/** Tells an event: its type and its members. */
export type Tell = (type: string, members: Members) => void

interface Block {
  readonly kind: 'text' | 'reasoning' | 'refusal' | 'tool'
  readonly callId: string
  readonly name: string
  /** Place in the output; undefined until there is something to show. */
  index: number | undefined
  text: string
  sealed: string | undefined
  readonly tokens: TokenLogprob[]
  /** Of the tokens, those whose text is still to come. */
  early: TokenLogprob[]
  readonly annotations: Json[]
}

const noTokens: readonly TokenLogprob[] = Object.freeze([])

const prefixes = { text: 'msg', refusal: 'msg', reasoning: 'rs', tool: 'fc' } as const

export class Output {
  stop: Stop = 'end'
  usage: Usage | undefined
  readonly #about: About
  readonly #tell: Tell
  readonly #items: Members[] = []
  readonly #blocks = new Map<number, Block>()
  /** All texts, in order: citations count from the first. */
  readonly #texts: Block[] = []

  constructor(about: About, tell: Tell) {
    this.#about = about
    this.#tell = tell
  }

  /** `tokens` are those of this very text. */
  apply(delta: Delta, tokens?: readonly TokenLogprob[]): void {
    if (delta.type === 'usage') this.usage = delta.usage
    else if (delta.choice !== 0) return
    else if (delta.type === 'finish') this.stop = delta.stop
    else if (delta.type === 'open') {
      const named = delta.kind === 'tool' ? { callId: delta.id, name: delta.name } : { callId: '', name: '' }
      const block: Block = {
        kind: delta.kind,
        ...named,
        index: undefined,
        text: '',
        sealed: undefined,
        tokens: [],
        early: [],
        annotations: [],
      }
      this.#blocks.set(delta.block, block)
      if (block.kind === 'text') this.#texts.push(block)
      if (block.kind === 'tool') this.#add(block)
    } else if (delta.type === 'media') this.#image(delta.base64)
    else if ('block' in delta) this.#inside(delta, this.#blocks.get(delta.block), tokens)
  }

  /** Closes what is open. */
  finish(): void {
    for (const block of [...this.#blocks.keys()].sort((one, other) => one - other)) this.#close(block)
  }

  /** The response as it stands. */
  response(status: 'in_progress' | 'completed' | 'incomplete' | 'failed', error: Json = null): Members {
    const { id, created, model, keeping } = this.#about
    const reason = incompleteReasons[this.stop]
    return {
      id,
      object: 'response',
      created_at: created,
      status,
      background: false,
      error,
      incomplete_details: status === 'incomplete' && reason !== undefined ? { reason } : null,
      instructions: null,
      max_output_tokens: null,
      model,
      output: [...this.#items],
      parallel_tool_calls: true,
      previous_response_id: keeping?.previous ?? null,
      reasoning: { effort: null, summary: null },
      store: keeping?.stored ?? false,
      temperature: null,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [],
      top_p: null,
      truncation: 'disabled',
      usage: this.usage && status !== 'in_progress' ? writeUsage(this.usage) : null,
      user: null,
      metadata: {},
    }
  }

  /** The response at its end. */
  ended(): { readonly status: 'completed' | 'incomplete'; readonly response: Members } {
    const status = incompleteReasons[this.stop] === undefined ? 'completed' : 'incomplete'
    return { status, response: this.response(status) }
  }

  #inside(
    delta: Extract<Delta, { block: number }>,
    block: Block | undefined,
    tokens: readonly TokenLogprob[] | undefined,
  ): void {
    if (!block) return
    if (delta.type === 'close') this.#close(delta.block)
    else if (delta.type === 'signature') {
      block.sealed = wrapSeal(delta)
      this.#add(block)
    } else if (delta.type === 'text' || delta.type === 'reasoning') this.#more(block, delta.text, tokens)
    else if (delta.type === 'args') this.#more(block, delta.json)
    else if (delta.type === 'logprobs') this.#score(block, delta.tokens)
    else if (delta.type === 'annotation') this.#cite(block, delta.citation)
  }

  /** An item of an image has no parts: it is whole at once. */
  #image(result: string): void {
    const output_index = this.#items.length
    const id = `ig_${stableHash(`${this.#about.id} ${output_index}`)}`
    const item = (status: 'in_progress' | 'completed', made: string | null): Members => ({
      id,
      type: 'image_generation_call',
      status,
      result: made,
    })
    this.#items.push(item('completed', result))
    this.#tell('response.output_item.added', { output_index, item: item('in_progress', null) })
    this.#tell('response.image_generation_call.in_progress', { item_id: id, output_index })
    this.#tell('response.image_generation_call.completed', { item_id: id, output_index })
    this.#tell('response.output_item.done', { output_index, item: item('completed', result) })
  }

  /** Only a text has a place for what scores its tokens. */
  #score(block: Block, tokens: readonly TokenLogprob[]): void {
    if (block.kind !== 'text') return
    for (const token of tokens) block.tokens.push(token)
    if (block.text === '') for (const token of tokens) block.early.push(token)
    else this.#tellText(block, '', tokens)
  }

  #tellText(block: Block, delta: string, tokens: readonly TokenLogprob[]): void {
    const at = { ...this.#place(block), content_index: 0 }
    this.#tell('response.output_text.delta', { ...at, delta, logprobs: writeLogprobs(tokens) })
  }

  #cite(block: Block, citation: Citation): void {
    if (block.kind !== 'text' || block.text === '' || block.annotations.length === mostCitations) return
    let before = 0
    for (const other of this.#texts) {
      if (other === block) break
      before += lengthOf(other.text)
    }
    const annotation = writeAnnotation(citation, before)
    const annotation_index = block.annotations.push(annotation) - 1
    const at = { ...this.#place(block), content_index: 0 }
    this.#tell('response.output_text.annotation.added', { ...at, annotation_index, annotation })
  }

  #more(block: Block, delta: string, tokens: readonly TokenLogprob[] = noTokens): void {
    if (delta === '') {
      this.#score(block, tokens)
      return
    }
    this.#add(block)
    const first = block.text === ''
    block.text += delta
    const place = this.#place(block)
    if (block.kind === 'tool') this.#tell('response.function_call_arguments.delta', { ...place, delta })
    else if (block.kind === 'reasoning') {
      if (first)
        this.#tell('response.reasoning_summary_part.added', { ...place, summary_index: 0, part: summary('') })
      this.#tell('response.reasoning_summary_text.delta', { ...place, summary_index: 0, delta })
    } else {
      const at = { ...place, content_index: 0 }
      if (first)
        this.#tell('response.content_part.added', { ...at, part: content(block.kind, '', nothingYet) })
      if (block.kind === 'refusal') this.#tell('response.refusal.delta', { ...at, delta })
      else {
        for (const token of tokens) block.tokens.push(token)
        this.#tellText(block, delta, block.early.length > 0 ? [...block.early, ...tokens] : tokens)
        block.early = []
      }
    }
  }

  #close(number: number): void {
    const block = this.#blocks.get(number)
    this.#blocks.delete(number)
    if (block?.index === undefined) return
    const { kind, text, index } = block
    const place = this.#place(block)
    if (kind === 'tool') {
      const args = text === '' ? '{}' : text
      this.#tell('response.function_call_arguments.done', { ...place, name: block.name, arguments: args })
    } else if (kind === 'reasoning' && text !== '') {
      this.#tell('response.reasoning_summary_text.done', { ...place, summary_index: 0, text })
      this.#tell('response.reasoning_summary_part.done', { ...place, summary_index: 0, part: summary(text) })
    } else if (kind !== 'reasoning') {
      const at = { ...place, content_index: 0 }
      if (kind === 'refusal') this.#tell('response.refusal.done', { ...at, refusal: text })
      else this.#tell('response.output_text.done', { ...at, text, logprobs: writeLogprobs(block.tokens) })
      this.#tell('response.content_part.done', { ...at, part: content(kind, text, block) })
    }
    const item = this.#item(block, 'completed')
    this.#items[index] = item
    this.#tell('response.output_item.done', { output_index: index, item })
  }

  /** Shows the item, once. */
  #add(block: Block): void {
    if (block.index !== undefined) return
    block.index = this.#items.length
    const item = this.#item(block, 'in_progress')
    this.#items.push(item)
    this.#tell('response.output_item.added', { output_index: block.index, item })
  }

  #place(block: Block): Members {
    return { item_id: this.#itemId(block), output_index: block.index ?? 0 }
  }

  #itemId({ kind, index }: Block): string {
    return `${prefixes[kind]}_${stableHash(`${this.#about.id} ${index}`)}`
  }

  #item(block: Block, status: 'in_progress' | 'completed'): Members {
    const { kind, text, sealed, callId, name } = block
    const whole = status === 'completed'
    const id = this.#itemId(block)
    if (kind === 'tool') {
      const args = whole && text === '' ? '{}' : text
      return { id, type: 'function_call', status, arguments: args, call_id: callId, name }
    }
    if (kind === 'reasoning')
      return {
        id,
        type: 'reasoning',
        summary: whole && text !== '' ? [summary(text)] : [],
        ...(whole && { encrypted_content: sealed ?? foreign }),
      }
    return {
      id,
      type: 'message',
      status,
      content: whole ? [content(kind, text, block)] : [],
      role: 'assistant',
    }
  }
}

const incompleteReasons: Partial<Record<Stop, string>> = {
  length: 'max_output_tokens',
  filter: 'content_filter',
  refusal: 'content_filter',
}

function summary(text: string): Json {
  return { type: 'summary_text', text }
}

const nothingYet: Pick<Block, 'tokens' | 'annotations'> = { tokens: [], annotations: [] }

function content(
  kind: 'text' | 'refusal',
  text: string,
  { tokens, annotations }: Pick<Block, 'tokens' | 'annotations'>,
): Json {
  if (kind === 'refusal') return { type: 'refusal', refusal: text }
  return { type: 'output_text', annotations: [...annotations], logprobs: writeLogprobs(tokens, []), text }
}
