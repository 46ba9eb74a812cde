// OpenAI's Responses API.
import type { ChatPort } from '../dialect.ts'
import { errorBody } from './error.ts'
import { readAsk, writeAsk } from './request.ts'
import { readReply, writeReply } from './response.ts'
import { decoder, encoder } from './stream.ts'

export const responses: ChatPort = {
  name: 'responses',
  readAsk,
  writeAsk,
  readReply,
  writeReply,
  decoder,
  encoder,
  errorBody: fault => errorBody(fault),
}

export { toolName as responsesToolName } from './items.ts'
export {
  continuedRequest,
  conversationItems,
  deletedBody,
  guardedRequest,
  type ItemPage,
  itemsBody,
  keptContent,
  keptResponse,
  noBackground,
  notKept,
  shownResponse,
  type ToldResponse,
  toldResponse,
} from './kept.ts'
