// A budget as a person sets it: prices and a limit by a file, calls until it is spent, and a server that is killed.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, startYard, type Yard } from './yard.ts'

let yard: Yard
beforeAll(async () => {
  yard = await startYard({ env: { SWITCHYARD_LIMITER: 'postgres' } })
}, 120_000)
afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

/** A token in costs nothing and a token out 1. */
const prices = (model: string, zone: string) => `apiVersion: switchyard.dev/v1
kind: PriceBook
metadata: { name: sale }
spec:
  side: sale
  currency: USD
  from: "2026-01-01T00:00:00Z"
  rates:
    - { model: ${model}, unit: tok.in.*, price: "0" }
    - { model: ${model}, unit: tok.out.*, price: "1", per: 1 }
---
apiVersion: switchyard.dev/v1
kind: Project
metadata: { name: lab, workspace: default }
spec:
  limits:
    money: { perDay: "20", currency: USD, timezone: ${zone} }
`

/** Where it is about noon, so that no day ends while the test runs. */
function noonZone(): string {
  const hours = (12 - new Date().getUTCHours() + 24) % 24
  const ahead = hours > 14 ? hours - 24 : hours
  return ahead === 0 ? 'UTC' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`
}

const call = (client: OpenAI) =>
  client.chat.completions.create({
    model: yard.facts.model,
    messages: [{ role: 'user', content: 'Count.' }],
    max_tokens: 8,
  })

async function refused(client: OpenAI): Promise<unknown> {
  try {
    await call(client)
    return undefined
  } catch (error) {
    return error
  }
}

test('a budget ends what is called when it is spent, and outlives a server that is killed', async () => {
  const path = join(yard.folder, 'money.yaml')
  writeFileSync(path, prices(yard.facts.model, noonZone()))
  expect((await yard.run('config', 'check', path)).code).toBe(0)
  expect(await yard.run('apply', '-f', path)).toMatchObject({ code: 0 })
  const made = await yard.run(
    'keys',
    'create',
    'ci',
    '--owner',
    'serviceaccount/quickstart',
    '--project',
    'lab',
  )
  expect(made.code, made.stderr).toBe(0)
  const explained = () => yard.run('route', 'explain', yard.facts.model, '--key', 'ci')
  await eventually('the limit to hold', 20, async () =>
    (await explained()).stdout.includes('may spend 20 USD until') ? true : undefined,
  )
  let asked = 0
  let request = ''
  const client = new OpenAI({
    baseURL: `${yard.facts.baseUrl}/v1`,
    apiKey: made.stdout.trim(),
    maxRetries: 3,
    fetch: async (url, init) => {
      asked++
      const answer = await fetch(url, init)
      if (answer.ok) request = answer.headers.get('x-request-id') ?? ''
      return answer
    },
  })
  let answers = 0
  let error = await refused(client)
  while (error === undefined) {
    expect(++answers).toBeLessThan(30)
    error = await refused(client)
  }
  const message = expect.stringMatching(/limit of money of the project .* wait until \d{4}-/) as unknown
  expect(error).toMatchObject({ status: 429, code: 'insufficient_quota', message })
  // The client retries by itself, and is told that it need not.
  expect(asked).toBe(answers + 1)
  const { stdout } = await explained()
  expect(stdout).toMatch(/may spend 20 USD until \S+Z: \d+(\.\d+)? remain/)
  // What was used is rated by the book that was published, to the last token.
  const used = await eventually('usage to be rated', 20, async () => {
    const { items } = JSON.parse((await yard.run('usage', '--key', 'ci', '-o', 'json')).stdout) as {
      items: readonly { requests: string; tokens: { output: string }; amounts: readonly object[] }[]
    }
    return items[0]?.requests === String(answers) ? items[0] : undefined
  })
  expect(used.amounts).toMatchObject([{ currency: 'USD', amount: used.tokens.output }])
  const story = await yard.run('usage', 'explain', request)
  expect(story.stdout).toMatch(
    /sale {2}tok\.out\.text: (\d+) × 1 \/ 1 = \1\n {8}rates\[1\] of PriceBook sale, version 1/,
  )
  expect(story.stdout).toMatch(/ {2}tried \S+: answered, 200, from \d+ to \d+ ms\n/)
  expect((await yard.run('usage', 'rebuild')).stdout).toBe('Every sum is what its events sum up to.\n')
  process.kill(yard.serverPid(), 'SIGKILL')
  const again = await yard.up()
  expect(again.code, again.stderr).toBe(0)
  expect(await refused(client)).toMatchObject({ status: 429, code: 'insufficient_quota' })
}, 180_000)
