// A server seals what it has served.
import { testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { connection, startYard } from './yard.ts'

test('usage of a request is in a sealed batch soon after it', async () => {
  await using db = await testDatabase()
  await using yard = await startYard(db, { SWITCHYARD_USAGE_SEAL_SECONDS: '0.5' })
  const { status, id } = await yard.chat(connection())
  expect(status).toBe(200)
  const eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  try {
    const sealed = async () =>
      (
        await eyes.query<{ events: string; root: string }>(
          `select b.events::text, length(b.root) as root from usage_events e join usage_batches b on b.number = e.batch
           where e.request::text = $1 and b.sealed_at is not null`,
          [id],
        )
      ).rows
    await expect.poll(sealed, { timeout: 30_000 }).toMatchObject([{ root: 32 }])
  } finally {
    await eyes.end()
  }
}, 120_000)
