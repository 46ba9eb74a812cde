// The upstream of the bench: answers from prebuilt bytes, on bare sockets, so that it costs next to nothing.
import { createServer, type Socket } from 'node:net'

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

function plain(body: string): Buffer {
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
/** 1 KB of JSON. */
const reply = plain(JSON.stringify(answer))

const chunkOf = (text: string) => Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
const event = (members: object) =>
  `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created: 1700000000, model: 'bench', ...members })}\n\n`
const delta = (part: object, finish_reason: string | null = null) =>
  event({ choices: [{ index: 0, delta: part, finish_reason }] })
const head = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
)
const words = Array.from({ length: 48 }, (_, i) => chunkOf(delta({ content: `word${i} ` })))
/** 50 events and the end: a role, 48 words, a finish reason, then usage and [DONE] together. */
const stream = [
  chunkOf(delta({ role: 'assistant', content: '' })),
  ...words,
  chunkOf(delta({}, 'stop')),
  chunkOf(`${event({ choices: [], usage })}data: [DONE]\n\n`),
]
const end = Buffer.from('0\r\n\r\n')
const slowSeconds = 6

function write(socket: Socket, path: string, streamed: boolean): void {
  if (path.includes('slow')) slowly(socket)
  else if (streamed) burst(socket, 0)
  else socket.write(reply)
}

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
  setImmediate(burst, socket, at + 1)
}

/** One event a second. */
function slowly(socket: Socket): void {
  socket.write(head)
  let left = slowSeconds
  const beat = () => {
    if (socket.destroyed) return
    const [first] = words
    if (left-- > 0 && first) {
      socket.write(first)
      setTimeout(beat, 1000)
      return
    }
    socket.write(Buffer.concat([...stream.slice(-2), end]))
  }
  beat()
}

const server = createServer(socket => {
  socket.setNoDelay(true)
  let held: Buffer = Buffer.alloc(0)
  let wanted = -1
  let path = ''
  let headEnd = 0
  socket.on('error', () => socket.destroy())
  socket.on('data', (data: Buffer) => {
    held = held.length === 0 ? data : Buffer.concat([held, data])
    while (held.length > 0) {
      if (wanted < 0) {
        headEnd = held.indexOf('\r\n\r\n')
        if (headEnd < 0) return
        const text = held.toString('latin1', 0, headEnd)
        path = text.slice(0, text.indexOf('\r\n'))
        wanted = headEnd + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
      }
      if (held.length < wanted) return
      const body = held.subarray(headEnd + 4, wanted)
      // The slow streams are asked for by a word in the body, so that every proxy passes it.
      const start = body.toString('latin1', 0, 300)
      const slow = start.includes('"user":"slow"')
      write(socket, slow ? 'slow' : path, start.includes('"stream":true'))
      held = held.subarray(wanted)
      wanted = -1
    }
  })
})
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' && address ? address.port : 0 })
})
