// The ways in which callers speak, one row each.
import { anthropic, anthropicErrorStatus } from './anthropic/index.ts'
import type { Caller } from './carriage.ts'
import type { ChatPort } from './dialect.ts'
import type { CallerName } from './exchange.ts'
import { gemini, geminiArray } from './gemini/index.ts'
import { ollama, ollamaGenerate } from './ollama/index.ts'
import { openaiChat } from './openai/chat/index.ts'
import { responses } from './responses/index.ts'

const eventStream = 'text/event-stream; charset=utf-8'
const comment = ': ping\n\n'

interface Row extends Pick<Caller, 'streamType' | 'ping'> {
  readonly port: ChatPort
  readonly errorStatus?: Caller['errorStatus']
  readonly idPrefix: string
}

const events = (port: ChatPort, idPrefix: string): Row => ({
  port,
  idPrefix,
  streamType: eventStream,
  ping: comment,
})
const lines = (port: ChatPort): Row => ({
  port,
  idPrefix: '',
  streamType: 'application/x-ndjson',
  ping: undefined,
})

const rows: Readonly<Record<CallerName, Row>> = {
  openai: events(openaiChat, 'chatcmpl-'),
  responses: events(responses, 'resp_'),
  anthropic: {
    port: anthropic,
    idPrefix: 'msg_',
    streamType: eventStream,
    ping: 'event: ping\ndata: {"type": "ping"}\n\n',
    errorStatus: anthropicErrorStatus,
  },
  gemini: events(gemini, ''),
  geminiArray: {
    port: geminiArray,
    idPrefix: '',
    streamType: 'application/json; charset=utf-8',
    ping: undefined,
  },
  ollama: lines(ollama),
  ollamaGenerate: lines(ollamaGenerate),
}

function caller(name: CallerName): Caller {
  const { port, streamType, ping, errorStatus = ({ status }) => status } = rows[name]
  return Object.freeze({
    name,
    dialect: port.name,
    streamType,
    ping,
    streams: port.name === 'ollama',
    errorBody: port.errorBody,
    errorStatus,
  })
}

export const callers: Readonly<Record<CallerName, Caller>> = Object.freeze({
  openai: caller('openai'),
  responses: caller('responses'),
  anthropic: caller('anthropic'),
  gemini: caller('gemini'),
  geminiArray: caller('geminiArray'),
  ollama: caller('ollama'),
  ollamaGenerate: caller('ollamaGenerate'),
})

/** The port that reads and writes what such a caller says. */
export function callerPort(name: CallerName): ChatPort {
  return rows[name].port
}

/** Id of an answer in the form that the caller's dialect gives its ids. */
export function answerId(name: CallerName, id: string): string {
  return rows[name].idPrefix + id
}
