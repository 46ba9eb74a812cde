// What time makes useless is dropped: old changes, events, links, tokens of sessions that have ended.
import { answerHours } from './answers.ts'
import type { Database, PoolOptions } from './postgres/pool.ts'

export interface PruneOptions {
  /** Changes younger than this stay. Default 3600. */
  readonly changeSeconds?: number
  /** So many of the newest changes stay, however old. Default 100,000. */
  readonly changeRows?: number
  /** Events not seen for so long go. Default 30 days. */
  readonly eventSeconds?: number
  /** Ended sessions stay so long. Default 7 days. */
  readonly sessionSeconds?: number
  /** Bytes of responses that one workspace may keep; the oldest beyond them go. Default 1 GiB. */
  readonly responseBytes?: number
  /** Money that was held without a trace of its use comes back after so long. Default 24. */
  readonly traceHours?: number
}

const day = 86_400

export async function prune(
  database: Database,
  observe: NonNullable<PoolOptions['observe']>,
  options: PruneOptions = {},
): Promise<void> {
  const {
    changeSeconds = 3600,
    changeRows = 100_000,
    eventSeconds = 30 * day,
    sessionSeconds = 7 * day,
    responseBytes = 1024 ** 3,
    traceHours = 24,
  } = options
  const lost = await database.transaction({ role: 'control' }, {}, async client => {
    await client.query('select prune_changes($1, $2)', [changeRows, changeSeconds])
    await client.query('delete from events where last_at < clock_timestamp() - make_interval(secs => $1)', [
      eventSeconds,
    ])
    await client.query('delete from answers where at < clock_timestamp() - make_interval(hours => $1)', [
      answerHours,
    ])
    await client.query('select prune_responses($1)', [responseBytes])
    const { rows } = await client.query<{ lost: string }>('select tidy_ledger($1) as lost', [traceHours])
    await client.query(`
      delete from demand d where not exists (select from resources r
        where r.kind = 'Endpoint' and r.place = d.workspace and r.name = d.endpoint)`)
    return Number(rows[0]?.lost ?? 0)
  })
  if (lost > 0) observe({ type: 'holds_lost', count: lost })
  await database.transaction({ role: 'identity' }, {}, async client => {
    await client.query(
      'delete from sessions where least(ends_at, ended_at) < clock_timestamp() - make_interval(secs => $1)',
      [sessionSeconds],
    )
    await client.query('delete from refresh_tokens where expires_at < clock_timestamp()')
    for (const table of ['setup_links', 'invitations', 'password_resets', 'sign_in_codes'])
      await client.query(`delete from ${table} where expires_at < clock_timestamp()`)
    await client.query("delete from login_failures where last_at < clock_timestamp() - interval '1 day'")
  })
}
