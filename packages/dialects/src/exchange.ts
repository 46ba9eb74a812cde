// The canonical values that every dialect is read into: what is asked, and what it used.

/** Units of tokens. Classes of one direction are disjoint and add up. In the order of their code points. */
export const tokenUnits = [
  'tok.in.audio',
  'tok.in.cache_read',
  'tok.in.cache_read_audio',
  'tok.in.cache_write_1h',
  'tok.in.cache_write_5m',
  'tok.in.image',
  'tok.in.uncached',
  'tok.in.video',
  'tok.out.audio',
  'tok.out.image',
  'tok.out.reasoning',
  'tok.out.text',
] as const
export type TokenUnit = (typeof tokenUnits)[number]

export type Quantities = Readonly<Partial<Record<TokenUnit, bigint>>>

export interface Usage {
  /** Absent is absent, never 0. */
  readonly quantities: Quantities
  readonly source: 'provider' | 'engine' | 'counted' | 'estimated'
  readonly flags: readonly UsageFlag[]
}

/**
 * `partition_mismatch`: the report's parts do not sum to its total. `usage_missing`: output was delivered and
 * no usage was reported, so that it was counted here.
 */
export type UsageFlag = 'partition_mismatch' | 'usage_missing'

export type Operation = 'chat.completions' | 'completions' | 'embeddings'

/** A half-open range of bytes. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** A request as the gateway acts on it. The body stays the bytes that the caller sent. */
export interface Ask {
  readonly operation: Operation
  readonly model: string
  readonly stream: {
    readonly on: boolean
    /** The caller asked for the chunk with the usage. */
    readonly usage: boolean
  }
  readonly bytes: Buffer
  /** Where the values stand that may be spliced. */
  readonly at: { readonly model: Range; readonly streamOptions: Range | undefined }
}
