// Ollama's official client against the running product, with only host and key changed.
import { type ChatResponse, type GenerateResponse, Ollama } from 'ollama'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKey, openTab } from './clients.ts'
import { startYard, type Yard } from './yard.ts'

const messages = [{ role: 'user', content: 'Hello!' }]
const words = /\p{L}{2,}/u
const tab = openTab()
let yard: Yard
let key: string
let model: string

beforeAll(async () => {
  yard = await startYard()
  model = yard.facts.model
  key = await openKey(yard, 'ollama')
}, 120_000)
afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

const connect = (prefix: string, apiKey = key) =>
  new Ollama({ host: `${yard.facts.baseUrl}${prefix}`, headers: { authorization: `Bearer ${apiKey}` } })

const told = (last: ChatResponse | GenerateResponse | undefined) =>
  tab.add(last?.prompt_eval_count, last?.eval_count)

describe.each(['', '/ollama'])('A8: Ollama’s client below %j', prefix => {
  const options = { temperature: 0 }

  test('chats, and streams the same words', async () => {
    const whole = await connect(prefix).chat({ model, messages, options })
    expect(whole).toMatchObject({ model, done: true, done_reason: 'stop', message: { role: 'assistant' } })
    expect(whole.message.content).toMatch(words)
    told(whole)
    const parts = await Array.fromAsync(
      await connect(prefix).chat({ model, messages, options, stream: true }),
    )
    expect(parts.map(({ message }) => message.content).join('')).toBe(whole.message.content)
    expect(parts.map(({ done }) => done)).toEqual(parts.map((_, index) => index === parts.length - 1))
    told(parts.at(-1))
  })

  test('generates, and streams the same words', async () => {
    const asked = { model, prompt: 'Hello!', options }
    const whole = await connect(prefix).generate(asked)
    expect(whole.response).toMatch(words)
    told(whole)
    const parts = await Array.fromAsync(await connect(prefix).generate({ ...asked, stream: true }))
    expect(parts.map(({ response }) => response).join('')).toBe(whole.response)
    told(parts.at(-1))
  })

  test('embeds several texts, and one by the older call', async () => {
    const { embeddings, prompt_eval_count } = await connect(prefix).embed({ model, input: ['one', 'two'] })
    expect(embeddings).toHaveLength(2)
    expect(embeddings[0]).not.toEqual(embeddings[1])
    tab.add(prompt_eval_count)
    // The older call tells no count, so that it is on another key.
    const { embedding } = await connect(prefix, yard.facts.apiKey).embeddings({ model, prompt: 'one' })
    expect(embedding).toHaveLength(embeddings[0]?.length ?? 0)
  })

  test('lists what there is and what runs, shows a model, and tells a version', async () => {
    const client = connect(prefix)
    for (const { models } of [await client.list(), await client.ps()])
      expect(models.map(({ name }) => name)).toEqual([model])
    expect((await client.show({ model })).capabilities).toContain('completion')
    expect((await client.show({ model: `${model}:latest` })).modified_at).toBeTruthy()
    expect((await client.version()).version).toMatch(/^\d+\.\d+/)
  })

  test('throws its own error for a wrong key, an unknown model and what is kept elsewhere', async () => {
    const client = connect(prefix, yard.facts.apiKey)
    const refused = (status_code: number, message: RegExp) => ({
      name: 'ResponseError',
      status_code,
      message: expect.stringMatching(message) as unknown,
    })
    await expect(client.chat({ model: 'nobody', messages })).rejects.toMatchObject(refused(404, /nobody/))
    await expect(client.show({ model: 'nobody' })).rejects.toMatchObject(refused(404, /nobody/))
    await expect(connect(prefix, 'sk-wrong').list()).rejects.toMatchObject(refused(401, /API key/))
    await expect(client.pull({ model })).rejects.toMatchObject(refused(501, /switchyard apply/))
    const tools = [{ type: 'function', function: { name: 'weather' } }]
    await expect(client.chat({ model, messages, tools })).rejects.toMatchObject(refused(400, /tools/))
  })
})

test.each(['/openai', '/anthropic', '/genai'])('A8: Ollama’s client chats below %s too', async prefix => {
  const reply = await connect(prefix).chat({ model, messages })
  expect(reply.message.content).toMatch(words)
  told(reply)
})

test('what Ollama’s client was told is what was metered', async () => {
  await tab.expectMetered(yard, 'ollama')
})
