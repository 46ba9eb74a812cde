// Anthropic's usage report, turned into disjoint classes and back. `input_tokens` leaves out what was read from and
// written to the cache; thinking is inside `output_tokens`. Reports of one stream overwrite each other, null means
// unchanged.
import type { Conversation, Part } from '../conversation.ts'
import type { Quantities, TokenUnit, Usage } from '../exchange.ts'
import { type Json, type Raw, Verbatim, writeJson } from '../raw.ts'
import { tiered } from '../tier.ts'

/** Counts as they were last reported. */
export interface Report {
  readonly input?: bigint
  readonly cacheRead?: bigint
  readonly cacheWrite?: bigint
  readonly write5m?: bigint
  readonly write1h?: bigint
  readonly output?: bigint
  readonly thinking?: bigint
  readonly tier?: string
}

function count(value: Raw | undefined): bigint | undefined {
  const number = value?.number()
  return number !== undefined && Number.isSafeInteger(number) && number >= 0 ? BigInt(number) : undefined
}

/** The report with what a later one says. */
export function mergeReport(before: Report, usage: Raw | undefined): Report {
  const said: { readonly [K in keyof Required<Report>]: Report[K] | undefined } = {
    input: count(usage?.get('input_tokens')),
    cacheRead: count(usage?.get('cache_read_input_tokens')),
    cacheWrite: count(usage?.get('cache_creation_input_tokens')),
    write5m: count(usage?.get('cache_creation')?.get('ephemeral_5m_input_tokens')),
    write1h: count(usage?.get('cache_creation')?.get('ephemeral_1h_input_tokens')),
    output: count(usage?.get('output_tokens')),
    thinking: count(usage?.get('output_tokens_details')?.get('thinking_tokens')),
    tier: usage?.get('service_tier')?.string(),
  }
  // A new sum without its parts makes the old parts stale.
  const stale = said.cacheWrite !== undefined && said.cacheWrite !== before.cacheWrite
  const { write5m: _5m, write1h: _1h, ...sums } = before
  const news = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
  return { ...(stale ? sums : before), ...news }
}

/** Undefined when nothing was reported. */
export function usageOf(report: Report, source: Usage['source']): Usage | undefined {
  const { input, output } = report
  if (input === undefined && output === undefined) return undefined
  const { cacheRead = 0n, thinking = 0n } = report
  const parts = (report.write5m ?? 0n) + (report.write1h ?? 0n)
  const split = report.write5m !== undefined || report.write1h !== undefined
  const written = report.cacheWrite ?? parts
  const whole = (!split || parts === written) && thinking <= (output ?? 0n)
  const write1h = whole ? (report.write1h ?? 0n) : 0n
  const reasoning = whole ? thinking : 0n
  const quantities: Partial<Record<TokenUnit, bigint>> = {}
  if (cacheRead > 0n) quantities['tok.in.cache_read'] = cacheRead
  if (write1h > 0n) quantities['tok.in.cache_write_1h'] = write1h
  if (written > write1h) quantities['tok.in.cache_write_5m'] = written - write1h
  if (input !== undefined) quantities['tok.in.uncached'] = input
  if (reasoning > 0n) quantities['tok.out.reasoning'] = reasoning
  if (output !== undefined) quantities['tok.out.text'] = output - reasoning
  return tiered({ quantities, source, flags: whole ? [] : ['partition_mismatch'] }, report.tier)
}

function sum(quantities: Quantities, units: readonly TokenUnit[]): bigint {
  return units.reduce((total, unit) => total + (quantities[unit] ?? 0n), 0n)
}

const uncached = ['tok.in.uncached', 'tok.in.audio', 'tok.in.image', 'tok.in.video'] as const
const output = ['tok.out.text', 'tok.out.reasoning', 'tok.out.audio', 'tok.out.image'] as const
const tokens = (value: bigint) => new Verbatim(value.toString())

/** The `usage` member. The official clients add these numbers up, so that they are numbers always. */
export function writeUsage(usage: Usage | undefined): Readonly<Record<string, Json>> {
  const quantities = usage?.quantities ?? {}
  const write5m = quantities['tok.in.cache_write_5m'] ?? 0n
  const write1h = quantities['tok.in.cache_write_1h'] ?? 0n
  const thinking = quantities['tok.out.reasoning'] ?? 0n
  const parts = {
    ephemeral_5m_input_tokens: tokens(write5m),
    ephemeral_1h_input_tokens: tokens(write1h),
  }
  return {
    input_tokens: tokens(sum(quantities, uncached)),
    cache_creation_input_tokens: tokens(write5m + write1h),
    cache_read_input_tokens: tokens(sum(quantities, ['tok.in.cache_read', 'tok.in.cache_read_audio'])),
    cache_creation: write5m + write1h > 0n ? parts : undefined,
    output_tokens: tokens(sum(quantities, output)),
    output_tokens_details: thinking > 0n ? { thinking_tokens: tokens(thinking) } : undefined,
  }
}

/** Bytes of text that are taken for one token: languages differ, and too many is the safer error. */
export const bytesPerToken = 3

/** An estimate of the input tokens of a conversation, from its text alone: images and documents count nothing. */
export function estimatedTokens(ask: Conversation): number {
  let bytes = 0
  const add = (text: string | undefined) => {
    if (text !== undefined) bytes += Buffer.byteLength(text)
  }
  const addParts = (parts: readonly Part[]) => {
    for (const part of parts) {
      if (part.type === 'text' || part.type === 'refusal' || part.type === 'reasoning') add(part.text)
      else if (part.type === 'toolCall') add(part.name + part.args)
      else if (part.type === 'toolResult') addParts(part.parts)
    }
  }
  for (const turn of ask.turns) addParts(turn.parts)
  for (const { name, description, schema } of ask.tools) [name, description, schema].forEach(add)
  if (ask.output?.type === 'schema') add(ask.output.schema)
  return Math.ceil(bytes / bytesPerToken)
}

/** The answer of `/v1/messages/count_tokens`. */
export function countBody(tokens: number): Buffer {
  return Buffer.from(writeJson({ input_tokens: tokens }))
}
