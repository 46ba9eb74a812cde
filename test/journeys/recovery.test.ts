// The promises of the README about what survives: kill -9 of the server, kill -9 of an engine, down and up.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { engines, eventually, startYard, type Yard } from './yard.ts'

describe('what survives', () => {
  let yard: Yard
  const ask = () =>
    yard.openai().chat.completions.create({
      model: yard.facts.model,
      messages: [{ role: 'user', content: 'Hello!' }],
      max_tokens: 8,
    })
  const requests = async () => {
    const rows = JSON.parse((await yard.run('usage', '--by', 'model', '-o', 'json')).stdout) as {
      readonly items: readonly { requests: string }[]
    } // shape of GET /api/v1/usage
    return rows.items.reduce((sum, row) => sum + BigInt(row.requests), 0n)
  }

  let firstMilliseconds = 0
  beforeAll(async () => {
    const began = performance.now()
    yard = await startYard()
    firstMilliseconds = performance.now() - began
  }, 120_000)
  afterAll(() => yard?.[Symbol.asyncDispose](), 60_000)

  test('kill -9 of the server loses no request that a caller saw complete, and the engine goes on', async () => {
    const before = await requests()
    const [engine] = await eventually('an engine', 5, () => {
      const pids = engines(yard)
      return pids.length > 0 ? pids : undefined
    })
    for (let n = 0; n < 10; n++) await ask()
    process.kill(yard.serverPid(), 'SIGKILL')
    const again = await yard.up()
    expect(again.code, again.stderr).toBe(0)
    expect(engines(yard)).toEqual([engine])
    await ask()
    // The check call of `up` itself is metered too: 10 before the kill, 1 after, 1 by each `up`.
    await eventually('every call to be counted once', 10, async () =>
      (await requests()) - before === 12n ? true : undefined,
    )
  }, 120_000)

  test('an engine that is killed is replaced', async () => {
    const [engine] = engines(yard)
    process.kill(engine ?? Number.NaN, 'SIGKILL')
    await eventually('another engine to answer', 60, () => ask().catch(() => undefined))
    expect(engines(yard)).toHaveLength(1)
    expect(engines(yard)).not.toContain(engine)
  }, 120_000)

  test('down stops the engines too, and a second up is quick and knows everything', async () => {
    const before = await requests()
    expect((await yard.run('down')).code).toBe(0)
    expect(engines(yard)).toEqual([])
    const began = performance.now()
    const again = await yard.up()
    expect(again.code, again.stderr).toBe(0)
    // Seconds; on a machine that is busy with others, beside what the first took there.
    expect(performance.now() - began).toBeLessThan(Math.max(10_000, firstMilliseconds / 2))
    await ask()
    await eventually('old and new usage', 10, async () =>
      (await requests()) - before === 2n ? true : undefined,
    )
  }, 120_000)
})
