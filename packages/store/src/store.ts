// The Store on PostgreSQL: every call is one transaction under its identity.
import { type Document, Fault } from '@switchyard/kinds'
import type { Fence, Grant, SourcedGrant, Store } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { keepAnswer, takeKey } from './answers.ts'
import { readChanges } from './changes.ts'
import { readEvents } from './events.ts'
import { newestVersion } from './list.ts'
import type { Listener } from './listener.ts'
import type { Database } from './postgres/pool.ts'
import { readTransaction } from './read.ts'
import { seal, writeTransaction } from './write.ts'

/** A read sees one moment, however many questions it asks. */
const oneMoment = { isolation: 'repeatable read', readOnly: true } as const

interface SourceRow extends Omit<SourcedGrant, 'provider' | 'expiresAt'> {
  readonly source: string | null
  readonly expires_at: Date | null
}

/** Thrown to leave a dry run: the transaction rolls back and the value is kept. */
class DryRun {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
}

export function storeOn(database: Database, listener: Listener): Store {
  return {
    read: (as, work) => database.transaction(as, oneMoment, client => work(readTransaction(client))),

    async write(as, work, { dryRun = false, fence } = {}) {
      const written = new Map<string, Document>()
      type Value = Awaited<ReturnType<typeof work>>
      try {
        return await database.transaction(as, {}, async client => {
          if (fence) await checkFence(client, fence)
          const value = await work(writeTransaction(client, written))
          if (dryRun) {
            // What is asked before a commit is asked of a dry run too.
            await client.query('set constraints quota_of_endpoint, quota_of_replica immediate')
            throw new DryRun(value)
          }
          return { value, ...(await seal(client, written)) }
        })
      } catch (error) {
        // Why `as`: this run made it, of the work's own value.
        if (error instanceof DryRun) return { value: error.value as Value, documents: written }
        throw error
      }
    },

    writeOnce: (as, once, work) =>
      database.transaction(as, {}, async client => {
        const kept = await takeKey(client, once)
        if (kept) return { kept }
        const documents = new Map<string, Document>()
        const value = await work(writeTransaction(client, documents))
        const written = { value, ...(await seal(client, documents)) }
        // After the versions are known, which the answer tells; it writes no document.
        await keepAnswer(client, once.key, once.answer(written))
        return { written }
      }),

    version: as => database.transaction(as, oneMoment, newestVersion),

    changes: (as, after, limit, kinds) =>
      database.transaction(as, oneMoment, client =>
        readChanges(client, as.role === 'caller', after, limit, kinds),
      ),

    wake: (milliseconds, signal) => listener.wake(milliseconds, signal),

    grants: principal =>
      database.transaction({ role: 'secrets' }, { readOnly: true }, async client => {
        const { rows } = await client.query<Grant>(
          `select distinct workspace, permission from grants
           where principal = any ((select principals_of($1))::text[]) and (expires_at is null or expires_at > now())
           order by workspace nulls first, permission`,
          [principal],
        )
        return rows
      }),

    grantSources: principal =>
      database.transaction({ role: 'secrets' }, { readOnly: true }, async client => {
        const { rows } = await client.query<SourceRow>(
          `select workspace, permission, principal as through, assignment, source, expires_at from grants
           where principal = any ((select principals_of($1))::text[]) and (expires_at is null or expires_at > now())
           order by workspace nulls first, assignment, permission`,
          [principal],
        )
        return rows.map(({ source, expires_at, ...grant }) => ({
          ...grant,
          provider: source ?? undefined,
          expiresAt: expires_at?.toISOString(),
        }))
      }),

    events: (as, query) => database.transaction(as, { readOnly: true }, client => readEvents(client, query)),
  }
}

/** Holds the lease's row until the commit, so that no other holder can take it in between. */
async function checkFence(client: PoolClient, { lease, epoch }: Fence): Promise<void> {
  const { rowCount } = await client.query('select from leases where name = $1 and epoch = $2 for share', [
    lease,
    String(epoch),
  ])
  if (rowCount === 0)
    throw new Fault('conflict', `The lease ${lease} is held by another process now.`, { reason: 'fenced' })
}
