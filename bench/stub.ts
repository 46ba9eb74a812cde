// The upstream of the bench: answers from prebuilt bytes, on bare sockets, so that it costs next to nothing. What a
// request gets is said by words in its body, so that every proxy passes them: see `requests.ts`.
import { createServer, type Socket } from 'node:net'

export interface Written {
  /** Pieces of streams since the start; a proxy's CPU is divided by them. */
  readonly pieces: number
  /** Streams at 10 ms that are open. */
  readonly paced: number
}

const usage = { prompt_tokens: 120, completion_tokens: 50, total_tokens: 170 }
const id = 'chatcmpl-9f4c1f0a'
const content = 'word '.repeat(140)
const choice = { index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }
const answer = {
  id,
  object: 'chat.completion',
  created: 1700000000,
  model: 'bench',
  choices: [choice],
  usage,
}

function plain(status: string, body: string): Buffer {
  const length = Buffer.byteLength(body)
  return Buffer.from(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`,
  )
}
/** 1 KB of JSON. */
const reply = plain('200 OK', JSON.stringify(answer))
const failure = plain(
  '500 Internal Server Error',
  JSON.stringify({ error: { message: 'out of order', type: 'server_error', param: null, code: null } }),
)

const chunkOf = (text: string) => Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
const event = (members: object) =>
  `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created: 1700000000, model: 'bench', ...members })}\n\n`
const delta = (part: object, finish_reason: string | null = null) =>
  event({ choices: [{ index: 0, delta: part, finish_reason }] })
const head = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
)
const opening = chunkOf(delta({ role: 'assistant', content: '' }))
const words = Array.from({ length: 48 }, (_, i) => chunkOf(delta({ content: `word${i} ` })))
/** A finish reason, then usage and [DONE] together. */
const closing = [chunkOf(delta({}, 'stop')), chunkOf(`${event({ choices: [], usage })}data: [DONE]\n\n`)]
const stream = [opening, ...words, ...closing]
const end = Buffer.from('0\r\n\r\n')

let pieces = 0

/** Events leave one by one, each in a turn of the loop of its own. */
function burst(socket: Socket, at: number): void {
  const part = stream[at]
  if (socket.destroyed) return
  if (!part) {
    socket.write(end)
    return
  }
  if (at === 0) socket.write(head)
  socket.write(part)
  pieces++
  setImmediate(burst, socket, at + 1)
}

/** Streams whose events leave one every so often, spread over as many phases, and one timer for all of them. */
class Pace {
  readonly #phases: Map<Socket, number>[]
  readonly #events: number
  #next = 0

  constructor(everyMilliseconds: number, phases: number, events: number) {
    this.#phases = Array.from({ length: phases }, () => new Map<Socket, number>())
    this.#events = events
    let phase = 0
    setInterval(() => {
      this.#beat(this.#phases[phase++ % phases] ?? new Map<Socket, number>())
    }, everyMilliseconds / phases)
  }

  get open(): number {
    return this.#phases.reduce((sum, { size }) => sum + size, 0)
  }

  begin(socket: Socket): void {
    socket.write(head)
    socket.write(opening)
    pieces++
    this.#phases[this.#next++ % this.#phases.length]?.set(socket, 0)
  }

  #beat(streams: Map<Socket, number>): void {
    for (const [socket, sent] of streams) {
      if (sent >= this.#events || socket.destroyed) {
        streams.delete(socket)
        if (!socket.destroyed) socket.write(Buffer.concat([...closing, end]))
        continue
      }
      socket.write(words[sent % words.length] ?? opening)
      pieces++
      streams.set(socket, sent + 1)
    }
  }
}

/** An event each 10 ms for six seconds, and one each second for a minute. */
const paced = new Pace(10, 10, 600)
const slow = new Pace(1000, 100, 60)

function write(socket: Socket, start: string, streamed: boolean): void {
  if (start.includes('bench:fail')) socket.write(failure)
  else if (!streamed) socket.write(reply)
  else if (start.includes('bench:cut')) socket.end(Buffer.concat([head, ...stream.slice(0, 9)]))
  else if (start.includes('bench:paced')) paced.begin(socket)
  else if (start.includes('bench:slow')) slow.begin(socket)
  else burst(socket, 0)
}

const streams = /"stream":\s*true/
/** Bytes at the start and the end of a body that are looked at. */
const looked = 500

const server = createServer(socket => {
  socket.setNoDelay(true)
  let held: Buffer = Buffer.alloc(0)
  let start = ''
  let tail = ''
  /** Bytes of the body that have not come; below 0 while the head has not. */
  let wanted = -1
  socket.on('error', () => socket.destroy())
  socket.on('data', (data: Buffer) => {
    let rest = data
    while (rest.length > 0) {
      if (wanted < 0) {
        held = held.length === 0 ? rest : Buffer.concat([held, rest])
        const headEnd = held.indexOf('\r\n\r\n')
        if (headEnd < 0) return
        const length = /content-length: (\d+)/i.exec(held.toString('latin1', 0, headEnd))?.[1]
        wanted = Number(length ?? 0)
        rest = held.subarray(headEnd + 4)
        held = Buffer.alloc(0)
        start = ''
        tail = ''
      }
      const part = rest.subarray(0, wanted)
      if (start.length < looked) start += part.toString('latin1', 0, looked)
      tail = (tail + part.toString('latin1', Math.max(0, part.length - looked))).slice(-looked)
      rest = rest.subarray(part.length)
      wanted -= part.length
      if (wanted > 0) return
      wanted = -1
      write(socket, start, streams.test(start) || streams.test(tail))
    }
  })
})
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' && address ? address.port : 0 })
})
process.on('message', () => process.send?.({ pieces, paced: paced.open } satisfies Written))
process.on('disconnect', () => process.exit())
