// The log of the trail as somebody else's client of transparency logs reads it.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { chmod, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesObjects } from '@switchyard/drivers/objects/files'
import { newSigner, numberEntries, publish, readSigner } from '@switchyard/ledger'
import type { Objects } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, suite, tlogClient } from './tools.ts'

const signer = readSigner(newSigner('switchyard.test/log', new Uint8Array(32).fill(9)))
const newFolder = () => mkdtempSync(join(tmpdir(), 'switchyard-real-audit-'))

/** A log that grew in these steps, each signed and archived. */
async function grow(database: TestDatabase, archive: Objects, steps: readonly number[]): Promise<void> {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  await database.audit.claim(1n)
  for (const step of steps) {
    await client.query(
      `insert into switchyard.audit_pending (entry) select jsonb_build_object('id', gen_random_uuid(), 'time', '2026-11-20T08:00:00.000Z',
         'workspace', 'red', 'action', 'a.b', 'actor', '{"id":"user:é"}'::jsonb, 'outcome', 'success') from generate_series(1, $1)`,
      [step],
    )
    while ((await database.audit.sequence(1n, 1000, numberEntries)) === 1000);
    await publish({ audit: database.audit, archive, signers: [signer] }, true)
  }
  await client.end()
}

suite('a client of transparency logs in Go', await tlogClient(), tlog => {
  let database: TestDatabase
  const folder = newFolder()
  beforeAll(async () => {
    database = await testDatabase()
    await grow(database, filesObjects(folder), [1, 255, 300, 66_000])
  })
  afterAll(() => database?.close())

  test('MB5.48: reads the log, its checkpoints begin with one another, and entries are proved', async () => {
    const indexes = [0, 255, 256, 555, 65_535, 65_536, 66_555].map(String)
    expect(await run(tlog, [folder, signer.text, ...indexes])).toBe(
      'whole: 66556 entries, 4 checkpoints, 7 proofs\n',
    )
  })

  test('refuses another key, and an entry that was changed', async () => {
    const other = readSigner(newSigner('switchyard.test/log', new Uint8Array(32).fill(8)))
    await expect(run(tlog, [folder, other.text, '0'])).rejects.toThrow()
    const bundle = join(folder, 'tile/entries/000')
    const bytes = await readFile(bundle)
    bytes[20] = (bytes[20] ?? 0) ^ 1
    await chmod(bundle, 0o600)
    writeFileSync(bundle, bytes)
    await expect(run(tlog, [folder, signer.text, '0'])).rejects.toThrow()
    expect(await run(tlog, [folder, signer.text, '256'])).toContain('whole')
  })
})
