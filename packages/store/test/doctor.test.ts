// What the doctor says of a database that is in order, and of each thing that is not.
import { randomBytes } from 'node:crypto'
import { examine, Sealed } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assertionsOf } from '../src/assertions.ts'
import { document, operator, put } from './given.ts'
import { usageEvent } from './usage-event.ts'

let db: TestDatabase
let eyes: Client
const root = randomBytes(32)
let ahead = 0

beforeAll(async () => {
  db = await testDatabase()
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  await put(db.store, document('Workspace', null, 'red', { currency: 'USD', billing: { mode: 'prepaid' } }))
  const status = { set: ['value'] }
  const credential = await put(db.store, {
    ...document('Credential', 'red', 'cred', { share: 'none' }),
    status,
  })
  const { id } = credential.metadata
  await db.store.write(operator, tx =>
    db.openVault([root]).put(tx, { kind: 'Credential', id, field: 'value' }, new Sealed('v')),
  )
  const key = await put(db.store, document('ApiKey', 'red', 'k', { owner: { kind: 'User', name: 'ann' } }))
  await db.store.write(operator, tx => tx.putSecret(key.metadata.id, { field: 'key', hash: 'h' }))
  await db.identity.addSigningKey({
    kid: 'k',
    privateJwk: '',
    publicJwk: '{}',
    createdAt: new Date().toISOString(),
  })
  await bring('top_up:1')
  await db.usage.ingest([usageEvent('red')])
})
afterAll(async () => {
  await eyes.end()
  await db.close()
})

/** An account with money on it, and some of it held. */
async function bring(reference: string) {
  await eyes.query('begin')
  const { rows } = await eyes.query<{ id: string }>("select (account_for('red', '')).id")
  const account = rows[0]?.id
  await eyes.query(
    `with t as (insert into ledger_transactions (workspace, cause, reference) values ('red', 'top_up', $2) returning id)
     insert into ledger_entries (txn, line, account, workspace, amount, currency)
     select t.id, case a.role when 'balance' then 1 else 2 end, a.id, 'red', case a.role when 'balance' then -10 else 10 end, 'USD'
     from t, accounts a where a.role in ('balance', 'payments') and $1::bigint is not null`,
    [account, reference],
  )
  await eyes.query('select hold_money(gen_random_uuid(), $1, gen_random_uuid(), 1, 2.5, 60)', [account])
  await eyes.query('commit')
}

const look = async (keys: readonly Uint8Array[] = [root]) => {
  const rows = await examine(
    db.checks(db.openVault(keys), () => Date.now() + ahead),
    () => performance.now(),
  )
  return new Map(rows.map(row => [row.name, row]))
}
const notPassed = async (keys?: readonly Uint8Array[]) =>
  [...(await look(keys)).values()].filter(row => row.status !== 'pass' && row.name !== 'audit_numbered')

/** Runs SQL past the server, looks, and takes it back by other SQL. */
async function after(
  harm: string,
  mend: string,
  name: string,
  keys?: readonly Uint8Array[],
): Promise<{ readonly status: string; readonly found: string; readonly todo?: string }> {
  await eyes.query(harm)
  const rows = await look(keys)
  await eyes.query(mend)
  const row = rows.get(name)
  if (!row) throw new Error(`no check ${name}`)
  return row
}

test('a database that is in order passes every check, and each says how much it saw', async () => {
  expect(await notPassed()).toEqual([])
  const rows = await look()
  expect(rows.get('ledger_sums')?.found).toBe('1 transactions')
  expect(rows.get('credentials')?.found).toBe('1 secrets')
  expect(rows.get('master_keys')?.found).toBe('1 values under version 1')
})

test('every assertion runs as a role that may read what it names, and no secret', async () => {
  for (const { sql } of assertionsOf()) {
    await eyes.query('begin; set local role switchyard_doctor')
    await eyes.query(sql)
    await eyes.query('rollback')
  }
  for (const sql of [
    'select hash from secret_hashes',
    'select sealed from sealed_secrets',
    'select private_jwk from signing_keys',
    'select spec from resources',
    'select document from changes',
    'select wrapped from secret_keys',
    'delete from resources',
  ]) {
    await eyes.query('begin; set local role switchyard_doctor')
    await expect(eyes.query(sql), sql).rejects.toMatchObject({ code: '42501' })
    await eyes.query('rollback')
  }
})

test('overruns are warned of from the percentage that is set on, 0.1 by itself', async () => {
  const told = async (warnings?: { readonly overrunPercent: number }) => {
    const all = db.checks(db.openVault([root]), Date.now, warnings)
    const check = all.find(({ name }) => name === 'overruns')
    return { status: (await check?.run())?.status, asserts: check?.asserts }
  }
  const beyond = (revenue: number, overrun: number) =>
    `update accounts set posted = posted - ${revenue} where role = 'revenue';
     update accounts set overrun = overrun + ${overrun} where role = 'balance'`
  // 0.2 %
  await eyes.query(beyond(1000, 2))
  expect(await told()).toMatchObject({ status: 'warn' })
  expect((await told({ overrunPercent: 0.1999 })).status).toBe('warn')
  expect(await told({ overrunPercent: 0.25 })).toEqual({
    status: 'pass',
    asserts: 'No account has used more than 0.25 % of what it was charged beyond what was held for it.',
  })
  await eyes.query(beyond(-1000, -2))
})

describe('what is wrong is named, with what to do', () => {
  const posted = (by: string) => `update accounts set posted = posted + ${by} where role = 'balance'`
  test.each([
    [
      'walls',
      'alter table leases disable row level security',
      'alter table leases enable row level security',
      'leases',
    ],
    [
      'roles',
      'alter role switchyard_agent bypassrls',
      'alter role switchyard_agent nobypassrls',
      'switchyard_agent',
    ],
    ['balances', posted('1'), posted('-1'), 'red balance USD'],
    [
      'held',
      "update accounts set pending = pending + 1 where role = 'balance'",
      "update accounts set pending = pending - 1 where role = 'balance'",
      'red USD',
    ],
    [
      'ledger_sums',
      `alter table ledger_entries disable trigger all; update ledger_entries set amount = amount + 1 where line = 1`,
      `update ledger_entries set amount = amount - 1 where line = 1; alter table ledger_entries enable trigger all`,
      '1 of 1 transactions',
    ],
    [
      'rollups',
      'update usage_rollups set requests = requests + 1',
      'update usage_rollups set requests = requests - 1',
      '3 of 3 sums',
    ],
    [
      'charges',
      `insert into ledger_transactions (workspace, cause, reference) values ('red', 'charge', 'usage:ghost')`,
      `delete from ledger_transactions where reference = 'usage:ghost'`,
      'usage:ghost',
    ],
    [
      'invoice_numbers',
      `insert into invoice_numbers values ('us', 'invoice', 2026, 3)`,
      'delete from invoice_numbers',
      'us invoice 2026',
    ],
    [
      'audit_counts',
      `insert into audit_counts values ('ghost', 2)`,
      `delete from audit_counts where place = 'ghost'`,
      '2 of workspaces, 0 of the trail',
    ],
    ['holds', 'update holds set settled = 1', 'update holds set settled = null', '1 of 1 holds'],
    [
      'signing_keys',
      "update signing_keys set private_jwk = '{}'",
      "update signing_keys set private_jwk = ''",
      'k',
    ],
    [
      'credentials',
      `update resources set status = status || '{"set": ["value", "headers"]}' where kind = 'Credential'`,
      `update resources set status = status || '{"set": ["value"]}' where kind = 'Credential'`,
      'red/cred headers',
    ],
    [
      'api_keys',
      'create temporary table kept as select * from secret_hashes; delete from secret_hashes',
      'insert into secret_hashes select * from kept',
      'red/k',
    ],
    [
      'grants',
      `insert into grants values (gen_random_uuid(), 'user:ghost', null, '*')`,
      `delete from grants where principal = 'user:ghost'`,
      'user:ghost *',
    ],
    [
      'migrations',
      "update migrations set name = '0001_other' where number = 1",
      "update migrations set name = '0001_resources' where number = 1",
      '0001_resources',
    ],
    [
      'log_of_changes',
      'update resources set version = version + 1000000',
      'update resources set version = version - 1000000',
      'red',
    ],
    [
      'audit_dense',
      'update audit_head set size = size + 1',
      'update audit_head set size = size - 1',
      'size 1',
    ],
  ])('%s', async (name, harm, mend, names) => {
    const quiet = (sql: string) =>
      `set session_replication_role = replica; ${sql}; set session_replication_role = origin`
    const row = await after(quiet(harm), quiet(mend), name)
    expect(row).toMatchObject({ status: 'fail' })
    expect(row.found).toContain(names)
    expect(row.todo).toMatch(/[a-z]{3}/)
    expect(await notPassed()).toEqual([])
  })

  test.each([
    [
      'overruns',
      `update accounts set overrun = overrun + 1 where role = 'balance'`,
      `update accounts set overrun = overrun - 1 where role = 'balance'`,
      'red USD',
    ],
    [
      'orphans',
      `update holds set state = 'orphaned' where state = 'pending'`,
      `update holds set state = 'pending' where state = 'orphaned'`,
      'of 1 holds and slices',
    ],
  ])('%s is warned of', async (name, harm, mend, names) => {
    const row = await after(harm, mend, name)
    expect(row).toMatchObject({ status: 'warn' })
    expect(row.found).toContain(names)
    expect(await notPassed()).toEqual([])
  })

  test('a root key that is missing, a value that is damaged, a version that is left', async () => {
    const stranger = await look([randomBytes(32)])
    expect(stranger.get('master_keys')).toMatchObject({ status: 'fail' })
    expect(stranger.get('master_keys')?.found).toMatch(
      /^1 values under version 1, of the root key [0-9a-f]{16}$/,
    )
    expect(stranger.get('sealed_values')).toMatchObject({ status: 'fail' })
    const { keys } = db.openVault([root])
    await keys.add()
    expect((await look()).get('master_keys')).toMatchObject({
      status: 'warn',
      found: '1 of 1 values still under older versions',
    })
    await keys.rewrap()
    expect((await look()).get('master_keys')).toMatchObject({
      status: 'pass',
      found: '1 values under version 2',
    })
  })

  test('clocks that differ, and usage that waits in quarantine', async () => {
    ahead = 5000
    expect((await look()).get('clock')).toMatchObject({ status: 'warn' })
    ahead = -90_000
    expect((await look()).get('clock')).toMatchObject({ status: 'fail' })
    ahead = 0
    await db.usage.ingest([{ ...usageEvent('red'), time: 'never' }])
    expect((await look()).get('quarantine')).toMatchObject({
      status: 'warn',
      found: '1 of 1 kinds of trouble: bad_schema: 1',
    })
  })

  test('a check that cannot look has failed, and the others go on', async () => {
    const broken = { name: 'x', asserts: 'a', todo: 't', run: () => Promise.reject(new Error('away')) }
    const fine = {
      name: 'y',
      asserts: 'a',
      todo: 't',
      run: async () => ({ status: 'pass', found: 'all' }) as const,
    }
    expect(await examine([broken, fine], () => 0)).toEqual([
      {
        name: 'x',
        asserts: 'a',
        status: 'fail',
        found: 'It could not be looked at: away',
        todo: 't',
        milliseconds: 0,
      },
      { name: 'y', asserts: 'a', status: 'pass', found: 'all', milliseconds: 0 },
    ])
  })
})
