// What signing in remembers, on the database's clock: sessions and their token families, keys, links, failures.
import type {
  IdentityStore,
  Peer,
  RefreshOutcome,
  Session,
  SignInMethod,
  SigningKey,
} from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { federationOn } from './federation.ts'
import { linksOn } from './links.ts'
import type { Database } from './postgres/pool.ts'

interface SessionRow {
  readonly id: string
  readonly user_name: string
  readonly method: SignInMethod
  readonly provider: string | null
  readonly created_at: Date
  readonly seen_at: Date
  readonly address: string | null
  readonly client: string | null
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
/** Of one person that are listed. */
const mostSessions = 1000
/** Failures older than this say nothing about now. */
const failureHours = 24

function sessionOf(row: SessionRow): Session {
  const { id, user_name, method, provider, created_at, seen_at, address, client, ends_at, ended_at } = row
  return {
    id,
    user: user_name,
    method,
    ...(provider === null ? {} : { provider }),
    createdAt: created_at.toISOString(),
    seenAt: seen_at.toISOString(),
    ...(address === null ? {} : { address }),
    ...(client === null ? {} : { client }),
    endsAt: ends_at.toISOString(),
    ...(ended_at === null ? {} : { endedAt: ended_at.toISOString() }),
  }
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
    ...linksOn(run),
    ...federationOn(run),
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
    forgetPrivateHalf: kid =>
      run(async client => {
        await client.query("update signing_keys set private_jwk = '' where kid = $1", [kid])
      }),

    openSession: ({ id, user, method, provider, peer, refreshHash, idleSeconds, totalSeconds }) =>
      run(async client => {
        const { rows } = await client.query<SessionRow>(
          `insert into sessions (id, user_name, method, provider, address, client, ends_at)
           values ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7)) returning *`,
          [id, user, method, provider ?? null, ...seenBy(peer), totalSeconds],
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
        const seen = await client.query<SessionRow>(
          `update sessions set seen_at = clock_timestamp(), address = coalesce($2, address), client = coalesce($3, client)
           where id = $1 returning *`,
          [row.id, ...seenBy(next.peer)],
        )
        return { outcome: 'rotated', session: sessionOf(first(seen.rows)) }
      }),
    endSession: (id, user) =>
      run(async client => {
        const { rowCount } = await client.query(
          `update sessions set ended_at = clock_timestamp()
           where id = $1 and user_name = coalesce($2, user_name) and ended_at is null and ends_at > clock_timestamp()`,
          [id, user ?? null],
        )
        return rowCount === 1
      }),
    endSessionsOf: (user, kept) =>
      run(async client => {
        await client.query(
          `update sessions set ended_at = clock_timestamp()
           where user_name = $1 and id is distinct from $2 and ended_at is null`,
          [user, kept ?? null],
        )
      }),
    sessionsOf: user =>
      run(async client => {
        const { rows } = await client.query<SessionRow>(
          `select * from sessions where user_name = $1 and ended_at is null and ends_at > clock_timestamp()
             and exists (select from refresh_tokens t
               where t.session_id = id and t.used_at is null and t.expires_at > clock_timestamp())
           order by seen_at desc, id limit ${mostSessions}`,
          [user],
        )
        return rows.map(sessionOf)
      }),
    session: id =>
      run(async client => {
        const { rows } = await client.query<SessionRow>('select * from sessions where id = $1', [id])
        return rows[0] && sessionOf(rows[0])
      }),
    openAmong: ids =>
      run(async client => {
        const { rows } = await client.query<{ id: string }>(
          'select id from sessions where id = any ($1) and ended_at is null and ends_at > clock_timestamp()',
          [ids],
        )
        return new Set(rows.map(({ id }) => id))
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
    attempt: (subject, waits) =>
      run(async client => {
        const wait = 'make_interval(secs => ($2::int[])[least(f.count + 1, cardinality($2::int[]))])'
        const { rowCount } = await client.query(
          `insert into login_failures as f (subject, count, last_at) values ($1, 1, clock_timestamp())
           on conflict (subject) do update set last_at = excluded.last_at,
             count = case when f.last_at > clock_timestamp() - make_interval(hours => $3) then f.count + 1 else 1 end
           where f.last_at + ${wait} <= clock_timestamp()`,
          [subject, waits, failureHours],
        )
        if (rowCount === 1) return 0
        const { rows } = await client.query<{ seconds: number }>(
          `select ceil(extract(epoch from f.last_at + ${wait} - clock_timestamp()))::int as seconds
           from login_failures f where subject = $1`,
          [subject, waits],
        )
        return Math.max(1, rows[0]?.seconds ?? 1)
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
    failuresOf: subjects =>
      run(async client => {
        const { rows } = await client.query<{ subject: string; count: number; last_at: Date }>(
          `select subject, count, last_at from login_failures
           where subject = any ($1) and last_at > clock_timestamp() - make_interval(hours => $2)`,
          [subjects, failureHours],
        )
        return new Map(
          rows.map(({ subject, count, last_at }) => [subject, { count, lastAt: last_at.toISOString() }]),
        )
      }),
    unlock: (subject, { name, id }) =>
      run(async client => {
        await client.query(unlocking, [subject, name, id])
      }),
    clearFailures: subject =>
      run(async client => {
        await client.query('delete from login_failures where subject = $1', [subject])
      }),
  }
}

/** Of an act by the server for someone: `origin` says for whom. Where nothing stood in the way nothing has changed. */
const unlocking = `
with gone as (delete from login_failures where subject = $1 returning count)
select audit(null, 'user.unlock', jsonb_build_object('kind', 'User', 'name', $2::text, 'uid', $3::text),
  jsonb_strip_nulls(jsonb_build_object('count', gone.count,
    'actor', nullif(current_setting('switchyard.origin', true), '')::jsonb ->> 'principal')))
from gone`

const seenBy = (peer: Peer | undefined) => [peer?.address ?? null, peer?.client?.slice(0, 256) ?? null]

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
