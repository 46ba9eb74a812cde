// How probable a model found each token that it said: as OpenAI's two dialects and Ollama write it, all in one form.
import type { Delta, Scored, TokenLogprob } from './conversation.ts'
import { list, type Members, members } from './members.ts'
import type { Json } from './raw.ts'

/** Tokens in the order in which they were said; what is no token with a logarithm is passed over. */
export function readLogprobs(values: unknown): readonly TokenLogprob[] {
  return list(values).flatMap(value => {
    const given = members(value)
    const top = list(given.top_logprobs).flatMap(other => readScored(members(other)))
    return readScored(given).map(scored => ({ ...scored, top }))
  })
}

function readScored({ token, logprob, bytes }: Members): readonly Scored[] {
  if (typeof token !== 'string' || typeof logprob !== 'number') return []
  const given = list(bytes).filter(byte => typeof byte === 'number')
  return [{ token, logprob, ...(given.length > 0 && { bytes: given }) }]
}

/** `noBytes` stands where the bytes of a token are not known; undefined leaves the member out. */
export function writeLogprobs(tokens: readonly TokenLogprob[], noBytes?: null | readonly []): Json {
  const scored = ({ token, logprob, bytes }: Scored) => ({ token, logprob, bytes: bytes ?? noBytes })
  return tokens.map(one => ({ ...scored(one), top_logprobs: one.top.map(scored) }))
}

/** The tokens of the text that stands at this place, where they were told together. */
export function tokensOf(deltas: readonly Delta[], at: number): readonly TokenLogprob[] | undefined {
  const said = deltas[at]
  const next = deltas[at + 1]
  const together =
    said?.type === 'text' &&
    next?.type === 'logprobs' &&
    said.choice === next.choice &&
    said.block === next.block
  return together ? next.tokens : undefined
}
