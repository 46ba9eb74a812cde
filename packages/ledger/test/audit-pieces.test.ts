// A batch that is taken, numbered and written in several pieces is one batch: whole or not at all.
import { numberEntries } from '@switchyard/ledger'
import type { AuditNumbering } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'

let db: TestDatabase
let eyes: Client
beforeEach(async () => {
  db = await testDatabase()
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  await db.audit.claim(1n)
})
afterEach(async () => {
  await eyes.end()
  await db.close()
})

/** A quotation mark, a backslash, a line break and no name at all are names like others. */
const names = ['p', 'a "b"', 'c\\d', 'e\nf', 'null', '{}', '', null]

async function tell(count: number): Promise<void> {
  await eyes.query(
    `insert into audit_pending (entry) select jsonb_build_object('id', gen_random_uuid(), 'time', '2026-11-20T08:00:00.000Z',
       'workspace', (array['red', 'constructor', null])[1 + i % 3], 'action', 'a.b', 'actor', '{"id":"user:ann"}'::jsonb,
       'resource', jsonb_build_object('kind', 'Project', 'name', ($2::text[])[1 + i % 8]), 'outcome', 'success')
     from generate_series(1, $1) i`,
    [count, names],
  )
}

const standing = async () => {
  const { rows } = await eyes.query<{ numbered: number; dense: boolean; waiting: number }>(
    `select count(*)::int as numbered, coalesce(bool_and(seq = at and workspace_seq = within and
         leaf = sha256('\\x00'::bytea || convert_to(entry, 'UTF8')) and
         name is not distinct from entry::jsonb #>> '{resource,name}'), true) as dense,
       (select count(*)::int from audit_pending) as waiting
     from (select *, row_number() over (order by seq) - 1 as at,
       row_number() over (partition by workspace order by seq) - 1 as within from audit_log) l`,
  )
  return rows[0]
}

test('as many as are asked for are numbered without a hole, over pieces and batches', async () => {
  await tell(1450)
  expect(await db.audit.sequence(1n, 650, numberEntries)).toBe(650)
  expect(await standing()).toEqual({ numbered: 650, dense: true, waiting: 800 })
  expect(await db.audit.sequence(1n, 200, numberEntries)).toBe(200)
  expect(await db.audit.sequence(1n, 1000, numberEntries)).toBe(600)
  expect(await db.audit.sequence(1n, 1000, numberEntries)).toBe(0)
  expect(await standing()).toEqual({ numbered: 1450, dense: true, waiting: 0 })
  expect(await db.audit.head()).toMatchObject({ size: 1450 })
})

test('what is told while a batch is numbered is in it or in the next, once', async () => {
  await tell(900)
  const meanwhile: AuditNumbering = state => {
    const batch = numberEntries(state)
    return {
      ...batch,
      async add(pending) {
        await tell(50)
        return batch.add(pending)
      },
    }
  }
  const first = await db.audit.sequence(1n, 1000, meanwhile)
  const { waiting = 0 } = (await standing()) ?? {}
  expect(Number(first) + waiting).toBeGreaterThan(900)
  expect(await db.audit.sequence(1n, 1000, numberEntries)).toBe(waiting)
  expect(await standing()).toEqual({ numbered: Number(first) + waiting, dense: true, waiting: 0 })
})

test('large entries are taken a few at a time, and are in the same batch', async () => {
  await eyes.query(
    `insert into audit_pending (entry) select jsonb_build_object('id', gen_random_uuid(), 'time', '2026-11-20T08:00:00.000Z', 'action', 'a.b',
       'resource', jsonb_build_object('kind', 'Project', 'name', 'p'), 'outcome', 'success', 'after', jsonb_build_object('text',
         (select string_agg(encode(sha256((i * 20000 + j)::text::bytea), 'hex'), '') from generate_series(1, 16000) j)))
     from generate_series(1, 12) i`,
  )
  const pieces: number[] = []
  const watched: AuditNumbering = state => {
    const batch = numberEntries(state)
    return {
      ...batch,
      add(pending) {
        pieces.push(pending.entries.length)
        return batch.add(pending)
      },
    }
  }
  expect(await db.audit.sequence(1n, 1000, watched)).toBe(12)
  expect(pieces.length).toBeGreaterThan(1)
  expect(Math.max(...pieces)).toBeLessThan(12)
  expect(await standing()).toEqual({ numbered: 12, dense: true, waiting: 0 })
})

test('what fails in a later piece leaves nothing of those before, and says so itself', async () => {
  await tell(2000)
  const failing =
    (spoil: () => never | string): AuditNumbering =>
    state => {
      const batch = numberEntries(state)
      let pieces = 0
      return {
        ...batch,
        async add(pending) {
          const entries = await batch.add(pending)
          pieces += 1
          return pieces < 3 ? entries : entries.map(entry => ({ ...entry, id: spoil() }))
        },
      }
    }
  const thrown = failing(() => {
    throw new TypeError('the third piece')
  })
  await expect(db.audit.sequence(1n, 2000, thrown)).rejects.toThrow('the third piece')
  // The database refuses what is written of one piece while the next is numbered.
  await expect(
    db.audit.sequence(
      1n,
      2000,
      failing(() => 'no id'),
    ),
  ).rejects.toMatchObject({
    cause: { code: '22P02' },
  })
  expect(await standing()).toEqual({ numbered: 0, dense: true, waiting: 2000 })
  expect(await db.audit.sequence(1n, 2000, numberEntries)).toBe(2000)
  expect(await standing()).toEqual({ numbered: 2000, dense: true, waiting: 0 })
})
