// The port through which control asks an engine for one token: 200 from /health proves only the process.

export interface GenerationProbe {
  /** host:port of the replica. */
  readonly address: string
  readonly task: 'completion' | 'embedding'
  readonly model: string
  readonly timeoutMs: number
}

/** `good` when the engine generated; otherwise what a person should read. Never rejects but for abort. */
export type Prober = (
  probe: GenerationProbe,
  signal: AbortSignal,
) => Promise<{ readonly good: true } | { readonly good: false; readonly message: string }>
