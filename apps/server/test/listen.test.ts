// The TLS port as callers meet it: the gateway and the control plane behind it, and a certificate that changes.
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Bed } from '../../../packages/gateway/test/bed.ts'
import { certificateFor, type Pair } from '../../../packages/gateway/test/certificates.ts'
import { ScriptedUpstream } from '../../../packages/gateway/test/upstream.ts'
import { type Edge, listen, openEdge } from '../src/listen.ts'
import { type Certificates, openCertificates, type TlsFiles } from '../src/tls.ts'

let first: Pair
let second: Pair
let folder: string
let stack: AsyncDisposableStack
let bed: Bed
let key: string

beforeAll(() => {
  first = certificateFor('first.example.com')
  second = certificateFor('second.example.com')
})

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  folder = mkdtempSync(join(tmpdir(), 'switchyard-listen-'))
  stack.defer(() => rmSync(folder, { recursive: true }))
  bed = stack.use(await Bed.start())
  const engine = stack.use(await ScriptedUpstream.start())
  bed.endpoint('tiny', [engine.address])
  key = bed.key()
})
afterEach(() => stack.disposeAsync())

function write({ cert, key: secret }: Pair): Required<Pick<TlsFiles, 'cert' | 'key'>> {
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }
  for (const [path, text] of [
    [files.cert, cert],
    [files.key, secret],
  ] as const) {
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
  }
  return files
}

async function certified(more: Partial<TlsFiles> = {}): Promise<Certificates> {
  return stack.use(await openCertificates({ ...write(first), ...more }, { observe: () => undefined }))
}

function serve(edge: Edge): void {
  stack.defer(() => edge.close(0))
  edge.serve({ gateway: bed.gateway, control: (_, response) => void response.end('control') })
}

const portOf = ({ server }: Edge) => (server.address() as AddressInfo).port // it listens on TCP

interface Answer {
  readonly status: number | undefined
  readonly name: string
  readonly text: string
}

/** One call; `name` is that of the certificate. */
function call(port: number, path: string, body?: string, agent = new Agent()): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    agent,
    method: body === undefined ? 'GET' : 'POST',
    ca: [first.cert, second.cert],
    checkServerIdentity: () => undefined,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
  })
  sent.once('error', reject)
  sent.once('response', response => {
    // A request of https has a TLS socket.
    const { subject } = (response.socket as TLSSocket).getPeerCertificate()
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (part: string) => {
      text += part
    })
    response.once('error', reject)
    response.once('end', () => resolve({ status: response.statusCode, name: String(subject.CN), text }))
  })
  sent.end(body)
  return promise
}

const chat = JSON.stringify({ model: 'tiny', messages: [] })
const streamed = JSON.stringify({ model: 'tiny', messages: [], stream: true })
const completions = '/v1/chat/completions'

describe('E1 the TLS port', () => {
  test('answers for the gateway and the control plane, whole and streamed', async () => {
    const edge = await listen('127.0.0.1', 0, await certified())
    serve(edge)
    const port = portOf(edge)
    expect(await call(port, completions, chat)).toMatchObject({ status: 200, name: 'first.example.com' })
    expect((await call(port, completions, streamed)).text).toContain('[DONE]')
    expect((await call(port, '/api/v1/users')).text).toBe('control')
    expect((await call(port, '/v1/nothing')).status).toBe(404)
  })

  test('changes its certificate under load without a failed request', async () => {
    const edge = await listen('127.0.0.1', 0, await certified())
    serve(edge)
    const port = portOf(edge)
    const kept = new Agent({ keepAlive: true, maxSockets: 1 })
    stack.defer(() => kept.destroy())
    const names = new Set<string>()
    const answers: Answer[] = []
    let running = true
    const load = [undefined, undefined, kept].map(async agent => {
      while (running) {
        const answer = await call(port, completions, answers.length % 2 ? streamed : chat, agent)
        answers.push(answer)
        names.add(answer.name)
      }
    })
    await vi.waitUntil(() => answers.length > 5, { timeout: 10_000 })
    write(second)
    await vi.waitUntil(() => names.has('second.example.com'), { timeout: 10_000 })
    running = false
    await Promise.all(load)
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect([...names]).toEqual(['first.example.com', 'second.example.com'])
  })

  test('closes a connection that is no TLS, and takes the next', async () => {
    const edge = await listen('127.0.0.1', 0, await certified())
    serve(edge)
    const port = portOf(edge)
    const socket = connect(port, '127.0.0.1').resume()
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await once(socket, 'close')
    expect((await call(port, completions, chat)).status).toBe(200)
    await vi.waitUntil(() => edge.connections <= 1)
  })

  test('refuses callers without a certificate where one is asked for', async () => {
    writeFileSync(join(folder, 'ca.crt'), second.cert)
    const edge = await listen('127.0.0.1', 0, await certified({ clientCa: join(folder, 'ca.crt') }))
    serve(edge)
    await expect(call(portOf(edge), completions, chat)).rejects.toThrow()
    const known = await call(
      portOf(edge),
      completions,
      chat,
      new Agent({ cert: second.cert, key: second.key }),
    )
    expect(known.status).toBe(200)
  })

  test('takes connections that another has accepted, unread', async () => {
    const edge = openEdge(await certified())
    serve(edge)
    const accepted: Socket[] = []
    const port = createServer({ pauseOnConnect: true }, socket => {
      accepted.push(socket)
      edge.server.emit('connection', socket)
      socket.resume()
    }).listen(0, '127.0.0.1')
    await once(port, 'listening')
    stack.defer(() => {
      port.close()
      for (const socket of accepted) socket.destroy()
    })
    const answer = await call((port.address() as AddressInfo).port, completions, chat) // it listens on TCP
    expect([answer.status, accepted.length]).toEqual([200, 1])
  })
})

test('A10: what is at the address alone is the front page for browsers, and for everybody else that Ollama is running', async () => {
  const edge = await listen('127.0.0.1', 0)
  serve(edge)
  const asked = async (accept: string) => {
    const told = await fetch(`http://127.0.0.1:${portOf(edge)}/`, { headers: { accept } })
    return [told.status, await told.text()]
  }
  expect(await asked('text/html,application/xhtml+xml,*/*;q=0.8')).toEqual([200, 'control'])
  for (const accept of ['*/*', 'application/json'])
    expect(await asked(accept)).toEqual([200, 'Ollama is running'])
})
