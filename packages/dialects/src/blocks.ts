// Numbers the blocks of one choice while an upstream's answer is read: text, reasoning and refusal follow each
// other, tools may interleave and stay open until the answer ends.
import type { Citation, Delta, TokenLogprob } from './conversation.ts'

type Spoken = 'text' | 'reasoning' | 'refusal'

export interface Seal {
  readonly signature?: string
  readonly opaque?: string
  readonly origin: string
}

export class Blocks {
  readonly choice: number
  /** Tool calls that were opened. */
  calls = 0
  refused = false
  #next = 0
  #spoken: { readonly block: number; readonly kind: Spoken; sealed: boolean; said: boolean } | undefined
  readonly #tools: number[] = []

  constructor(choice: number) {
    this.choice = choice
  }

  /** The open reasoning block has shown text. */
  get reasoned(): boolean {
    return this.#spoken?.kind === 'reasoning' && this.#spoken.said
  }

  say(out: Delta[], kind: Spoken, text: string): void {
    if (text === '') return
    const block = this.#speak(out, kind)
    if (this.#spoken) this.#spoken.said = true
    out.push({ choice: this.choice, type: kind === 'reasoning' ? 'reasoning' : 'text', block, text })
  }

  /** A signature ends the reasoning that stands before it. */
  seal(out: Delta[], seal: Seal): void {
    const block = this.#speak(out, 'reasoning')
    if (this.#spoken) this.#spoken.sealed = true
    out.push({ choice: this.choice, type: 'signature', block, ...seal })
  }

  /** Scores tokens of what is being said; false where that is of another kind, and there is no place for them. */
  score(out: Delta[], kind: 'text' | 'refusal', tokens: readonly TokenLogprob[]): boolean {
    const open = this.#spoken
    if (tokens.length === 0 || (open ? open.kind !== kind : this.calls > 0)) return false
    out.push({ choice: this.choice, type: 'logprobs', block: this.#speak(out, kind), tokens })
    return true
  }

  /** Citations in the text that is being said. */
  cite(out: Delta[], citations: readonly Citation[]): void {
    const open = this.#spoken
    if (open?.kind !== 'text') return
    for (const citation of citations)
      out.push({ choice: this.choice, type: 'annotation', block: open.block, citation })
  }

  media(out: Delta[], base64: string, mime: string): void {
    this.#hush(out)
    out.push({ choice: this.choice, type: 'media', block: this.#next++, base64, mime })
  }

  /** Opens a call and answers its block. */
  tool(out: Delta[], id: string, name: string): number {
    this.#hush(out)
    const block = this.#next++
    this.calls++
    this.#tools.push(block)
    out.push({ choice: this.choice, type: 'open', block, kind: 'tool', id, name })
    return block
  }

  args(out: Delta[], block: number, json: string): void {
    if (json !== '') out.push({ choice: this.choice, type: 'args', block, json })
  }

  /** Closes all that is open. */
  close(out: Delta[]): void {
    this.#hush(out)
    for (const block of this.#tools.splice(0)) out.push({ choice: this.choice, type: 'close', block })
  }

  #speak(out: Delta[], kind: Spoken): number {
    const open = this.#spoken
    if (open?.kind === kind && !open.sealed) return open.block
    this.#hush(out)
    const block = this.#next++
    if (kind === 'refusal') this.refused = true
    this.#spoken = { block, kind, sealed: false, said: false }
    out.push({ choice: this.choice, type: 'open', block, kind })
    return block
  }

  #hush(out: Delta[]): void {
    if (!this.#spoken) return
    out.push({ choice: this.choice, type: 'close', block: this.#spoken.block })
    this.#spoken = undefined
  }
}
