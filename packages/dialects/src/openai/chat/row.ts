// How upstreams that speak chat completions differ: one row each, with defaults for engines.

export interface Row {
  /** Name of the limit. Engines know `max_tokens`; OpenAI's reasoning models take the other alone. */
  readonly maxTokens: 'max_tokens' | 'max_completion_tokens'
  /** Takes `top_k` and `min_p`. */
  readonly extras: boolean
  /** Takes `reasoning_content` and `reasoning_details` in the history. */
  readonly reasoning: boolean
  /** Takes `stream_options.include_usage`. */
  readonly streamUsage: boolean
  /** Stop sequences that are taken; OpenAI takes 4. */
  readonly maxStops: number
  /** Who counted the tokens that it reports. */
  readonly counts: 'engine' | 'provider'
}

export const engineRow: Row = {
  maxTokens: 'max_tokens',
  extras: true,
  reasoning: true,
  streamUsage: true,
  maxStops: Number.POSITIVE_INFINITY,
  counts: 'engine',
}
