// Anthropic's own client judges what is written for callers.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Anthropic from '@anthropic-ai/sdk'
import { anthropic, anthropicCountBody, anthropicErrorStatus, estimatedTokens } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { about, answers, decode, meaning, plainText } from './anthropic-grammar.ts'

let reply: { status: number; type: string; body: Buffer } = { status: 200, type: '', body: Buffer.alloc(0) }
let sent = Buffer.alloc(0)
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    sent = Buffer.concat(chunks)
    response.writeHead(reply.status, { 'content-type': reply.type, 'x-should-retry': 'false' })
    response.end(reply.body)
  })
})
let client: Anthropic

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  // A TCP server's address is never a path.
  const { port } = server.address() as AddressInfo
  client = new Anthropic({ apiKey: 'sk', baseURL: `http://127.0.0.1:${port}`, maxRetries: 0 })
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const ask = { model: 'm', max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hi' }] }
const contentType = anthropic.encoder(about).contentType

describe("Anthropic's client", () => {
  test('accumulates every stream into the message that a whole reply is', async () => {
    await fc.assert(
      fc.asyncProperty(answers, async deltas => {
        const body = anthropic.encoder(about).push(deltas) ?? Buffer.alloc(0)
        reply = { status: 200, type: contentType, body }
        const streamed = await client.messages.stream(ask).finalMessage()
        reply = { status: 200, type: 'application/json', body: anthropic.writeReply(deltas, about) }
        const whole = await client.messages.create(ask)
        expect(streamed.content).toEqual(whole.content)
        expect(streamed.stop_reason).toBe(whole.stop_reason)
        expect(streamed.stop_sequence).toBe(whole.stop_sequence)
        expect(streamed.usage.input_tokens).toBe(whole.usage.input_tokens)
        expect(streamed.usage.cache_read_input_tokens).toBe(whole.usage.cache_read_input_tokens)
        expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens)
        expect(streamed.id).toBe('msg_1')
        expect(streamed.model).toBe('public')
      }),
      { numRuns: 60 },
    )
  })

  test('streams what another dialect said, byte for byte the same meaning after it comes back', async () => {
    const deltas = plainText('Grüße 👋')
    reply = { status: 200, type: contentType, body: anthropic.encoder(about).push(deltas) ?? Buffer.alloc(0) }
    const texts: string[] = []
    for await (const event of client.messages.stream(ask))
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
        texts.push(event.delta.text)
    expect(texts).toEqual(['Grüße 👋'])
    expect(meaning(decode([reply.body])).list).toEqual([{ kind: 'text', text: 'Grüße 👋' }])
  })

  test('asks in bodies that are understood, and is told an estimate of their tokens', async () => {
    const tools = [{ name: 'look', input_schema: { type: 'object' as const } }]
    reply = { status: 200, type: 'application/json', body: anthropic.writeReply(plainText('Hi'), about) }
    await client.messages.create({
      ...ask,
      system: 'Be kind.',
      tools,
      tool_choice: { type: 'any' },
      stop_sequences: ['END'],
    })
    expect(anthropic.readAsk(sent, {})).toEqual({
      dialect: 'anthropic',
      model: 'm',
      maxOutput: 100,
      turns: [
        { role: 'system', parts: [{ type: 'text', text: 'Be kind.' }] },
        { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
      ],
      tools: [{ name: 'look', schema: '{"type":"object"}' }],
      toolChoice: 'required',
      stop: ['END'],
      sampling: {},
      stream: { on: false, usage: false },
      rest: {},
    })
    reply = { status: 200, type: 'application/json', body: anthropicCountBody(1) }
    await client.messages.countTokens({ model: 'm', messages: ask.messages, tools })
    reply = {
      ...reply,
      body: anthropicCountBody(estimatedTokens(anthropic.readAsk(sent, {}))),
    }
    const { input_tokens } = await client.messages.countTokens({ model: 'm', messages: ask.messages, tools })
    expect(input_tokens).toBe(Math.ceil('Hilook{"type":"object"}'.length / 3))
  })

  test('throws when a stream fails in the middle', async () => {
    const encoder = anthropic.encoder(about)
    const fault = new Fault('unavailable', 'Send it again.', { reason: 'upstream_error', status: 502 })
    const begun = encoder.push(plainText('Hi').slice(0, 2)) ?? Buffer.alloc(0)
    reply = { status: 200, type: contentType, body: Buffer.concat([begun, encoder.fault(fault)]) }
    await expect(client.messages.stream(ask).finalMessage()).rejects.toMatchObject({
      error: { type: 'error', error: { type: 'api_error', message: 'Send it again.' } },
    })
  })

  test.each([
    [new Fault('invalid', 'a'), Anthropic.BadRequestError, 400, 'invalid_request_error'],
    [new Fault('unauthenticated', 'a'), Anthropic.AuthenticationError, 401, 'authentication_error'],
    [new Fault('exhausted', 'a', { reason: 'insufficient_quota' }), Anthropic.APIError, 402, 'billing_error'],
    [new Fault('denied', 'a'), Anthropic.PermissionDeniedError, 403, 'permission_error'],
    [new Fault('not_found', 'a'), Anthropic.NotFoundError, 404, 'not_found_error'],
    [new Fault('too_large', 'a'), Anthropic.APIError, 413, 'request_too_large'],
    [new Fault('exhausted', 'a'), Anthropic.RateLimitError, 429, 'rate_limit_error'],
    [new Fault('internal', 'a'), Anthropic.InternalServerError, 500, 'api_error'],
    [
      new Fault('unavailable', 'a', { reason: 'overloaded' }),
      Anthropic.InternalServerError,
      529,
      'overloaded_error',
    ],
    [
      new Fault('unavailable', 'a', { reason: 'no_upstream' }),
      Anthropic.InternalServerError,
      529,
      'overloaded_error',
    ],
    [new Fault('deadline', 'a'), Anthropic.InternalServerError, 504, 'timeout_error'],
  ])('reads the fault %s', async (fault, kind, status, type) => {
    reply = {
      status: anthropicErrorStatus(fault),
      type: 'application/json',
      body: anthropic.errorBody(fault, 'req_1'),
    }
    const error: unknown = await client.messages.create(ask).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({
      status,
      error: { type: 'error', error: { type, message: 'a' }, request_id: 'req_1' },
    })
  })
})
