// The one pool of connections. Each starts as a role that may do nothing; only a transaction of ours lends it
// the role and the settings of who it works for, and both end with it.
import { Fault } from '@switchyard/kinds'
import { currentOrigin, type Identity } from '@switchyard/runtime'
import { escapeLiteral, Pool, type PoolClient } from 'pg'
import { connectionOf } from './connection.ts'
import { faultOf, refusedByQuota } from './faults.ts'

export interface PoolOptions {
  /** Connections at most. Default 20. */
  readonly connections?: number
  readonly observe?: (observation: StoreObservation) => void
}

export type StoreObservation =
  /** An idle connection broke; the pool makes another when one is needed. */
  | { readonly type: 'connection_lost'; readonly error: Error }
  /** The listener is away: wakes come from polls until it is back. */
  | { readonly type: 'listener_lost'; readonly error: Error }
  | { readonly type: 'listener_back' }
  /** Money that was held has left no trace of its use: it was written off. */
  | { readonly type: 'holds_lost'; readonly count: number }
  /** A Quota refused a change: `dimension` is `replicas` or a flavor of devices. */
  | { readonly type: 'quota_refused'; readonly level: 'workspace'; readonly dimension: string }

/** Roles of the server's own rooms, beside those of an Identity. */
export type ServerRole = 'secrets' | 'identity' | 'ingest' | 'audit' | 'doctor' | 'invoice' | 'seal'

export interface Session {
  readonly isolation?: 'repeatable read'
  readonly readOnly?: boolean
  /** The one that a role of the server works for, where its policies ask; a caller's identity names its own. */
  readonly workspace?: string
}

/** What a connection is before a transaction of ours: nobody. */
export const startupOptions = [
  'role=switchyard_nobody',
  'search_path=switchyard,pg_temp',
  'timezone=UTC',
  // Statements are small: compiling one takes longer than running it.
  'jit=off',
  'lock_timeout=5000',
  'statement_timeout=30000',
  'idle_in_transaction_session_timeout=60000',
]
  .map(setting => `-c ${setting}`)
  .join(' ')

export interface Database {
  /** Runs work in one transaction as this identity; rolls back when it throws. Throws Faults. */
  transaction<T>(
    as: Identity | { readonly role: ServerRole },
    session: Session,
    work: (client: PoolClient) => Promise<T>,
  ): Promise<T>
  close(): Promise<void>
}

export function openPool(url: string, { connections = 20, observe = () => {} }: PoolOptions): Database {
  const pool = new Pool({
    ...connectionOf(url, 'switchyard', startupOptions),
    max: connections,
    // What does not wait for the answer before it is sent right behind it: a round trip less for each transaction.
    pipeline: true,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
  })
  let closing: Promise<void> | undefined
  // While closing, connections end because we end them.
  pool.on('error', error => {
    if (!closing) observe({ type: 'connection_lost', error })
  })

  const transaction: Database['transaction'] = async (as, session, work) => {
    if (closing)
      throw new Fault('unavailable', 'The store is closed: the server is stopping.', { reason: 'closed' })
    let client: PoolClient
    try {
      client = await pool.connect()
    } catch (error) {
      throw faultOf(error)
    }
    // A connection that breaks while it is ours must not end the process.
    let broken: Error | undefined
    const onError = (error: Error) => {
      broken = error
    }
    client.on('error', onError)
    try {
      // The first statement follows at once. Where this fails it fails too: a connection may do nothing by itself.
      const [opened, done] = await Promise.allSettled([
        client.query(begin(as, session)),
        Promise.try(work, client),
      ])
      if (opened.status === 'rejected') throw opened.reason
      if (done.status === 'rejected') throw done.reason
      await client.query('commit')
      return done.value
    } catch (error) {
      // A rollback that fails means a connection that must not be used again.
      if (!broken)
        await client.query('rollback').catch((failed: Error) => {
          broken = failed
        })
      const dimension = refusedByQuota(error)
      if (dimension !== undefined) observe({ type: 'quota_refused', level: 'workspace', dimension })
      throw faultOf(error)
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }
  return {
    transaction,
    close() {
      closing ??= pool.end()
      return closing
    },
  }
}

/** One round trip opens the transaction, takes the role and tells the policies who asks. */
function begin(
  as: Identity | { readonly role: ServerRole },
  { isolation, readOnly, workspace }: Session,
): string {
  const mode = `${isolation ? ` isolation level ${isolation}` : ''}${readOnly ? ' read only' : ''}`
  const open = `begin${mode}; set local role switchyard_${as.role === 'caller' ? 'user' : as.role};`
  const settings: Record<string, string> = workspace === undefined ? {} : { workspace }
  if (as.role === 'caller') {
    settings.principal = as.principal
    // A scope that is no pattern covers nothing, and must not end up as several.
    settings.scopes = as.scopes.filter(scope => /^[a-z_*]+(:[a-z_*]+)?$/.test(scope)).join(' ')
    settings.workspace = as.workspace ?? ''
  }
  // What is only read leaves no trace in the trail.
  const origin = readOnly ? undefined : currentOrigin()
  if (origin) settings.origin = JSON.stringify(origin)
  const set = Object.entries(settings).map(([name, value]) => setting(name, value))
  return set.length === 0 ? open : `${open} select ${set.join(', ')};`
}

const setting = (name: string, value: string) =>
  `set_config('switchyard.${name}', ${escapeLiteral(value)}, true)`
