// The archive of usage: invoices are verified from it alone, and what is missing or altered there is named.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { filesObjects } from '@switchyard/drivers/objects/files'
import type { Objects } from '@switchyard/runtime'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sealBatches } from '../../src/batches.ts'
import { verifyInvoice } from '../../src/invoice/archive.ts'
import { archivedInvoice } from '../../src/invoice/archived.ts'
import { creditNote } from '../../src/invoice/credit.ts'
import { type ArchiveObservation, archiveUsage } from '../../src/usage-archive.ts'
import { openYard, type Yard } from './ledger.ts'

let yard: Yard
let folder: string
let archive: Objects
beforeEach(async () => {
  yard = await openYard()
  folder = await mkdtemp(join(tmpdir(), 'switchyard-usage-'))
  archive = filesObjects(folder)
  const rates = [{ model: '*', unit: 'tok.in.*' as const, price: '0.0375', per: 1 }]
  await yard.publish({ currency: 'CNY', rates })
})
afterEach(async () => {
  await yard[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const input = (count: number) => ({ 'tok.in.uncached': String(count) })
const october = '2026-10-20T00:00:00.123Z'
const first = 'ACME-2026-000001'
const second = 'ACME-2026-000002'

const seal = async () =>
  sealBatches({ batches: yard.db.batches, due: { seconds: 0, events: 1 }, observe: () => {} })

async function archiveAll(): Promise<readonly ArchiveObservation[]> {
  const told: ArchiveObservation[] = []
  const { batches, invoices } = yard.db
  await archiveUsage({ batches, invoices, archive, observe: each => told.push(each) })
  return told
}

/** October issued from three batches, and corrected by November. */
async function fill(): Promise<void> {
  // A neighbour, another month and an attempt of ours are in the same batches.
  await yard.use(october, input(5), { workspace: 'other' })
  await yard.use(october, input(100), { project: null })
  await seal()
  await yard.use('2026-10-19T00:00:00Z', input(200), { tier: 'batch', region: 'eu' })
  await yard.use('2026-11-19T00:00:00Z', input(7))
  await yard.use(october, input(9), { billable: 'cost' })
  await seal()
  await yard.use('2026-10-20T00:00:00.122999Z', input(300), { project: 'shop' })
  await yard.turn('2026-11-04T00:00:00Z')
  await yard.use(october, input(11))
  await yard.turn('2026-12-05T00:00:00Z')
}

const verify = (number: string) => verifyInvoice(archivedInvoice(archive, number))
const batchFiles = async () =>
  (await readdir(join(folder, 'usage'), { recursive: true })).filter(name => name.endsWith('.gz')).sort()

/** Rewrites a file of the archive, packed as it was. */
async function rewrite(path: string, change: (text: string) => string): Promise<void> {
  const text = gunzipSync(await readFile(path)).toString()
  const changed = change(text)
  expect(changed).not.toBe(text)
  await rm(path)
  await writeFile(path, gzipSync(changed))
}

test('MB4.37: verifying from the archive alone prints identical; after one flipped digit it names the line', async () => {
  await fill()
  await seal()
  const told = await archiveAll()
  expect(told.map(({ type }) => type)).toEqual([
    ...Array.from({ length: 4 }, () => 'batch_archived'),
    'invoice_archived',
    'invoice_archived',
  ])
  expect(await verify(first)).toEqual({ number: first, events: '3', difference: undefined })
  expect(await verify(second)).toEqual({ number: second, events: '5', difference: undefined })
  // The same lines as those of the database.
  expect(await Array.fromAsync(archivedInvoice(archive, second))).toEqual(await yard.archive(second))

  const [one = '', two = ''] = await batchFiles()
  await rewrite(join(folder, 'usage', one), text =>
    text.replace('"tok.in.uncached": "100"', '"tok.in.uncached": "101"'),
  )
  expect((await verify(first)).difference).toMatch(/^line 1: quantity is "100", reckoned again it is "101"/)
  await rewrite(join(folder, 'usage', one), text =>
    text.replace('"tok.in.uncached": "101"', '"tok.in.uncached": "100"'),
  )
  expect((await verify(first)).difference).toBeUndefined()

  const document = join(folder, 'invoices', `${first}.jsonl.gz`)
  await rewrite(document, text => text.replace('"exact":"3.75"', '"exact":"3.76"'))
  expect((await verify(first)).difference).toMatch(/^line 1: exact is "3.76", reckoned again it is "3.75"$/)

  // A hash that was altered does not lead to the root that the batch is named by.
  await rewrite(join(folder, 'usage', two), text => text.replace(/"hash": "[0-9a-f]/, '"hash": "x'))
  await expect(verify(second)).rejects.toMatchObject({ code: 'invalid', reason: 'no_archive' })
  await rm(join(folder, 'usage', two))
  await expect(verify(second)).rejects.toThrow(/^Batch 2 is not in the archive/)
  await expect(verify('ACME-2026-000009')).rejects.toMatchObject({ code: 'not_found' })
})

test('a note that a person wrote is verified from the archive, and an issued document only follows its batches', async () => {
  await fill()
  const work = await yard.find(first)
  const [document] = await yard.issued()
  if (!document) throw new Error('it was issued')
  const issuedAt = '2026-12-06T00:00:00.000Z'
  const credited = await yard.db.invoices.credit(
    work,
    (before, number) => creditNote(document, before, { number, issuedAt, note: 'disputed' }),
    issuedAt,
  )
  // Two batches were sealed, and the invoices count later ones.
  expect((await archiveAll()).map(({ type }) => type)).toEqual([
    'batch_archived',
    'batch_archived',
    'invoice_archived',
  ])
  expect(await verify(credited.number)).toMatchObject({ difference: undefined })
  await seal()
  expect(await archiveAll()).toHaveLength(4)
  expect(await archiveAll()).toEqual([])
  expect((await verify(second)).difference).toBeUndefined()
})

test('what was put down before a crash is put down again, and an archive of another history is left alone', async () => {
  await fill()
  await seal()
  await archiveAll()
  const before = await batchFiles()
  const eyes = new Client({ connectionString: yard.db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  try {
    await eyes.query('update usage_batches set archived_at = null; update invoices set archived_at = null')
    // As another version of zlib would have written it.
    const path = join(folder, 'usage', before[0] ?? '')
    const text = gunzipSync(await readFile(path))
    await rm(path)
    await writeFile(path, gzipSync(text, { level: 1 }))
    expect(await archiveAll()).toHaveLength(6)
    expect(await batchFiles()).toEqual(before)

    // A batch of that number was sealed over other events.
    await eyes.query('update usage_batches set archived_at = null where number = 2')
    const [, two = ''] = before
    await rm(join(folder, 'usage', two))
    await writeFile(join(folder, 'usage', two.replace(/[0-9a-f]{64}/, 'ab'.repeat(32))), text)
    await expect(archiveAll()).rejects.toMatchObject({ code: 'conflict', reason: 'archive_ahead' })

    // An event is altered in the database after its batch was sealed.
    await rm(join(folder, 'usage'), { recursive: true })
    await eyes.query("update usage_events set body_hash = sha256('x') where batch = 2")
    await expect(archiveAll()).rejects.toMatchObject({ code: 'conflict', reason: 'batch_altered' })
  } finally {
    await eyes.end()
  }
})
