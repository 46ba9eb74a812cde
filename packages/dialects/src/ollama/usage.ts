// Ollama's counts: what it leaves out is absent, to be counted by who needs it, never 0.
import type { Took } from '../conversation.ts'
import type { Quantities, Usage } from '../exchange.ts'
import type { Members } from '../members.ts'
import { sum } from '../openai/chat/usage.ts'
import type { Json } from '../raw.ts'

const whole = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined

/** Undefined when the reply counts nothing. */
export function readUsage(reply: Members): Usage | undefined {
  const prompt = whole(reply.prompt_eval_count)
  const output = whole(reply.eval_count)
  if (prompt === undefined && output === undefined) return undefined
  const quantities: Quantities = {
    ...(prompt !== undefined && { 'tok.in.uncached': BigInt(prompt) }),
    ...(output !== undefined && { 'tok.out.text': BigInt(output) }),
  }
  return { quantities, source: 'engine', flags: [] }
}

export function readTook(reply: Members): Took | undefined {
  const total = whole(reply.total_duration)
  if (total === undefined) return undefined
  const load = whole(reply.load_duration)
  const prompt = whole(reply.prompt_eval_duration)
  const output = whole(reply.eval_duration)
  return {
    total,
    ...(load !== undefined && { load }),
    ...(prompt !== undefined && { prompt }),
    ...(output !== undefined && { output }),
  }
}

/** Counts and durations of the last object; a duration that nobody measured is 0, as clients divide by it. */
export function writeCounts(usage: Usage | undefined, took: Took | undefined): Record<string, Json> {
  const nanoseconds = (value: number | undefined) => Math.max(0, Math.round(value ?? 0))
  return {
    total_duration: nanoseconds(took?.total),
    load_duration: nanoseconds(took?.load),
    prompt_eval_count: usage && sum(usage.quantities, 'tok.in.'),
    prompt_eval_duration: nanoseconds(took?.prompt),
    eval_count: usage && sum(usage.quantities, 'tok.out.'),
    eval_duration: nanoseconds(took?.output),
  }
}
