// Usage of what is no text alone: images, sound and realtime sessions report it under names of their own.
import type { Quantities, TokenUnit, Unit, Usage } from './exchange.ts'
import type { Raw } from './raw.ts'

/** What all of the output is. */
export type Made = 'text' | 'audio' | 'image'

function count(raw: Raw | undefined): bigint | undefined {
  const value = raw?.number()
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined
}

const detail = (report: Raw, side: 'input' | 'output') =>
  report.get(`${side}_token_details`) ?? report.get(`${side}_tokens_details`)

/** Parts that do not fit into their sum are dropped, and the sum is kept. */
function partition(
  sum: bigint,
  rest: TokenUnit,
  parts: Readonly<Partial<Record<TokenUnit, bigint>>>,
): { readonly quantities: Quantities; readonly whole: boolean } {
  const left = Object.values(parts).reduce((before, part) => before - part, sum)
  if (left < 0n || Object.values(parts).some(part => part < 0n))
    return { quantities: { [rest]: sum }, whole: false }
  const seen = Object.fromEntries(Object.entries(parts).filter(([, part]) => part > 0n))
  return { quantities: { ...seen, [rest]: left }, whole: true }
}

/** `input_tokens` and `output_tokens` with their details; undefined when the report holds neither. */
export function mediaUsage(report: Raw | undefined, made: Made): Usage | undefined {
  const input = count(report?.get('input_tokens'))
  const output = count(report?.get('output_tokens'))
  if (!report || (input === undefined && output === undefined)) return readAlone(report)
  const asked = partition(input ?? 0n, 'tok.in.uncached', {
    'tok.in.audio': count(detail(report, 'input')?.get('audio_tokens')) ?? 0n,
    'tok.in.image': count(detail(report, 'input')?.get('image_tokens')) ?? 0n,
  })
  return {
    quantities: {
      ...(input !== undefined && asked.quantities),
      ...(output !== undefined && { [`tok.out.${made}`]: output }),
    },
    source: 'provider',
    flags: asked.whole ? [] : ['partition_mismatch'],
  }
}

/** What makes no tokens may report the sum alone: rerankers do. */
function readAlone(report: Raw | undefined): Usage | undefined {
  const total = report?.get('prompt_tokens') ? undefined : count(report?.get('total_tokens'))
  return total === undefined
    ? undefined
    : { quantities: { 'tok.in.uncached': total }, source: 'provider', flags: [] }
}

/** The usage of one `response.done` of a realtime session; cached tokens are inside their kind. */
export function realtimeUsage(report: Raw): Usage | undefined {
  const input = count(report.get('input_tokens'))
  const output = count(report.get('output_tokens'))
  if (input === undefined && output === undefined) return undefined
  const details = detail(report, 'input')
  const cached = details?.get('cached_tokens_details')
  const kept = count(details?.get('cached_tokens')) ?? 0n
  const keptAudio = count(cached?.get('audio_tokens')) ?? 0n
  const keptImage = count(cached?.get('image_tokens')) ?? 0n
  const asked = partition(input ?? 0n, 'tok.in.uncached', {
    'tok.in.audio': (count(details?.get('audio_tokens')) ?? 0n) - keptAudio,
    'tok.in.image': (count(details?.get('image_tokens')) ?? 0n) - keptImage,
    'tok.in.cache_read': kept - keptAudio,
    'tok.in.cache_read_audio': keptAudio,
  })
  const made = partition(output ?? 0n, 'tok.out.text', {
    'tok.out.audio': count(detail(report, 'output')?.get('audio_tokens')) ?? 0n,
  })
  return {
    quantities: {
      ...(input !== undefined && asked.quantities),
      ...(output !== undefined && made.quantities),
    },
    source: 'provider',
    flags: asked.whole && made.whole ? [] : ['partition_mismatch'],
  }
}

/** Both together. */
export function addUsage(one: Usage | undefined, other: Usage): Usage {
  if (!one) return other
  const quantities = addQuantities(one.quantities, other.quantities)
  return { quantities, source: one.source, flags: [...new Set([...one.flags, ...other.flags])] }
}

export function addQuantities(one: Quantities, other: Quantities): Quantities {
  const quantities: Partial<Record<Unit, bigint>> = { ...one }
  for (const [unit, quantity] of Object.entries(other) as [Unit, bigint][]) // its keys are units
    quantities[unit] = (quantities[unit] ?? 0n) + quantity
  return quantities
}
