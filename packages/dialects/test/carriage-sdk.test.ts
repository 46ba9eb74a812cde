// The official clients, each asking in its own words through a carriage to each kind of upstream, and judging the
// streams and replies that come back.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import {
  type CallerName,
  callers,
  carry,
  carryEmbeddings,
  type Delta,
  type Line,
  type Operation,
  readRequest,
  type Speech,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { options, ports, speeches, upstreamEvents } from './carriages.ts'
import { answers, cut, meaning } from './generate.ts'

const fault = new Fault('unavailable', 'The model stopped: ask again.', {
  reason: 'upstream_error',
  status: 502,
})

/** What stands behind the carriage, for the request that is under way. */
interface Behind {
  readonly to: Speech
  readonly deltas: readonly Delta[]
  readonly cuts: readonly number[]
  /** Events after which the upstream breaks off. */
  readonly broken?: number
}
let behind: Behind

interface Asked {
  readonly caller: CallerName
  readonly operation: Operation
  readonly line: Line
}

function askedBy(url: string): Asked {
  const [, verb] = /:(\w+)/.exec(url) ?? []
  if (verb !== undefined) {
    const stream = verb === 'streamGenerateContent'
    const operation = verb === 'batchEmbedContents' ? 'batchEmbedContents' : 'generateContent'
    return { caller: 'gemini', operation, line: { model: 'public', stream } }
  }
  const found = (
    [
      ['/v1/chat/completions', 'openai', 'chat.completions'],
      ['/v1/responses', 'responses', 'responses'],
      ['/v1/messages', 'anthropic', 'messages'],
      ['/v1/embeddings', 'openai', 'embeddings'],
      ['/api/chat', 'ollama', 'ollama.chat'],
      ['/api/generate', 'ollamaGenerate', 'ollama.generate'],
      ['/api/embed', 'ollama', 'ollama.embed'],
    ] as const
  ).find(([path]) => url === path)
  if (!found) throw new Error(`nothing at ${url}`)
  return { caller: found[1], operation: found[2], line: {} }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer) // a request without encoding gives buffers
  const { caller, operation, line } = askedBy(request.url ?? '')
  const ask = readRequest(caller, operation, Buffer.concat(chunks), line)
  const { to, deltas, cuts, broken } = behind
  if (operation === 'embeddings' || operation === 'batchEmbedContents' || operation === 'ollama.embed') {
    const reply = carryEmbeddings(ask, to, options).reply(vectors[to.dialect])
    response.writeHead(200, { 'content-type': 'application/json' }).end(reply?.bytes)
    return
  }
  const carriage = carry(ask, to, options)
  if (!ask.stream.on) {
    const about = { id: 'up1', model: 'up', created: 1, usage: true }
    const reply = carriage.reply(ports[to.dialect].writeReply(deltas, about))
    response.writeHead(200, { 'content-type': 'application/json' }).end(reply?.bytes)
    return
  }
  response.writeHead(200, { 'content-type': callers[caller].streamType })
  const tap = carriage.tap()
  for (const chunk of cut(
    Buffer.concat(upstreamEvents(to.dialect, deltas, carriage.path).slice(0, broken)),
    cuts,
  )) {
    tap.push(chunk)
    if (tap.out) response.write(tap.out)
    if (tap.terminal) break
  }
  if (!tap.terminal) {
    tap.finish()
    if (tap.out) response.write(tap.out)
  }
  response.end(tap.terminal ?? tap.fail(fault))
}

/** Base64, which OpenAI's client asks for. */
const floats = (...numbers: readonly number[]) =>
  Buffer.from(new Float32Array(numbers).buffer).toString('base64')

const vectors = {
  openai: Buffer.from(
    JSON.stringify({
      data: [floats(0.5, 1), floats(2, 3)].map((embedding, index) => ({ index, embedding })),
    }),
  ),
  responses: Buffer.alloc(0),
  anthropic: Buffer.alloc(0),
  gemini: Buffer.from('{"embeddings":[{"values":[0.5,1]},{"values":[2,3]}]}'),
  ollama: Buffer.from('{"embeddings":[[0.5,1],[2,3]]}'),
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => response.destroy(error as Error)) // what is thrown is an error
})
let openai: OpenAI
let anthropic: Anthropic
let google: GoogleGenAI
let ollama: Ollama

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  const base = `http://127.0.0.1:${port}`
  openai = new OpenAI({ apiKey: 'k', baseURL: `${base}/v1`, maxRetries: 0 })
  anthropic = new Anthropic({ apiKey: 'k', baseURL: base, maxRetries: 0 })
  google = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: base } })
  ollama = new Ollama({ host: base })
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

interface Heard {
  text: string
  /** Names of the calls, and their arguments as values. */
  calls: (readonly [string | undefined, unknown])[]
}

const messages = [{ role: 'user' as const, content: 'hi' }]
const parsed = (json: string): unknown => JSON.parse(json)

/** How each client streams. */
const clients: Readonly<Record<string, () => Promise<Heard>>> = {
  "OpenAI's chat": async () => {
    const { choices } = await openai.chat.completions
      .stream({ model: 'public', messages })
      .finalChatCompletion()
    const message = choices[0]?.message
    const calls = (message?.tool_calls ?? []).map(
      call => [call.function.name, parsed(call.function.arguments)] as const,
    )
    return { text: message?.content ?? '', calls }
  },
  "OpenAI's responses": async () => {
    const final = await openai.responses.stream({ model: 'public', input: 'hi' }).finalResponse()
    // The client leaves it to who asks to look whether the response has failed.
    if (final.status === 'failed') throw new Error(final.error?.message)
    const calls = final.output.flatMap(item =>
      item.type === 'function_call' ? [[item.name, parsed(item.arguments)] as const] : [],
    )
    return { text: final.output_text, calls }
  },
  "Anthropic's": async () => {
    const ask = { model: 'public', max_tokens: 100, messages }
    const { content } = await anthropic.messages.stream(ask).finalMessage()
    return {
      text: content.flatMap(block => (block.type === 'text' ? [block.text] : [])).join(''),
      calls: content.flatMap(block =>
        block.type === 'tool_use' ? [[block.name, block.input] as const] : [],
      ),
    }
  },
  "Google's": async () => {
    const heard: Heard = { text: '', calls: [] }
    for await (const { candidates } of await google.models.generateContentStream({
      model: 'public',
      contents: 'hi',
    }))
      for (const { text = '', thought, functionCall } of candidates?.[0]?.content?.parts ?? []) {
        if (!thought) heard.text += text
        if (functionCall) heard.calls.push([functionCall.name, functionCall.args])
      }
    return heard
  },
  "Ollama's": async () => {
    const heard: Heard = { text: '', calls: [] }
    for await (const { message } of await ollama.chat({ model: 'public', messages, stream: true })) {
      heard.text += message.content
      for (const { function: made } of message.tool_calls ?? []) heard.calls.push([made.name, made.arguments])
    }
    return heard
  },
  "Ollama's generate": async () => {
    const heard: Heard = { text: '', calls: [] }
    for await (const part of await ollama.generate({ model: 'public', prompt: 'hi', stream: true })) {
      heard.text += part.response
      // The client's type does not know of them.
      const { tool_calls = [] } = part as {
        tool_calls?: { function: { name: string; arguments: unknown } }[]
      }
      for (const { function: made } of tool_calls) heard.calls.push([made.name, made.arguments])
    }
    return heard
  },
}

/** Sums what was said: some dialects have one place for all text. */
function said(deltas: readonly Delta[]): Heard {
  const blocks = meaning(deltas).choices[0]?.said ?? []
  return {
    text: blocks.flatMap(({ kind, text }) => (kind === 'text' ? [String(text)] : [])).join(''),
    calls: blocks.flatMap(({ kind, name, text }) =>
      kind === 'tool' ? [[String(name), parsed(String(text))] as const] : [],
    ),
  }
}

const pairs = Object.entries(clients).flatMap(([client, ask]) => speeches.map(to => ({ client, ask, to })))

describe.each(pairs)('$client client before an upstream of $to.dialect', ({ ask, to }) => {
  test('S1: accumulates every stream into what the upstream said', async () => {
    await fc.assert(
      fc.asyncProperty(
        answers({ stops: ['end', 'length'] }),
        fc.array(fc.nat(), { maxLength: 6 }),
        async (deltas, cuts) => {
          behind = { to, deltas, cuts }
          expect(await ask()).toEqual(said(deltas))
        },
      ),
      { numRuns: 8 },
    )
  })

  test('throws when the upstream breaks off', async () => {
    const deltas: readonly Delta[] = [
      { choice: 0, type: 'start', id: 'c1', created: 1, model: 'up' },
      { choice: 0, type: 'open', block: 0, kind: 'text' },
      { choice: 0, type: 'text', block: 0, text: 'a' },
    ]
    behind = { to, deltas, cuts: [], broken: 99 }
    await expect(ask()).rejects.toThrow()
  })
})

describe.each(speeches.filter(({ dialect }) => vectors[dialect].length > 0))('vectors of $dialect', to => {
  test('are read by every client', async () => {
    behind = { to, deltas: [], cuts: [] }
    const expected = [
      [0.5, 1],
      [2, 3],
    ]
    const input = ['a', 'b']
    const { data } = await openai.embeddings.create({ model: 'public', input })
    expect(data.map(({ embedding }) => [...embedding])).toEqual(expected)
    const { embeddings = [] } = await google.models.embedContent({ model: 'public', contents: input })
    expect(embeddings.map(({ values }) => values)).toEqual(expected)
    expect((await ollama.embed({ model: 'public', input })).embeddings).toEqual(expected)
  })
})
