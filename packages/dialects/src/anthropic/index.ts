import type { ChatPort } from '../dialect.ts'
import { errorBody } from './error.ts'
import { readAsk, writeAsk } from './request.ts'
import { readReply, writeReply } from './response.ts'
import { decoder, encoder } from './stream.ts'

export { errorStatus } from './error.ts'
export { countBody, estimatedTokens } from './usage.ts'
export { wireName } from './words.ts'

export const anthropic: ChatPort = {
  name: 'anthropic',
  readAsk,
  writeAsk,
  readReply,
  writeReply,
  decoder,
  encoder,
  errorBody,
}
