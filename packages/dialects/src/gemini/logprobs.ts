// `logprobsResult`: the tokens that were chosen, and for each place the most probable ones, in two lists side by side.
import type { Scored, TokenLogprob } from '../conversation.ts'
import type { Json, Raw } from '../raw.ts'

export function readLogprobs(result: Raw): readonly TokenLogprob[] {
  const top = result.get('topCandidates')?.elements() ?? []
  return (result.get('chosenCandidates')?.elements() ?? []).map((chosen, at) => ({
    ...readScored(chosen),
    top: (top[at]?.get('candidates')?.elements() ?? []).map(readScored),
  }))
}

/** What is 0 or empty may be left out: that is how protocol buffers become JSON. */
function readScored(candidate: Raw): Scored {
  return {
    token: candidate.get('token')?.string() ?? '',
    logprob: candidate.get('logProbability')?.number() ?? 0,
  }
}

/** The bytes of tokens have no place here. */
export function writeLogprobs(tokens: readonly TokenLogprob[]): Json {
  return {
    ...(tokens.some(({ top }) => top.length > 0) && {
      topCandidates: tokens.map(({ top }) => ({ candidates: top.map(writeScored) })),
    }),
    chosenCandidates: tokens.map(writeScored),
  }
}

function writeScored({ token, logprob }: Scored): Json {
  return { token, logProbability: logprob }
}
