export {
  anthropic,
  countBody as anthropicCountBody,
  errorStatus as anthropicErrorStatus,
  estimatedTokens,
} from './anthropic/index.ts'
export * from './conversation.ts'
export * from './dialect.ts'
export * from './exchange.ts'
export { type GeminiRow, gemini, geminiArray, geminiFor } from './gemini/index.ts'
export { type OpenaiRow, openaiChat, openaiChatFor, openaiToolName } from './openai/chat/index.ts'
export * as openai from './openai/index.ts'
export { Cursor, closed, maxDepth, more, Names } from './scan.ts'
export { EventReader, maxEventBytes } from './sse.ts'
