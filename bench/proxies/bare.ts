// The least that a proxy in this runtime can do: node:http in, undici out, nothing looked at.
import { createServer } from 'node:http'
import { Pool } from 'undici'
import { answerProbes } from '../probe.ts'

const [, , upstream = '', connections = '1024'] = process.argv
const pool = new Pool(`http://127.0.0.1:${upstream}`, { connections: Number(connections) })

const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const headers = ['content-type', 'application/json']
    pool.dispatch(
      { method: 'POST', path: request.url ?? '/', headers, body: Buffer.concat(parts) },
      {
        onRequestStart(controller) {
          response.once('close', () => {
            if (!response.writableFinished) controller.abort(new Error('the caller left'))
          })
        },
        onResponseStart(_, status, { 'content-type': type, 'content-length': length }) {
          response.writeHead(status, [
            'content-type',
            String(type),
            ...(length === undefined ? [] : ['content-length', String(length)]),
          ])
        },
        onResponseData(controller, chunk) {
          if (!response.write(chunk)) {
            controller.pause()
            response.once('drain', () => controller.resume())
          }
        },
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    )
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' && address ? address.port : 0 })
})
answerProbes(() => 0)
