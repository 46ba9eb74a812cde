// Google's Gemini: generateContent and streamGenerateContent.
import type { ChatPort } from '../dialect.ts'
import { errorBody } from './error.ts'
import { readAsk, writeAsk } from './request.ts'
import { readReply, writeReply } from './response.ts'
import { currentRow, type GeminiRow } from './row.ts'
import { arrayEncoder, decoder, encoder } from './stream.ts'

/** The dialect as an upstream's row has it. */
export function geminiFor(row: Partial<GeminiRow>): ChatPort {
  const whole: GeminiRow = { ...currentRow, ...row }
  return {
    name: 'gemini',
    readAsk,
    writeAsk: (ask, options) => writeAsk(ask, options, whole),
    readReply,
    writeReply,
    decoder,
    encoder,
    errorBody: fault => Buffer.from(errorBody(fault)),
  }
}

export const gemini: ChatPort = geminiFor({})

/** For callers that stream without `alt=sse`: their stream is one JSON array, errors stand in an array of one. */
export const geminiArray: ChatPort = {
  ...gemini,
  encoder: arrayEncoder,
  errorBody: fault => Buffer.from(`[${errorBody(fault)}]`),
}

export { currentRow as geminiRow } from './row.ts'
export { fitToolName as geminiToolName } from './write-parts.ts'
export type { GeminiRow }
