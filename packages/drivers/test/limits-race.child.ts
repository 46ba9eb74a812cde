// One of several gateways that race for the same limits: says when it is ready, is told to go, tells what it got.
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter } from '@switchyard/drivers/limits/redis'
import { systemRandom } from '@switchyard/runtime'
import { contests } from './limits-contests.ts'

const seatMs = 600_000 // none lapses, however slow the machine
const [url = '', prefix = '', callers = '0'] = process.argv.slice(2)
await using limiter = url.startsWith('redis:')
  ? await openRedisLimiter({ url, seatMs })
  : openPostgresLimiter({ url, timeoutMs: 60_000, connections: 3, seatMs })
const all = contests(prefix)

const one = all[0]!
await limiter.book(systemRandom.id(), []) // connected
process.stdout.write('ready\n')
await new Promise(resolve => process.stdin.once('data', resolve))

const outcomes = await Promise.all(
  Array.from({ length: Number(callers) }, async (_, i) => {
    const contest = all[i % all.length] ?? one
    const verdict = await limiter.admit({
      id: systemRandom.id(),
      buckets: contest.buckets,
      amounts: contest.amounts,
    })
    return verdict.type === 'admitted'
      ? { contest: contest.name, atUs: verdict.atUs, id: verdict.id }
      : { contest: contest.name, refusedBy: `${verdict.level} ${verdict.dimension}` }
  }),
)
process.stdout.write(`${JSON.stringify(outcomes)}\n`)
process.stdin.destroy()
