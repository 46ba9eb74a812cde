// What differs between the upstreams that speak Gemini.

/** What an upstream's row says of its models. */
export interface GeminiRow {
  /** What stands before `/models/…` in the path: the version; Vertex has the publisher here. */
  readonly root: string
  /** JSON Schema as it is, or the OpenAPI subset that models before 2025 take. */
  readonly schemas: 'json' | 'subset'
  /** How thinking is asked for: in tokens (2.5), or by level (3 and later). */
  readonly thinking: 'budget' | 'level'
  /** The largest budget that the models take, in tokens. */
  readonly mostThinking: number
}

/** What every current model takes. */
export const currentRow: GeminiRow = {
  root: '/v1beta',
  schemas: 'json',
  thinking: 'budget',
  mostThinking: 24_576,
}
