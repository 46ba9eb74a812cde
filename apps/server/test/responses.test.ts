// Stored responses outlive the server that made them: a conversation goes on after a stop, a crash, and at another worker.
import { once } from 'node:events'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { connection, startYard, type Yard } from './yard.ts'

let db: TestDatabase
let yard: Yard
beforeAll(async () => {
  db = await testDatabase()
  yard = await startYard(db, { SWITCHYARD_WORKERS: '2', SWITCHYARD_DRAIN_SECONDS: '5' })
  await yard.api.create({
    kind: 'Route',
    metadata: { workspace: 'default', name: 'assistant' },
    spec: {
      names: ['assistant'],
      storeResponses: true,
      tiers: [{ targets: [{ endpoint: yard.facts.model }] }],
    },
  })
  await vi.waitFor(
    async () => expect((await Array.fromAsync(client().models.list())).map(({ id }) => id)).toContain(model),
    { timeout: 20_000 },
  )
})
afterAll(async () => {
  await yard?.[Symbol.asyncDispose]()
  await db?.close()
})

const model = 'assistant'
/** Each request on a connection of its own, so that workers take turns. */
const client = () =>
  new OpenAI({
    baseURL: `${yard.facts.baseUrl}/v1`,
    apiKey: yard.facts.apiKey,
    maxRetries: 0,
    defaultHeaders: { connection: 'close' },
  })
const ask = (input: string, previous?: string) =>
  client().responses.create({
    model,
    input,
    max_output_tokens: 8,
    ...(previous !== undefined && { previous_response_id: previous }),
  })

/** What was asked and answered on the way to a response, in its order. */
async function asked(id: string): Promise<readonly unknown[]> {
  const items = await Array.fromAsync(client().responses.inputItems.list(id, { order: 'asc' }))
  return items.map(item => ('content' in item ? item.content : item)).map(content => JSON.stringify(content))
}

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a conversation goes on after %s',
  async signal => {
    const first = await ask('My name is Ada.')
    const second = await ask('What is my name?', first.id)
    const before = await asked(second.id)
    expect(before).toHaveLength(3)
    expect(before.join()).toContain('My name is Ada.')

    const gone = once(yard.server, 'exit')
    yard.server.kill(signal)
    await gone
    await yard.again()

    expect(await client().responses.retrieve(second.id)).toMatchObject({
      output_text: second.output_text,
      previous_response_id: first.id,
      usage: second.usage,
    })
    expect(await asked(second.id)).toEqual(before)
    const third = await ask('And once more?', second.id)
    expect((await asked(third.id)).slice(0, 3)).toEqual(before)
    // The model reads it all again: what goes on costs more than what begins.
    const alone = await ask('And once more?')
    expect(third.usage?.input_tokens).toBeGreaterThan(alone.usage?.input_tokens ?? Number.NaN)
  },
  120_000,
)

test('a conversation goes on at whichever worker is asked', async () => {
  const agents = Array.from({ length: 4 }, connection)
  let previous: string | undefined
  for (const agent of [...agents, ...agents]) {
    const body = { model, input: 'go on', max_output_tokens: 4, previous_response_id: previous }
    const { status, text } = await yard.ask(agent, '/v1/responses', yard.facts.apiKey, body)
    expect(status, text).toBe(200)
    previous = (JSON.parse(text) as { id: string }).id // of a response
  }
  expect(await asked(previous ?? '')).toHaveLength(15)
  const { text } = await yard.ask(connection(), '/metrics', yard.facts.adminToken)
  const open = [...text.matchAll(/^switchyard_gateway_connections_open\{.*\} (\d+)$/gm)].map(([, n]) =>
    Number(n),
  )
  expect(open).toHaveLength(2)
  expect(Math.min(...open)).toBeGreaterThan(0)
  for (const agent of agents) agent.destroy()
})

test('what is deleted stays away over a restart', async () => {
  const { id } = await ask('Forget me.')
  await client().responses.delete(id)
  const gone = once(yard.server, 'exit')
  yard.server.kill('SIGTERM')
  await gone
  await yard.again()
  const lost = { status: 404, code: 'response_not_found' }
  await expect(client().responses.retrieve(id)).rejects.toMatchObject(lost)
  await expect(ask('two', id)).rejects.toMatchObject(lost)
}, 120_000)
