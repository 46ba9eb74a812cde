// Faults in Ollama's shape: {"error": "text"}. The status says the rest.
import { Fault } from '@switchyard/kinds'
import type { Delta } from '../conversation.ts'
import { type Members, members, text } from '../members.ts'

/** What an upstream's message may take. */
const maxMessage = 2_048

export function errorBody(fault: Fault): Buffer {
  return Buffer.from(JSON.stringify({ error: fault.message }))
}

/** The line that ends a stream that has gone wrong; no `done:true` follows it. */
export function errorLine(fault: Fault): string {
  return `${JSON.stringify({ error: fault.message })}\n`
}

/** The dialect has no word for an answer that was withheld: it is an error. */
export function withheld(): Fault {
  return new Fault('invalid', 'The answer was withheld by a content filter: change the request.', {
    reason: 'content_filter',
  })
}

/** The fault that an upstream's object is; undefined when it is none. */
export function readFault(reply: Members): Delta | undefined {
  const { error, status } = reply
  if (error === undefined || error === null) return undefined
  const message = (text(error) || text(members(error).message)).slice(0, maxMessage)
  const named = typeof status === 'number' && status >= 400 && status <= 599 ? status : 502
  return { choice: 0, type: 'fault', status: named, ...(message && { message }) }
}
