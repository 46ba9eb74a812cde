// Four processes with a thousand callers each race for every level and dimension at once.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter } from '@switchyard/drivers/limits/redis'
import { type Limiter, nothingUsed, systemRandom, tightest } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { contests, fits, witnesses } from './limits-contests.ts'
import { redisBinary, startRedis } from './limits-redis-server.ts'

const program = fileURLToPath(new URL('./limits-race.child.ts', import.meta.url))
const processes = 4
const callers = 1000

interface Outcome {
  readonly contest: string
  readonly atUs?: number
  readonly id?: string
  readonly refusedBy?: string
}

async function race(url: string, prefix: string): Promise<readonly Outcome[]> {
  const runners = Array.from({ length: processes }, () => {
    const child = spawn(process.execPath, [program, url, prefix, String(callers)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() }
  })
  for (const { lines } of runners) expect((await lines.next()).value).toBe('ready')
  for (const { child } of runners) child.stdin.write('go\n')
  const outcomes = await Promise.all(
    runners.map(async ({ child, lines }) => {
      const { value } = await lines.next()
      if (child.exitCode === null) await once(child, 'exit')
      // Why `as`: our own child wrote it.
      return JSON.parse(value ?? '') as Outcome[]
    }),
  )
  return outcomes.flat()
}

async function judge(limiter: Limiter, prefix: string, outcomes: readonly Outcome[]): Promise<void> {
  expect(outcomes).toHaveLength(processes * callers)
  const all = contests(prefix)
  for (const { name, buckets, each } of all) {
    const mine = outcomes.filter(({ contest }) => contest === name)
    const passed = mine.flatMap(({ atUs }) => atUs ?? [])
    const bucket = buckets[1]!
    const lasted = Math.max(...passed) - Math.min(...passed) + 1
    const drained = bucket.type === 'rate' ? (bucket.limit * lasted) / (bucket.windowMs * 1000) : 0
    expect(passed.length * each, name).toBeLessThanOrEqual(fits * each + drained)
    expect(passed.length, name).toBeGreaterThanOrEqual(fits)
    expect(new Set(mine.flatMap(({ refusedBy }) => refusedBy ?? [])), name).toEqual(new Set([name]))
  }
  // What was refused has taken neither of what stands before the tight limit nor of what stands behind it.
  const passed = outcomes.filter(({ id }) => id !== undefined)
  const buckets = witnesses(prefix)
  const claim = { id: systemRandom.id(), buckets, amounts: nothingUsed }
  const verdict = await limiter.admit(claim)
  expect(1_000_000 - (tightest(verdict, 'requests')?.remaining ?? 0)).toBe(passed.length)
  expect(1_000_000 - (tightest(verdict, 'concurrency')?.remaining ?? 0)).toBe(passed.length + 1)
  await limiter.settle(claim, nothingUsed)
  // Each is settled, many of them by two at once, and counts once.
  await Promise.all(
    [...passed, ...passed.slice(0, 100)].map(async ({ id = '', contest }) => {
      const { buckets: its = [], amounts = nothingUsed } = all.find(({ name }) => name === contest) ?? {}
      await limiter.settle({ id, buckets: its, amounts }, nothingUsed)
    }),
  )
  const after = await limiter.admit({ ...claim, id: systemRandom.id() })
  expect(tightest(after, 'requests')?.remaining).toBe(1_000_000)
  expect(tightest(after, 'concurrency')?.remaining).toBe(999_999)
}

describe('L1: four gateways with a thousand callers each', { timeout: 120_000 }, () => {
  test('never admit more than a limit in PostgreSQL', async () => {
    await using db = await testDatabase()
    await using limiter = openPostgresLimiter({ url: db.url, timeoutMs: 60_000 })
    await judge(limiter, 'race', await race(db.url, 'race'))
  })

  test.skipIf(!redisBinary)('never admit more than a limit in Redis', async () => {
    await using server = await startRedis()
    await using limiter = await openRedisLimiter({ url: server.url })
    await judge(limiter, 'race', await race(server.url, 'race'))
  })
})
