// What the engine counts, in llama.cpp's names, so that one reader of metrics understands both engines.

export interface Counts {
  promptTokens: number
  promptSeconds: number
  cachedTokens: number
  predictedTokens: number
  predictedSeconds: number
  decodes: number
  /** Sequences that took part, summed over decodes. */
  decodedSequences: number
  /** Most tokens that any slot has held. */
  mostTokens: number
}

export interface ContextMeter {
  /** One batch was decoded for so many sequences. */
  decoded(sequences: number): void
}

/** What is so at the moment of the question. */
export interface Now {
  readonly processing: number
  readonly deferred: number
  readonly contextTokens: number
  readonly contextSize: number
}

export interface Meter extends ContextMeter {
  readonly counts: Readonly<Counts>
  /** `fresh` prompt tokens were decoded, `cached` were found in the slot. */
  prompt(fresh: number, cached: number, seconds: number): void
  predicted(tokens: number, seconds: number): void
  held(tokens: number): void
}

export function startMeter(): Meter {
  const counts: Counts = {
    promptTokens: 0,
    promptSeconds: 0,
    cachedTokens: 0,
    predictedTokens: 0,
    predictedSeconds: 0,
    decodes: 0,
    decodedSequences: 0,
    mostTokens: 0,
  }
  return {
    counts,
    prompt: (fresh, cached, seconds) => {
      counts.promptTokens += fresh
      counts.cachedTokens += cached
      counts.promptSeconds += seconds
    },
    predicted: (tokens, seconds) => {
      counts.predictedTokens += tokens
      counts.predictedSeconds += seconds
    },
    decoded: sequences => {
      counts.decodes += 1
      counts.decodedSequences += sequences
    },
    held: tokens => {
      counts.mostTokens = Math.max(counts.mostTokens, tokens)
    },
  }
}

type Row = readonly [name: string, type: 'counter' | 'gauge', help: string, value: number]

/** Prometheus text exposition 0.0.4. */
export function exposition(counts: Readonly<Counts>, now: Now): string {
  const per = (amount: number, of: number) => (of > 0 ? amount / of : 0)
  const rows: readonly Row[] = [
    ['prompt_tokens_total', 'counter', 'Number of prompt tokens processed.', counts.promptTokens],
    [
      'prompt_tokens_cached_total',
      'counter',
      'Number of prompt tokens found in a slot.',
      counts.cachedTokens,
    ],
    ['prompt_seconds_total', 'counter', 'Prompt process time.', counts.promptSeconds],
    ['tokens_predicted_total', 'counter', 'Number of generation tokens processed.', counts.predictedTokens],
    ['tokens_predicted_seconds_total', 'counter', 'Predict process time.', counts.predictedSeconds],
    ['n_decode_total', 'counter', 'Total number of llama_decode() calls.', counts.decodes],
    ['n_tokens_max', 'counter', 'Largest observed n_tokens.', counts.mostTokens],
    [
      'n_busy_slots_per_decode',
      'counter',
      'Average number of busy slots per llama_decode() call.',
      per(counts.decodedSequences, counts.decodes),
    ],
    [
      'prompt_tokens_seconds',
      'gauge',
      'Average prompt throughput in tokens/s.',
      per(counts.promptTokens, counts.promptSeconds),
    ],
    [
      'predicted_tokens_seconds',
      'gauge',
      'Average generation throughput in tokens/s.',
      per(counts.predictedTokens, counts.predictedSeconds),
    ],
    [
      'kv_cache_usage_ratio',
      'gauge',
      'KV-cache usage. 1 means 100 percent usage.',
      per(now.contextTokens, now.contextSize),
    ],
    ['kv_cache_tokens', 'gauge', 'KV-cache tokens.', now.contextTokens],
    ['requests_processing', 'gauge', 'Number of requests processing.', now.processing],
    ['requests_deferred', 'gauge', 'Number of requests deferred.', now.deferred],
  ]
  return rows
    .map(
      ([name, type, help, value]) =>
        `# HELP llamacpp:${name} ${help}\n# TYPE llamacpp:${name} ${type}\nllamacpp:${name} ${value}\n`,
    )
    .join('')
}
