// Writes a stream for a caller: one `message_start`, blocks one after the other with contiguous indices, one
// `message_delta` with the final usage, `message_stop`. Blocks that interleave wait until those before them close.
import type { Seal } from '../blocks.ts'
import type { Citation, Delta } from '../conversation.ts'
import type { About, Encoder } from '../dialect.ts'
import type { Usage } from '../exchange.ts'
import { mediaFault } from '../media.ts'
import { foreign } from '../origin.ts'
import { type Json, writeJson } from '../raw.ts'
import { writeCitation } from './citations.ts'
import { errorEvent } from './error.ts'
import { writeUsage } from './usage.ts'
import { callId, type Finish, seal, writeStop } from './words.ts'

type Opened = Delta & { readonly type: 'open' }

interface Block {
  readonly opened: Opened
  /** Its own index, once its start is written. */
  index: number | undefined
  /** What came and is not written yet. */
  pending: string
  proof: Seal | undefined
  closed: boolean
  /** What is cited in what is pending. */
  cited: Citation[]
  /** Something that was written is cited: what follows is another block. */
  claimed: boolean
}

export function encoder(about: About): Encoder {
  const blocks = new Map<number, Block>()
  /** Blocks that are not done, in the order in which they were opened: the first is being written. */
  const queue: Block[] = []
  let out = ''
  let next = 0
  let begun = false
  let over = false
  let calls = false
  let usage: Usage | undefined
  let finish: Finish | undefined

  function event(type: string, members: Readonly<Record<string, Json>>): void {
    out += `event: ${type}\ndata: ${writeJson({ type, ...members })}\n\n`
  }

  function begin(): void {
    if (begun) return
    begun = true
    event('message_start', {
      message: {
        id: about.id,
        type: 'message',
        role: 'assistant',
        model: about.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: writeUsage(usage),
      },
    })
  }

  function start(block: Block, content_block: Json): void {
    if (block.index !== undefined) return
    begin()
    block.index = next++
    event('content_block_start', { index: block.index, content_block })
  }

  const delta = ({ index }: Block, said: Json) => event('content_block_delta', { index, delta: said })

  /** Writes what is pending of the block whose turn it is. */
  function write(block: Block): void {
    const { opened, pending } = block
    block.pending = ''
    if (opened.kind === 'tool') {
      calls = true
      start(block, { type: 'tool_use', id: callId(opened.id), name: opened.name, input: {} })
      if (pending !== '') delta(block, { type: 'input_json_delta', partial_json: pending })
    } else if (pending === '') return
    else if (opened.kind === 'reasoning') {
      start(block, { type: 'thinking', thinking: '', signature: '' })
      delta(block, { type: 'thinking_delta', thinking: pending })
    } else {
      if (block.claimed) restart(block)
      start(block, { type: 'text', text: '' })
      delta(block, { type: 'text_delta', text: pending })
    }
  }

  /** What is cited stands in a block of its own, as far as it has not left already. */
  function restart(block: Block): void {
    event('content_block_stop', { index: block.index })
    block.index = undefined
    block.claimed = false
  }

  function cite(block: Block): void {
    if (block.index === undefined || block.cited.length === 0) return
    for (const citation of block.cited)
      delta(block, { type: 'citations_delta', citation: writeCitation(citation) })
    block.cited = []
    block.claimed = true
  }

  /** A block of which nothing was said leaves no trace: it could not be sent back. */
  function stop(block: Block): void {
    prove(block)
    if (block.index !== undefined) event('content_block_stop', { index: block.index })
  }

  function prove(block: Block): void {
    const { opened, proof } = block
    if (opened.kind !== 'reasoning') return
    if (!proof) {
      if (block.index !== undefined) delta(block, { type: 'signature_delta', signature: foreign })
      return
    }
    if (block.index === undefined && proof.signature === undefined) {
      if (proof.opaque !== undefined) start(block, { type: 'redacted_thinking', data: seal(proof, 'opaque') })
      return
    }
    const signature = seal(proof, 'signature')
    if (signature === undefined) return
    start(block, { type: 'thinking', thinking: '', signature: '' })
    delta(block, { type: 'signature_delta', signature })
  }

  function advance(): void {
    for (let block = queue[0]; block; block = queue[0]) {
      write(block)
      cite(block)
      if (!block.closed) return
      stop(block)
      queue.shift()
    }
  }

  function end(): void {
    for (const block of queue) block.closed = true
    advance()
    begin()
    const { stop, sequence, raw } = finish ?? { stop: 'end' as const }
    const ending: Finish = {
      stop: stop === 'end' && calls ? 'tool' : stop,
      ...(raw !== undefined && { raw }),
    }
    event('message_delta', {
      delta: { stop_reason: writeStop(ending), stop_sequence: sequence ?? null },
      usage: writeUsage(usage),
    })
    event('message_stop', {})
    over = true
  }

  function take(step: Delta): void {
    switch (step.type) {
      case 'open': {
        if (blocks.has(step.block)) return
        const block: Block = {
          opened: step,
          index: undefined,
          pending: '',
          proof: undefined,
          closed: false,
          cited: [],
          claimed: false,
        }
        blocks.set(step.block, block)
        queue.push(block)
        break
      }
      case 'text':
      case 'reasoning':
      case 'args':
      case 'signature':
      case 'annotation':
      case 'close': {
        const block = blocks.get(step.block)
        if (!block || block.closed) return
        if (step.type === 'close') block.closed = true
        else if (step.type === 'signature') block.proof = step
        else if (step.type === 'annotation') block.cited.push(step.citation)
        else block.pending += step.type === 'args' ? step.json : step.text
        // Nothing can change for the caller while another block is being written.
        if (block !== queue[0]) return
        break
      }
      case 'usage':
        usage = step.usage
        return
      case 'finish':
        finish = step
        return
      case 'end':
        end()
        return
      case 'media':
        out += errorEvent(mediaFault(step))
        over = true
        return
      case 'start':
      case 'logprobs':
      case 'fault':
        return
    }
    advance()
  }

  return {
    contentType: 'text/event-stream; charset=utf-8',
    push(deltas) {
      for (const step of deltas) if (step.choice === 0 && !over) take(step)
      if (out === '') return undefined
      const bytes = Buffer.from(out)
      out = ''
      return bytes
    },
    fault(fault, kind) {
      over = true
      return Buffer.from(errorEvent(fault, kind))
    },
  }
}
