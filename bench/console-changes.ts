// Stands between a browser and the server, and writes changes of the documents that the server told of into its stream:
// no server of this size writes a thousand documents a second, and what is measured is who reads of them.

import { once } from 'node:events'
import { createServer, request } from 'node:http'

export interface Between {
  readonly origin: string
  /** Changes a second, from now on. */
  change(perSecond: number): void
  sent(): number
  [Symbol.asyncDispose](): Promise<void>
}

interface Frame {
  readonly type: string
  readonly object: { readonly kind: string; readonly metadata: Record<string, unknown>; status: object }
}

/** Milliseconds between two writes. */
const step = 10

export async function changing(server: string): Promise<Between> {
  const { hostname, port } = new URL(server)
  const known: Frame[] = []
  let write: ((text: string) => void) | undefined
  let perSecond = 0
  let sent = 0
  let owed = 0
  const timer = setInterval(() => {
    owed += (perSecond * step) / 1000
    const frames: string[] = []
    for (; owed >= 1 && known.length > 0; owed--) {
      const { object } = known[(sent * 7919) % known.length] as Frame // it is not empty
      sent++
      const phase = sent % 2 === 0 ? 'Active' : 'Archived'
      const metadata = { ...object.metadata, displayName: `${String(object.metadata.name)} ${sent}` }
      frames.push(JSON.stringify({ type: 'MODIFIED', object: { ...object, metadata, status: { phase } } }))
    }
    if (frames.length > 0) write?.(`${frames.join('\n')}\n`)
  }, step)

  const proxy = createServer((asked, answer) => {
    const isWatch = asked.url?.startsWith('/api/v1/watch') === true
    const { 'accept-encoding': _, ...headers } = asked.headers
    const passed = request(
      { hostname, port, path: asked.url, method: asked.method, headers: isWatch ? headers : asked.headers },
      given => {
        answer.writeHead(given.statusCode ?? 502, given.headers)
        if (!isWatch) {
          given.pipe(answer)
          return
        }
        // Whole lines alone, so that others may stand between them.
        let rest = ''
        known.length = 0
        given.setEncoding('utf8').on('data', (text: string) => {
          const lines = (rest + text).split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) {
            if (!line.includes('"Project"')) continue
            const frame = JSON.parse(line) as Frame // of the server
            if (frame.type === 'ADDED' && frame.object.kind === 'Project') known.push(frame)
          }
          if (lines.length > 0) answer.write(`${lines.join('\n')}\n`)
        })
        given.on('end', () => answer.end())
        write = part => answer.write(part)
      },
    )
    passed.on('error', () => answer.destroy())
    answer.on('close', () => passed.destroy())
    asked.pipe(passed)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return {
    origin: `http://127.0.0.1:${address.port}`,
    change(many) {
      perSecond = many
      owed = 0
    },
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      proxy.closeAllConnections()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
