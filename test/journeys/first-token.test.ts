// The promises of the README about calling models, kept by the real thing: embedded PostgreSQL, a real engine
// with the bundled model, the official client.
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, startYard, type Yard } from './yard.ts'

const hello = [{ role: 'user' as const, content: 'Hello!' }]
const words = /\p{L}{2,}/u

describe('a fresh yard', () => {
  let yard: Yard
  beforeAll(async () => {
    yard = await startYard()
  }, 120_000)
  afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

  test('answers the first request of the official client with words', async () => {
    const reply = await yard.openai().chat.completions.create({ model: yard.facts.model, messages: hello })
    expect(reply.choices[0]?.message.content).toMatch(words)
    expect(reply.model).toBe(yard.facts.model)
    expect(reply.usage?.total_tokens).toBe(
      (reply.usage?.prompt_tokens ?? 0) + (reply.usage?.completion_tokens ?? 0),
    )
  })

  test('streams the same words as it answers whole', async () => {
    const ask = { model: yard.facts.model, messages: hello, temperature: 0 }
    const whole = await yard.openai().chat.completions.create(ask)
    const stream = await yard.openai().chat.completions.create({ ...ask, stream: true })
    let text = ''
    let finish: string | null = null
    for await (const chunk of stream) {
      expect(chunk.usage ?? null).toBeNull()
      text += chunk.choices[0]?.delta.content ?? ''
      finish = chunk.choices[0]?.finish_reason ?? finish
    }
    expect(text).toBe(whole.choices[0]?.message.content)
    expect(finish).toBe('stop')
  })

  test('completes plain text and embeds it', async () => {
    const completion = await yard
      .openai()
      .completions.create({ model: yard.facts.model, prompt: 'The train', max_tokens: 12 })
    expect(completion.choices[0]?.text).toMatch(words)
    const embedding = await yard
      .openai()
      .embeddings.create({ model: yard.facts.model, input: ['one', 'two'] })
    expect(embedding.data).toHaveLength(2)
    expect(Math.hypot(...(embedding.data[0]?.embedding ?? []))).toBeGreaterThan(0)
  })

  test('lists the model that the key may call', async () => {
    const models = await yard.openai().models.list()
    expect(models.data.map(({ id }) => id)).toEqual([yard.facts.model])
  })

  test('refuses a wrong key and an unknown model in words of the OpenAI dialect', async () => {
    await expect(
      yard.openai('sk-wrong').chat.completions.create({ model: yard.facts.model, messages: hello }),
    ).rejects.toMatchObject({
      constructor: OpenAI.AuthenticationError,
      code: 'invalid_api_key',
    })
    await expect(
      yard.openai().chat.completions.create({ model: 'nobody', messages: hello }),
    ).rejects.toMatchObject({
      constructor: OpenAI.NotFoundError,
      code: 'model_not_found',
    })
  })

  test('refuses a revoked key within a second', async () => {
    const made = await yard.run('keys', 'create', 'short-lived', '--owner', 'serviceaccount/quickstart')
    expect(made.code, made.stderr).toBe(0)
    const key = made.stdout.trim()
    expect(key).toMatch(/^sk-sy-/)
    await eventually('the new key to work', 2, () =>
      yard
        .openai(key)
        .models.list()
        .catch(() => undefined),
    )
    expect((await yard.run('keys', 'revoke', 'short-lived', '--yes')).code).toBe(0)
    const revokedAt = performance.now()
    await eventually('the revoked key to be refused', 1, async () => {
      const refused = await yard
        .openai(key)
        .models.list()
        .catch((error: unknown) => error)
      return refused instanceof OpenAI.AuthenticationError ? true : undefined
    })
    expect(performance.now() - revokedAt).toBeLessThan(1000)
  })

  test('meters what the client was told, to the token', async () => {
    const name = 'meter'
    const key = (await yard.run('keys', 'create', name, '--owner', 'serviceaccount/quickstart')).stdout.trim()
    const client = yard.openai(key)
    await eventually('the key', 2, () => client.models.list().catch(() => undefined))
    let input = 0
    let output = 0
    for (let n = 0; n < 5; n++) {
      const { usage } = await client.chat.completions.create({
        model: yard.facts.model,
        messages: hello,
        max_tokens: 5 + n,
      })
      input += usage?.prompt_tokens ?? Number.NaN
      output += usage?.completion_tokens ?? Number.NaN
    }
    const stream = await client.chat.completions.create({
      model: yard.facts.model,
      messages: hello,
      stream: true,
      stream_options: { include_usage: true },
    })
    for await (const { usage } of stream) {
      input += usage?.prompt_tokens ?? 0
      output += usage?.completion_tokens ?? 0
    }
    const row = await eventually('six requests to be counted', 5, async () => {
      const rows = JSON.parse((await yard.run('usage', '--by', 'key', '-o', 'json')).stdout) as {
        readonly items: readonly {
          group: { key: string }
          requests: string
          tokens: { input: string; output: string }
        }[]
      } // shape of GET /api/v1/usage
      return rows.items.find(({ group, requests }) => group.key === name && requests === '6')
    })
    expect(row.tokens).toEqual({ input: String(input), output: String(output) })
  })

  test('keeps two workspaces apart', async () => {
    for (const [kind, name] of [
      ['Workspace', 'other'],
      ['User', 'olga'],
    ] as const) {
      const spec = kind === 'User' ? { email: 'olga@example.com' } : {}
      await yard.api.create({ apiVersion: 'switchyard.dev/v1', kind, metadata: { name }, spec })
    }
    await yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind: 'RoleAssignment',
      metadata: { name: 'olga', workspace: 'other' },
      spec: { subject: { kind: 'User', name: 'olga' }, role: 'platform/workspace-admin' },
    })
    const made = await yard.run(
      '-W',
      'other',
      'keys',
      'create',
      'olga',
      '--owner',
      'user/olga',
      '--scopes',
      '*',
    )
    expect(made.code, made.stderr).toBe(0)
    const key = made.stdout.trim()
    const models = await eventually('the key of the other workspace', 2, () =>
      yard
        .openai(key)
        .models.list()
        .catch(() => undefined),
    )
    expect(models.data).toEqual([])
    await expect(
      yard.openai(key).chat.completions.create({ model: yard.facts.model, messages: hello }),
    ).rejects.toMatchObject({ status: 404 })
    const foreign = await fetch(`${yard.facts.baseUrl}/api/v1/workspaces/default/endpoints`, {
      headers: { authorization: `Bearer ${key}` },
    })
    expect(foreign.status).toBe(404)
    const everywhere = await fetch(`${yard.facts.baseUrl}/api/v1/endpoints`, {
      headers: { authorization: `Bearer ${key}` },
    })
    expect(((await everywhere.json()) as { items: unknown[] }).items).toEqual([]) // shape of a list
    expect((await yard.run('get', 'endpoints', '-o', 'name')).stdout.trim()).toBe(
      `endpoint/${yard.facts.model}`,
    )
  })

  test('pauses an endpoint and resumes it', async () => {
    const { model } = yard.facts
    await yard.api.patch('Endpoint', { workspace: 'default', name: model }, { spec: { paused: true } })
    await eventually('the paused answer', 5, async () => {
      const refused = await yard
        .openai()
        .chat.completions.create({ model, messages: hello })
        .catch((error: unknown) => error)
      return refused instanceof OpenAI.APIError && refused.code === 'endpoint_paused' ? true : undefined
    })
    expect(
      (await yard.run('wait', 'endpoint', model, '--for', 'phase=Paused', '--timeout', '30s')).code,
    ).toBe(0)
    await yard.api.patch('Endpoint', { workspace: 'default', name: model }, { spec: { paused: false } })
    expect(
      (await yard.run('wait', 'endpoint', model, '--for', 'condition=Ready', '--timeout', '60s')).code,
    ).toBe(0)
    await eventually('words again', 5, () =>
      yard
        .openai()
        .chat.completions.create({ model, messages: hello })
        .catch(() => undefined),
    )
  }, 120_000)
})
