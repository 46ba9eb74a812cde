export {
  type AnthropicRow,
  anthropic,
  anthropicCountBody,
  anthropicErrorStatus,
  anthropicFor,
  anthropicRow,
  anthropicToolName,
  estimatedTokens,
} from './anthropic/index.ts'
export { readRequest } from './ask.ts'
export { callers } from './callers.ts'
export type * from './carriage.ts'
export { carry } from './carry.ts'
export * from './conversation.ts'
export { carryConverted, conversationOf } from './convert.ts'
export { carryCount, estimateCount } from './counts.ts'
export { deliveredUsage, tokensDelivered, usageSoFar } from './delivered.ts'
export * from './dialect.ts'
export { carryEmbeddings } from './embeddings/index.ts'
export * from './exchange.ts'
export { type GeminiRow, gemini, geminiArray, geminiFor, geminiRow, geminiToolName } from './gemini/index.ts'
export { restoreNames } from './ids.ts'
export { carryInference } from './inference.ts'
export * from './mcp/index.ts'
export { metadataText } from './metadata.ts'
export { checkMetered, meters } from './meters.ts'
export { type ListShape, listModelsBody, modelBody, type PublicModel } from './model-lists.ts'
export {
  type ListedModel as OllamaModel,
  type Load as OllamaLoad,
  loadBody as ollamaLoadBody,
  ollama,
  ollamaGenerate,
  psBody as ollamaPsBody,
  readLoad as readOllamaLoad,
  readShow as readOllamaShow,
  sameModel as sameOllamaModel,
  showBody as ollamaShowBody,
  tagsBody as ollamaTagsBody,
  versionBody as ollamaVersionBody,
} from './ollama/index.ts'
export {
  type OpenaiRow,
  openaiChat,
  openaiChatFor,
  openaiEngineRow,
  openaiToolName,
} from './openai/chat/index.ts'
export * as openai from './openai/index.ts'
export { carryForm, carryOpenai, unsupportedByModel } from './operations.ts'
export { largeBytes, type Payload } from './pieces.ts'
export { RealtimeTap } from './realtime.ts'
export { RequestScan } from './request-scan.ts'
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
  responses,
  responsesToolName,
  shownResponse,
  type ToldResponse,
  toldResponse,
} from './responses/index.ts'
export { Cursor, closed, maxDepth, more, Names } from './scan.ts'
export { EventReader, maxEventBytes } from './sse.ts'
