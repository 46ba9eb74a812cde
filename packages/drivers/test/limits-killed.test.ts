// A gateway that is killed with kill -9 gives nothing back; its seats do not outlive it for long.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter } from '@switchyard/drivers/limits/redis'
import { type Limiter, nothingUsed, seatBucket, systemRandom } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { redisBinary, startRedis } from './limits-redis-server.ts'

const program = fileURLToPath(new URL('./limits-hold.child.ts', import.meta.url))
const seatMs = 1500

async function judge(limiter: Limiter, url: string): Promise<void> {
  const ask = async () => {
    const buckets = [seatBucket({ key: 'held', level: 'workspace', limit: 2 })]
    return limiter.admit({ id: systemRandom.id(), buckets, amounts: nothingUsed })
  }
  const child = spawn(process.execPath, [program, url, String(seatMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  expect([(await lines.next()).value, (await lines.next()).value]).toEqual(['admitted', 'admitted'])
  // While it lives it keeps them, for longer than a seat lasts.
  const { atUs: start } = await ask()
  await vi.waitFor(
    async () => {
      const verdict = await ask()
      expect(verdict.type).toBe('refused')
      expect(verdict.atUs - start).toBeGreaterThan(2 * seatMs * 1000)
    },
    { timeout: 10_000 },
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  const { type, atUs: killed } = await ask()
  expect(type).toBe('refused')
  const freed = await vi.waitFor(
    async () => {
      const verdict = await ask()
      expect(verdict.type).toBe('admitted')
      return verdict.atUs
    },
    { timeout: 10_000, interval: 20 },
  )
  expect(freed - killed).toBeLessThan((seatMs + 1000) * 1000)
}

describe('L10: the seats of a killed gateway', () => {
  test('lapse in PostgreSQL', async () => {
    await using db = await testDatabase()
    await using limiter = openPostgresLimiter({ url: db.url, seatMs })
    await judge(limiter, db.url)
  })

  test.skipIf(!redisBinary)('lapse in Redis', async () => {
    await using server = await startRedis()
    await using limiter = await openRedisLimiter({ url: server.url, seatMs })
    await judge(limiter, server.url)
  })
})
