// Candidates as Gemini writes them: whole parts, and the reason of the end on the last.
import { mostCitations } from '../annotations.ts'
import type { Citation, Delta, Stop, TokenLogprob } from '../conversation.ts'
import type { About } from '../dialect.ts'
import type { Usage } from '../exchange.ts'
import { type Json, objectArgs, Verbatim, writeJson } from '../raw.ts'
import { type WrittenText, writeGrounding } from './grounding.ts'
import { writeLogprobs } from './logprobs.ts'
import { usageMetadata } from './usage.ts'
import { showSignature } from './write-parts.ts'

const reasonOf = {
  end: 'STOP',
  sequence: 'STOP',
  length: 'MAX_TOKENS',
  tool: 'STOP',
  filter: 'SAFETY',
  refusal: 'SAFETY',
  pause: 'STOP',
} as const satisfies Record<Stop, string>

export type WrittenPart = { readonly [name: string]: Json }

interface Block {
  readonly kind: 'text' | 'reasoning' | 'refusal' | 'tool'
  readonly id: string
  readonly name: string
  args: string
  said: boolean
  signature: string | undefined
}

/** The parts of one candidate, each written once it is whole; text is whole as it comes. */
export class CandidateParts {
  stop: Stop = 'end'
  readonly #blocks = new Map<number, Block>()
  #ready: WrittenPart[] = []
  /** Where the last ready part may still grow. */
  #growing: number | undefined
  #pending: string | undefined
  #tokens: TokenLogprob[] = []
  /** All that was said as text, for places in it. */
  readonly #said: string[] = []
  readonly #citations: Citation[] = []

  /** Parts that are ready since the last call. */
  take(): readonly WrittenPart[] {
    const taken = this.#ready
    this.#ready = []
    this.#growing = undefined
    return taken
  }

  /** Tokens that were scored since the last call. */
  takeTokens(): readonly TokenLogprob[] {
    const taken = this.#tokens
    if (taken.length > 0) this.#tokens = []
    return taken
  }

  /** What is cited in these texts; in a stream all of them are one. */
  grounding(texts: readonly WrittenText[] = [{ text: this.#said.join(''), part: 0 }]): Json {
    return writeGrounding(this.#citations, texts)
  }

  apply(delta: Delta): void {
    if (delta.type === 'media') this.#put({ inlineData: { mimeType: delta.mime, data: delta.base64 } })
    else if (delta.type === 'finish') this.stop = delta.stop
    else if (delta.type === 'open') {
      const named = delta.kind === 'tool' ? { id: delta.id, name: delta.name } : { id: '', name: '' }
      const fresh = { kind: delta.kind, ...named, args: '', said: false, signature: undefined }
      this.#blocks.set(delta.block, fresh)
    } else if ('block' in delta) this.#inside(delta, this.#blocks.get(delta.block))
  }

  /** What is still open becomes ready. */
  finish(): void {
    for (const block of [...this.#blocks.keys()].sort((one, other) => one - other)) this.#close(block)
    this.#flush()
  }

  #inside(delta: Extract<Delta, { block: number }>, block: Block | undefined): void {
    if (!block) return
    if (delta.type === 'text' || delta.type === 'reasoning') this.#say(delta.block, block, delta.text)
    else if (delta.type === 'args') block.args += delta.json
    else if (delta.type === 'logprobs') this.#score(delta.tokens)
    else if (delta.type === 'annotation') {
      if (this.#citations.length < mostCitations) this.#citations.push(delta.citation)
    } else if (delta.type === 'signature') block.signature = showSignature(delta)
    else if (delta.type === 'close') this.#close(delta.block)
  }

  #say(number: number, block: Block, text: string): void {
    if (text === '') return
    const thought = block.kind === 'reasoning'
    block.said = true
    if (!thought) this.#said.push(text)
    const last = this.#ready.at(-1)
    if (this.#growing === number && last && typeof last.text === 'string') {
      this.#ready[this.#ready.length - 1] = { ...last, text: last.text + text }
      return
    }
    if (thought) this.#flush()
    this.#put(thought ? { text, thought: true } : { text })
    this.#growing = number
  }

  /** Tokens stand beside a text, an empty one where theirs has left already. */
  #score(tokens: readonly TokenLogprob[]): void {
    for (const token of tokens) this.#tokens.push(token)
    if (!this.#ready.some(part => part.text !== undefined && part.thought === undefined))
      this.#push({ text: '' })
  }

  #close(number: number): void {
    const block = this.#blocks.get(number)
    if (!block) return
    this.#blocks.delete(number)
    if (block.kind === 'tool') {
      const args = new Verbatim(objectArgs(block.args))
      this.#put({ functionCall: { id: block.id || undefined, name: block.name, args } })
    } else if (block.signature !== undefined) {
      this.#flush()
      if (block.said) this.#seal(number, block.signature)
      else this.#pending = block.signature
    }
  }

  /** Signs the thought that is still here, else an empty part that follows it. */
  #seal(number: number, thoughtSignature: string): void {
    const last = this.#growing === number ? this.#ready.pop() : undefined
    this.#push({ text: '', thought: true, ...last, thoughtSignature })
  }

  #put(part: WrittenPart): void {
    this.#push(this.#pending === undefined ? part : { ...part, thoughtSignature: this.#pending })
    this.#pending = undefined
  }

  /** A signature that nothing followed stands on an empty part. */
  #flush(): void {
    if (this.#pending !== undefined) this.#put({ text: '' })
  }

  #push(part: WrittenPart): void {
    this.#ready.push(part)
    this.#growing = undefined
  }
}

/** One response or chunk. */
export function writeChunk(
  candidates: readonly { readonly [name: string]: Json }[],
  usage: Usage | undefined,
  about: About,
): string {
  return writeJson({
    candidates,
    usageMetadata: usage && usageMetadata(usage),
    modelVersion: about.model,
    responseId: about.id,
  })
}

interface Said {
  readonly parts: readonly WrittenPart[]
  readonly tokens: readonly TokenLogprob[]
  /** Of the last one alone. */
  readonly stop?: Stop
  readonly grounding?: Json
}

export function writeCandidate(index: number, { parts, tokens, stop, grounding }: Said): WrittenPart {
  return {
    content: { parts, role: 'model' },
    ...(stop !== undefined && { finishReason: reasonOf[stop] }),
    index,
    logprobsResult: tokens.length > 0 ? writeLogprobs(tokens) : undefined,
    groundingMetadata: grounding,
  }
}
