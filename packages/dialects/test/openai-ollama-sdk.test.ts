// The official clients of OpenAI and Ollama judge what is written for callers.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { About, Delta } from '@switchyard/dialects'
import { ollama, ollamaGenerate, ollamaShowBody, ollamaTagsBody, openaiChat } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answers, meaning } from './generate.ts'

const about: About = { id: 'chatcmpl-1', model: 'public', created: 1_700_000_000, usage: true }
const fault = new Fault('unavailable', 'The model stopped: ask again.', {
  reason: 'upstream_error',
  status: 502,
})

interface Answer {
  readonly status?: number
  readonly type?: string
  readonly body: Buffer
}
let answer: Answer = { body: Buffer.alloc(0) }
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    const { status = 200, type = 'application/json', body } = answer
    response.writeHead(status, { 'content-type': type, 'x-should-retry': 'false' }).end(body)
  })
})
let openai: OpenAI
let client: Ollama

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo
  openai = new OpenAI({ apiKey: 'sk', baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 })
  client = new Ollama({ host: `http://127.0.0.1:${port}` })
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

function encode(port: typeof openaiChat, deltas: readonly Delta[], last?: Fault): void {
  const encoder = port.encoder(about)
  const body = deltas.flatMap(delta => encoder.push([delta]) ?? [])
  if (last) body.push(encoder.fault(last))
  answer = { type: encoder.contentType, body: Buffer.concat(body) }
}

const texts = (deltas: readonly Delta[], kind: string, choice = 0) =>
  meaning(deltas)
    .choices[choice]?.said.flatMap(block => (block.kind === kind ? [String(block.text)] : []))
    .join('') ?? ''
const calls = (deltas: readonly Delta[], choice = 0) =>
  meaning(deltas).choices[choice]?.said.filter(({ kind }) => kind === 'tool') ?? []

const messages = [{ role: 'user' as const, content: 'hi' }]

describe("OpenAI's client", () => {
  test('accumulates every stream into what a whole reply says', async () => {
    await fc.assert(
      fc.asyncProperty(answers({ choices: 2, stops: ['end', 'length', 'filter'] }), async deltas => {
        encode(openaiChat, deltas)
        const streamed = await openai.chat.completions
          .stream({ model: 'm', messages, n: 2, stream_options: { include_usage: true } })
          .finalChatCompletion()
        answer = { body: openaiChat.writeReply(deltas, about) }
        const whole = await openai.chat.completions.create({ model: 'm', messages, n: 2 })
        expect(streamed.usage).toEqual(whole.usage)
        for (const { index, message, finish_reason } of whole.choices) {
          expect(message.content ?? '').toBe(texts(deltas, 'text', index))
          expect(
            (message.tool_calls ?? []).map(
              call => call.type === 'function' && [call.id, call.function.name, call.function.arguments],
            ),
          ).toEqual(calls(deltas, index).map(({ id, name, text }) => [id, name, text]))
          const same = streamed.choices[index]
          expect(same?.message.content ?? '').toBe(message.content ?? '')
          expect(same?.finish_reason).toBe(finish_reason)
          expect(
            (same?.message.tool_calls ?? []).map(call => [
              call.id,
              call.function.name,
              call.function.arguments,
            ]),
          ).toEqual(calls(deltas, index).map(({ id, name, text }) => [id, name, text]))
        }
      }),
      { numRuns: 40 },
    )
  })

  test('throws on a stream that has failed, and on a refusal', async () => {
    encode(
      openaiChat,
      [
        { choice: 0, type: 'start' },
        { choice: 0, type: 'open', block: 0, kind: 'text' },
        { choice: 0, type: 'text', block: 0, text: 'a' },
      ],
      fault,
    )
    const read = async () => {
      for await (const _ of await openai.chat.completions.create({ model: 'm', messages, stream: true }));
    }
    await expect(read()).rejects.toThrow('The model stopped: ask again.')
    answer = { status: fault.status, body: openaiChat.errorBody(fault, 'r') }
    await expect(openai.chat.completions.create({ model: 'm', messages })).rejects.toMatchObject({
      status: 502,
      code: 'upstream_error',
      type: 'server_error',
    })
  })
})

describe("Ollama's client", () => {
  test('reads every stream, of a chat and of a prompt, as what a whole answer says', async () => {
    await fc.assert(
      fc.asyncProperty(answers(), async deltas => {
        encode(ollama, deltas)
        const chat = { content: '', thinking: '', calls: [] as unknown[], done: 0, reason: '' }
        for await (const { message, done, done_reason } of await client.chat({
          model: 'm',
          messages,
          stream: true,
        })) {
          chat.content += message.content
          chat.thinking += message.thinking ?? ''
          chat.calls.push(
            ...(message.tool_calls ?? []).map(call => [call.function.name, call.function.arguments]),
          )
          if (done) chat.done++
          chat.reason = done_reason
        }
        answer = { body: ollama.writeReply(deltas, about) }
        const whole = await client.chat({ model: 'm', messages })
        expect(chat).toEqual({
          content: whole.message.content,
          thinking: whole.message.thinking ?? '',
          calls: (whole.message.tool_calls ?? []).map(call => [call.function.name, call.function.arguments]),
          done: 1,
          reason: whole.done_reason,
        })
        expect([chat.content, chat.thinking]).toEqual([texts(deltas, 'text'), texts(deltas, 'reasoning')])
        encode(ollamaGenerate, deltas)
        let response = ''
        for await (const part of await client.generate({ model: 'm', prompt: 'p', stream: true }))
          response += part.response
        expect(response).toBe(chat.content)
      }),
      { numRuns: 40 },
    )
  })

  test('throws on a stream that has failed, and on a refusal', async () => {
    encode(
      ollama,
      [
        { choice: 0, type: 'open', block: 0, kind: 'text' },
        { choice: 0, type: 'text', block: 0, text: 'a' },
      ],
      fault,
    )
    const read = async () => {
      for await (const _ of await client.chat({ model: 'm', messages, stream: true }));
    }
    await expect(read()).rejects.toThrow('The model stopped: ask again.')
    answer = { status: fault.status, body: ollama.errorBody(fault, 'r') }
    await expect(client.chat({ model: 'm', messages })).rejects.toMatchObject({
      status_code: 502,
      message: 'The model stopped: ask again.',
    })
  })

  test('lists and shows models', async () => {
    const model = { name: 'm', created: 0, family: 'llama' }
    answer = { body: ollamaTagsBody([model]) }
    expect((await client.list()).models.map(({ name }) => name)).toEqual(['m'])
    answer = { body: ollamaShowBody(model) }
    expect((await client.show({ model: 'm' })).capabilities).toEqual(['completion'])
  })
})
