// A provider of OpenAI's dialect in the process of the tests, which says its own name, breaks and is mended.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What it lets in. */
export const keyOfDoubles = 'sk-of-the-double'

export interface Double extends AsyncDisposable {
  readonly url: string
  /** Nothing answers there any more. */
  break(): Promise<void>
  mend(): Promise<void>
}

async function answer(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += String(part)
  response.setHeader('content-type', 'application/json')
  if (request.headers.authorization !== `Bearer ${keyOfDoubles}`)
    return void response.writeHead(401).end('{}')
  if (request.url === '/v1/models') return void response.end(JSON.stringify({ data: [{ id: 'large' }] }))
  const { stream = false } = JSON.parse(text) as { readonly stream?: boolean } // sent by our gateway
  const content = `from ${name}`
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
  const whole = { id: 'x', created: 1, model: 'large' }
  if (!stream) {
    const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
    return void response.end(JSON.stringify({ ...whole, object: 'chat.completion', choices, usage }))
  }
  response.setHeader('content-type', 'text/event-stream')
  const send = (value: object) =>
    response.write(`data: ${JSON.stringify({ ...whole, object: 'chat.completion.chunk', ...value })}\n\n`)
  send({ choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] })
  send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
  send({ choices: [], usage })
  response.end('data: [DONE]\n\n')
}

export async function openDouble(name: string): Promise<Double> {
  let server: Server | undefined
  let port = 0
  async function open(): Promise<void> {
    const opening = createServer((request, response) => {
      answer(name, request, response).catch((error: unknown) => response.destroy(error as Error)) // thrown by us
    })
    await new Promise<void>(done => opening.listen(port, '127.0.0.1', done))
    ;({ port } = opening.address() as AddressInfo) // an IP server has one
    server = opening
  }
  async function close(): Promise<void> {
    const closing = server
    server = undefined
    if (!closing) return
    await new Promise<void>(done => {
      closing.close(() => done())
      closing.closeAllConnections()
    })
  }
  await open()
  return { url: `http://127.0.0.1:${port}/v1`, break: close, mend: open, [Symbol.asyncDispose]: close }
}
