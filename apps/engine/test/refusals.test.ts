// What the engine turns away, and in which words.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Child, endlessly, modelFile, refusal, run, start } from './child.ts'

const file = modelFile({ context: 8192 })
let engine: Child
beforeAll(async () => {
  engine = await start(
    `--model ${file.path} --alias tiny --ctx-size 16384 --parallel 4 --metrics --embeddings --grammars --queue 6`.split(
      ' ',
    ),
  )
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  file[Symbol.dispose]()
})

const hello = [{ role: 'user' as const, content: 'Hello' }]
const slotContext = 4096
const aString: unknown = expect.any(String)

describe('the context', () => {
  test('a prompt that does not fit is refused with its size', async () => {
    const fault = await refusal(
      engine.client.chat.completions.create({
        model: 'tiny',
        messages: [{ role: 'user', content: 'x'.repeat(5000) }],
      }),
    )
    expect(fault).toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      type: 'invalid_request_error',
      param: 'messages',
    })
    expect(fault.message).toContain(`maximum context length is ${slotContext} tokens`)
  })

  test('a prompt that is far too long is refused without being read', async () => {
    const began = performance.now()
    const response = await engine.post('/v1/completions', { prompt: 'x'.repeat(8 * 1024 * 1024) })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'context_length_exceeded' } })
    expect(performance.now() - began).toBeLessThan(1500)
  })

  test('an answer ends when it is full, and the slot serves the next', async () => {
    const prompt = 'x'.repeat(slotContext - 20)
    const ask = () =>
      engine.client.completions.create({ model: 'tiny', prompt, max_tokens: 100, ...endlessly })
    const [first, second] = [await ask(), await ask()]
    expect(first.choices[0]?.finish_reason).toBe('length')
    expect(first.usage?.completion_tokens).toBe(20)
    expect(second.usage?.completion_tokens).toBe(20)
  })
})

describe('what is asked wrongly', () => {
  test.each([
    [{ messages: [] }, 'messages'],
    [{}, 'messages'],
    [{ messages: [{ role: 'boss', content: 'x' }] }, 'messages.0.role'],
    [{ messages: hello, n: 2 }, 'n'],
    [{ messages: hello, logprobs: true }, 'logprobs'],
    [{ messages: hello, temperature: 'hot' }, 'temperature'],
    [{ messages: hello, max_tokens: 0 }, 'max_tokens'],
    [{ messages: hello, tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools'],
    [{ messages: hello, stream_options: { include_usage: true } }, 'stream_options'],
    [{ messages: hello, logit_bias: { 99999: 1 } }, 'logit_bias'],
    [{ messages: hello, logit_bias: { 2: -100 } }, 'logit_bias'],
    [{ messages: hello, grammar: 'root ::= (' }, 'grammar'],
    [{ messages: hello, response_format: { type: 'json_schema' } }, 'response_format'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages.0.content.0',
    ],
  ])('%j is a 400 that names the field', async (body, param) => {
    const response = await engine.post('/v1/chat/completions', body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error', param } })
  })

  test('tokens that do not exist never reach llama.cpp', async () => {
    const response = await engine.post('/v1/completions', { prompt: [1, 99_999] })
    expect(response.status).toBe(400)
    expect((await engine.post('/v1/completions', { prompt: [-1] })).status).toBe(400)
    expect((await engine.post('/v1/embeddings', { input: [[99_999]] })).status).toBe(400)
    expect((await engine.post('/detokenize', { tokens: [99_999] })).status).toBe(400)
  })

  test('no JSON, no such path, another method and too much are told apart', async () => {
    const answers = await Promise.all([
      engine.post('/v1/chat/completions', '{"messages":'),
      engine.post('/v1/images', {}),
      fetch(`${engine.url}/v1/chat/completions`),
      engine.post('/v1/completions', { prompt: 'x'.repeat(17 * 1024 * 1024) }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([400, 404, 405, 413])
    for (const answer of answers)
      expect(await answer.json()).toMatchObject({
        error: { message: aString, type: aString },
      })
  })
})

describe('a port that is taken', () => {
  test('is said in one sentence, with an exit code of its own', async () => {
    await using taken = createServer()
    await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    const { code, stderr } = await run(['--model', file.path, '--port', String(port)]).exit
    expect(code).toBe(4)
    expect(stderr).toMatch(
      /^error: couldn't bind HTTP server socket, hostname: 127\.0\.0\.1, port: \d+: .*EADDRINUSE.*\n$/,
    )
  })
})
