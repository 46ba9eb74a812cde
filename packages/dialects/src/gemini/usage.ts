// Gemini's usage report, turned into disjoint classes and back. Cached tokens are inside the prompt, thoughts outside
// the candidates, and what tools put into the prompt beside it.
import type { TokenUnit, Usage } from '../exchange.ts'
import type { Json, Raw } from '../raw.ts'

type Modality = 'AUDIO' | 'IMAGE' | 'VIDEO'

function count(raw: Raw | undefined, name: string): bigint | undefined {
  const value = raw?.get(name)?.number()
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined
}

/** Tokens of one modality in a list of `{modality, tokenCount}`. */
function ofModality(report: Raw, list: string, modality: Modality): bigint {
  let sum = 0n
  for (const entry of report.get(list)?.elements() ?? [])
    if (entry.get('modality')?.string() === modality) sum += count(entry, 'tokenCount') ?? 0n
  return sum
}

/** Undefined when the report holds no count. */
export function normaliseUsage(report: Raw): Usage | undefined {
  const prompt = count(report, 'promptTokenCount')
  const candidates = count(report, 'candidatesTokenCount')
  const thoughts = count(report, 'thoughtsTokenCount') ?? 0n
  const total = count(report, 'totalTokenCount')
  if (prompt === undefined && candidates === undefined && thoughts === 0n) return undefined
  const asked = (prompt ?? 0n) + (count(report, 'toolUsePromptTokenCount') ?? 0n)
  const made = candidates ?? 0n
  const cached = count(report, 'cachedContentTokenCount') ?? 0n
  const cachedAudio = ofModality(report, 'cacheTokensDetails', 'AUDIO')
  const media = (modality: Modality) =>
    ofModality(report, 'promptTokensDetails', modality) - ofModality(report, 'cacheTokensDetails', modality)
  const heard = media('AUDIO')
  const seen = media('IMAGE')
  const watched = media('VIDEO')
  const spoken = ofModality(report, 'candidatesTokensDetails', 'AUDIO')
  const painted = ofModality(report, 'candidatesTokensDetails', 'IMAGE')
  // Some proxies count thoughts as candidates: the reading that makes the total add up is taken.
  const inside = thoughts > 0n && total !== undefined && asked + made === total
  const text = made - spoken - painted - (inside ? thoughts : 0n)
  const classes: [TokenUnit, bigint][] = [
    ['tok.in.audio', heard],
    ['tok.in.cache_read', cached - cachedAudio],
    ['tok.in.cache_read_audio', cachedAudio],
    ['tok.in.image', seen],
    ['tok.in.uncached', asked - cached - heard - seen - watched],
    ['tok.in.video', watched],
    ['tok.out.audio', spoken],
    ['tok.out.image', painted],
    ['tok.out.reasoning', thoughts],
    ['tok.out.text', text],
  ]
  const sums = total === undefined || inside || asked + made + thoughts === total
  if (!sums || classes.some(([, tokens]) => tokens < 0n)) {
    const quantities = {
      ...(prompt !== undefined && { 'tok.in.uncached': asked }),
      ...(candidates !== undefined && { 'tok.out.text': made }),
      ...(thoughts > 0n && { 'tok.out.reasoning': thoughts }),
    }
    return { quantities, source: 'provider', flags: ['partition_mismatch'] }
  }
  const quantities: Partial<Record<TokenUnit, bigint>> = {}
  for (const [unit, tokens] of classes) {
    const reported =
      (unit === 'tok.in.uncached' && prompt !== undefined) ||
      (unit === 'tok.out.text' && candidates !== undefined)
    if (tokens > 0n || reported) quantities[unit] = tokens
  }
  return { quantities, source: 'provider', flags: [] }
}

/** The inverse: `usageMetadata`, its total included. */
export function usageMetadata({ quantities }: Usage): Json {
  const sum = (...units: TokenUnit[]) => units.reduce((all, unit) => all + Number(quantities[unit] ?? 0n), 0)
  const cachedAudio = sum('tok.in.cache_read_audio')
  const cached = sum('tok.in.cache_read') + cachedAudio
  const written = sum('tok.in.cache_write_5m', 'tok.in.cache_write_1h')
  const asked: readonly [string, number][] = [
    ['TEXT', sum('tok.in.uncached', 'tok.in.cache_read') + written],
    ['AUDIO', sum('tok.in.audio') + cachedAudio],
    ['IMAGE', sum('tok.in.image')],
    ['VIDEO', sum('tok.in.video')],
  ]
  const made: readonly [string, number][] = [
    ['TEXT', sum('tok.out.text')],
    ['AUDIO', sum('tok.out.audio')],
    ['IMAGE', sum('tok.out.image')],
  ]
  const prompt = total(asked)
  const candidates = total(made)
  const thoughts = sum('tok.out.reasoning')
  return {
    promptTokenCount: prompt,
    ...(cached > 0 && {
      cachedContentTokenCount: cached,
      cacheTokensDetails: details([
        ['TEXT', cached - cachedAudio],
        ['AUDIO', cachedAudio],
      ]),
    }),
    candidatesTokenCount: candidates,
    ...(thoughts > 0 && { thoughtsTokenCount: thoughts }),
    totalTokenCount: prompt + candidates + thoughts,
    promptTokensDetails: details(asked),
    ...(candidates > total(made.slice(0, 1)) && { candidatesTokensDetails: details(made) }),
  }
}

function total(entries: readonly (readonly [string, number])[]): number {
  return entries.reduce((all, [, tokens]) => all + tokens, 0)
}

function details(entries: readonly (readonly [string, number])[]): Json {
  return entries
    .filter(([, tokens]) => tokens > 0)
    .map(([modality, tokenCount]) => ({ modality, tokenCount }))
}
