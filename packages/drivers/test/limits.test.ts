// The limits of every driver pass one suite.
import { setTimeout as sleep } from 'node:timers/promises'
import { conformance, type Subject } from '@switchyard/drivers/limits/conformance'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter } from '@switchyard/drivers/limits/redis'
import { systemRandom } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type RedisServer, redisBinary, redisMissing, startRedis } from './limits-redis-server.ts'

const word = () => systemRandom.id()
const real = { seatMs: 1500, word, pass: (milliseconds: number) => sleep(milliseconds) }

describe('limits in memory', () => {
  test.each(conformance)('$name', async ({ run }) => {
    let time = 0
    await using limiter = openMemoryLimiter({
      clock: { now: () => 1_700_000_000_000, monotonic: () => time },
      seatMs: 1500,
    })
    const pass = async (milliseconds: number) => {
      time += milliseconds
    }
    await run({ limiter, seatMs: 1500, word, pass } satisfies Subject)
  })
})

describe('limits in PostgreSQL', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await testDatabase()
  })
  afterAll(() => db.close())
  test.concurrent.each(conformance)('$name', async ({ run }) => {
    await using limiter = openPostgresLimiter({ url: db.url, seatMs: 1500 })
    await run({ limiter, ...real })
  })
})

if (!redisBinary) console.warn(redisMissing)
describe.skipIf(!redisBinary)('limits in Redis', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server[Symbol.asyncDispose]())
  test.concurrent.each(conformance)('$name', async ({ run }) => {
    await using limiter = await openRedisLimiter({ url: server.url, seatMs: 1500 })
    await run({ limiter, ...real })
  })
})
