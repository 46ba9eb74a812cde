// OpenAI chat completions as a port.
import type { ChatPort } from '../../dialect.ts'
import { errorBody } from './error.ts'
import { readAsk, writeAsk } from './request.ts'
import { readReply, writeReply } from './response.ts'
import { engineRow, type Row } from './row.ts'
import { ChatDecoder, ChatEncoder } from './stream.ts'

export { toolName as openaiToolName } from './names.ts'
export { engineRow as openaiEngineRow, type Row as OpenaiRow } from './row.ts'

/** The port for upstreams of this row. */
export function openaiChatFor(row: Partial<Row>): ChatPort {
  const whole: Row = { ...engineRow, ...row }
  return {
    name: 'openai',
    readAsk,
    writeAsk: (ask, options) => writeAsk(ask, options, whole),
    readReply: body => readReply(body, whole),
    writeReply,
    decoder: () => new ChatDecoder(whole),
    encoder: about => new ChatEncoder(about),
    errorBody,
  }
}

/** The port for engines. */
export const openaiChat: ChatPort = openaiChatFor({})
