// Whole responses, read as deltas and written from them.
import { readAnnotations, TextPlace } from '../annotations.ts'
import { Blocks } from '../blocks.ts'
import type { Delta, Stop } from '../conversation.ts'
import type { About } from '../dialect.ts'
import { fold } from '../fold.ts'
import { stableHash } from '../ids.ts'
import { readLogprobs } from '../logprobs.ts'
import { imageType, isImage, refuseMedia } from '../media.ts'
import { list, type Members, members, parse, text } from '../members.ts'
import { unwrapSeal } from '../origin.ts'
import { writeJson } from '../raw.ts'
import { tiered } from '../tier.ts'
import { readFailure } from './error.ts'
import { Output } from './output.ts'
import { normaliseUsage } from './usage.ts'

/** Undefined when the bytes are no response. */
export function readReply(body: Buffer): readonly Delta[] | undefined {
  const reply = members(parse(body))
  if (reply.object !== 'response' && !Array.isArray(reply.output))
    return members(reply.error).message === undefined ? undefined : [readFailure(reply.error)]
  const out: Delta[] = [readStart(reply)]
  const blocks = new Blocks(0)
  const place = new TextPlace()
  for (const item of list(reply.output)) readItem(out, members(item), blocks, place)
  out.push(...readEnd(reply, blocks))
  return out
}

export function readStart(response: Members): Delta {
  const id = text(response.id)
  const model = text(response.model)
  const created = response.created_at
  return {
    choice: 0,
    type: 'start',
    ...(id && { id }),
    ...(typeof created === 'number' && Number.isFinite(created) && { created: Math.floor(created) }),
    ...(model && { model }),
  }
}

/** A whole item. */
export function readItem(out: Delta[], item: Members, blocks: Blocks, place: TextPlace): void {
  if (item.type === 'message')
    for (const part of list(item.content).map(members)) {
      place.begin()
      blocks.say(out, 'text', text(part.text))
      blocks.score(out, 'text', readLogprobs(part.logprobs))
      blocks.cite(out, readAnnotations(part.annotations, place.before))
      place.say(text(part.text))
      blocks.say(out, 'refusal', text(part.refusal))
    }
  else if (item.type === 'function_call') {
    const block = blocks.tool(out, callIdOf(item), text(item.name))
    blocks.args(out, block, text(item.arguments))
  } else if (item.type === 'reasoning') {
    const texts = [...list(item.summary), ...list(item.content)].map(part => text(members(part).text))
    blocks.say(out, 'reasoning', texts.filter(Boolean).join('\n\n'))
    readSeal(out, item, blocks)
  } else if (item.type === 'image_generation_call') {
    const result = text(item.result)
    if (result) blocks.media(out, result, imageType(result))
  }
}

export function callIdOf(item: Members): string {
  return (
    text(item.call_id) || text(item.id) || `call_${stableHash(`${text(item.name)} ${text(item.arguments)}`)}`
  )
}

/** What is opaque in a reasoning item. */
export function readSeal(out: Delta[], item: Members, blocks: Blocks): void {
  const sealed = text(item.encrypted_content)
  if (!sealed) return
  const id = text(item.id)
  const own = { ...(id && { signature: id }), opaque: sealed, origin: 'responses' }
  const seal = unwrapSeal(sealed) ?? own
  if (seal.origin !== undefined) blocks.seal(out, seal)
}

/** Everything that the end of a response says. */
export function readEnd(response: Members, blocks: Blocks): readonly Delta[] {
  const out: Delta[] = []
  const usage = tiered(normaliseUsage(response.usage), response.service_tier)
  if (usage) out.push({ choice: 0, type: 'usage', usage })
  if (response.status !== 'completed' && response.status !== 'incomplete') {
    out.push(readFailure(response.error))
    return out
  }
  blocks.close(out)
  const reason = response.status === 'incomplete' ? text(members(response.incomplete_details).reason) : ''
  const raw = reason || response.status
  out.push({ choice: 0, type: 'finish', stop: stopOf(reason, blocks), raw }, { choice: 0, type: 'end' })
  return out
}

function stopOf(reason: string, blocks: Blocks): Stop {
  if (reason === 'max_output_tokens') return 'length'
  if (blocks.refused) return 'refusal'
  if (reason === 'content_filter') return 'filter'
  return blocks.calls > 0 ? 'tool' : 'end'
}

/** A whole response. Throws `unavailable` when the deltas do not end in `end`. */
export function writeReply(deltas: readonly Delta[], about: About): Buffer {
  refuseMedia(deltas, isImage)
  fold(deltas)
  const output = new Output(about, () => undefined)
  for (const delta of deltas) output.apply(delta)
  output.finish()
  return Buffer.from(writeJson(output.ended().response))
}
