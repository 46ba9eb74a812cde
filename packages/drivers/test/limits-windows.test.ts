// Four levels, each with limits for all and for single models, over several processes: no window of any length lets in more
// than burst and rate.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter } from '@switchyard/drivers/limits/redis'
import type { Limiter } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { redisBinary, startRedis } from './limits-redis-server.ts'
import {
  claimOf,
  judgeSums,
  judgeWindows,
  limitsOf,
  type Passed,
  picking,
  type Wish,
  wish,
} from './limits-windows.ts'

const program = fileURLToPath(new URL('./limits-windows.child.ts', import.meta.url))
const processes = 3
const calls = 400

interface Told {
  readonly passed: readonly Passed[]
  readonly refused: number
}

/** What a process tells, with its money as text. */
function parsed(text: string): Told {
  // Why `as`: our own child wrote it.
  const told = JSON.parse(text) as Told
  const withMoney = (amounts: Wish['amounts']) => ({
    ...amounts,
    money: { USD: BigInt(amounts.money.USD ?? 0) },
  })
  const passed = told.passed.map(one => ({
    ...one,
    wish: { ...one.wish, amounts: withMoney(one.wish.amounts), used: withMoney(one.wish.used) },
  }))
  return { ...told, passed }
}

async function race(url: string, limiter: Limiter, seed: number): Promise<void> {
  const prefix = `windows-${seed}`
  const runners = Array.from({ length: processes }, (_, own) => {
    const child = spawn(process.execPath, [program, url, prefix, String(seed), String(own), String(calls)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => {
      child.kill('SIGKILL')
    })
    return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() }
  })
  for (const { lines } of runners) expect((await lines.next()).value).toBe('ready')
  for (const { child } of runners) child.stdin.write('go\n')
  const told = await Promise.all(
    runners.map(async ({ child, lines }) => {
      const { value } = await lines.next()
      if (child.exitCode === null) await once(child, 'exit')
      return parsed(value ?? '')
    }),
  )
  const passed = told.flatMap(each => each.passed)
  const refused = told.reduce((sum, each) => sum + each.refused, 0)
  expect(passed.length + refused).toBe(processes * calls)
  for (const many of [passed.length, refused]) expect(many).toBeGreaterThan(calls / 10)
  const limits = limitsOf(prefix, picking(seed))
  judgeWindows(limits, passed)
  await judgeSums(limiter, limits, passed)
}

describe('GW5.I6: no window lets in more than burst and rate, at any level', { timeout: 120_000 }, () => {
  const seed = Number(process.env.SWITCHYARD_LIMITS_SEED ?? Date.now() % 1_000_000)

  test(`over three processes in PostgreSQL (seed ${seed})`, async () => {
    await using db = await testDatabase()
    await using limiter = openPostgresLimiter({ url: db.url, timeoutMs: 60_000 })
    await race(db.url, limiter, seed)
  })

  test.skipIf(!redisBinary)(`over three processes in Redis (seed ${seed})`, async () => {
    await using server = await startRedis()
    await using limiter = await openRedisLimiter({ url: server.url })
    await race(server.url, limiter, seed)
  })

  test('in memory, of any limits, calls, refunds and times', async () => {
    let refusals = 0
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 400 }), async (its, many) => {
        let now = 0
        await using limiter = openMemoryLimiter({
          clock: { now: () => 1_700_000_000_000, monotonic: () => now },
        })
        const pick = picking(its)
        const limits = limitsOf('m', pick)
        const passed: Passed[] = []
        const open: { readonly wish: Wish; readonly atUs: number; readonly settle: () => void }[] = []
        const settle = (place: number) => {
          for (const one of open.splice(place, 1)) {
            one.settle()
            const at = 1_700_000_000_000_000 + Math.floor(now * 1000)
            passed.push({ wish: one.wish, atUs: one.atUs, settled: { fromUs: at, toUs: at } })
          }
        }
        for (let call = 0; call < many; call++) {
          now += pick(12) === 0 ? pick(200) : pick(3) / 8
          while (open.length > 0 && pick(2) === 0) settle(pick(open.length))
          const asked = wish(pick)
          const claim = claimOf(limits, asked)
          const verdict = limiter.admit(claim)
          if (verdict.type === 'refused') refusals++
          else open.push({ wish: asked, atUs: verdict.atUs, settle: () => limiter.settle(claim, asked.used) })
        }
        while (open.length > 0) settle(0)
        judgeWindows(limits, passed)
        await judgeSums(limiter, limits, passed)
      }),
      { numRuns: 150 },
    )
    expect(refusals).toBeGreaterThan(500)
  })

  test('one call too many is seen', () => {
    const limits = limitsOf('m', picking(1))
    const whole = { requests: 1, inputTokens: 6, outputTokens: 0, money: { USD: 0n } }
    const settled = { fromUs: 9_000_000, toUs: 9_000_000 }
    const one: Passed = { wish: { key: 0, model: 0, amounts: whole, used: whole }, atUs: 5_000_000, settled }
    judgeWindows(limits, [one])
    const many = Array.from({ length: 200 }, () => one)
    expect(() => judgeWindows(limits, many)).toThrow()
  })
})
