// What a limiter costs for one request: admit and settle under four levels, beside counting in a plain Map in
// the same run, and Redis beside a script that returns a constant. One process; medians of interleaved rounds.
//   node bench/limits.ts
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter } from '@switchyard/drivers/limits/redis'
import {
  type Amounts,
  type Bucket,
  type Limiter,
  type LimitLevel,
  noMoney,
  rateBucket,
  seatBucket,
  systemClock,
} from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { Redis } from 'ioredis'
import { redisBinary, redisMissing, startRedis } from '../packages/drivers/test/limits-redis-server.ts'

const levels: readonly LimitLevel[] = ['platform', 'workspace', 'project', 'key']
const limit = 1_000_000_000
const four: readonly Bucket[] = levels.map(level =>
  rateBucket({ key: level, level, dimension: 'requests', limit, windowMs: 60_000 }),
)
/** Requests, tokens of both kinds and concurrency under each of four levels. */
const sixteen: readonly Bucket[] = levels.flatMap(level => [
  ...(['requests', 'input_tokens', 'output_tokens'] as const).map(dimension =>
    rateBucket({ key: `${level}/${dimension}`, level, dimension, limit, windowMs: 60_000 }),
  ),
  seatBucket({ key: `${level}/concurrency`, level, limit: 1_000_000 }),
])
const amounts: Amounts = { requests: 1, inputTokens: 100, outputTokens: 200, money: noMoney }
const used: Amounts = { ...amounts, outputTokens: 50 }

type Work = (id: string) => unknown

const through =
  (limiter: Limiter, buckets: readonly Bucket[], settle = true): Work =>
  id => {
    const claim = { id, buckets, amounts }
    const verdict = limiter.admit(claim)
    if (!settle) return verdict
    if (verdict instanceof Promise) return verdict.then(() => limiter.settle(claim, used))
    return limiter.settle(claim, used)
  }

const counters = new Map<string, number>()
const plain: Work = () => {
  for (const { key } of four) counters.set(key, (counters.get(key) ?? 0) + 1)
}

let number = 0

/** Microseconds for each of `count`, `callers` at a time; with 0, where nothing waits, of the processor. */
async function time(work: Work, count: number, callers: number): Promise<number> {
  if (callers === 0) {
    const before = process.cpuUsage()
    for (let i = 0; i < count; i++) work(String(number++))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / count
  }
  const start = performance.now()
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let i = 0; i < count / callers; i++) await work(String(number++))
    }),
  )
  return ((performance.now() - start) * 1000) / count
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

async function compare(name: string, rows: Readonly<Record<string, Work>>, count: number, callers: number) {
  const taken = new Map(Object.keys(rows).map(row => [row, [] as number[]]))
  for (let round = 0; round < 7; round++)
    for (const [row, work] of Object.entries(rows)) taken.get(row)?.push(await time(work, count, callers))
  const reference = median([...taken.values()][0] ?? [])
  console.log(`\n${name}`)
  for (const [row, all] of taken) {
    const middle = median(all)
    const ratio = (middle / reference).toFixed(1)
    console.log(`${row.padEnd(44)} ${middle.toFixed(2).padStart(9)} µs ${ratio.padStart(7)} x`)
  }
}

await using memory = openMemoryLimiter({ clock: systemClock })
await using admissions = openMemoryLimiter({ clock: systemClock, entries: 5_000_000 })
await compare(
  'memory, one after the other',
  {
    'plain Map, 4 counters': plain,
    'admit, 4 buckets': through(admissions, four, false),
    'admit + settle, 4 buckets': through(memory, four),
    'admit + settle, 16 buckets': through(memory, sixteen),
  },
  100_000,
  0,
)

if (redisBinary) {
  await using server = await startRedis()
  const bare = new Redis(server.url)
  const constant = String(await bare.script('LOAD', 'return 1'))
  await using redis = await openRedisLimiter({ url: server.url })
  await compare(
    'Redis, 64 at a time (each line one round trip, the last two)',
    {
      'evalsha that returns a constant, 4 keys': () => bare.evalsha(constant, 4, 'a', 'b', 'c', 'd'),
      'admit, 4 buckets': through(redis, four, false),
      'admit + settle, 4 buckets': through(redis, four),
      'admit + settle, 16 buckets': through(redis, sixteen),
    },
    6400,
    64,
  )
  bare.disconnect()
} else console.log(redisMissing)

await using db = await testDatabase()
await using postgres = openPostgresLimiter({ url: db.url })
await compare(
  'PostgreSQL, 16 at a time on 4 connections, every caller under the same buckets',
  {
    'admit, 4 buckets': through(postgres, four, false),
    'admit + settle, 4 buckets': through(postgres, four),
    'admit + settle, 16 buckets': through(postgres, sixteen),
  },
  640,
  16,
)
process.exit(0)
