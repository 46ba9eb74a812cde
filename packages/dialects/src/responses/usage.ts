// Usage as the Responses API reports it: the same parts as chat completions have, under other names.
import type { TokenUnit, Usage } from '../exchange.ts'
import { members } from '../members.ts'
import { normaliseUsage as normaliseChat } from '../openai/usage.ts'
import type { Json } from '../raw.ts'

export function normaliseUsage(report: unknown): Usage | undefined {
  const usage = members(report)
  return normaliseChat(
    {
      prompt_tokens: usage.input_tokens,
      completion_tokens: usage.output_tokens,
      total_tokens: usage.total_tokens,
      prompt_tokens_details: usage.input_tokens_details,
      completion_tokens_details: usage.output_tokens_details,
    },
    'provider',
  )
}

/** The inverse: strict clients refuse a report in which a detail is absent or no integer. */
export function writeUsage({ quantities }: Usage): Json {
  const count = (...units: readonly TokenUnit[]) =>
    units.reduce((all, unit) => all + Number(quantities[unit] ?? 0n), 0)
  const cached = count('tok.in.cache_read', 'tok.in.cache_read_audio')
  const written = count('tok.in.cache_write_5m', 'tok.in.cache_write_1h')
  const media = count('tok.in.audio', 'tok.in.image', 'tok.in.video')
  const input = count('tok.in.uncached') + cached + written + media
  const reasoning = count('tok.out.reasoning')
  const output = reasoning + count('tok.out.text', 'tok.out.audio', 'tok.out.image')
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  }
}
