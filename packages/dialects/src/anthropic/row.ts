// How upstreams that speak Anthropic Messages differ: one row each, with defaults for Anthropic's own.

export interface Row {
  /** How much to think is asked as a budget of tokens, or as an effort that the model interprets. */
  readonly thinking: 'budget' | 'effort'
  /** Takes `role: system` in the middle of a conversation. */
  readonly systemTurns: boolean
  /** Takes `output_config.format`; without it a schema is asked for as a tool that must be called. */
  readonly schema: boolean
  /** Who counted the tokens that it reports. */
  readonly counts: 'engine' | 'provider'
}

export const anthropicRow: Row = {
  thinking: 'budget',
  systemTurns: false,
  schema: true,
  counts: 'provider',
}

/** The tool whose arguments are the answer, where a form is asked for that the upstream has no other word for. */
export const outputTool = 'switchyard_answer'
