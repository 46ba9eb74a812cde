// A database that crashes still knows what was spent: a month's money is not given twice.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPostgresLimiter } from '@switchyard/drivers/limits/postgres'
import { nothingUsed, quotaBucket, systemRandom } from '@switchyard/runtime'
import { migrate } from '@switchyard/store'
import { startEmbedded } from '@switchyard/store/embedded'
import { Client } from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'

const day = 86_400_000

test('L2: what was spent outlives a crash of PostgreSQL', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'limits-crash-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  await using embedded = await startEmbedded({ directory })
  await migrate(embedded.url)
  await using limiter = openPostgresLimiter({ url: embedded.url })
  const purse = quotaBucket({
    key: 'key/k/money/USD/day/1',
    level: 'key',
    dimension: 'money',
    limit: 100n,
    resetsAtMs: Date.now() + day,
    currency: 'USD',
  })
  const ask = async (money: bigint) =>
    limiter.admit({
      id: systemRandom.id(),
      buckets: [purse],
      amounts: { ...nothingUsed, requests: 1, money: { USD: money } },
    })
  expect(await ask(70n)).toMatchObject({ type: 'admitted' })
  const client = new Client({ connectionString: embedded.url })
  const killed = new Promise(resolve => client.on('error', resolve))
  await client.connect()
  // Written within three rounds of the process that writes the log, 200 ms each.
  await new Promise(resolve => setTimeout(resolve, 1000))
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  // As with any process of its that is killed, the server ends all others and recovers from its log.
  process.kill(rows[0]?.pid ?? Number.NaN, 'SIGKILL')
  await killed
  /** Connections of before are lost with the first question. */
  const answer = (money: bigint) => vi.waitFor(() => ask(money), { timeout: 30_000, interval: 200 })
  expect(await answer(31n)).toMatchObject({ type: 'refused', dimension: 'money' })
  expect(await answer(30n)).toMatchObject({ type: 'admitted' })
}, 60_000)
