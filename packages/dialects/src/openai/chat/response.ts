// A whole chat completion <-> deltas.
import { writeChatAnnotation } from '../../annotations.ts'
import type { Delta } from '../../conversation.ts'
import type { About } from '../../dialect.ts'
import { type FoldedChoice, fold } from '../../fold.ts'
import { writeLogprobs } from '../../logprobs.ts'
import { refuseMedia } from '../../media.ts'
import { list, type Members, members, parse, text } from '../../members.ts'
import { type Json, writeJson } from '../../raw.ts'
import { tiered } from '../../tier.ts'
import { normaliseUsage } from '../usage.ts'
import { Choice } from './choice.ts'
import { readFault } from './error.ts'
import { writeCall, writeReasoning } from './messages.ts'
import type { Row } from './row.ts'
import { finishReason } from './stop.ts'
import { writeUsage } from './usage.ts'

export function readReply(body: Buffer, row: Row): readonly Delta[] | undefined {
  const parsed = parse(body)
  const reply = members(parsed)
  const fault = readFault(reply)
  if (fault) return [fault]
  if (!Array.isArray(reply.choices)) return undefined
  const out: Delta[] = [startOf(reply)]
  for (const [position, value] of list(reply.choices).entries()) {
    const given = members(value)
    const choice = new Choice(typeof given.index === 'number' ? given.index : position, text(reply.id))
    choice.say(out, members(given.message), given.logprobs)
    choice.finish(out, text(given.finish_reason) || undefined)
  }
  const usage = tiered(normaliseUsage(reply.usage, row.counts, reply.timings), reply.service_tier)
  if (usage) out.push({ choice: 0, type: 'usage', usage })
  if (!out.some(delta => delta.type === 'fault')) out.push({ choice: 0, type: 'end' })
  return out
}

/** What a reply or chunk says of itself. */
export function startOf(reply: Members): Delta {
  const { id, created, model } = reply
  return {
    choice: 0,
    type: 'start',
    ...(typeof id === 'string' && { id }),
    ...(typeof created === 'number' && { created }),
    ...(typeof model === 'string' && { model }),
  }
}

export function writeReply(deltas: readonly Delta[], { id, model, created }: About): Buffer {
  refuseMedia(deltas)
  const { choices, usage } = fold(deltas)
  const written = choices.map(writeChoice)
  const body = {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: written,
    ...(usage && { usage: writeUsage(usage) }),
  }
  return Buffer.from(writeJson(body))
}

function writeChoice({ parts, stop, logprobs, citations }: FoldedChoice, index: number): Json {
  const said = (type: 'text' | 'refusal') => {
    const texts = parts.flatMap(part => (part.type === type ? [part.text] : []))
    return texts.length > 0 ? texts.join('') : null
  }
  const calls = parts.filter(part => part.type === 'toolCall')
  const content = said('text')
  const refusal = said('refusal')
  const message = {
    role: 'assistant',
    content: content ?? (calls.length > 0 || refusal !== null ? null : ''),
    refusal,
    ...(citations.length > 0 && { annotations: citations.map(writeChatAnnotation) }),
    ...writeReasoning(parts),
    ...(calls.length > 0 && { tool_calls: calls.map(writeCall) }),
  }
  const scores = logprobs.text.length + logprobs.refusal.length > 0 && {
    content: logprobs.text.length > 0 ? writeLogprobs(logprobs.text, null) : null,
    refusal: logprobs.refusal.length > 0 ? writeLogprobs(logprobs.refusal, null) : null,
  }
  return { index, message, logprobs: scores || null, finish_reason: finishReason[stop] }
}
