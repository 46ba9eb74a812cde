// What has been heard of an answer: the part of a tap that is the same whatever leaves for the caller.
import type { Delta } from './conversation.ts'
import type { Usage } from './exchange.ts'
import type { UpstreamError } from './openai/error.ts'

export class Heard {
  begun = false
  deltas = 0
  textBytes = 0
  usage: Usage | undefined
  error: UpstreamError | undefined
  /** The answer is whole. */
  protected ended = false
  /** A delta may be several tokens: its text is measured. */
  protected readonly measured: boolean

  constructor(measured: boolean) {
    this.measured = measured
  }

  protected hear(deltas: readonly Delta[]): void {
    for (const delta of deltas) this.#hear(delta)
  }

  #hear(delta: Delta): void {
    switch (delta.type) {
      case 'text':
      case 'reasoning':
        if (delta.text !== '') this.#said(delta.text)
        break
      case 'args':
        if (delta.json !== '') this.#said(delta.json)
        break
      case 'open':
        if (delta.kind === 'tool') this.content()
        break
      case 'media':
        this.content()
        break
      case 'finish':
        this.begun = true
        break
      case 'usage':
        this.usage = delta.usage
        break
      case 'end':
        this.ended = true
        break
      case 'fault':
        this.error ??= errorOf(delta)
        break
      case 'start':
      case 'signature':
      case 'logprobs':
      case 'annotation':
      case 'close':
    }
  }

  #said(text: string): void {
    if (this.measured) this.textBytes += Buffer.byteLength(text)
    this.content()
  }

  protected content(): void {
    this.begun = true
    this.deltas++
  }
}

export function errorOf({ status, kind, message }: Extract<Delta, { type: 'fault' }>): UpstreamError {
  return { status, type: kind, ...(message !== undefined && { message }) }
}
