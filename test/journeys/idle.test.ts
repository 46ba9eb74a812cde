// The promise about endpoints that sleep: many requests, at two gateways, start one once, and all are answered.
import type { DocumentOf, endpoint } from '@switchyard/kinds'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { engines, eventually, startYard, type Yard } from './yard.ts'

const ref = { workspace: 'default', name: 'sleepy' }
let yard: Yard
beforeAll(async () => {
  yard = await startYard({ argv: ['--workers', '2'] })
}, 180_000)
afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

const phase = (wanted: string, seconds: number) =>
  eventually(`the phase ${wanted}`, seconds, async () => {
    const found = (await yard.api.get('Endpoint', ref)) as DocumentOf<typeof endpoint> // asked for by kind
    return found.status.phase === wanted ? true : undefined
  })

const ask = (i: number) =>
  yard.openai().chat.completions.create({
    model: ref.name,
    messages: [{ role: 'user', content: `Hello, ${i}!` }],
    max_tokens: 4,
  })

test('R11: fifty requests to an endpoint that sleeps start it once and are all answered', async () => {
  const others = engines(yard).length
  await yard.api.create({
    kind: 'Endpoint',
    metadata: ref,
    spec: {
      model: { name: yard.facts.model },
      idleSeconds: 10,
      drainSeconds: 5,
      hold: { requests: 60, seconds: 90 },
    },
  })
  await phase('Ready', 60)
  await phase('Idle', 60)
  await eventually('no engine of its own', 30, () => (engines(yard).length === others ? true : undefined))

  const begun = performance.now()
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(i)))
  console.info(`fifty who woke it were answered within ${((performance.now() - begun) / 1000).toFixed(1)} s`)
  expect(answers.every(({ usage }) => (usage?.completion_tokens ?? 0) > 0)).toBe(true)
  expect(engines(yard)).toHaveLength(others + 1)
  const metrics = await (
    await fetch(`${yard.facts.baseUrl}/metrics`, {
      headers: { authorization: `Bearer ${yard.facts.adminToken}` },
    })
  ).text()
  // Each gateway says once that it is wanted.
  expect(metrics).toMatch(/^switchyard_gateway_wakes_total [12]$/m)

  // Whoever goes on asking keeps it awake; afterwards it sleeps again.
  for (let second = 0; second < 14; second += 2) {
    await ask(second)
    await new Promise(resolve => setTimeout(resolve, 2000))
  }
  expect(engines(yard)).toHaveLength(others + 1)
  await phase('Idle', 60)
}, 240_000)
