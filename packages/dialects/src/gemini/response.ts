// Gemini's answers: chunks of a stream and whole replies have one shape, and are read and written alike.
import { Fault } from '@switchyard/kinds'
import { Blocks } from '../blocks.ts'
import type { Delta, Stop, TokenLogprob } from '../conversation.ts'
import type { About } from '../dialect.ts'
import { fold } from '../fold.ts'
import { stableHash } from '../ids.ts'
import { imageType } from '../media.ts'
import { Raw } from '../raw.ts'
import { CandidateParts, type WrittenPart, writeCandidate, writeChunk } from './candidate.ts'
import { Grounds, type WrittenText } from './grounding.ts'
import { readLogprobs } from './logprobs.ts'
import { readSeal } from './parts.ts'
import { normaliseUsage } from './usage.ts'

const stopOf: Readonly<Record<string, Stop>> = {
  STOP: 'end',
  MAX_TOKENS: 'length',
  SAFETY: 'filter',
  BLOCKLIST: 'filter',
  PROHIBITED_CONTENT: 'filter',
  SPII: 'filter',
  RECITATION: 'filter',
  IMAGE_SAFETY: 'filter',
  IMAGE_PROHIBITED_CONTENT: 'filter',
  IMAGE_RECITATION: 'filter',
}

const noTokens: readonly TokenLogprob[] = Object.freeze([])

/** Characters that an upstream's message may take. */
const maxMessage = 2_048

/** The model has failed to answer. */
const failures = new Set([
  'MALFORMED_FUNCTION_CALL',
  'UNEXPECTED_TOOL_CALL',
  'TOO_MANY_TOOL_CALLS',
  'MISSING_THOUGHT_SIGNATURE',
  'MALFORMED_RESPONSE',
])

/** Reads the chunks of one answer. */
export class Answer {
  /** A fault was told: nothing follows it. */
  failed = false
  #started = false
  #id = ''
  #blocked: string | undefined
  readonly #blocks = new Map<number, Blocks>()
  readonly #finishes = new Map<number, string>()
  readonly #grounds = new Map<number, Grounds>()

  /** Deltas of one chunk; undefined when it is no chunk, or larger than any that a model makes. */
  read(chunk: Raw): readonly Delta[] | undefined {
    try {
      return this.#read(chunk)
    } catch (error) {
      if (error instanceof Fault) return undefined
      throw error
    }
  }

  #read(chunk: Raw): readonly Delta[] | undefined {
    const members = chunk.members()
    if (!members) return undefined
    const out: Delta[] = []
    const error = chunk.get('error')
    if (error) return [this.#error(error)]
    const candidates = chunk.get('candidates')?.elements() ?? []
    const blocked = chunk.get('promptFeedback')?.get('blockReason')?.string()
    const usage = chunk.get('usageMetadata')
    if (candidates.length === 0 && blocked === undefined && !usage && !members.has('responseId'))
      return undefined
    this.#start(out, chunk)
    if (blocked !== undefined && !blocked.endsWith('_UNSPECIFIED')) this.#blocked = blocked
    candidates.forEach((candidate, at) => {
      if (!this.failed) this.#candidate(out, candidate, at)
    })
    const report = usage && normaliseUsage(usage)
    if (report && !this.failed) out.push({ choice: 0, type: 'usage', usage: report })
    return out
  }

  /** The body has ended: `end` when every candidate gave its reason. */
  finish(): readonly Delta[] {
    if (this.failed) return []
    this.failed = true
    const out: Delta[] = []
    if (this.#blocked !== undefined && this.#finishes.size === 0) {
      out.push({ choice: 0, type: 'finish', stop: 'filter', raw: this.#blocked }, { choice: 0, type: 'end' })
      return out
    }
    const complete = this.#finishes.size > 0 && [...this.#blocks.keys()].every(key => this.#finishes.has(key))
    if (!complete) return [{ choice: 0, type: 'fault', status: 502 }]
    for (const [choice, raw] of this.#finishes) {
      const blocks = this.#blocks.get(choice)
      blocks?.close(out)
      const said = stopOf[raw] ?? 'end'
      const stop = said === 'end' && blocks !== undefined && blocks.calls > 0 ? 'tool' : said
      out.push({ choice, type: 'finish', stop, raw })
    }
    out.push({ choice: 0, type: 'end' })
    return out
  }

  #error(error: Raw): Delta {
    this.failed = true
    const code = error.get('code')?.number()
    const kind = error.get('status')?.string()
    const message = error.get('message')?.string()?.slice(0, maxMessage)
    return {
      choice: 0,
      type: 'fault',
      status: code !== undefined && Number.isInteger(code) && code >= 400 && code <= 599 ? code : 502,
      ...(kind !== undefined && { kind }),
      ...(message !== undefined && { message }),
    }
  }

  #start(out: Delta[], chunk: Raw): void {
    if (this.#started) return
    this.#started = true
    const id = chunk.get('responseId')?.string()
    const model = chunk.get('modelVersion')?.string()
    this.#id = id ?? ''
    const named = { ...(id !== undefined && { id }), ...(model !== undefined && { model }) }
    out.push({ choice: 0, type: 'start', ...named })
  }

  #candidate(out: Delta[], candidate: Raw, at: number): void {
    const index = candidate.get('index')?.number()
    const choice = index !== undefined && Number.isSafeInteger(index) && index >= 0 ? index : at
    let blocks = this.#blocks.get(choice)
    if (!blocks) {
      blocks = new Blocks(choice)
      this.#blocks.set(choice, blocks)
    }
    let grounds = this.#grounds.get(choice)
    if (!grounds) {
      grounds = new Grounds()
      this.#grounds.set(choice, grounds)
    }
    grounds.begin()
    const scores = candidate.get('logprobsResult')
    let tokens = scores ? readLogprobs(scores) : noTokens
    const parts = candidate.get('content')?.get('parts')?.elements() ?? []
    for (const part of parts) grounds.part(answerText(part))
    const cited = grounds.read(candidate)
    // Beside the last text: a signature or a call that follows ends it.
    const last = parts.findLastIndex(part => answerText(part))
    if (last < 0) blocks.cite(out, cited)
    for (const [index, part] of parts.entries()) {
      const said = this.#part(out, part, blocks)
      if (said && blocks.score(out, 'text', tokens)) tokens = noTokens
      if (index === last) blocks.cite(out, cited)
    }
    blocks.score(out, 'text', tokens)
    const reason = candidate.get('finishReason')?.string()
    if (reason === undefined || reason === 'FINISH_REASON_UNSPECIFIED') return
    if (failures.has(reason)) {
      this.failed = true
      const message = candidate.get('finishMessage')?.string()?.slice(0, maxMessage)
      const said = message !== undefined && { message }
      out.push({ choice: 0, type: 'fault', status: 502, kind: reason, ...said })
    } else this.#finishes.set(choice, reason)
  }

  /** Whether it is text: what scores its tokens belongs right behind it. */
  #part(out: Delta[], part: Raw, blocks: Blocks): boolean {
    const text = part.get('text')?.string()
    const signature = part.get('thoughtSignature')?.string()
    const thought = part.get('thought')?.boolean() === true
    const seal = signature ? readSeal(signature) : undefined
    if (thought) {
      blocks.say(out, 'reasoning', text ?? '')
      if (seal) blocks.seal(out, seal)
      return false
    }
    if (seal) {
      // It signs this part, not the thoughts before: a block of its own.
      blocks.close(out)
      blocks.seal(out, seal)
      blocks.close(out)
    }
    blocks.say(out, 'text', text ?? '')
    const said = text !== undefined
    const inline = part.get('inlineData')
    const data = inline?.get('data')?.string()
    if (data) blocks.media(out, data, inline?.get('mimeType')?.string()?.toLowerCase() ?? imageType(data))
    const call = part.get('functionCall')
    const name = call?.get('name')?.string()
    if (!call || name === undefined) return said
    const args = call.get('args')?.text ?? '{}'
    const minted = () => `call_${stableHash(`${this.#id} ${blocks.choice} ${blocks.calls} ${name} ${args}`)}`
    const block = blocks.tool(out, call.get('id')?.string() || minted(), name)
    blocks.args(out, block, args)
    blocks.close(out)
    return said
  }
}

/** Undefined where a part has no text, or is a thought. */
function answerText(part: Raw): string | undefined {
  return part.get('thought')?.boolean() === true ? undefined : part.get('text')?.string()
}

/** The chunks of an array, or the one chunk; undefined when there are too many. */
export function elementsOf(raw: Raw): readonly Raw[] | undefined {
  try {
    return raw.elements() ?? [raw]
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

/** Undefined when the bytes are no reply. A stream that came as an array is a reply too. */
export function readReply(body: Buffer): readonly Delta[] | undefined {
  const raw = Raw.parse(body)
  const chunks = raw && elementsOf(raw)
  if (!chunks?.[0]) return undefined
  const answer = new Answer()
  const out: Delta[] = []
  for (const chunk of chunks) {
    const deltas = answer.read(chunk)
    if (!deltas) return undefined
    for (const delta of deltas) out.push(delta)
    if (answer.failed) return out
  }
  return [...out, ...answer.finish()]
}

/** A whole reply. Throws `unavailable` when the deltas do not end in `end`. */
export function writeReply(deltas: readonly Delta[], about: About): Buffer {
  const { choices, usage } = fold(deltas)
  const parts = new Map<number, CandidateParts>()
  for (const delta of deltas) {
    const candidate = parts.get(delta.choice) ?? new CandidateParts()
    parts.set(delta.choice, candidate)
    candidate.apply(delta)
  }
  const written = choices.length === 0 ? [0] : [...parts.keys()].sort((one, other) => one - other)
  const candidates = written.map(index => {
    const candidate = parts.get(index) ?? new CandidateParts()
    candidate.finish()
    const tokens = candidate.takeTokens()
    const taken = candidate.take()
    const grounding = candidate.grounding(textsOf(taken))
    return writeCandidate(index, { parts: taken, tokens, stop: candidate.stop, grounding })
  })
  return Buffer.from(writeChunk(candidates, usage, about))
}

/** What a caller reads as the answer's texts, by their place. */
function textsOf(parts: readonly WrittenPart[]): readonly WrittenText[] {
  return parts.flatMap(({ text, thought }, part) =>
    typeof text === 'string' && thought === undefined ? [{ text, part }] : [],
  )
}
