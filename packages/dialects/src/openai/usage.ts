// OpenAI's usage report, turned into disjoint classes. Cached and audio tokens are inside the prompt, reasoning
// and audio inside the completion; a rejected prediction is text.
import type { Quantities, TokenUnit, Usage, UsageFlag } from '../exchange.ts'

type Members = Readonly<Record<string, unknown>>

function members(value: unknown): Members {
  // Any object may be looked into by name; what is found is checked by `count`.
  return typeof value === 'object' && value !== null ? (value as Members) : {}
}

/** A reported count; undefined when it is absent or no count at all. */
function count(value: unknown): bigint | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined
}

/**
 * `report` is the parsed `usage` member; `timings` is llama.cpp's member of that name.
 * Undefined when the report holds no count.
 */
export function normaliseUsage(
  report: unknown,
  source: Usage['source'],
  timings?: unknown,
): Usage | undefined {
  const usage = members(report)
  const prompt = count(usage.prompt_tokens)
  const completion = count(usage.completion_tokens)
  if (prompt === undefined && completion === undefined) return undefined
  const total = count(usage.total_tokens)
  const inDetails = members(usage.prompt_tokens_details)
  const outDetails = members(usage.completion_tokens_details)
  const cached =
    count(inDetails.cached_tokens) ??
    count(usage.prompt_cache_hit_tokens) ??
    count(members(timings).cache_n) ??
    0n
  const written = count(inDetails.cache_write_tokens) ?? 0n
  const heard = count(inDetails.audio_tokens) ?? 0n
  const seen = count(inDetails.image_tokens) ?? 0n
  const reasoning = count(outDetails.reasoning_tokens) ?? 0n
  const spoken = count(outDetails.audio_tokens) ?? 0n
  const asked = prompt ?? 0n
  const made = completion ?? 0n
  // Some providers report reasoning beside the completion: the reading that makes the total add up is taken.
  const outside = total !== undefined && asked + made !== total && asked + made + reasoning === total
  const uncached = asked - cached - written - heard - seen
  const text = made - spoken - (outside ? 0n : reasoning)
  const sums = total === undefined || outside || asked + made === total
  const parts = [uncached, cached, written, heard, seen, text, reasoning, spoken]
  if (!sums || parts.some(part => part < 0n)) {
    const flags: UsageFlag[] = ['partition_mismatch']
    return { quantities: reported(prompt, completion), source, flags }
  }
  const quantities: Partial<Record<TokenUnit, bigint>> = {}
  if (heard > 0n) quantities['tok.in.audio'] = heard
  if (cached > 0n) quantities['tok.in.cache_read'] = cached
  if (written > 0n) quantities['tok.in.cache_write_5m'] = written
  if (seen > 0n) quantities['tok.in.image'] = seen
  if (prompt !== undefined) quantities['tok.in.uncached'] = uncached
  if (spoken > 0n) quantities['tok.out.audio'] = spoken
  if (reasoning > 0n) quantities['tok.out.reasoning'] = reasoning
  if (completion !== undefined) quantities['tok.out.text'] = text
  return { quantities, source, flags: none }
}

const none: readonly UsageFlag[] = []

/** What can be kept of a report that contradicts itself. */
function reported(prompt: bigint | undefined, completion: bigint | undefined): Quantities {
  return {
    ...(prompt !== undefined && prompt >= 0n && { 'tok.in.uncached': prompt }),
    ...(completion !== undefined && completion >= 0n && { 'tok.out.text': completion }),
  }
}
