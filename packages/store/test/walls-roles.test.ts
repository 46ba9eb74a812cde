// The second wall, in SQL alone: what each role of the server may do, and what a pooled connection carries over.

import type { Document } from '@switchyard/kinds'
import { Sealed } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { agent, caller, control, deleted, document, gateway, operator, put } from './given.ts'
import { openWalls } from './walls.bed.ts'

const walls = await openWalls()
const { db, vault, made, as, list } = walls
afterAll(walls.close)

describe('a table', () => {
  test('of the server is closed to callers, control, agents and gateways', async () => {
    for (const table of [
      'audit_pending',
      'audit_head',
      'audit_counts',
      'audit_tiles',
      'audit_checkpoints',
      'audit_journals',
      'sessions',
      'refresh_tokens',
      'signing_keys',
      'setup_links',
      'operator_token',
      'login_failures',
    ])
      for (const role of ['user', 'control', 'agent', 'gateway', 'ingest', 'secrets', 'nobody'])
        expect(
          await as(role, { principal: 'system:operator', scopes: '*' }, `select 1 from switchyard.${table}`),
          table,
        ).toBe('denied')
    for (const role of ['user', 'control', 'agent', 'gateway', 'ingest', 'identity'])
      expect(
        await as(
          role,
          { principal: 'system:operator', scopes: '*' },
          'select hash from switchyard.secret_hashes',
        ),
      ).toBe('denied')
  })

  test('of sealed secrets is opened by the unsealing role alone, and moved by nobody', async () => {
    const all = { principal: 'system:operator', scopes: '*' }
    for (const role of ['user', 'control', 'agent', 'gateway', 'ingest', 'identity', 'nobody'])
      for (const column of ['sealed', 'wrapped', '*'])
        expect(await as(role, all, `select ${column} from switchyard.sealed_secrets`), role).toBe('denied')
    for (const role of ['control', 'agent', 'gateway', 'ingest', 'identity', 'secrets', 'nobody'])
      expect(await as(role, all, 'delete from switchyard.sealed_secrets'), role).toBe('denied')
    expect(await as('secrets', {}, 'select sealed from switchyard.sealed_secrets')).toBe(2)
    for (const role of ['user', 'secrets'])
      for (const column of ['resource_id', 'field', 'sealed', 'workspace'])
        expect(
          await as(role, all, `update switchyard.sealed_secrets set ${column} = ${column}`),
          `${role} ${column}`,
        ).toBe('denied')
  })

  test('takes a sealed secret only from who may write the document', async () => {
    const id = made['red/cred']?.metadata.id ?? ''
    const value = new Sealed('other')
    for (const who of [caller('blue-admin'), caller('red-admin', { scopes: ['credential:read'] })])
      await expect(
        db.store.write(who, tx => vault.put(tx, { kind: 'Credential', id, field: 'value' }, value)),
      ).rejects.toMatchObject({
        name: 'Fault',
      })
    await expect(
      db.store.write(caller('red-admin'), tx =>
        vault.put(
          tx,
          { kind: 'Credential', id: made['blue/cred']?.metadata.id ?? '', field: 'value' },
          value,
        ),
      ),
    ).rejects.toMatchObject({ name: 'Fault' })
    const { secrets } = await vault.read('Credential')
    expect(secrets.get(id)?.reveal()).toEqual({ value: 'red-value' })
  })

  test('of the trail is written by the sequencer alone, read by who may, and changed by nobody', async () => {
    const all = { principal: 'system:operator', scopes: '*' }
    const everyone = [
      'user',
      'control',
      'agent',
      'gateway',
      'ingest',
      'secrets',
      'identity',
      'audit',
      'nobody',
    ]
    for (const role of everyone) {
      expect(await as(role, all, 'delete from switchyard.audit_log'), role).toBe('denied')
      expect(await as(role, all, "update switchyard.audit_log set entry = '{}'"), role).toBe('denied')
      expect(await as(role, all, 'truncate switchyard.audit_log'), role).toBe('denied')
      expect(await as(role, all, 'delete from switchyard.audit_checkpoints'), role).toBe('denied')
      expect(await as(role, all, 'update switchyard.audit_pending set entry = entry'), role).toBe('denied')
      if (role === 'audit') continue
      expect(await as(role, all, 'insert into switchyard.audit_pending (entry) values (null)'), role).toBe(
        'denied',
      )
      expect(await as(role, all, 'delete from switchyard.audit_pending'), role).toBe('denied')
      expect(await as(role, all, 'select switchyard.audit_prune(0)'), role).toBe('denied')
      if (role !== 'user')
        expect(await as(role, all, 'select 1 from switchyard.audit_log'), role).toBe('denied')
    }
    const red = { principal: 'user:red-admin', scopes: '*' }
    expect(await as('user', red, 'select 1 from audit_log')).toBeGreaterThan(3)
    expect(await as('user', red, "select 1 from audit_log where workspace is distinct from 'red'")).toBe(0)
    expect(await as('user', all, 'select 1 from audit_log where workspace is null')).toBeGreaterThan(3)
  })

  test('of responses is open to a gateway for the one workspace that it works for, and to nobody else', async () => {
    const all = { principal: 'system:operator', scopes: '*', workspace: 'red' }
    for (const role of ['user', 'control', 'agent', 'ingest', 'identity', 'nobody'])
      expect(await as(role, all, 'select id from switchyard.responses'), role).toBe('denied')
    // The role that brings them under a newer key sees which key, and not what they say.
    for (const column of ['sealed', 'model', 'upstream', 'previous'])
      expect(await as('secrets', all, `select ${column} from switchyard.responses`)).toBe('denied')
    expect(await as('secrets', all, 'delete from switchyard.responses')).toBe('denied')
    for (const settings of [{}, { workspace: '' }, { workspace: '%' }]) {
      expect(await as('gateway', settings, 'select 1 from responses')).toBe(0)
      expect(await as('gateway', settings, 'delete from responses')).toBe(0)
    }
    const red = { workspace: 'red' }
    expect(await as('gateway', red, 'select 1 from responses')).toBe(1)
    expect(await as('gateway', red, "select 1 from responses where workspace = 'blue'")).toBe(0)
    expect(await as('gateway', red, "delete from responses where workspace = 'blue'")).toBe(0)
    expect(await as('gateway', red, "update responses set model = 'x' where workspace = 'blue'")).toBe(0)
    expect(await as('gateway', red, "update responses set workspace = 'blue'")).toBe('denied')
    const into = (workspace: string) =>
      `insert into responses (workspace, project, id, model, upstream, expires_at)
       values ('${workspace}', '', 'resp_2', 'm', 'u', now())`
    expect(await as('gateway', red, into('red'))).toBe(1)
    expect(await as('gateway', red, into('blue'))).toBe('denied')
  })
})

describe('a role of the server', () => {
  test('control writes status and finalizers of all, and no spec of a person', async () => {
    const e = await put(db.store, document('Endpoint', 'red', 'controlled', { n: 1 }))
    const { documents } = await db.store.write(control, tx =>
      tx.update(
        {
          ...e,
          status: { phase: 'Ready', replicas: { ready: 1 } },
          metadata: { ...e.metadata, finalizers: ['switchyard.dev/endpoint'] },
        },
        null,
      ),
    )
    const current = documents.get(e.metadata.id) ?? e
    for (const attempt of [
      { ...current, spec: { n: 2 } },
      { ...current, metadata: { ...current.metadata, labels: { x: 'y' } } },
    ])
      await expect(db.store.write(control, tx => tx.update(attempt, null))).rejects.toMatchObject({
        code: 'denied',
      })
    await expect(put(db.store, document('Project', 'red', 'p'), [], control)).rejects.toMatchObject({
      code: 'denied',
    })
    await expect(db.store.write(control, tx => tx.remove(current))).rejects.toMatchObject({ code: 'denied' })
    const going = await db.store.write(operator, tx => tx.update(deleted(current), null))
    const last = going.documents.get(e.metadata.id) ?? current
    const freed = await db.store.write(control, tx =>
      tx.update({ ...last, metadata: { ...last.metadata, finalizers: [] } }, null),
    )
    await db.store.write(control, tx => tx.remove(freed.documents.get(e.metadata.id) ?? last))
  })

  test('an agent writes the status of replicas and clusters, and reads no key', async () => {
    const replica = await put(db.store, document('Replica', 'red', 'r2', { n: 1 }), [], control)
    const { documents } = await db.store.write(agent, tx =>
      tx.update({ ...replica, status: { state: 'Ready' } }, null),
    )
    const current = documents.get(replica.metadata.id) ?? replica
    await expect(
      db.store.write(agent, tx => tx.update({ ...current, spec: { n: 2 } }, null)),
    ).rejects.toMatchObject({ code: 'denied' })
    await expect(
      db.store.write(agent, tx =>
        tx.update({ ...(made['red/e'] as Document), status: { phase: 'x' } }, null),
      ),
    ).rejects.toMatchObject({ code: 'denied' })
    expect(await list(agent, 'ApiKey')).toEqual([])
    await db.store.write(control, tx => tx.remove(current))
  })

  test('a gateway reads what its snapshot needs and writes nothing', async () => {
    expect(await list(gateway, 'ApiKey')).toEqual(['blue/k', 'red/k'])
    expect(await list(gateway, 'Cluster')).toEqual([])
    expect(
      (await db.store.changes(gateway, '0', 1000)).changes.some(
        ({ document }) => document.kind === 'Cluster',
      ),
    ).toBe(false)
    await expect(put(db.store, document('Replica', 'red', 'r3'), [], gateway)).rejects.toMatchObject({
      code: 'denied',
    })
  })

  test('ingest adds usage and neither changes nor removes it', async () => {
    for (const table of ['usage_events', 'usage_quarantine'])
      for (const verb of [`delete from ${table}`, `update ${table} set workspace = 'x'`])
        for (const role of ['ingest', 'user', 'control'])
          expect(await as(role, { principal: 'system:operator', scopes: '*' }, verb)).toBe('denied')
  })
})

describe('a pooled connection', () => {
  test('CP4.22: carries nothing over after a commit, a rollback or an error', async () => {
    await using narrow = await testDatabase({ connections: 1 })
    await put(narrow.store, document('Workspace', null, 'red'))
    const look = () =>
      narrow.store.read({ role: 'caller', principal: '', scopes: [] }, tx => tx.list({ kind: 'Workspace' }))
    expect((await look()).items).toEqual([])
    await narrow.store.write(operator, tx => tx.insert(document('Workspace', null, 'blue'), []), {
      dryRun: true,
    })
    expect((await look()).items).toEqual([])
    await narrow.store.write(operator, tx => tx.insert(document('Nothing', null, 'x'), [])).catch(() => {})
    expect((await look()).items).toEqual([])
    expect(await narrow.store.version(operator)).toBe('1')
  })

  test('starts as nobody whatever its URL asks for', async () => {
    const { connectionOf } = await import('../src/postgres/connection.ts')
    const url = new URL(db.url)
    url.searchParams.set('options', '-c role=switchyard_owner -c statement_timeout=7s')
    const client = new Client(connectionOf(url.href, 'x', '-c role=switchyard_nobody'))
    await client.connect()
    const { rows } = await client.query(
      "select current_user as who, current_setting('statement_timeout') as patience",
    )
    expect(rows).toEqual([{ who: 'switchyard_nobody', patience: '7s' }])
    await client.end()
  })

  test('does nothing outside a transaction of ours', async () => {
    const { startupOptions } = await import('../src/postgres/pool.ts')
    const client = new Client({ connectionString: db.url, options: startupOptions })
    await client.connect()
    await expect(client.query('select * from switchyard.resources')).rejects.toMatchObject({ code: '42501' })
    await client.query(
      "begin; set local role switchyard_user; select set_config('switchyard.principal', 'system:operator', true); commit",
    )
    await expect(client.query('select * from switchyard.resources')).rejects.toMatchObject({ code: '42501' })
    const { rows } = await client.query(
      "select current_user as who, current_setting('switchyard.principal', true) as principal",
    )
    expect(rows).toEqual([{ who: 'switchyard_nobody', principal: '' }])
    await client.end()
  })
})
