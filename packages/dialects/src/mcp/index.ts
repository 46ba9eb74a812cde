export { mcpError, mcpErrorEvent, notRun, unknownTool } from './error.ts'
export { CutEvents, type McpPasser, PlainEvents } from './events.ts'
export { type McpBody, type McpMessage, readMcp, toolsCall } from './messages.ts'
export { cutTools } from './tools.ts'
