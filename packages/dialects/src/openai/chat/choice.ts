// One choice of an upstream's answer, a whole message or a delta of it, as deltas: both have the same members.
import { readAnnotations } from '../../annotations.ts'
import { Blocks } from '../../blocks.ts'
import type { Delta } from '../../conversation.ts'
import { stableHash } from '../../ids.ts'
import { readLogprobs } from '../../logprobs.ts'
import { list, type Members, members, text } from '../../members.ts'
import { readFinish } from './stop.ts'

interface Call {
  readonly id: string
  readonly index: number
  name: string
  /** Undefined until the name is known. */
  block: number | undefined
  waiting: string
}

export class Choice {
  readonly blocks: Blocks
  finished = false
  readonly #seed: string
  readonly #calls: Call[] = []

  /** `seed` tells apart the ids of calls that have none. */
  constructor(index: number, seed: string) {
    this.blocks = new Blocks(index)
    this.#seed = seed
  }

  say(out: Delta[], message: Members, logprobs: unknown): void {
    if (this.finished) return
    const { blocks } = this
    blocks.say(out, 'reasoning', text(message.reasoning_content) || text(message.reasoning))
    for (const detail of list(message.reasoning_details)) this.#detail(out, members(detail))
    const scores = members(logprobs)
    this.#content(out, message.content)
    if (logprobs) blocks.score(out, 'text', readLogprobs(scores.content))
    if (message.annotations) blocks.cite(out, readAnnotations(message.annotations))
    blocks.say(out, 'refusal', text(message.refusal))
    if (logprobs) blocks.score(out, 'refusal', readLogprobs(scores.refusal))
    for (const call of list(message.tool_calls)) this.#call(out, members(call))
    if (message.function_call) this.#call(out, { index: 0, function: message.function_call })
  }

  finish(out: Delta[], reason: string | undefined): void {
    if (this.finished) return
    this.finished = true
    for (const call of this.#calls) this.#open(out, call, true)
    this.blocks.close(out)
    out.push(readFinish(reason, this.blocks))
  }

  /** Text, or as some providers have it, a list of texts and thoughts. */
  #content(out: Delta[], content: unknown): void {
    this.blocks.say(out, 'text', text(content))
    for (const part of list(content).map(members)) {
      if (part.type === 'text') this.blocks.say(out, 'text', text(part.text))
      if (part.type === 'refusal') this.blocks.say(out, 'refusal', text(part.refusal))
      if (part.type === 'thinking')
        for (const thought of list(part.thinking))
          this.blocks.say(out, 'reasoning', text(members(thought).text))
    }
  }

  #detail(out: Delta[], detail: Members): void {
    const { blocks } = this
    if (!blocks.reasoned) blocks.say(out, 'reasoning', text(detail.text) || text(detail.summary))
    const signature = text(detail.signature)
    const opaque = text(detail.data)
    if (signature === '' && opaque === '') return
    const origin = text(detail.format) || 'openai'
    blocks.seal(out, { ...(signature && { signature }), ...(opaque && { opaque }), origin })
  }

  /**
   * A fragment belongs to the call with its index. An id that differs begins another call, as providers that give
   * every call the index 0 mean it; a fragment with neither goes on with the last call.
   */
  #call(out: Delta[], fragment: Members): void {
    const made = members(fragment.function)
    const id = text(fragment.id)
    const name = text(made.name)
    const index = typeof fragment.index === 'number' ? fragment.index : undefined
    const known = this.#calls.findLast(call => index === undefined || call.index === index)
    const another = known && id !== '' && known.id !== id && name !== ''
    const anew = known && index === undefined && id === '' && name !== ''
    const call = known && !another && !anew ? known : this.#newCall(id, index)
    if (call.block === undefined) call.name ||= name
    const json = typeof made.arguments === 'string' ? made.arguments : argumentsText(made.arguments)
    call.waiting += json
    this.#open(out, call, false)
  }

  #newCall(id: string, index: number | undefined): Call {
    const count = this.#calls.length
    const minted = `call_${stableHash(`${this.#seed}.${this.blocks.choice}.${count}`)}`
    const call = { id: id || minted, index: index ?? count, name: '', block: undefined, waiting: '' }
    this.#calls.push(call)
    return call
  }

  #open(out: Delta[], call: Call, last: boolean): void {
    if (call.block === undefined) {
      if (call.name === '' && !last) return
      call.block = this.blocks.tool(out, call.id, call.name)
    }
    this.blocks.args(out, call.block, call.waiting)
    call.waiting = ''
  }
}

/** Some engines send the object itself. */
function argumentsText(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : ''
}
