// Tools by every official client: the model behind a provider calls one, the client gives the result, and the next
// answer is text. The bundled engine calls none, so that what is called here is an upstream that follows a script.

import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import Anthropic from '@anthropic-ai/sdk'
import { FunctionCallingConfigMode, GoogleGenAI } from '@google/genai'
import { generateText, jsonSchema, stepCountIs, tool } from 'ai'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ScriptedUpstream } from '../../packages/gateway/test/upstream.ts'
import { eventually, startYard, type Yard } from './yard.ts'

const question = 'What is the weather in Oslo?'
const user = { role: 'user' as const, content: question }
const described = { name: 'weather', description: 'Tells the weather of a city.' }
const city = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] }
const asked = { city: 'Oslo' }
const answered = { celsius: -4 }
const said = 'one two three'
const result = JSON.stringify(answered)

let yard: Yard
let upstream: ScriptedUpstream
beforeAll(async () => {
  upstream = await ScriptedUpstream.start()
  yard = await startYard()
}, 120_000)
afterAll(async () => {
  await yard?.[Symbol.asyncDispose]()
  await upstream?.[Symbol.asyncDispose]()
}, 60_000)

describe.each([
  ['openai', '/v1'],
  ['anthropic', '/v1'],
  ['gemini', '/v1beta'],
  ['ollama', ''],
])('A8: tools of a model behind a provider that speaks %s', (type, base) => {
  const model = `weather-${type}`
  const { promise: ready, resolve } = Promise.withResolvers<void>()

  beforeAll(async () => {
    const metadata = { name: model, workspace: 'default' }
    const apiVersion = 'switchyard.dev/v1'
    const provider = { type, baseUrl: upstream.url(undefined, base), allowCidrs: ['127.0.0.0/8'] }
    await yard.api.create({ apiVersion, kind: 'Provider', metadata, spec: provider })
    const tiers = [{ targets: [{ provider: model, model: 'upstream-name' }] }]
    await yard.api.create({ apiVersion, kind: 'Route', metadata, spec: { names: [model], tiers } })
    await eventually('the route', 5, () =>
      yard
        .openai()
        .models.retrieve(model)
        .catch(() => undefined),
    )
    resolve()
  })

  beforeEach(async () => {
    await ready
    upstream.seen.length = 0
    upstream.will('tools')
  })

  /** The upstream was told the result of the call. */
  const expectResult = () => {
    expect(upstream.seen).toHaveLength(2)
    expect(String(upstream.seen[1]?.body)).toMatch(/celsius/)
  }

  test('OpenAI’s client runs them by its own helper, streamed', async () => {
    const cities: unknown[] = []
    const weather = {
      ...described,
      parameters: city,
      parse: JSON.parse as (text: string) => unknown, // the schema above says what comes
      function: (got: unknown) => {
        cities.push(got)
        return result
      },
    }
    const client = new OpenAI({
      baseURL: `${yard.facts.baseUrl}/openai/v1`,
      apiKey: yard.facts.apiKey,
      maxRetries: 0,
    })
    const runner = client.chat.completions.runTools({
      model,
      messages: [user],
      stream: true,
      tools: [{ type: 'function', function: weather }],
    })
    expect(await runner.finalContent()).toBe(said)
    expect(cities).toEqual([asked])
    expectResult()
  })

  test('OpenAI’s client calls them in responses', async () => {
    const client = new OpenAI({
      baseURL: `${yard.facts.baseUrl}/openai/v1`,
      apiKey: yard.facts.apiKey,
      maxRetries: 0,
    })
    const tools = [{ type: 'function' as const, strict: false, parameters: city, ...described }]
    const first = await client.responses.create({ model, input: [user], tools })
    const call = first.output.find(item => item.type === 'function_call')
    expect(JSON.parse(call?.arguments ?? '')).toEqual(asked)
    const output = { type: 'function_call_output' as const, call_id: call?.call_id ?? '', output: result }
    const next = await client.responses.create({
      model,
      input: [user, ...(call ? [call] : []), output],
      tools,
    })
    expect(next.output_text).toBe(said)
    expectResult()
  })

  test('Anthropic’s client calls them, streamed and whole', async () => {
    const { baseUrl, apiKey } = yard.facts
    const { messages } = new Anthropic({ baseURL: `${baseUrl}/anthropic`, apiKey, maxRetries: 0 })
    const more = { model, max_tokens: 64, tools: [{ ...described, input_schema: city }] }
    const first = await messages.stream({ ...more, messages: [user] }).finalMessage()
    expect(first.stop_reason).toBe('tool_use')
    const use = first.content.find(block => block.type === 'tool_use')
    expect(use).toMatchObject({ name: 'weather', input: asked })
    const content = [{ type: 'tool_result' as const, tool_use_id: use?.id ?? '', content: result }]
    const turns = [
      user,
      { role: 'assistant' as const, content: first.content },
      { role: 'user' as const, content },
    ]
    const next = await messages.create({ ...more, messages: turns })
    expect(next).toMatchObject({ stop_reason: 'end_turn', content: [{ type: 'text', text: said }] })
    expectResult()
  })

  test('Google’s client calls them in a chat', async () => {
    const { baseUrl, apiKey } = yard.facts
    const ai = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${baseUrl}/genai` } })
    const declared = { ...described, parametersJsonSchema: city }
    const config = {
      tools: [{ functionDeclarations: [declared] }],
      toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.AUTO } },
    }
    const chat = ai.chats.create({ model, config })
    const [call] = (await chat.sendMessage({ message: question })).functionCalls ?? []
    expect(call).toMatchObject({ name: 'weather', args: asked })
    const message = {
      functionResponse: { name: 'weather', ...(call?.id ? { id: call.id } : {}), response: answered },
    }
    expect((await chat.sendMessage({ message })).text).toBe(said)
    expectResult()
  })

  test('Ollama’s client calls them', async () => {
    const { baseUrl, apiKey } = yard.facts
    const headers = { authorization: `Bearer ${apiKey}` }
    const client = new Ollama({ host: `${baseUrl}/ollama`, headers })
    const tools = [{ type: 'function', function: { ...described, parameters: city } }]
    const first = await client.chat({ model, messages: [user], tools })
    expect(first.message.tool_calls?.[0]?.function).toMatchObject({ name: 'weather', arguments: asked })
    const messages = [user, first.message, { role: 'tool', tool_name: 'weather', content: result }]
    expect((await client.chat({ model, messages, tools })).message.content).toBe(said)
    expectResult()
  })

  test('the AI SDK runs them to the end', async () => {
    const { baseUrl, apiKey } = yard.facts
    const provider = createOpenAICompatible({ name: 'switchyard', baseURL: `${baseUrl}/openai/v1`, apiKey })
    const weather = tool({
      description: described.description,
      inputSchema: jsonSchema<{ city: string }>(city),
      execute: input => ({ ...input, ...answered }),
    })
    const { text, steps } = await generateText({
      model: provider(model),
      prompt: question,
      tools: { weather },
      stopWhen: stepCountIs(3),
      maxRetries: 0,
    })
    expect(text).toBe(said)
    expect(steps[0]?.toolCalls).toMatchObject([{ toolName: 'weather', input: asked }])
    expectResult()
  })
})
