// Listens to a realtime session of OpenAI's: what the upstream says passes as it is, and each response tells what it
// used when it is done.
import type { Fault } from '@switchyard/kinds'
import type { Usage } from './exchange.ts'
import { addUsage, realtimeUsage } from './media-usage.ts'
import { errorType } from './openai/error.ts'
import { Raw } from './raw.ts'

const done = Buffer.from('"response.done"')
const created = Buffer.from('"response.created"')

/** Events above it are not looked into: a response's sound comes in events of its own. */
const mostBytes = 256 * 1024

export class RealtimeTap {
  /** Ends the response that is under way; its `response.done` then tells what it has used. */
  static readonly cancel = '{"type":"response.cancel"}'

  /** Of every response so far. */
  usage: Usage | undefined
  /** A response is under way. */
  responding = false

  /** What one text message of the upstream says was used; undefined when it tells of none. */
  push(message: Buffer): Usage | undefined {
    if (message.length > mostBytes) return undefined
    if (!message.includes(done)) {
      if (!this.responding && message.includes(created))
        this.responding = Raw.parse(message)?.get('type')?.string() === 'response.created'
      return undefined
    }
    const event = Raw.parse(message)
    if (event?.get('type')?.string() !== 'response.done') return undefined
    this.responding = false
    const report = event.get('response')?.get('usage')
    const usage = report && realtimeUsage(report)
    if (usage) this.usage = addUsage(this.usage, usage)
    return usage
  }

  /** The event that tells a caller why its session ends. */
  static error(fault: Fault, id: string): string {
    const { message, reason, details } = fault
    const error = {
      type: errorType(fault),
      code: reason,
      message,
      param: details[0]?.path || null,
      event_id: null,
    }
    return JSON.stringify({ type: 'error', event_id: `event_${id}`, error })
  }
}
