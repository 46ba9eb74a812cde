// The objects of an answer, whole or one line of a stream: both have the same members.
import { Fault } from '@switchyard/kinds'
import { Blocks } from '../blocks.ts'
import type { Delta, Stop } from '../conversation.ts'
import { stableHash } from '../ids.ts'
import { readLogprobs } from '../logprobs.ts'
import { type Members, members, parse, text } from '../members.ts'
import { Raw } from '../raw.ts'
import { readFault } from './error.ts'
import { argumentsOf } from './turns.ts'
import { readTook, readUsage } from './usage.ts'

export const doneReason = {
  end: 'stop',
  sequence: 'stop',
  length: 'length',
  tool: 'stop',
  filter: undefined,
  refusal: undefined,
  pause: 'stop',
} as const satisfies Record<Stop, string | undefined>

const callsName = Buffer.from('"tool_calls"')

export class Answer {
  /** The last object has been read, or a fault. */
  over = false
  readonly #blocks = new Blocks(0)
  #started = false
  #seed = ''

  /** False when the bytes are no object. */
  read(out: Delta[], bytes: Buffer): boolean {
    const parsed = parse(bytes)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return false
    const reply = members(parsed)
    const fault = readFault(reply)
    if (fault) {
      this.over = true
      out.push(fault)
      return true
    }
    this.#start(out, reply)
    const message = reply.message === undefined ? reply : members(reply.message)
    const blocks = this.#blocks
    blocks.say(out, 'reasoning', text(message.thinking))
    blocks.say(out, 'text', text(message.content) || text(reply.response))
    if (reply.logprobs) blocks.score(out, 'text', readLogprobs(reply.logprobs))
    if (bytes.includes(callsName) && !this.#calls(out, bytes)) return true
    if (reply.done === true) this.#finish(out, reply)
    return true
  }

  #start(out: Delta[], { model, created_at: at }: Members): void {
    if (this.#started) return
    this.#started = true
    this.#seed = text(at)
    const seconds = Math.floor(Date.parse(this.#seed) / 1000)
    out.push({
      choice: 0,
      type: 'start',
      ...(Number.isFinite(seconds) && { created: seconds }),
      ...(typeof model === 'string' && { model }),
    })
  }

  /** False when there are more members than anybody may send: that is a fault. */
  #calls(out: Delta[], bytes: Buffer): boolean {
    try {
      this.#readCalls(out, bytes)
      return true
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.over = true
      out.push({
        choice: 0,
        type: 'fault',
        status: 502,
        message: 'The model sent more calls than can be read.',
      })
      return false
    }
  }

  /** Arguments are sliced as they were written, so that their digits survive. */
  #readCalls(out: Delta[], bytes: Buffer): void {
    const reply = Raw.parse(bytes)
    const calls = (reply?.get('message') ?? reply)?.get('tool_calls')?.elements() ?? []
    for (const call of calls) {
      const made = call.get('function')
      const name = made?.get('name')?.string() ?? ''
      const args = argumentsOf(made?.get('arguments'))
      const minted = `call_${stableHash(`${this.#seed}.${this.#blocks.calls}.${name}.${args}`)}`
      const block = this.#blocks.tool(out, call.get('id')?.string() || minted, name)
      this.#blocks.args(out, block, args)
    }
  }

  #finish(out: Delta[], reply: Members): void {
    this.over = true
    const blocks = this.#blocks
    blocks.close(out)
    const reason = text(reply.done_reason)
    const stop = reason === 'length' ? 'length' : blocks.calls > 0 ? 'tool' : 'end'
    out.push({ choice: 0, type: 'finish', stop, ...(reason && { raw: reason }) })
    const usage = readUsage(reply)
    if (usage) out.push({ choice: 0, type: 'usage', usage })
    const took = readTook(reply)
    out.push({ choice: 0, type: 'end', ...(took && { took }) })
  }
}
