// The log of the trail as somebody else's client of transparency logs reads it.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { chmod, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesObjects } from '@switchyard/drivers/objects/files'
import { newSigner, readSigner } from '@switchyard/ledger'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { grow } from './grown.ts'
import { run, suite, tlogClient } from './tools.ts'

const signer = readSigner(newSigner('switchyard.test/log', new Uint8Array(32).fill(9)))
const newFolder = () => mkdtempSync(join(tmpdir(), 'switchyard-real-audit-'))

suite('a client of transparency logs in Go', await tlogClient(), tlog => {
  let database: TestDatabase
  const folder = newFolder()
  beforeAll(async () => {
    database = await testDatabase()
    await grow(database, filesObjects(folder), signer, [1, 255, 300, 66_000])
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
