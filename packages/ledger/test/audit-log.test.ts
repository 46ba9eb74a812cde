// The log over a real database and a real folder: numbered, signed, archived, and read by somebody who trusts nobody.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesObjects } from '@switchyard/drivers/objects/files'
import {
  newSigner,
  numberEntries,
  publish,
  readSigner,
  readVerifier,
  resumeLog,
  tilePath,
  type Verification,
  verifyArchive,
} from '@switchyard/ledger'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkpointPath, keptPath } from '../src/audit/archive.ts'
import { bundle, unbundle } from '../src/audit/tiles.ts'

const key = newSigner('switchyard.test/log', new Uint8Array(32).fill(1))
const signer = readSigner(key)
const verifier = readVerifier(signer.text)
const newFolder = () => mkdtemp(join(tmpdir(), 'switchyard-log-'))

let db: TestDatabase
let eyes: Client
async function fresh(): Promise<void> {
  db = await testDatabase()
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
}
async function close(): Promise<void> {
  await eyes.end()
  await db.close()
}

/** Entries of three places, some with documents. */
async function tell(count: number, from = 0): Promise<void> {
  await eyes.query(
    `insert into audit_pending (entry) select jsonb_build_object('id', gen_random_uuid(), 'time', '2026-11-20T08:00:00.000Z',
       'workspace', (array['red', 'blue', null])[1 + i % 3], 'action', 'project.update', 'actor', '{"id":"user:ann"}'::jsonb,
       'resource', jsonb_build_object('kind', 'Project', 'name', 'p' || i), 'outcome', 'success',
       'before', jsonb_build_object('spec', jsonb_build_object('n', i)), 'after', jsonb_build_object('spec', jsonb_build_object('n', i + 1)))
     from generate_series($1::int, $2::int) i`,
    [from, from + count - 1],
  )
}

async function number(epoch = 1n, batch = 100): Promise<void> {
  for (;;) {
    const done = await db.audit.sequence(epoch, batch, numberEntries)
    if (done === 'stale') throw new Error('stale')
    if (done < batch) return
  }
}

const verify = (folder: string, since?: string): Promise<Verification> =>
  verifyArchive({ archive: filesObjects(folder), verifiers: [verifier], since })

describe('the log', () => {
  let folder: string
  let early: string
  beforeAll(async () => {
    await fresh()
    folder = await newFolder()
    // As a store that is write-once: parts of tiles stay.
    const archive = { ...filesObjects(folder), discard: async () => {} }
    const signing = { audit: db.audit, archive, signers: [signer] }
    expect(await db.audit.claim(1n)).toBe(true)
    for (const count of [1, 299, 500]) {
      await tell(count)
      await number()
      await publish(signing, true)
      early ??= await readFile(join(folder, checkpointPath), 'utf8')
    }
  })
  afterAll(close)

  test('numbers without a hole, in the log and in each workspace, each entry in its one form with its digest', async () => {
    const { rows } = await eyes.query<{ whole: boolean; dense: boolean; hashed: boolean; ordered: boolean }>(
      `select count(*) = 800 and min(seq) = 0 and max(seq) = 799 as whole,
         bool_and(workspace_seq = expected) as dense,
         bool_and(leaf = sha256('\\x00'::bytea || convert_to(entry, 'UTF8'))) as hashed,
         bool_and(sequenced_at >= before) as ordered
       from (select *, row_number() over (partition by workspace order by seq) - 1 as expected,
         coalesce(lag(sequenced_at) over (order by seq), sequenced_at) as before from audit_log) l`,
    )
    expect(rows).toEqual([{ whole: true, dense: true, hashed: true, ordered: true }])
    const [text = ''] = await db.audit.entries(3, 4)
    const entry = JSON.parse(text) as Readonly<Record<string, unknown>>
    expect(entry).toMatchObject({
      seq: 3,
      schema: 1,
      action: 'project.update',
      diff: [{ op: 'replace', path: '/spec/n' }],
    })
    for (const digest of [entry.before, entry.after]) expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(Object.keys(entry)).toEqual(Object.keys(entry).toSorted())
  })

  test('is whole to a verifier that has the archive and the public key alone', async () => {
    const found = await verify(folder)
    expect(found).toMatchObject({ verdict: 'whole', checkpoint: { size: 800 }, checkpoints: 4 })
    expect(found.warnings.join()).toContain('--since')
    expect((await verify(folder, early)).warnings).toEqual([])
  })

  /** Changes a copy of the archive, as somebody with every right over it would. */
  async function tampered(
    change: (at: (path: string) => string) => Promise<void>,
    since?: string,
  ): Promise<Verification> {
    const copy = await newFolder()
    await cp(folder, copy, { recursive: true })
    await change(path => join(copy, path))
    return verify(copy, since)
  }
  async function rewrite(file: string, change: (entries: Uint8Array[]) => Uint8Array[]): Promise<void> {
    await chmod(file, 0o600)
    await writeFile(file, bundle(change([...unbundle(await readFile(file))])))
  }
  const entries = tilePath('entries', 1)

  test('MB5.44: an edited field, a removed entry, two swapped ones and an added one are found, each by its place', async () => {
    const edits: readonly (readonly [string, (all: Uint8Array[]) => Uint8Array[], RegExp])[] = [
      [
        'edited',
        all =>
          all.with(
            9,
            Buffer.from(
              Buffer.from(all[9] ?? [])
                .toString()
                .replace('user:ann', 'user:bob'),
            ),
          ),
        /^Entry 265 /,
      ],
      ['removed', all => all.toSpliced(9, 1), /tile\/entries\/001 holds 255/],
      ['removed and filled up', all => [...all.toSpliced(9, 1), Buffer.from('{}')], /^Entry 265 /],
      [
        'swapped',
        all => all.with(9, all[10] ?? new Uint8Array()).with(10, all[9] ?? new Uint8Array()),
        /^Entry 265 /,
      ],
      ['added', all => all.toSpliced(9, 0, all[8] ?? new Uint8Array()), /^Entry 265 /],
    ]
    for (const [name, change, place] of edits) {
      const found = await tampered(at => rewrite(at(entries), change))
      expect([name, found.verdict], found.problem).toEqual([name, 'tampered'])
      expect(found.problem, name).toMatch(place)
    }
  })

  test('finds any changed byte of any tile, bundle or checkpoint', async () => {
    const paths = [
      entries,
      tilePath('entries', 3, 32),
      tilePath(0, 0),
      tilePath(0, 3, 32),
      tilePath(1, 0, 3),
      checkpointPath,
      keptPath(300),
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (path, place, by) => {
          const found = await tampered(async at => {
            const bytes = await readFile(at(path))
            const i = place % bytes.length
            bytes[i] = (bytes[i] ?? 0) ^ by
            await chmod(at(path), 0o600)
            await writeFile(at(path), bytes)
          })
          expect(found.verdict, `${path} at ${place}`).not.toBe('whole')
        },
      ),
      { numRuns: 25 },
    )
  }, 120_000)

  test('is incomplete, and not tampered with, where something cannot be read', async () => {
    const found = await tampered(at => rm(at(tilePath(0, 1))))
    expect(found).toMatchObject({ verdict: 'incomplete', problem: 'tile/0/001 is not in the archive.' })
    expect(await verify(await newFolder())).toMatchObject({ verdict: 'incomplete' })
  })

  test('is refused under another key, and under the key of another log', async () => {
    const strangers = ['switchyard.test/log', 'switchyard.test/other'].map(name =>
      readVerifier(readSigner(newSigner(name, new Uint8Array(32).fill(2))).text),
    )
    for (const stranger of strangers)
      expect(await verifyArchive({ archive: filesObjects(folder), verifiers: [stranger] })).toMatchObject({
        verdict: 'tampered',
      })
  })

  test('MB5.44: a fork that is signed with the right key is found by whoever kept a checkpoint', async () => {
    const other = await forkOf(500)
    expect(await verify(other)).toMatchObject({ verdict: 'whole' })
    const found = await verify(other, await readFile(join(folder, keptPath(300)), 'utf8'))
    expect(found.verdict).toBe('tampered')
    expect(found.problem).toContain('forked or rewritten')
  })

  test('MB5.45: a cut tail passes without --since, with its warning, and fails with it', async () => {
    const cut = await newFolder()
    await cp(folder, cut, { recursive: true })
    const at = (path: string) => join(cut, path)
    const shorter = await readFile(at(keptPath(300)))
    await rm(at(keptPath(800)))
    for (const path of [checkpointPath, 'latest']) {
      await chmod(at(path), 0o600)
      await writeFile(at(path), shorter)
    }
    const found = await verify(cut)
    expect(found).toMatchObject({ verdict: 'whole', checkpoint: { size: 300 } })
    expect(found.warnings.join()).toContain('cannot be excluded')
    const kept = await readFile(join(folder, checkpointPath), 'utf8')
    const held = await verify(cut, kept)
    expect([held.verdict, held.problem]).toEqual([
      'tampered',
      `The log ends at 300 entries; the checkpoint that you kept has 800.`,
    ])
    // One that was left behind tells it too.
    await cp(join(folder, keptPath(800)), at(keptPath(800)))
    expect((await verify(cut)).problem).toContain('cut off')
  })
})

/** Another log under the same key, of as many entries. */
async function forkOf(count: number): Promise<string> {
  const other = await testDatabase()
  const folder = await newFolder()
  await other.audit.claim(1n)
  for (let i = 0; i < count; i++) {
    // Told in one go below: each is its own transaction otherwise.
    if (i === 0) await other.audit.record({ workspace: 'red', action: 'other.act' })
  }
  const client = new Client({ connectionString: other.url, options: '-c search_path=switchyard' })
  await client.connect()
  await client.query(
    `insert into audit_pending (entry) select entry from audit_pending, generate_series(2, $1)`,
    [count],
  )
  await client.end()
  await other.audit.sequence(1n, count, numberEntries)
  await publish({ audit: other.audit, archive: filesObjects(folder), signers: [signer] }, true)
  await other.close()
  return folder
}

describe('a sequencer', () => {
  afterEach(close)

  test('that is stale changes nothing', async () => {
    await fresh()
    await tell(10)
    expect(await db.audit.claim(1n)).toBe(true)
    expect(await db.audit.claim(2n)).toBe(true)
    expect(await db.audit.claim(1n)).toBe(false)
    expect(await db.audit.sequence(1n, 100, numberEntries)).toBe('stale')
    expect(await db.audit.head()).toMatchObject({ size: 0 })
    expect(await db.audit.sequence(2n, 100, numberEntries)).toBe(10)
  })

  test('MB5.43: with another beside it, and both killed again and again, leaves one tree without a hole', async () => {
    await fresh()
    const folder = await newFolder()
    const child = new URL('./audit.child.ts', import.meta.url).pathname
    const start = (holder: string) =>
      spawn(process.execPath, [child, db.url, folder, key, holder], {
        stdio: ['ignore', 'ignore', 'inherit'],
      })
    const running: ChildProcess[] = [start('a0'), start('b0')]
    let told = 0
    for (let round = 1; round <= 8; round++) {
      for (let i = 0; i < 10; i++) {
        await tell(20, told)
        told += 20
        await new Promise(resolve => setTimeout(resolve, 60))
      }
      running[round % 2]?.kill('SIGKILL')
      running[round % 2] = start(`${round % 2 === 0 ? 'a' : 'b'}${round}`)
    }
    await expect
      .poll(async () => (await db.audit.head()).archived, { timeout: 60_000, interval: 200 })
      .toBe(told)
    for (const one of running) one.kill('SIGKILL')
    const { rows } = await eyes.query(
      'select count(*)::int as count, count(distinct id)::int as acts, max(seq)::int as last, (select count(*)::int from audit_pending) as waiting from audit_log',
    )
    expect(rows).toEqual([{ count: told, acts: told, last: told - 1, waiting: 0 }])
    const found = await verify(folder)
    expect(found).toMatchObject({ verdict: 'whole', checkpoint: { size: told } })
    expect(found.checkpoints).toBeGreaterThan(3)
  }, 180_000)

  test('MB5.46: on a restored older database signs no fork, and a resume completes it', async () => {
    await fresh()
    const folder = await newFolder()
    const signing = { audit: db.audit, archive: filesObjects(folder), signers: [signer] }
    await db.audit.claim(1n)
    await tell(300)
    await number()
    await publish(signing, true)
    const tables = [
      'audit_log',
      'audit_head',
      'audit_counts',
      'audit_tiles',
      'audit_checkpoints',
      'audit_pending',
    ]
    for (const table of tables) await eyes.query(`create table old_${table} as select * from ${table}`)
    await tell(700, 300)
    await number()
    await publish(signing, true)
    const before = await readFile(join(folder, checkpointPath), 'utf8')
    for (const table of tables)
      await eyes.query(
        `delete from ${table}; insert into ${table} overriding system value select * from old_${table}`,
      )

    // What happens in the restored database is not signed in place of what was.
    await tell(5, 5000)
    await expect(publish(signing, true)).rejects.toMatchObject({ reason: 'log_ahead' })
    expect(await readFile(join(folder, checkpointPath), 'utf8')).toBe(before)
    expect(await resumeLog({ ...signing, epoch: 2n })).toBe(700)
    expect(await resumeLog({ ...signing, epoch: 2n })).toBe(0)
    await number(2n)
    await publish(signing, true)
    expect(await verify(folder, before)).toMatchObject({ verdict: 'whole', checkpoint: { size: 1005 } })
  })

  test('signs nothing over a log that was rewritten below it, or was signed by a key that it does not know', async () => {
    await fresh()
    const folder = await newFolder()
    const signing = { audit: db.audit, archive: filesObjects(folder), signers: [signer] }
    await db.audit.claim(1n)
    await tell(20)
    await number()
    await publish(signing, true)
    const other = readSigner(newSigner('switchyard.test/log', new Uint8Array(32).fill(3)))
    await tell(5)
    await number()
    await expect(publish({ ...signing, signers: [other] }, true)).rejects.toMatchObject({
      reason: 'audit_key_unknown',
    })
    // Both sign while a key is turned.
    await publish({ ...signing, signers: [other, signer] }, true)
    expect(await verify(folder)).toMatchObject({ verdict: 'whole' })
    expect(
      await verifyArchive({ archive: filesObjects(folder), verifiers: [readVerifier(other.text)] }),
    ).toMatchObject({
      verdict: 'tampered', // it did not sign the first one
    })
    await eyes.query(
      'update audit_tiles set hashes = set_byte(hashes, 3, (get_byte(hashes, 3) + 1) % 256) where level = 0',
    )
    await tell(5)
    await number()
    await expect(publish(signing, true)).rejects.toMatchObject({ reason: 'log_forked' })
  })

  test('drops from the database only what is old and archived, and the rest goes on', async () => {
    await fresh()
    const folder = await newFolder()
    const signing = { audit: db.audit, archive: filesObjects(folder), signers: [signer] }
    await db.audit.claim(1n)
    await tell(300)
    await number()
    expect(await db.audit.prune(90)).toBe(0)
    await eyes.query("update audit_log set sequenced_at = sequenced_at - interval '91 days' where seq < 280")
    expect(await db.audit.prune(90)).toBe(0)
    await publish(signing, true)
    // The tile that is not full is still to be archived whole.
    expect(await db.audit.prune(90)).toBe(256)
    expect(await db.audit.head()).toMatchObject({ size: 300, pruned: 256 })
    await tell(400)
    await number()
    await publish(signing, true)
    expect(await verify(folder)).toMatchObject({ verdict: 'whole', checkpoint: { size: 700 } })
  })
})
