// Batches of usage over a real database: numbered without gaps, closed for good, and sealed by a root that anybody can
// reckon again.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { BatchDue, UsageEvent } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import fc from 'fast-check'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type BatchObservation, sealBatches } from '../src/batches.ts'
import { Root } from '../src/root.ts'
import { event } from './invoice/ledger.ts'

let db: TestDatabase
let eyes: Client
beforeEach(async () => {
  db = await testDatabase()
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
})
afterEach(async () => {
  await eyes.end()
  await db.close()
})

const now: BatchDue = { seconds: 0, events: 10_000 }
const quantities = { 'tok.out.text': '1' }
const events = (count: number): readonly UsageEvent[] =>
  Array.from({ length: count }, () => event(new Date().toISOString(), quantities))

async function seal(due = now): Promise<readonly BatchObservation[]> {
  const told: BatchObservation[] = []
  await sealBatches({ batches: db.batches, due, observe: each => told.push(each) })
  return told
}

interface Standing {
  readonly number: string
  readonly events: string | null
  readonly root: string | null
  readonly closed: boolean
  readonly sealed: boolean
  readonly hashes: readonly string[]
}

const standing = async () =>
  (
    await eyes.query<Standing>(`
      select b.number::text, b.events::text, encode(b.root, 'hex') as root, b.closed_at is not null as closed,
        b.sealed_at is not null as sealed,
        coalesce((select array_agg(encode(e.body_hash, 'hex')
          order by e.workspace::bytea, e.source::bytea, e.id::bytea) from usage_events e where e.batch = b.number), '{}') as hashes
      from usage_batches b order by b.number`)
  ).rows

const sha256 = (...parts: readonly (string | Uint8Array)[]) =>
  parts.reduce((sum, part) => sum.update(part), createHash('sha256')).digest()

/** As RFC 6962 defines it, in section 2.1. */
function rootOf(leaves: readonly Uint8Array[]): Buffer {
  const [leaf] = leaves
  if (!leaf) return sha256('')
  if (leaves.length === 1) return sha256(Buffer.of(0), leaf)
  let half = 1
  while (half * 2 < leaves.length) half *= 2
  return sha256(Buffer.of(1), rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half)))
}

const hexRootOf = (hashes: readonly string[]) =>
  rootOf(hashes.map(hash => Buffer.from(hash, 'hex'))).toString('hex')

test('a root over any leaves is the one that RFC 6962 defines', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 }), leaves => {
      const root = new Root()
      for (const leaf of leaves) root.add(leaf)
      expect(root.hex()).toBe(rootOf(leaves).toString('hex'))
      expect(root.leaves).toBe(BigInt(leaves.length))
    }),
  )
})

test('a batch is closed by its age or by its events, and never when it has none', async () => {
  expect(await seal()).toEqual([])
  await db.usage.ingest(events(3))
  expect(await seal({ seconds: 3600, events: 4 })).toEqual([])
  expect(await seal({ seconds: 3600, events: 3 })).toMatchObject([
    { type: 'batch_sealed', batch: '1', events: '3' },
  ])
  await db.usage.ingest(events(1))
  expect(await seal()).toMatchObject([{ type: 'batch_sealed', batch: '2', events: '1' }])
  expect(await seal()).toEqual([])
  const all = await standing()
  expect(all.map(({ number, closed, sealed, hashes }) => [number, closed, sealed, hashes.length])).toEqual([
    ['1', true, true, 3],
    ['2', true, true, 1],
    ['3', false, false, 0],
  ])
  for (const { root, hashes } of all.slice(0, 2)) expect(root).toBe(hexRootOf(hashes))
})

test('MB1.14: a sealed batch gains no row though an ingester stalls for its whole 5 s', async () => {
  const [first, slow] = events(2)
  if (!first || !slow) throw new Error('two were made')
  await db.usage.ingest([first])
  // Another has the key of its event and does not end: the ingester has its number, and waits for that one.
  await eyes.query('begin')
  await eyes.query(
    `insert into usage_events select (jsonb_populate_record(e, jsonb_build_object('id', $1::text))).* from usage_events e`,
    [slow.id],
  )
  const stalling = db.usage.ingest([slow])
  const began = performance.now()
  let held = 0
  let others = 0
  let longest = 0
  while (performance.now() - began < 4600) {
    const told = await seal()
    expect(told).toEqual([{ type: 'batch_held' }])
    held += 1
    const asked = performance.now()
    expect(await db.usage.ingest(events(2))).toEqual(['accepted', 'accepted'])
    longest = Math.max(longest, performance.now() - asked)
    others += 2
  }
  expect(held).toBeGreaterThan(3)
  // Nobody else waits for the one that stalls.
  expect(longest).toBeLessThan(2000)
  await eyes.query('rollback')
  expect(await stalling).toEqual(['accepted'])
  expect(await seal()).toMatchObject([{ batch: '1', events: String(others + 2) }])
  await db.usage.ingest(events(1))
  const [sealed, open] = await standing()
  expect(sealed?.hashes).toHaveLength(others + 2)
  expect(sealed?.root).toBe(hexRootOf(sealed?.hashes ?? []))
  expect(open).toMatchObject({ number: '2', closed: false })
  expect(open?.hashes).toHaveLength(1)
}, 30_000)

test('no event comes into a batch that is not open, and what is sealed never changes', async () => {
  await db.usage.ingest(events(2))
  await seal()
  await db.usage.ingest(events(1))
  const as = async (role: string, sql: string) => {
    await eyes.query(`begin; set local role switchyard_${role}`)
    try {
      await eyes.query(sql)
      return 'done'
    } catch (error) {
      return error instanceof Error ? error.message : ''
    } finally {
      await eyes.query('rollback')
    }
  }
  const copy = (batch: number) =>
    `insert into usage_events select (jsonb_populate_record(e, '{"id": "other", "batch": ${batch}}')).* from usage_events e limit 1`
  expect(await as('ingest', copy(1))).toMatch(/row-level security/)
  expect(await as('ingest', copy(3))).toMatch(/row-level security/)
  expect(await as('ingest', copy(2))).toBe('done')
  for (const role of ['seal', 'owner'])
    for (const change of ['events = 9', "root = sha256('')", 'sealed_at = now()'])
      expect(await as(role, `update usage_batches set ${change} where number = 1`), role).toMatch(
        /never changes/,
      )
  expect(await as('owner', 'update usage_batches set closed_at = null where number = 1')).toMatch(
    /never changes/,
  )
  expect(await as('owner', 'delete from usage_batches')).toMatch(/never changes/)
  expect(await as('owner', 'truncate usage_batches')).toMatch(/never changes/)
  for (const verb of ['insert into usage_batches (number) values (9)', 'delete from usage_batches'])
    expect(await as('seal', verb)).toMatch(/permission denied/)
})

test('the doctor reckons the newest roots again, and names a batch that was altered, waits or is missing', async () => {
  const look = async (name: string) => {
    const checks = db.checks(db.openVault([new Uint8Array(32)]), Date.now)
    const { status, found } = (await checks.find(check => check.name === name)?.run()) ?? {}
    return [status, found]
  }
  for (const count of [1, 2, 3, 5, 7, 8, 13]) {
    await db.usage.ingest(events(count))
    await seal()
  }
  expect(await look('batches')).toEqual(['pass', '8 batches'])
  expect(await look('batches_whole')).toEqual(['pass', '7 batches'])
  await eyes.query("update usage_events set received_at = now() + interval '1 hour' where batch = 1")
  await eyes.query(
    "update usage_events e set body_hash = sha256('x') where batch = 6 and id = (select max(id) from usage_events where batch = 6)",
  )
  await eyes.query(
    'delete from usage_events e where batch = 7 and id = (select max(id) from usage_events where batch = 7)',
  )
  expect(await look('batches_whole')).toEqual(['fail', '3 of 7 batches: 1, 6, 7'])
  await db.usage.ingest(events(2))
  await db.batches.close(now)
  expect(await look('batches_sealed')).toEqual(['pass', '1 batches that wait'])
  await eyes.query(`
    alter table usage_batches disable trigger user;
    update usage_batches set closed_at = closed_at - interval '2 minutes' where number = 8;
    delete from usage_batches where number = 3`)
  expect(await look('batches_sealed')).toEqual(['warn', '1 of 1 batches that wait: 8'])
  expect((await look('batches'))[0]).toBe('fail')
})

test('it is told how long events wait to be sealed, and batches to be archived', async () => {
  expect(await db.batches.standing()).toEqual({
    unsealed: 0,
    unarchived: 0,
    sealedAt: null,
    archivedAt: null,
  })
  await db.usage.ingest(events(1))
  await eyes.query("update usage_events set received_at = received_at - interval '1 minute'")
  expect((await db.batches.standing()).unsealed).toBeGreaterThan(59)
  const before = Date.now() / 1000
  await seal()
  const sealed = await db.batches.standing()
  expect(sealed).toMatchObject({ unsealed: 0, archivedAt: null })
  expect(sealed.unarchived).toBeGreaterThan(0)
  expect(sealed.sealedAt).toBeGreaterThan(before - 1)
  await db.batches.markArchived('1')
  const archived = await db.batches.standing()
  expect(archived.unarchived).toBe(0)
  expect(archived.archivedAt).toBeGreaterThan(before - 1)
})

test('numbers have no gap and each event is in one sealed batch, though sealers and ingesters race', async () => {
  const sent = 40
  let ended = false
  const sealers = Array.from({ length: 3 }, async () => {
    while (!ended) await seal()
  })
  const ingesters = Array.from({ length: 4 }, async () => {
    for (let n = 0; n < sent; n++) await db.usage.ingest(events(1 + (n % 5)))
  })
  await Promise.all(ingesters).finally(() => {
    ended = true
  })
  await Promise.all(sealers)
  await seal()
  await whole(4 * (sent / 5) * (1 + 2 + 3 + 4 + 5))
})

/** All batches but the open one are sealed, are dense, and hold so many events together. */
async function whole(total: number): Promise<void> {
  const all = await standing()
  expect(all.map(({ number }) => number)).toEqual(all.map((_, at) => String(at + 1)))
  expect(all.at(-1)).toMatchObject({ closed: false, hashes: [] })
  let sum = 0
  for (const { sealed, events: count, root, hashes } of all.slice(0, -1)) {
    expect(sealed).toBe(true)
    expect(count).toBe(String(hashes.length))
    expect(root).toBe(hexRootOf(hashes))
    sum += hashes.length
  }
  expect(sum).toBe(total)
}

test('kill -9 of sealers leaves no hole: another seals what was closed', async () => {
  const program = new URL('seal.child.ts', import.meta.url).pathname
  const start = (holder: string) =>
    spawn(process.execPath, [program, db.url, holder], { stdio: ['ignore', 'ignore', 'inherit'] })
  const gone = (child: ChildProcess) => new Promise(resolve => child.once('exit', resolve))
  const running = [start('0'), start('1')]
  let sent = 0
  let ended = false
  const ingesting = (async () => {
    while (!ended) {
      await db.usage.ingest(events(7))
      sent += 7
    }
  })()
  const sealed = async () => {
    const { rows } = await eyes.query<{ count: string }>(
      'select count(*) from usage_batches where sealed_at is not null',
    )
    return Number(rows[0]?.count)
  }
  try {
    for (let kill = 0; kill < 4; kill++) {
      const before = await sealed()
      await expect.poll(sealed, { timeout: 20_000 }).toBeGreaterThan(before + 2)
      const [victim] = running.splice(kill % 2, 1)
      if (!victim) throw new Error('there are two')
      const ending = gone(victim)
      await wait(Math.random() * 30)
      victim.kill('SIGKILL')
      await ending
      running.push(start(String(kill + 2)))
    }
  } finally {
    ended = true
    await ingesting
    for (const child of running) {
      const ending = gone(child)
      child.kill('SIGKILL')
      await ending
    }
  }
  // A batch may have been closed by one who was killed before its root was told.
  await seal()
  await seal()
  await whole(sent)
}, 90_000)
