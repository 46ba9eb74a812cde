// Why an answer ended: one table each way.

import type { Blocks } from '../../blocks.ts'
import type { Delta, Stop } from '../../conversation.ts'

const stopOf: Readonly<Record<string, Stop>> = {
  stop: 'end',
  length: 'length',
  model_length: 'length',
  tool_calls: 'tool',
  function_call: 'tool',
  content_filter: 'filter',
}

/** Reasons of an engine or provider that gave up: the answer is not whole. */
const gaveUp: ReadonlySet<string> = new Set(['abort', 'error', 'insufficient_system_resource'])

export const finishReason = {
  end: 'stop',
  sequence: 'stop',
  length: 'length',
  tool: 'tool_calls',
  filter: 'content_filter',
  refusal: 'content_filter',
  pause: 'stop',
} as const satisfies Record<Stop, string>

/** The end of a choice. Calls that are present win over a reported `stop`. */
export function readFinish(reason: string | undefined, blocks: Blocks): Delta {
  const { choice } = blocks
  if (reason !== undefined && gaveUp.has(reason))
    return { choice, type: 'fault', status: 502, message: 'The model gave up before its answer was whole.' }
  const known = Object.hasOwn(stopOf, reason ?? 'stop') ? stopOf[reason ?? 'stop'] : undefined
  const stop = known ?? 'end'
  if (stop === 'end' && blocks.calls > 0)
    return { choice, type: 'finish', stop: 'tool', ...(reason && { raw: reason }) }
  if (stop === 'filter' && blocks.refused)
    return { choice, type: 'finish', stop: 'refusal', ...(reason && { raw: reason }) }
  return { choice, type: 'finish', stop, ...(reason && { raw: reason }) }
}
