// What signing in remembers, on the database's clock: sessions and their token families, keys, links, failures.
import type { IdentityStore, RefreshOutcome, Session, SigningKey } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import type { Database } from './postgres/pool.ts'

interface SessionRow {
  readonly id: string
  readonly user_name: string
  readonly created_at: Date
  readonly ends_at: Date
  readonly ended_at: Date | null
}

interface KeyRow {
  readonly kid: string
  readonly private_jwk: string
  readonly public_jwk: string
  readonly created_at: Date
  readonly retired_at: Date | null
}

/** A used token that comes again this soon is a lost answer, not a thief. */
const recentSeconds = 10
/** Failures older than this say nothing about now. */
const failureHours = 24

function sessionOf({ id, user_name, created_at, ends_at, ended_at }: SessionRow): Session {
  const session = { id, user: user_name, createdAt: created_at.toISOString(), endsAt: ends_at.toISOString() }
  return ended_at ? { ...session, endedAt: ended_at.toISOString() } : session
}

function keyOf({ kid, private_jwk, public_jwk, created_at, retired_at }: KeyRow): SigningKey {
  const key = { kid, privateJwk: private_jwk, publicJwk: public_jwk, createdAt: created_at.toISOString() }
  return retired_at ? { ...key, retiredAt: retired_at.toISOString() } : key
}

async function readKeys(client: PoolClient): Promise<readonly SigningKey[]> {
  const { rows } = await client.query<KeyRow>('select * from signing_keys order by created_at, kid')
  return rows.map(keyOf)
}

export function identityOn(database: Database): IdentityStore {
  const run = <T>(work: (client: PoolClient) => Promise<T>) =>
    database.transaction({ role: 'identity' }, {}, work)

  return {
    signingKeys: () => run(readKeys),
    addSigningKey: key =>
      run(async client => {
        await client.query('lock table signing_keys in exclusive mode')
        // "Just" is within the hour before this one was made; the same kid again may only retire it.
        await client.query(
          `insert into signing_keys (kid, private_jwk, public_jwk, created_at, retired_at)
           select $1, $2, $3, $4::timestamptz, $5
           where not exists (
             select from signing_keys where kid <> $1 and created_at > $4::timestamptz - interval '1 hour')
           on conflict (kid) do update set retired_at = excluded.retired_at`,
          [key.kid, key.privateJwk, key.publicJwk, key.createdAt, key.retiredAt ?? null],
        )
        return readKeys(client)
      }),

    openSession: ({ id, user, refreshHash, idleSeconds, totalSeconds }) =>
      run(async client => {
        const { rows } = await client.query<SessionRow>(
          `insert into sessions (id, user_name, ends_at)
           values ($1, $2, clock_timestamp() + make_interval(secs => $3)) returning *`,
          [id, user, totalSeconds],
        )
        await addToken(client, id, refreshHash, idleSeconds)
        return sessionOf(first(rows))
      }),
    refresh: (refreshHash, next) =>
      run(async (client): Promise<RefreshOutcome> => {
        // The session first, then its token: two uses of one family wait for each other.
        const { rows } = await client.query<SessionRow>(
          `select s.* from sessions s join refresh_tokens t on t.session_id = s.id
           where t.hash = $1 and s.ended_at is null and s.ends_at > clock_timestamp() for update of s`,
          [refreshHash],
        )
        const row = rows[0]
        if (!row) return { outcome: 'unknown' }
        const token = await client.query<{ lapsed: boolean; used: boolean; recent: boolean }>(
          `select expires_at <= clock_timestamp() as lapsed, used_at is not null as used,
             coalesce(used_at > clock_timestamp() - make_interval(secs => $2), false) as recent
           from refresh_tokens where hash = $1`,
          [refreshHash, recentSeconds],
        )
        const { lapsed, used, recent } = first(token.rows)
        if (recent) return { outcome: 'recent', session: sessionOf(row) }
        if (used) {
          const ended = await client.query<SessionRow>(
            'update sessions set ended_at = clock_timestamp() where id = $1 returning *',
            [row.id],
          )
          return { outcome: 'reused', session: sessionOf(first(ended.rows)) }
        }
        if (lapsed) return { outcome: 'unknown' }
        await client.query('update refresh_tokens set used_at = clock_timestamp() where hash = $1', [
          refreshHash,
        ])
        await addToken(client, row.id, next.hash, next.idleSeconds)
        return { outcome: 'rotated', session: sessionOf(row) }
      }),
    endSession: id =>
      run(async client => {
        await client.query(
          'update sessions set ended_at = clock_timestamp() where id = $1 and ended_at is null',
          [id],
        )
      }),
    endSessionsOf: user =>
      run(async client => {
        await client.query(
          'update sessions set ended_at = clock_timestamp() where user_name = $1 and ended_at is null',
          [user],
        )
      }),
    session: id =>
      run(async client => {
        const { rows } = await client.query<SessionRow>('select * from sessions where id = $1', [id])
        return rows[0] && sessionOf(rows[0])
      }),

    putSetupLink: (hash, expiresAt) =>
      run(async client => {
        await client.query('delete from setup_links where expires_at <= clock_timestamp()')
        await client.query(
          'insert into setup_links (hash, expires_at) values ($1, $2) on conflict do nothing',
          [hash, expiresAt],
        )
      }),
    takeSetupLink: hash =>
      run(async client => {
        const { rowCount } = await client.query(
          'delete from setup_links where hash = $1 and expires_at > clock_timestamp()',
          [hash],
        )
        return rowCount === 1
      }),
    putOperatorToken: hash =>
      run(async client => {
        await client.query(
          'insert into operator_token (hash) values ($1) on conflict (single) do update set hash = excluded.hash',
          [hash],
        )
      }),
    isOperatorToken: hash =>
      run(async client => {
        const { rowCount } = await client.query('select from operator_token where hash = $1', [hash])
        return rowCount === 1
      }),

    failures: subject =>
      run(async client => {
        const { rows } = await client.query<{ count: number; last_at: Date }>(
          `select count, last_at from login_failures
           where subject = $1 and last_at > clock_timestamp() - make_interval(hours => $2)`,
          [subject, failureHours],
        )
        return rows[0] ? { count: rows[0].count, lastAt: rows[0].last_at.toISOString() } : { count: 0 }
      }),
    recordFailure: subject =>
      run(async client => {
        await client.query(
          `insert into login_failures as f (subject, count, last_at) values ($1, 1, clock_timestamp())
           on conflict (subject) do update set last_at = excluded.last_at,
             count = case when f.last_at > clock_timestamp() - make_interval(hours => $2) then f.count + 1 else 1 end`,
          [subject, failureHours],
        )
      }),
    clearFailures: subject =>
      run(async client => {
        await client.query('delete from login_failures where subject = $1', [subject])
      }),
  }
}

/** A token never outlives its session. */
async function addToken(
  client: PoolClient,
  session: string,
  hash: string,
  idleSeconds: number,
): Promise<void> {
  await client.query(
    `insert into refresh_tokens (hash, session_id, expires_at)
     select $2, id, least(ends_at, clock_timestamp() + make_interval(secs => $3)) from sessions where id = $1`,
    [session, hash, idleSeconds],
  )
}

function first<T>(rows: readonly T[]): T {
  const [row] = rows
  if (row === undefined) throw new TypeError('the statement returns a row')
  return row
}
