// Every way of answering, by name; the same names for each dialect. What ends in a number is written with one:
// `cut after 3` is cut after the third event, `status 503` is a 503, `cut at 60` ends the connection at that byte.
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Asked } from './asked.ts'
import type { Content, Refusal, Script } from './speaker.ts'

/** One request, and what would be answered if all went well. */
export interface Stage extends Asked {
  readonly response: ServerResponse
  readonly socket: Socket
  readonly content: Content
  readonly redirectTo: string
  /** Resolves when the test wants one more event. */
  readonly stepped: () => Promise<void>
}

type Act = (stage: Stage) => Promise<void> | void

export function scriptOf({ speaker, content, usage }: Stage): Script {
  return speaker.script(content, usage)
}

function json(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'set-cookie': 'a=b', server: 'nginx' })
  response.end(body)
}

function opened({ response, speaker }: Stage): ServerResponse {
  response.writeHead(200, { 'content-type': speaker.streamType })
  response.flushHeaders()
  return response
}

/** All events, with one of them replaced by others. */
function spoilt(stage: Stage, at: number, ...instead: readonly string[]): void {
  const { events } = scriptOf(stage)
  opened(stage).end([...events.slice(0, at), ...instead, ...events.slice(at)].join(''))
}

function said(stage: Stage, count: number): string {
  return scriptOf(stage).events.slice(0, count).join('')
}

function good(stage: Stage, content = stage.content): void {
  const { response, speaker, streamed, other, usage } = stage
  if (other !== undefined) json(response, 200, other)
  else if (!streamed) json(response, 200, speaker.reply(content))
  else {
    opened(stage)
    for (const event of speaker.script(content, usage).events) response.write(event)
    response.end()
  }
}

/** Bytes of a body that is said to be whole. */
function cutReply({ response, speaker, content }: Stage, bytes: number): void {
  const reply = Buffer.from(speaker.reply(content))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': reply.length })
  response.write(reply.subarray(0, bytes), () => response.destroy())
}

const refused =
  (why: Refusal): Act =>
  ({ response, speaker }) =>
    json(response, 400, speaker.refusal(why))

async function flood(stage: Stage, events: number): Promise<void> {
  const { events: all, first } = scriptOf(stage)
  const response = opened(stage)
  response.write(all.slice(0, first).join(''))
  const text = (all[first] ?? '').repeat(500)
  const closed = once(response, 'close')
  for (let i = 0; i < events / 500 && !response.destroyed; i++)
    if (!response.write(text)) await Promise.race([once(response, 'drain'), closed])
  response.end(all.slice(first + 1).join(''))
}

async function every(milliseconds: number, { response }: Stage, text: string): Promise<void> {
  while (!response.destroyed) {
    response.write(text)
    await setTimeout(milliseconds)
  }
}

const fixed = {
  good,
  tools: stage => good(stage, 'tools'),
  reasoning: stage => good(stage, 'reasoning'),

  // Before an answer.
  reset: ({ socket }) => void socket.resetAndDestroy(),
  hangup: ({ socket }) => void socket.destroy(),
  silence() {},
  'context length': refused('context length'),
  'content filter': refused('content filter'),
  other: refused('other'),
  redirect({ response, redirectTo }) {
    response.writeHead(307, { location: redirectTo })
    response.end()
  },

  // An answer that is none.
  'wrong type'({ response }) {
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.end('one two three')
  },
  html({ response }) {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end('<html>secret 10.0.0.1</html>')
  },
  empty({ response, speaker, streamed }) {
    response.writeHead(200, { 'content-type': streamed ? speaker.streamType : 'application/json' })
    response.end()
  },
  'error as reply': ({ response, speaker }) => json(response, 200, speaker.errorReply),
  'error as first event': stage => spoilt(stage, scriptOf(stage).first, stage.speaker.errorEvent),

  // Streams that are good, but come oddly.
  async 'one byte at a time'(stage) {
    const response = opened(stage)
    for (const byte of Buffer.from(scriptOf(stage).events.join(''))) {
      response.write(Buffer.of(byte))
      await setImmediate()
    }
    response.end()
  },
  async 'slow events'(stage) {
    const { events, first } = scriptOf(stage)
    const response = opened(stage)
    response.write(events.slice(0, first).join(''))
    for (let i = 0; i < 1000 && !response.destroyed; i++) {
      response.write(events[first])
      await setTimeout(20)
    }
    response.end()
  },
  async 'one by one'(stage) {
    const response = opened(stage)
    for (const event of scriptOf(stage).events) {
      await stage.stepped()
      response.write(event)
    }
    response.end()
  },
  /** A hundred times the first word, one by one, and then the rest. */
  async 'a hundred one by one'(stage) {
    const { events, first } = scriptOf(stage)
    const response = opened(stage)
    response.write(events.slice(0, first).join(''))
    for (let i = 0; i < 100; i++) {
      await stage.stepped()
      response.write(events[first])
    }
    await stage.stepped()
    response.end(events.slice(first + 1).join(''))
  },
  async 'slow reply'(stage) {
    await setTimeout(1000)
    good(stage)
  },
  flood: stage => flood(stage, 20_000),
  deluge: stage => flood(stage, 200_000),
  /** As many events as a flood has, in one write. */
  burst(stage) {
    const { events, first } = scriptOf(stage)
    opened(stage).end(
      events.slice(0, first).join('') +
        (events[first] ?? '').repeat(20_000) +
        events.slice(first + 1).join(''),
    )
  },
  'no usage'(stage) {
    const { events } = stage.speaker.script(stage.content, false)
    opened(stage).end(events.join(''))
  },
  /** All but what only says that there is no more. */
  'no marker'(stage) {
    const { events, whole } = scriptOf(stage)
    opened(stage).end(events.slice(0, whole + 1).join(''))
  },
  'reset after the end'(stage) {
    opened(stage).write(scriptOf(stage).events.join(''), () => stage.response.destroy())
  },

  // Streams that begin and fail.
  'error in mid-stream'(stage) {
    spoilt(stage, scriptOf(stage).first + 1, stage.speaker.errorEvent)
  },
  'malformed event'(stage) {
    spoilt(stage, scriptOf(stage).first + 1, stage.speaker.malformed)
  },
  'malformed events'(stage) {
    const { malformed } = stage.speaker
    spoilt(stage, scriptOf(stage).first + 1, malformed, malformed, malformed)
  },
  'headers then silence': stage => void opened(stage),
  async 'pings only'(stage) {
    opened(stage)
    await every(20, stage, stage.speaker.ping)
  },
  'content then silence'(stage) {
    opened(stage).write(said(stage, scriptOf(stage).first + 1))
  },
  async 'content then pings'(stage) {
    opened(stage).write(said(stage, scriptOf(stage).first + 1))
    await every(20, stage, stage.speaker.ping)
  },
} as const satisfies Record<string, Act>

/** Acts that take a number. */
const numbered = {
  'cut after': (count, stage) => {
    opened(stage).write(said(stage, count) || '\n', () => stage.response.destroy())
  },
  'end after': (count, stage) => void opened(stage).end(said(stage, count)),
  'cut at': (bytes, stage) => cutReply(stage, bytes),
  'truncated at': (bytes, { response, speaker, content }) =>
    json(response, 200, Buffer.from(speaker.reply(content)).toString('latin1', 0, bytes)),
  status: (status, { response, speaker }) => json(response, status, speaker.failure(status)),
  /** A status once the test wants it. */
  'late status': async (status, stage) => {
    await stage.stepped()
    json(stage.response, status, stage.speaker.failure(status))
  },
  'refuse with': (status, { response, speaker }) => json(response, status, speaker.refusal('other')),
  /** A 429 that asks for so many seconds. */
  'busy for': (seconds, { response, speaker }) => {
    response.setHeader('retry-after', String(seconds))
    json(response, 429, speaker.failure(429))
  },
} as const satisfies Record<string, (number: number, stage: Stage) => Promise<void> | void>

export type Name = keyof typeof fixed | `${keyof typeof numbered} ${number}`

export function isName(name: string): name is Name {
  return actOf(name) !== undefined
}

/** Undefined for a name that is none. */
export function actOf(name: string): Act | undefined {
  if (Object.hasOwn(fixed, name)) return fixed[name as keyof typeof fixed] // it is its own
  const [, word = '', number] = /^(.+) (\d+)$/.exec(name) ?? []
  if (!Object.hasOwn(numbered, word)) return undefined
  const act = numbered[word as keyof typeof numbered] // likewise
  return stage => act(Number(number), stage)
}
