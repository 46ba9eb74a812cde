// Usage as OpenAI reports it: the inverse of the normaliser in ../usage.ts.
import type { Quantities, TokenUnit, Usage } from '../../exchange.ts'
import type { Json } from '../../raw.ts'

/** The sum of these units; undefined when none of them was reported. */
export function sum(quantities: Quantities, direction: 'tok.in.' | 'tok.out.'): number | undefined {
  // Keys of Quantities are token units by its type.
  const units = (Object.keys(quantities) as TokenUnit[]).filter(unit => unit.startsWith(direction))
  if (units.length === 0) return undefined
  return Number(units.reduce((total, unit) => total + (quantities[unit] ?? 0n), 0n))
}

/** The `usage` member; a direction that nobody counted is left out. */
export function writeUsage({ quantities }: Usage): Json {
  const prompt = sum(quantities, 'tok.in.')
  const completion = sum(quantities, 'tok.out.')
  const count = (...units: readonly TokenUnit[]) =>
    units.reduce((total, unit) => total + Number(quantities[unit] ?? 0n), 0)
  const written = count('tok.in.cache_write_1h', 'tok.in.cache_write_5m')
  const seen = count('tok.in.image')
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt === undefined || completion === undefined ? undefined : prompt + completion,
    prompt_tokens_details:
      prompt === undefined
        ? undefined
        : {
            cached_tokens: count('tok.in.cache_read', 'tok.in.cache_read_audio'),
            audio_tokens: count('tok.in.audio'),
            ...(written > 0 && { cache_write_tokens: written }),
            ...(seen > 0 && { image_tokens: seen }),
          },
    completion_tokens_details:
      completion === undefined
        ? undefined
        : {
            reasoning_tokens: count('tok.out.reasoning'),
            audio_tokens: count('tok.out.audio'),
          },
  }
}
