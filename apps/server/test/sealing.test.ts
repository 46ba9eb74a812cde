// A server seals and archives what it has served.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { connection, startYard } from './yard.ts'

test('usage of a request is in a sealed batch soon after it, and that in the archive', async () => {
  await using db = await testDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-usage-'))
  await using yard = await startYard(db, {
    SWITCHYARD_USAGE_SEAL_SECONDS: '0.5',
    SWITCHYARD_USAGE_ARCHIVE: pathToFileURL(folder).href,
  })
  const { status, id } = await yard.chat(connection())
  expect(status).toBe(200)
  const eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  try {
    const sealed = async () =>
      (
        await eyes.query<{ name: string }>(
          `select format('%s-%s.jsonl.gz', lpad(b.number::text, 15, '0'), encode(b.root, 'hex')) as name from usage_events e join usage_batches b on b.number = e.batch
           where e.request::text = $1 and b.archived_at is not null`,
          [id],
        )
      ).rows
    await expect.poll(sealed, { timeout: 30_000 }).toHaveLength(1)
    const [{ name } = { name: '' }] = await sealed()
    const metrics = async () => {
      const headers = { authorization: `Bearer ${yard.facts.adminToken}` }
      return (await fetch(`${yard.facts.baseUrl}/metrics`, { headers })).text()
    }
    await expect
      .poll(metrics, { timeout: 30_000 })
      .toMatch(/^switchyard_usage_unsealed_seconds \S+$.*^switchyard_usage_archived_timestamp_seconds \d/ms)
    expect(readdirSync(join(folder, 'usage', '000000000000'))).toContain(name)
  } finally {
    await eyes.end()
    rmSync(folder, { recursive: true, force: true })
  }
}, 120_000)
