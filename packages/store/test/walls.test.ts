// The second wall, in SQL alone: what a role sees and changes when it forgets every WHERE.
import { randomBytes, randomUUID } from 'node:crypto'
import type { Document } from '@switchyard/kinds'
import { presets } from '@switchyard/kinds'
import { type Identity, Sealed, type Vault } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client, escapeLiteral } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agent, allow, caller, control, deleted, document, gateway, named, operator, put } from './given.ts'
import { issueOne } from './invoiced.ts'
import { usageEvent } from './usage-event.ts'

let db: TestDatabase
let vault: Vault
/** The owner's eyes: a superuser passes every policy. */
let eyes: Client
const made: Record<string, Document> = {}

const list = async (as: Identity, kind: string) =>
  named((await db.store.read(as, tx => tx.list({ kind }))).items)

beforeAll(async () => {
  db = await testDatabase()
  vault = db.openVault([randomBytes(32)])
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  for (const workspace of ['red', 'blue']) {
    const spec = { currency: 'USD', billing: { mode: 'prepaid' } }
    await put(db.store, document('Workspace', null, workspace, spec))
    const money = {
      project: '',
      cause: 'top_up',
      amount: '5',
      priority: 1,
      expiresAt: null,
      reason: null,
    } as const
    await db.ledger.record(operator, { workspace, ...money, key: 'k', fingerprint: 'f' })
    const cluster = await put(db.store, document('Cluster', workspace, 'c', { type: 'local', share: 'none' }))
    const to = [{ path: 'spec.cluster', id: cluster.metadata.id }]
    made[`${workspace}/e`] = await put(db.store, document('Endpoint', workspace, 'e'), to)
    const key = await put(
      db.store,
      document('ApiKey', workspace, 'k', { owner: { kind: 'User', name: `${workspace}-admin` } }),
    )
    made[`${workspace}/k`] = key
    await db.store.write(operator, tx =>
      tx.putSecret(key.metadata.id, { field: 'hash', hash: `${workspace}-hash` }),
    )
    const credential = await put(db.store, document('Credential', workspace, 'cred', { share: 'none' }))
    made[`${workspace}/cred`] = credential
    await db.store.write(operator, tx =>
      vault.put(
        tx,
        { kind: 'Credential', id: credential.metadata.id, field: 'value' },
        new Sealed(`${workspace}-value`),
      ),
    )
    const object = { kind: 'Endpoint', workspace, name: 'e', id: made[`${workspace}/e`]?.metadata.id ?? '' }
    await db.store.write(control, tx =>
      tx.event({ object, type: 'Normal', reason: 'Made', message: workspace }),
    )
    await put(db.store, document('User', null, `${workspace}-admin`, { email: `${workspace}@example.org` }))
    await allow(db.store, `${workspace}-admin`, workspace, presets['workspace-admin'] ?? [])
    await db
      .openResponses([randomBytes(32)])
      .keep({ workspace, project: null }, { id: 'resp_1', model: 'm', upstream: 'u' })
    await db.demand.mark([{ workspace, name: 'e' }])
    await issueOne(db.invoices, workspace)
    await db.usage.ingest([usageEvent(workspace), { ...usageEvent(workspace), time: 'never' }])
    await eyes.query("insert into usage_counters (workspace, series, period) values ($1, 's', now())", [
      workspace,
    ])
  }
  for (const [name, share] of Object.entries({ open: 'all', closed: 'none', some: ['red'] }))
    made[name] = await put(db.store, document('Cluster', null, name, { type: 'local', share }))
  await put(db.store, document('Role', null, 'preset', { permissions: ['endpoint:read'] }))
  await db.leases.acquire('a', 'holder', 60)
  await db.audit.claim(1n)
  await db.audit.sequence(1n, 10_000, plainly)
  await db.identity.openSession({
    id: 's',
    user: 'red-admin',
    method: 'password',
    refreshHash: 'h',
    idleSeconds: 60,
    totalSeconds: 60,
  })
  await db.identity.recordFailure('account:ann')
  await db.identity.putOperatorToken('t')
  await db.identity.putSetupLink('l', new Date(Date.now() + 60_000).toISOString())
  await db.identity.addSigningKey({
    kid: 'k',
    privateJwk: '{}',
    publicJwk: '{}',
    createdAt: new Date().toISOString(),
  })
})
afterAll(async () => {
  await eyes.end()
  await db.close()
})

/** Numbered without a tree: what it holds is no matter here. */
const plainly: Parameters<TestDatabase['audit']['sequence']>[2] = ({ at }, pending) => ({
  tiles: [{ level: 0, n: 0, offset: 0, hashes: new Uint8Array(32) }],
  entries: pending.map(({ entry }, seq) => ({
    seq,
    workspace: typeof entry.workspace === 'string' ? entry.workspace : null,
    workspaceSeq: seq,
    id: randomUUID(),
    time: at,
    sequencedAt: at,
    actor: 'user:someone',
    action: 'x.y',
    outcome: 'success',
    kind: null,
    name: null,
    leaf: new Uint8Array(32),
    entry: '{}',
  })),
})

/** Runs one statement as a role with settings, and rolls back; answers the rows it saw or touched. */
async function as(
  role: string,
  settings: Readonly<Record<string, string>>,
  sql: string,
): Promise<number | 'denied'> {
  await eyes.query('begin')
  try {
    await eyes.query(`set local role switchyard_${role}`)
    for (const [name, value] of Object.entries(settings))
      await eyes.query('select set_config($1, $2, true)', [`switchyard.${name}`, value])
    return (await eyes.query(sql)).rowCount ?? 0
  } catch (error) {
    if (
      error instanceof Error &&
      'code' in error &&
      (error.code === '42501' || String(error.code).startsWith('SY'))
    )
      return 'denied'
    throw error
  } finally {
    await eyes.query('rollback')
  }
}

async function tables(where: string): Promise<readonly string[]> {
  const { rows } = await eyes.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'switchyard'::regnamespace and c.relkind in ('r', 'p')
     and ${where} order by 1`,
  )
  return rows.map(({ name }) => name)
}

const hasWorkspace = `exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace' and not a.attisdropped)`

describe('every table', () => {
  test('is enabled and forced, with a workspace column or without', async () => {
    const open = await tables(
      "not (c.relrowsecurity and c.relforcerowsecurity) and c.relname <> 'migrations'",
    )
    expect(open).toEqual([])
    expect(await tables(hasWorkspace)).toEqual([
      'accounts',
      'audit_log',
      'changes',
      'credits',
      'demand',
      'events',
      'grants',
      'invoice_lines',
      'invoices',
      'ledger_entries',
      'ledger_transactions',
      'refs',
      'resources',
      'responses',
      'rights',
      'sealed_secrets',
      'secret_hashes',
      'usage_counters',
      'usage_events',
      'usage_quarantine',
      'usage_rollups',
    ])
  })

  test('holds rows of both workspaces, so that the tests below prove something', async () => {
    for (const table of await tables(hasWorkspace)) {
      const { rows } = await eyes.query(
        `select distinct workspace from ${table} where workspace is not null order by 1`,
      )
      expect(rows, table).toEqual([{ workspace: 'blue' }, { workspace: 'red' }])
    }
  })

  test('shows nothing to no one: no settings, empty settings, an unknown principal, no scopes', async () => {
    const nobodies = [
      {},
      { principal: '', scopes: '', workspace: '' },
      { principal: 'user:nobody', scopes: '*' },
      { principal: 'user:red-admin', scopes: '' },
      { principal: 'user:red-admin' },
      { scopes: '*' },
    ]
    for (const table of await tables(`c.relname not in ('kinds', 'permissions', 'log_state')`))
      for (const settings of nobodies) {
        const said = `${table} ${JSON.stringify(settings)}`
        // Their own grants and their own User are theirs whatever the scopes.
        const own = 'principal' in settings && settings.principal === 'user:red-admin'
        const rest = !own
          ? ''
          : table === 'grants' || table === 'rights'
            ? 'where principal <> principal()'
            : table === 'resources' || table === 'changes'
              ? "where kind <> 'User'"
              : ''
        expect([0, 'denied'], said).toContain(await as('user', settings, `select 1 from ${table} ${rest}`))
        expect([0, 'denied'], said).toContain(await as('user', settings, `delete from ${table}`))
      }
  })

  test('CP4.21: gives a member of red, for every verb, no row of blue', async () => {
    const red = { principal: 'user:red-admin', scopes: '*' }
    for (const table of await tables(hasWorkspace)) {
      const count = await as('user', red, `select 1 from ${table} where workspace = 'blue'`)
      expect([0, 'denied'], table).toContain(count)
      expect([0, 'denied'], table).toContain(
        await as('user', red, `delete from ${table} where workspace = 'blue'`),
      )
      expect([0, 'denied'], table).toContain(await as('user', red, `update ${table} set workspace = 'red'`))
      const { rows } = await eyes.query<{ column: string }>(
        `select a.attname as column from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0
         and not a.attisdropped and a.attgenerated = '' and has_column_privilege('switchyard_user', a.attrelid, a.attnum, 'update')`,
        [table],
      )
      for (const { column } of rows)
        expect([0, 'denied'], `${table}.${column}`).toContain(
          await as('user', red, `update ${table} set ${column} = ${column} where workspace = 'blue'`),
        )
    }
    // And it is not blindness: their own rows are there.
    expect(await as('user', red, "select 1 from resources where workspace = 'red'")).toBeGreaterThan(3)
  })

  test('CP4.21: takes no row of blue from a member of red, whatever it says', async () => {
    const red = { principal: 'user:red-admin', scopes: '*' }
    for (const table of await tables(hasWorkspace)) {
      const { rows: columns } = await eyes.query<{ name: string }>(
        `select quote_ident(a.attname) as name from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0
         and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''
         and has_column_privilege('switchyard_user', a.attrelid, a.attnum, 'insert')`,
        [table],
      )
      if (columns.length === 0) continue
      const names = columns.map(({ name }) => name).join(', ')
      const { rows } = await eyes.query<{ row: unknown }>(
        `select to_jsonb(t) as row from ${table} t where workspace = 'blue'`,
      )
      expect(rows.length, table).toBeGreaterThan(0)
      for (const { row } of rows)
        expect(
          await as(
            'user',
            red,
            `insert into ${table} (${names}) select ${names} from jsonb_populate_record(null::${table}, ${escapeLiteral(JSON.stringify(row))})`,
          ),
          `${table} ${JSON.stringify(row)}`,
        ).toBe('denied')
    }
  })

  test('belongs to the owner alone; no other role owns a thing, passes a policy or makes a role', async () => {
    const { rows: owned } = await eyes.query<{ owner: string }>(
      `select distinct pg_get_userbyid(o.owner) as owner from (
         select relowner from pg_class where relnamespace = 'switchyard'::regnamespace
         union select proowner from pg_proc where pronamespace = 'switchyard'::regnamespace
         union select typowner from pg_type where typnamespace = 'switchyard'::regnamespace
         union select nspowner from pg_namespace where nspname = 'switchyard'
       ) o (owner)`,
    )
    expect(owned).toEqual([{ owner: 'switchyard_owner' }])
    const { rows: strong } = await eyes.query(
      `select rolname from pg_roles where rolname like 'switchyard\\_%'
       and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolcanlogin)`,
    )
    expect(strong).toEqual([])
    const { rows: members } = await eyes.query(
      `select m.rolname as member, r.rolname as role from pg_auth_members a join pg_roles m on m.oid = a.member
       join pg_roles r on r.oid = a.roleid where m.rolname like 'switchyard\\_%'`,
    )
    expect(members).toEqual([])
    const { rows: definers } = await eyes.query(
      `select relname from pg_class where relnamespace = 'switchyard'::regnamespace and relkind in ('v', 'm')
       and not coalesce(reloptions @> array['security_invoker=true'], false)`,
    )
    expect(definers).toEqual([])
  })

  test('of the server is closed to callers, control, agents and gateways', async () => {
    for (const table of [
      'audit_pending',
      'audit_head',
      'audit_counts',
      'audit_tiles',
      'audit_checkpoints',
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

  test('is closed to the role that every connection starts with', async () => {
    for (const table of await tables('true'))
      expect(await as('nobody', {}, `select 1 from switchyard.${table}`)).toBe('denied')
  })
})

describe('a caller', () => {
  const red = caller('red-admin')

  test('cannot put a row into another workspace, or move one there', async () => {
    await expect(put(db.store, document('Project', 'blue', 'p'), [], red)).rejects.toMatchObject({
      code: 'denied',
    })
    const settings = { principal: 'user:red-admin', scopes: '*' }
    for (const column of ['workspace', 'name', 'kind', 'id', 'version'])
      expect(await as('user', settings, `update resources set ${column} = ${column}`), column).toBe('denied')
    // Not even by way of the owner of the tables: the guard holds for every role.
    const e = made['red/e']
    await expect(
      eyes.query(
        `update resources set workspace = 'blue', metadata = jsonb_set(metadata, '{workspace}', '"blue"') where id = $1`,
        [e?.metadata.id],
      ),
    ).rejects.toMatchObject({ code: 'SY400' })
  })

  test('with a workspace grant never reaches platform documents, but those that are shared with it', async () => {
    expect(await list(red, 'Cluster')).toEqual(['open', 'some', 'red/c'])
    expect(await list(caller('blue-admin'), 'Cluster')).toEqual(['open', 'blue/c'])
    expect(await list(red, 'Workspace')).toEqual(['red'])
    expect(await list(red, 'User')).toEqual(['red-admin'])
    expect(await list(red, 'Role')).toContain('preset')
    expect(await list(red, 'RoleAssignment')).toHaveLength(1)
    const open = made.open as Document
    const change = db.store.write(red, tx =>
      tx.update({ ...open, spec: { type: 'local', share: 'none' } }, null),
    )
    await expect(change).rejects.toMatchObject({ code: 'denied' })
    await expect(put(db.store, document('Cluster', null, 'mine'), [], red)).rejects.toMatchObject({
      code: 'denied',
    })
    expect(await list(caller('stranger'), 'Cluster')).toEqual([])
  })

  test('is narrowed by the scopes and the workspace of a key, also when it is the operator', async () => {
    expect(await list(caller('red-admin', { scopes: ['endpoint:read'] }), 'Endpoint')).toEqual(['red/e'])
    expect(await list(caller('red-admin', { scopes: ['endpoint:read'] }), 'Cluster')).toEqual([])
    expect(await list(caller('red-admin', { scopes: ['*:read'] }), 'Cluster')).toEqual([
      'open',
      'some',
      'red/c',
    ])
    expect(await list(caller('red-admin', { workspace: 'blue' }), 'Endpoint')).toEqual([])
    const key: Identity = { role: 'caller', principal: 'system:operator', scopes: ['*'], workspace: 'red' }
    expect(await list(key, 'Endpoint')).toEqual(['red/e'])
    expect(await list(key, 'Cluster')).toEqual(['open', 'some', 'red/c'])
    expect(await list(operator, 'Endpoint')).toEqual(['blue/e', 'red/e'])
    // A scope that smuggles in others counts for nothing.
    expect(await list(caller('red-admin', { scopes: ['cluster:read *'] }), 'Endpoint')).toEqual([])
  })

  test('sees the same in the log as in lists', async () => {
    const { changes } = await db.store.changes(red, '0', 1000)
    const places = new Set(changes.map(({ document }) => document.metadata.workspace))
    expect(places).toEqual(new Set(['red', null]))
    const platform = changes.filter(({ document }) => document.metadata.workspace === null)
    expect(new Set(platform.map(({ document: { kind, metadata } }) => `${kind} ${metadata.name}`))).toEqual(
      new Set(['Workspace red', 'User red-admin', 'Cluster open', 'Cluster some', 'Role preset']),
    )
  })

  test('is told that a document went when it stops being shared with them, and came when it starts', async () => {
    const cluster = await put(
      db.store,
      document('Cluster', null, 'moving', { type: 'local', share: ['red'] }),
    )
    const after = cluster.metadata.resourceVersion
    const { documents } = await db.store.write(operator, tx =>
      tx.update({ ...cluster, spec: { type: 'local', share: ['blue'], secret: 'x' } }, null),
    )
    const seen = async (who: Identity) => (await db.store.changes(who, after, 10)).changes
    expect(await seen(red)).toMatchObject([{ type: 'DELETED', document: { spec: { share: ['red'] } } }])
    expect(JSON.stringify(await seen(red))).not.toContain('secret')
    expect((await seen(caller('blue-admin'))).map(({ type, before }) => [type, before])).toEqual([
      ['ADDED', undefined],
    ])
    expect(await seen(operator)).toMatchObject([{ type: 'MODIFIED', before: { spec: { share: ['red'] } } }])
    await db.store.write(operator, tx => tx.remove(documents.get(cluster.metadata.id) ?? cluster))
  })

  test('reads usage and events of their workspace alone', async () => {
    const rows = await db.usage.usage(red, { by: ['workspace'] })
    expect(rows.map(({ group }) => group.workspace)).toEqual(['red'])
    expect((await db.store.events(red, { limit: 10 })).map(({ message }) => message)).toEqual(['red'])
    expect(await db.usage.usage(caller('stranger'), { by: ['workspace'] })).toEqual([])
    expect(await db.store.events(caller('stranger'), { limit: 10 })).toEqual([])
  })

  test('writes spec, labels and names, and neither status nor what the server keeps', async () => {
    const e = await put(
      db.store,
      document('Endpoint', 'red', 'guarded', { replicas: 1 }, { finalizers: ['switchyard.dev/x'] }),
      [],
      red,
    )
    const attempts: readonly Partial<Document>[] = [
      { status: { replicas: { ready: 1 } } },
      { metadata: { ...e.metadata, createdBy: 'user:someone-else' } },
      { metadata: { ...e.metadata, creationTimestamp: '2020-01-01T00:00:00.000Z' } },
      {
        metadata: {
          ...e.metadata,
          ownerReferences: [
            { kind: 'Cluster', name: 'c', id: randomUUID(), controller: false, blocksDeletion: false },
          ],
        },
      },
      { metadata: { ...e.metadata, finalizers: [] } },
    ]
    for (const attempt of attempts)
      await expect(db.store.write(red, tx => tx.update({ ...e, ...attempt }, null))).rejects.toMatchObject({
        code: 'denied',
      })
    const { documents } = await db.store.write(red, tx =>
      tx.update(
        {
          ...e,
          spec: { replicas: 2 },
          status: { phase: 'Starting' },
          metadata: { ...e.metadata, labels: { a: 'b' }, generation: 2 },
        },
        null,
      ),
    )
    const going = await db.store.write(red, tx => tx.update(deleted(documents.get(e.metadata.id) ?? e), null))
    // Its finalizers hold the row; only force passes them, and red-admin has none.
    const last = going.documents.get(e.metadata.id) ?? e
    await expect(db.store.write(red, tx => tx.remove(last))).rejects.toMatchObject({
      code: 'conflict',
      reason: 'terminating',
    })
    await db.store.write(operator, tx => tx.remove(last))
  })

  test('needs delete for a deletion and update for a change', async () => {
    const e = await put(db.store, document('Endpoint', 'red', 'verbs', { n: 1 }))
    await allow(db.store, 'editor', 'red', ['endpoint:read', 'endpoint:update'])
    await allow(db.store, 'remover', 'red', ['endpoint:read', 'endpoint:delete'])
    await allow(db.store, 'reader', 'red', ['endpoint:read'])
    const change = { ...e, spec: { n: 2 } }
    for (const name of ['remover', 'reader'])
      await expect(db.store.write(caller(name), tx => tx.update(change, null))).rejects.toMatchObject({
        code: 'denied',
      })
    for (const name of ['editor', 'reader']) {
      await expect(db.store.write(caller(name), tx => tx.update(deleted(e), null))).rejects.toMatchObject({
        code: 'denied',
      })
      await expect(db.store.write(caller(name), tx => tx.remove(e))).rejects.toMatchObject({ code: 'denied' })
    }
    const { documents } = await db.store.write(caller('editor'), tx => tx.update(change, null))
    const current = documents.get(e.metadata.id) ?? e
    const gone = await db.store.write(caller('remover'), tx => tx.update(deleted(current), null))
    await db.store.write(caller('remover'), tx => tx.remove(gone.documents.get(e.metadata.id) ?? current))
  })

  test("may change only their own keys without api_key:any, and put no secret beside another's document", async () => {
    await allow(db.store, 'dev', 'red', [
      'api_key:create',
      'api_key:read',
      'api_key:update',
      'api_key:delete',
    ])
    const dev = caller('dev')
    const key = (owner: string) =>
      document('ApiKey', 'red', `k-${owner}`, { owner: { kind: 'User', name: owner } })
    const mine = await put(db.store, key('dev'), [], dev)
    await db.store.write(dev, tx => tx.putSecret(mine.metadata.id, { field: 'hash', hash: 'x' }))
    await expect(put(db.store, key('red-admin'), [], dev)).rejects.toMatchObject({ code: 'denied' })
    await expect(db.store.write(dev, tx => tx.remove(made['red/k'] as Document))).rejects.toMatchObject({
      code: 'not_found',
    })
    await db.store.write(red, tx => tx.remove(mine))
    const stolen = db.store.write(red, tx =>
      tx.putSecret(made['blue/k']?.metadata.id ?? '', { field: 'hash', hash: 'x' }),
    )
    await expect(stolen).rejects.toMatchObject({ code: 'denied' })
  })

  test('reads no key of someone else without api_key:any, in lists and in the log', async () => {
    await allow(db.store, 'peer', 'red', ['api_key:read', 'api_key:create'])
    expect(await list(caller('peer'), 'ApiKey')).toEqual([])
    const kinds = (await db.store.changes(caller('peer'), '0', 1000)).changes.map(
      ({ document }) => document.kind,
    )
    expect(kinds).not.toContain('ApiKey')
    expect(await list(red, 'ApiKey')).toEqual(['red/k'])
  })

  test('who may rotate may write the status of their key, and nothing else of it', async () => {
    const key = document('ApiKey', 'red', 'turns', {
      owner: { kind: 'User', name: 'turner' },
      scopes: ['a:b'],
    })
    const stored = await put(db.store, key)
    await allow(db.store, 'turner', 'red', ['api_key:read', 'api_key:rotate'])
    const turner = caller('turner')
    await db.store.write(turner, tx => tx.putSecret(stored.metadata.id, { field: 'hash', hash: 'new' }))
    const { documents } = await db.store.write(turner, tx =>
      tx.update({ ...stored, status: { last4: 'abcd' } }, null),
    )
    const current = documents.get(stored.metadata.id) ?? stored
    const wider = { ...current, spec: { ...(key.spec as object), scopes: ['*'] } }
    await expect(db.store.write(turner, tx => tx.update(wider, null))).rejects.toMatchObject({
      code: 'denied',
    })
    await db.store.write(operator, tx => tx.remove(current))
  })

  test('grants nothing that they do not hold there, by a role or by an assignment', async () => {
    const role = (...permissions: string[]) =>
      document('Role', 'red', `r-${randomUUID().slice(0, 8)}`, { permissions })
    await expect(put(db.store, role('*'), [], red)).rejects.toThrow(
      /cannot grant .* because you do not hold it here/,
    )
    await expect(put(db.store, role('endpoint:read', 'user:read'), [], red)).rejects.toThrow(
      /cannot grant user:read/,
    )
    const fine = await put(db.store, role('endpoint:*', 'api_key:any', 'cluster:read'), [], red)
    const wider = { ...fine, spec: { permissions: ['cluster:*'] } }
    await expect(db.store.write(red, tx => tx.update(wider, null))).rejects.toMatchObject({ code: 'denied' })
    const admin = await put(db.store, document('Role', null, 'all', { permissions: ['*'] }))
    const assign = (to: string) =>
      document('RoleAssignment', 'red', `a-${to.replace('/', '-')}`, {
        subject: { kind: 'User', name: 'ann' },
        role: to,
      })
    await expect(put(db.store, assign('platform/all'), [], red)).rejects.toMatchObject({ code: 'denied' })
    await put(db.store, assign(fine.metadata.name), [], red)
    expect(await db.store.grants('user:ann')).toContainEqual({ workspace: 'red', permission: 'endpoint:*' })
    await db.store.write(operator, tx => tx.remove(admin))
  })

  test('never makes what only control makes', async () => {
    await expect(put(db.store, document('Replica', 'red', 'r'))).rejects.toMatchObject({ code: 'denied' })
    const replica = await put(db.store, document('Replica', 'red', 'r', { n: 1 }), [], control)
    await expect(
      db.store.write(operator, tx => tx.update({ ...replica, spec: { n: 2 } }, null)),
    ).rejects.toMatchObject({ code: 'denied' })
    await db.store.write(operator, tx => tx.remove(replica))
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

test('functions that run as their owner are these and no others, each with a fixed search path', async () => {
  const { rows } = await eyes.query<{ name: string; path: string }>(
    `select proname as name, array_to_string(proconfig, ',') as path from pg_proc
     where pronamespace = 'switchyard'::regnamespace and prosecdef order by 1`,
  )
  expect(rows.map(({ name }) => name)).toEqual([
    'audit',
    'audit_change',
    'audit_identity',
    'audit_link',
    'audit_master_key',
    'audit_prune',
    'audit_secret',
    'audit_server_key',
    'audit_session',
    'audit_unsealed',
    'audit_unsealed_value',
    'audit_value',
    'check_quota',
    'count_referrers',
    'drop_responses',
    'end_price_book',
    'expand_grants',
    'explain_usage',
    'free_target',
    'free_workspace',
    'grant_assignment',
    'grant_provider',
    'has_admin',
    'hold',
    'hold_money',
    'hold_workspace',
    'journal_recovered',
    'keep_admin',
    'keep_grants',
    'keep_out',
    'keep_provider_grants',
    'lacks_of',
    'lease_slice',
    'leave_workspace',
    'limit_admit',
    'limit_change',
    'limit_prune',
    'limit_renew',
    'newest_version',
    'place_beside',
    'price_changed',
    'prune_changes',
    'prune_responses',
    'purge',
    'quota_returns',
    'quota_standing',
    'rebuild_usage',
    'record_money',
    'resolve_quarantine',
    'role_permissions',
    'seal',
    'seal_change',
    'settle_usage',
    'tidy_ledger',
    'void_hold',
    'vouched_beyond',
  ])
  expect(new Set(rows.map(({ path }) => path))).toEqual(new Set(['search_path=switchyard, pg_temp']))
})
