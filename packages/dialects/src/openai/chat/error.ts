// Errors of a chat completion: ours in OpenAI's shape, an upstream's as a delta.
import type { Fault } from '@switchyard/kinds'
import type { Delta } from '../../conversation.ts'
import { type Members, members, text } from '../../members.ts'
import { errorBody as errorText, readError } from '../error.ts'

/** What an upstream's message may take. */
const maxMessage = 2_048

export function errorBody(fault: Fault): Buffer {
  return Buffer.from(errorText(fault))
}

/** The fault that a reply or an event is, in spite of its status; undefined when it is none. */
export function readFault(reply: Members): Delta | undefined {
  const given = reply.error ?? (reply.object === 'error' ? reply : undefined)
  if (given === undefined || given === null) return undefined
  const bytes = Buffer.from(JSON.stringify(given))
  const { status, type } = readError(bytes, 0, bytes.length)
  const message = (typeof given === 'string' ? given : text(members(given).message)).slice(0, maxMessage)
  return {
    choice: 0,
    type: 'fault',
    status,
    ...(type !== undefined && { kind: type }),
    ...(message && { message }),
  }
}
