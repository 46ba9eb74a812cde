// Two workspaces with a row of each in every table, and eyes that see and try everything: what the tests of the walls share.
import { randomBytes, randomUUID } from 'node:crypto'
import type { Document } from '@switchyard/kinds'
import { presets } from '@switchyard/kinds'
import { type Identity, Sealed, type Vault } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { allow, control, document, named, operator, put } from './given.ts'
import { issueOne } from './invoiced.ts'
import { usageEvent } from './usage-event.ts'

export interface Walls {
  readonly db: TestDatabase
  readonly vault: Vault
  /** Root key of the vault. */
  readonly root: Uint8Array
  /** The owner's eyes: a superuser passes every policy. */
  readonly eyes: Client
  /** Documents of each workspace by `workspace/name`, and shared clusters by name. */
  readonly made: Readonly<Record<string, Document>>
  /** Runs one statement as a role with settings, and rolls back; answers the rows it saw or touched. */
  as(role: string, settings: Readonly<Record<string, string>>, sql: string): Promise<number | 'denied'>
  /** Names of the tables `c` (of pg_class) for which the condition holds. */
  tables(where: string): Promise<readonly string[]>
  list(as: Identity, kind: string): Promise<readonly string[]>
  close(): Promise<void>
}

export const hasWorkspace = `exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace' and not a.attisdropped)`

export async function openWalls(): Promise<Walls> {
  const db = await testDatabase()
  const root = randomBytes(32)
  const vault = db.openVault([root])
  const made = await fill(db, vault)
  const eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  for (const workspace of ['red', 'blue'])
    await eyes.query("insert into usage_counters (workspace, series, period) values ($1, 's', now())", [
      workspace,
    ])
  return {
    db,
    vault,
    root,
    eyes,
    made,
    as: (role, settings, sql) => runAs(eyes, role, settings, sql),
    tables: where => tablesOf(eyes, where),
    list: async (as, kind) => named((await db.store.read(as, tx => tx.list({ kind }))).items),
    async close() {
      await eyes.end()
      await db.close()
    },
  }
}

async function fill(db: TestDatabase, vault: Vault): Promise<Record<string, Document>> {
  const made: Record<string, Document> = {}
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
    const assignment = { nodes: ['local'], accelerator: 'nvidia', product: 'L4', devices: [workspace] }
    await put(db.store, document('Replica', workspace, 'held', { endpoint: 'e', assignment }), [], control)
    await db.usage.ingest([usageEvent(workspace), { ...usageEvent(workspace), time: 'never' }])
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
  return made
}

/** Numbered without a tree: what it holds is no matter here. */
const plainly: Parameters<TestDatabase['audit']['sequence']>[2] = ({ at, size }) => {
  let seq = size
  return {
    add: async pending =>
      pending.entries.map(({ workspace }) => ({
        seq,
        workspace: typeof workspace === 'string' ? workspace : null,
        workspaceSeq: seq++,
        id: randomUUID(),
        time: at,
        sequencedAt: at,
        actor: 'user:someone',
        action: 'x.y',
        outcome: 'success' as const,
        kind: null,
        name: null,
        leaf: new Uint8Array(32),
        entry: '{}',
      })),
    grown: () => [{ level: 0, n: 0, offset: 0, hashes: new Uint8Array(32) }],
  }
}

async function runAs(
  eyes: Client,
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

async function tablesOf(eyes: Client, where: string): Promise<readonly string[]> {
  const { rows } = await eyes.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'switchyard'::regnamespace and c.relkind in ('r', 'p')
     and ${where} order by 1`,
  )
  return rows.map(({ name }) => name)
}
