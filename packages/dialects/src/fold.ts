// Folds deltas into a whole answer, for the replies that are not streamed.
import { Fault } from '@switchyard/kinds'
import { mostCitations } from './annotations.ts'
import type { Citation, Delta, Part, Stop, TokenLogprob } from './conversation.ts'
import type { Usage } from './exchange.ts'

export interface FoldedChoice {
  readonly parts: readonly Part[]
  readonly stop: Stop
  readonly sequence?: string
  readonly logprobs: { readonly text: readonly TokenLogprob[]; readonly refusal: readonly TokenLogprob[] }
  readonly citations: readonly Citation[]
}

export interface Folded {
  readonly choices: readonly FoldedChoice[]
  readonly usage: Usage | undefined
  readonly took: Extract<Delta, { type: 'end' }>['took']
}

interface Choice {
  readonly blocks: Map<number, Open>
  readonly logprobs: { readonly text: TokenLogprob[]; readonly refusal: TokenLogprob[] }
  readonly citations: Citation[]
  stop: Stop
  sequence?: string
}

interface Open {
  readonly kind: 'text' | 'reasoning' | 'refusal' | 'tool'
  readonly id: string
  readonly name: string
  text: string
  seal: { signature?: string; opaque?: string; origin?: string }
}

/** Throws `unavailable` when the deltas do not end in `end`: half an answer is none. */
export function fold(deltas: readonly Delta[]): Folded {
  const choices = new Map<number, Choice>()
  let usage: Usage | undefined
  let end: Extract<Delta, { type: 'end' }> | undefined
  const choiceOf = (index: number) => {
    const known = choices.get(index)
    if (known) return known
    const made: Choice = {
      blocks: new Map(),
      logprobs: { text: [], refusal: [] },
      citations: [],
      stop: 'end',
    }
    choices.set(index, made)
    return made
  }
  for (const delta of deltas) {
    if (delta.type === 'end') end = delta
    else if (delta.type === 'usage') usage = delta.usage
    else if (delta.type === 'fault') throw cutShort()
    else apply(choiceOf(delta.choice), delta)
  }
  if (!end) throw cutShort()
  return {
    choices: [...choices]
      .sort(([one], [other]) => one - other)
      .map(([, { blocks, stop, sequence, logprobs, citations }]) => ({
        parts: [...blocks].sort(([one], [other]) => one - other).map(([, block]) => partOf(block)),
        stop,
        ...(sequence !== undefined && { sequence }),
        logprobs,
        citations,
      })),
    usage,
    took: end.took,
  }
}

function cutShort(): Fault {
  return new Fault('unavailable', 'The model stopped in the middle of its answer: send the request again.', {
    reason: 'upstream_error',
    status: 502,
  })
}

function apply(choice: Choice, delta: Exclude<Delta, { type: 'end' | 'usage' | 'fault' }>): void {
  if (delta.type === 'start') return
  if (delta.type === 'finish') {
    choice.stop = delta.stop
    if (delta.sequence !== undefined) choice.sequence = delta.sequence
    return
  }
  if (delta.type === 'open') {
    const named = delta.kind === 'tool' ? { id: delta.id, name: delta.name } : { id: '', name: '' }
    choice.blocks.set(delta.block, { kind: delta.kind, ...named, text: '', seal: {} })
    return
  }
  const block = choice.blocks.get(delta.block)
  if (!block) return
  if (delta.type === 'text' || delta.type === 'reasoning') block.text += delta.text
  else if (delta.type === 'args') block.text += delta.json
  else if (delta.type === 'annotation') {
    if (choice.citations.length < mostCitations) choice.citations.push(delta.citation)
  } else if (delta.type === 'logprobs') {
    if (block.kind === 'text' || block.kind === 'refusal')
      for (const token of delta.tokens) choice.logprobs[block.kind].push(token)
  } else if (delta.type === 'signature') {
    const { signature, opaque, origin } = delta
    block.seal = {
      ...block.seal,
      ...(signature !== undefined && { signature }),
      ...(opaque !== undefined && { opaque }),
      origin,
    }
  }
}

function partOf({ kind, id, name, text, seal }: Open): Part {
  if (kind === 'tool') return { type: 'toolCall', id, name, args: text === '' ? '{}' : text }
  if (kind === 'reasoning') return { type: 'reasoning', ...(text !== '' && { text }), ...seal }
  return { type: kind, text }
}
