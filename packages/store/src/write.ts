// What a transaction may write. Versions are given when it ends; until then a document carries its old one.
import { type Document, Fault } from '@switchyard/kinds'
import type { Key, ReadTransaction, ReferenceTo, WriteTransaction } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { recordAudit } from './audit/record.ts'
import { columns, documentOf, keyOf, type Row, sayKey, valuesOf, withVersion } from './documents.ts'
import { recordEvent } from './events.ts'
import { readTransaction } from './read.ts'

/** Referrers that a refusal names. */
const namedReferrers = 10

const tellDropped = `
select audit(r.workspace, k.noun || '.secret_write',
  jsonb_build_object('kind', r.kind, 'name', r.name, 'uid', r.id),
  jsonb_build_object('diff', jsonb_build_array(jsonb_build_object('op', 'remove', 'path', '/secrets/' || $2::text))))
from resources r join kinds k on k.kind = r.kind where r.id = $1`

const clients = new WeakMap<WriteTransaction, PoolClient>()

/** The connection of a running transaction, for what else of the store is written in it. */
export function clientOf(tx: WriteTransaction): PoolClient {
  const client = clients.get(tx)
  if (!client) throw new TypeError('This is no transaction of this store.')
  return client
}

/** `written` gathers the documents of this transaction by id, with the state that each ends in. */
export function writeTransaction(client: PoolClient, written: Map<string, Document>): WriteTransaction {
  const reading = readTransaction(client)

  const byId = async (id: string) => {
    const { rows } = await client.query<Row>(`select ${columns} from resources where id = $1`, [id])
    return rows[0] && documentOf(rows[0])
  }
  const refer = (id: string, references: readonly ReferenceTo[]) =>
    references.length === 0
      ? undefined
      : client.query(
          `insert into refs (from_id, path, to_id)
           select distinct $1::uuid, path, id from unnest($2::text[], $3::uuid[]) as given(path, id)`,
          [id, references.map(({ path }) => path), references.map(to => to.id)],
        )

  const transaction: WriteTransaction = {
    ...reading,
    async lock({ kind, workspace, name }, mode) {
      const { rows } = await client.query<{ id: string }>(
        'select id from resources where kind = $1 and place = $2 and name = $3 and hold(id, $4)',
        [kind, workspace ?? '', name, mode],
      )
      // Read again: the row may have changed while we waited for the lock.
      return rows[0] && byId(rows[0].id)
    },
    async holdWorkspace(name) {
      const { rows } = await client.query<{ state: 'standing' | 'leaving' | null }>(
        'select hold_workspace($1) as state',
        [name],
      )
      return rows[0]?.state ?? undefined
    },
    async insert(document, references) {
      const row = valuesOf(document)
      const { rowCount } = await client.query({
        name: 'insert',
        text: `insert into resources (id, kind, workspace, name, created_at, deleted_at, metadata, spec, status)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
        values: [
          row.id,
          row.kind,
          row.workspace,
          row.name,
          row.createdAt,
          row.deletedAt,
          row.metadata,
          row.spec,
          row.status,
        ],
      })
      if (rowCount === 0) throw taken(document, await reading.get(keyOf(document)))
      await refer(row.id, references)
      const inserted = withVersion(document, '0')
      written.set(row.id, inserted)
      return inserted
    },
    async update(document, references) {
      const row = valuesOf(document)
      const version = versionOf(document)
      const { rowCount } = await client.query({
        name: 'update',
        text: `update resources set deleted_at = $3, metadata = $4, spec = $5, status = $6
          where id = $1 and version = $2`,
        values: [row.id, version, row.deletedAt, row.metadata, row.spec, row.status],
      })
      if (rowCount === 0) throw refusal(document, await byId(row.id))
      if (references) {
        await client.query('delete from refs where from_id = $1', [row.id])
        await refer(row.id, references)
      }
      written.set(row.id, document)
      return document
    },
    async remove(document) {
      const { id } = document.metadata
      await client.query('select hold($1, $2)', [id, 'update'])
      const { referrers, total } = await reading.referrers(id, namedReferrers)
      if (total > 0) throw inUse(keyOf(document), referrers, total)
      const { rowCount } = await client.query('delete from resources where id = $1 and version = $2', [
        id,
        versionOf(document),
      ])
      if (rowCount === 0) throw refusal(document, await byId(id))
      written.set(id, document)
    },
    async putSecret(id, { field, hash, previous }) {
      // Not an upsert: that would need the right to read the hash.
      await client.query('delete from secret_hashes where resource_id = $1 and field = $2', [id, field])
      await client.query(
        `insert into secret_hashes (resource_id, field, hash, previous_hash, previous_until)
         values ($1, $2, $3, $4, $5)`,
        [id, field, hash, previous?.hash ?? null, previous?.until ?? null],
      )
    },
    async dropSecret(id, field) {
      let dropped = 0
      for (const table of ['secret_hashes', 'sealed_secrets'])
        dropped +=
          (await client.query(`delete from ${table} where resource_id = $1 and field = $2`, [id, field]))
            .rowCount ?? 0
      // A value that is written tells so by a trigger, and takes the old one away before.
      if (dropped > 0) await client.query(tellDropped, [id, field])
    },
    event: event => recordEvent(client, event),
    audit: entry => recordAudit(client, entry),
  }
  clients.set(transaction, client)
  return transaction
}

/** The last step: versions in commit order for all that was written. Nothing may be written after it. */
export async function seal(
  client: PoolClient,
  written: Map<string, Document>,
): Promise<{ readonly documents: ReadonlyMap<string, Document>; readonly version?: string }> {
  if (written.size === 0) return { documents: written }
  const { rows } = await client.query<{ id: string; version: string }>({
    name: 'seal',
    text: 'select id, version from seal($1)',
    values: [[...written.keys()]],
  })
  const documents = new Map(written)
  let newest = 0n
  for (const { id, version } of rows) {
    const document = written.get(id)
    // A write that changed nothing has kept its version.
    if (!document || document.metadata.resourceVersion === version) continue
    documents.set(id, withVersion(document, version))
    if (BigInt(version) > newest) newest = BigInt(version)
  }
  return { documents, ...(newest > 0n ? { version: String(newest) } : {}) }
}

function versionOf(document: Document): string {
  const { resourceVersion } = document.metadata
  if (/^\d{1,18}$/.test(resourceVersion)) return resourceVersion
  throw stale(document)
}

function stale(document: Document): Fault {
  return new Fault('stale', `${sayKey(keyOf(document))} has changed since it was read: read it again.`)
}

function refusal(document: Document, standing: Document | undefined): Fault {
  const said = sayKey(keyOf(document))
  if (!standing) return new Fault('not_found', `There is no ${said}.`)
  if (standing.metadata.resourceVersion !== document.metadata.resourceVersion) return stale(document)
  return new Fault('denied', `You may not change ${said}.`)
}

function taken(document: Document, standing: Document | undefined): Fault {
  const said = sayKey(keyOf(document))
  if (standing?.metadata.deletionTimestamp)
    return new Fault('conflict', `${said} is being removed: wait until it is gone, or choose another name.`, {
      reason: 'terminating',
    })
  const what = document.kind === 'User' ? 'name or e-mail' : 'name'
  return new Fault('conflict', `The ${what} of ${said} is taken: choose another.`, { reason: 'taken' })
}

function inUse(
  key: Key,
  referrers: Awaited<ReturnType<ReadTransaction['referrers']>>['referrers'],
  total: number,
): Fault {
  const rest = total - referrers.length
  const named = referrers.map(sayKey).join(', ')
  const others =
    rest === 0
      ? ''
      : `${named ? ' and ' : ''}${rest} ${named ? 'more' : rest === 1 ? 'document' : 'documents'}`
  return new Fault(
    'conflict',
    `${sayKey(key)} is in use by ${named}${others}: remove or change them first.`,
    {
      reason: 'in_use',
    },
  )
}
