export * from './exchange.ts'
export * as openai from './openai/index.ts'
export { Cursor, closed, maxDepth, more, Names } from './scan.ts'
export { EventReader, maxEventBytes } from './sse.ts'
