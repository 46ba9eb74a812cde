import type { ChatPort } from '../dialect.ts'
import { errorBody } from './error.ts'
import { readAsk, writeAsk } from './request.ts'
import { readReply, writeReply } from './response.ts'
import { anthropicRow, type Row } from './row.ts'
import { decoder, encoder } from './stream.ts'

export { errorStatus as anthropicErrorStatus } from './error.ts'
export { anthropicRow, type Row as AnthropicRow } from './row.ts'
export { countBody as anthropicCountBody, estimatedTokens } from './usage.ts'
export { toolName as anthropicToolName } from './words.ts'

/** The port for upstreams of this row. */
export function anthropicFor(row: Partial<Row>): ChatPort {
  const whole: Row = { ...anthropicRow, ...row }
  return {
    name: 'anthropic',
    readAsk,
    writeAsk: (ask, options) => writeAsk(ask, options, whole),
    readReply: body => readReply(body, whole),
    writeReply,
    decoder: () => decoder(whole),
    encoder,
    errorBody,
  }
}

/** The port for Anthropic's own API. */
export const anthropic: ChatPort = anthropicFor({})
