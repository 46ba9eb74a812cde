// One of several gateways under the same limits at every level: says when it is ready, is told to go, tells what passed.
import { setTimeout as sleep } from 'node:timers/promises'
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { openRedisLimiter } from '@switchyard/drivers/limits/redis'
import { systemRandom } from '@switchyard/runtime'
import { claimOf, limitsOf, type Passed, picking, wish } from './limits-windows.ts'

const [url = '', prefix = '', seed = '0', own = '0', calls = '0'] = process.argv.slice(2)
await using limiter = url.startsWith('redis:')
  ? await openRedisLimiter({ url })
  : openPostgresLimiter({ url, timeoutMs: 60_000, connections: 4 })
const limits = limitsOf(prefix, picking(Number(seed)))
const pick = picking(Number(seed) + 1 + Number(own))
await limiter.book(systemRandom.id(), []) // connected
process.stdout.write('ready\n')
await new Promise(resolve => process.stdin.once('data', resolve))

const nowUs = () => Date.now() * 1000
const passed: Passed[] = []
let refused = 0

async function call(): Promise<void> {
  const its = wish(pick)
  const claim = claimOf(limits, its)
  const verdict = await limiter.admit(claim)
  if (verdict.type === 'refused') {
    refused++
    return
  }
  await sleep(pick(40))
  const fromUs = nowUs()
  // Some are settled by two at once.
  const settle = async () => limiter.settle(claim, its.used)
  await Promise.all(pick(5) === 0 ? [settle(), settle()] : [settle()])
  passed.push({ wish: its, atUs: verdict.atUs, settled: { fromUs, toUs: nowUs() } })
}

const left = Array.from({ length: Number(calls) }).values()
await Promise.all(
  Array.from({ length: 8 }, async () => {
    for (const _ of left) {
      await call()
      await sleep(pick(12))
    }
  }),
)
const text = JSON.stringify({ passed, refused }, (_, value: unknown) =>
  typeof value === 'bigint' ? String(value) : value,
)
process.stdout.write(`${text}\n`)
process.stdin.destroy()
