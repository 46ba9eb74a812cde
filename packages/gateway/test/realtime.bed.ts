// An upstream of sessions that answers as it is told, and callers that remember what they heard.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { read } from './upload.bed.ts'

export type Talk = (socket: WebSocket, request: IncomingMessage) => void

export const done = (members: object = {}) =>
  JSON.stringify({
    type: 'response.done',
    response: {
      id: 'r',
      usage: {
        total_tokens: 30,
        input_tokens: 20,
        output_tokens: 10,
        input_token_details: { text_tokens: 5, audio_tokens: 15, cached_tokens: 0 },
        output_token_details: { text_tokens: 4, audio_tokens: 6 },
        ...members,
      },
    },
  })

/** Says what it is, echoes, and finishes a response where one is asked for. */
export const echo: Talk = socket => {
  socket.send(JSON.stringify({ type: 'session.created', session: { model: 'served-name' } }))
  socket.on('message', (bytes: Buffer, binary) => {
    const text = bytes.toString()
    socket.send(!binary && text.includes('"response.create"') ? done() : bytes, { binary })
  })
}

export class Sessions implements AsyncDisposable {
  readonly requests: IncomingMessage[] = []
  readonly sockets: WebSocket[] = []
  readonly #server: Server
  /** Statuses with which the next openings are refused. */
  refusals: number[] = []

  constructor(talk: Talk) {
    this.#server = createServer()
    const sessions = new WebSocketServer({ noServer: true, perMessageDeflate: false })
    this.#server.on('upgrade', (request, socket, head) => {
      this.requests.push(request)
      const status = this.refusals.shift()
      if (status !== undefined) {
        socket.end(`HTTP/1.1 ${status} No\r\nretry-after: 7\r\ncontent-length: 6\r\n\r\nsecret`)
        return
      }
      sessions.handleUpgrade(request, socket, head, session => {
        this.sockets.push(session)
        talk(session, request)
      })
    })
  }

  static async start(talk: Talk = echo): Promise<Sessions> {
    const sessions = new Sessions(talk)
    sessions.#server.listen(0, '127.0.0.1')
    await once(sessions.#server, 'listening')
    return sessions
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}` // it listens on TCP
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.terminate()
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** A caller's side of a session. */
export class Heard {
  readonly socket: WebSocket
  readonly messages: { readonly text: string; readonly binary: boolean }[] = []
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  readonly opened: Promise<
    'open' | { readonly status: number; readonly body: string; readonly headers: object }
  >

  constructor(url: string, protocols: string[], headers: Readonly<Record<string, string>>) {
    const socket = new WebSocket(url, protocols, { headers, perMessageDeflate: false })
    this.socket = socket
    socket.on('message', (bytes: Buffer, binary) => {
      this.messages.push({ text: bytes.toString(), binary })
    })
    this.closed = new Promise(resolve => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    })
    this.opened = new Promise(resolve => {
      socket.on('open', () => resolve('open'))
      socket.on('unexpected-response', (_, response) => {
        const { statusCode = 0, headers } = response
        void read(response).then(body => resolve({ status: statusCode, body: body.toString(), headers }))
      })
    })
    socket.on('error', () => undefined)
  }

  get types(): readonly string[] {
    return this.messages.map(({ text }) => (JSON.parse(text) as { type: string }).type) // every event has one
  }
}
