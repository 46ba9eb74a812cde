// What upstreams speak, as ports of their rows.
import { anthropicFor, anthropicToolName } from './anthropic/index.ts'
import type { Speech } from './carriage.ts'
import type { ChatDialect } from './conversation.ts'
import type { ChatPort } from './dialect.ts'
import { geminiFor, geminiToolName } from './gemini/index.ts'
import { ollama } from './ollama/index.ts'
import { openaiChatFor, openaiToolName } from './openai/chat/index.ts'
import { responses, responsesToolName } from './responses/index.ts'

const eventStream = 'text/event-stream'

interface Row {
  /** Content type of its streams. */
  readonly streamType: string
  /** How it must have the names of tools. */
  fitName(name: string): string
}

export const speeches: Readonly<Record<ChatDialect, Row>> = {
  openai: { streamType: eventStream, fitName: openaiToolName },
  responses: { streamType: eventStream, fitName: responsesToolName },
  anthropic: { streamType: eventStream, fitName: anthropicToolName },
  gemini: { streamType: eventStream, fitName: geminiToolName },
  ollama: { streamType: 'application/x-ndjson', fitName: openaiToolName },
}

/** A delta of theirs may be several tokens: engines stream one at a time. */
export function mayJoinTokens(to: Speech): boolean {
  if (to.dialect === 'openai' || to.dialect === 'anthropic') return to.row.counts === 'provider'
  return to.dialect !== 'ollama'
}

export function upstreamPort(to: Speech): ChatPort {
  switch (to.dialect) {
    case 'openai':
      return openaiChatFor(to.row)
    case 'responses':
      return responses
    case 'anthropic':
      return anthropicFor(to.row)
    case 'gemini':
      return geminiFor(to.row)
    case 'ollama':
      return ollama
  }
}
