// Events that could not be used: shown to those who may read usage, and tried again or discarded by those who may.
import { Fault } from '@switchyard/kinds'
import type { Identity, Quarantined, QuarantineQuery, Resolved, UsageEvent } from '@switchyard/runtime'
import { ingest, type Steps } from './ingest.ts'
import type { Database } from './postgres/pool.ts'

interface Row {
  readonly number: string
  readonly workspace: string | null
  readonly reason: string
  readonly raw: Buffer
  readonly seen_at: Date
  readonly resolved_at: Date | null
  readonly resolution: 'retry' | 'discard' | null
}

const quarantinedOf = ({ raw, seen_at, resolved_at, ...row }: Row): Quarantined => ({
  ...row,
  seenAt: seen_at.toISOString(),
  resolvedAt: resolved_at?.toISOString() ?? null,
  // What was sent is JSON: the quarantine wrote it as such.
  event: JSON.parse(raw.toString()) as unknown,
})

/** Newest first. */
export async function listQuarantine(
  database: Database,
  as: Identity,
  { workspace, reason, open = true, before, limit = 100 }: QuarantineQuery,
): Promise<readonly Quarantined[]> {
  const { rows } = await database.transaction(as, { readOnly: true }, client =>
    client.query<Row>(
      `select number::text, workspace, reason, raw, seen_at, resolved_at, resolution from usage_quarantine
       where ($1::text is null or workspace = $1) and ($2::text is null or reason = $2)
         and (not $3 or resolved_at is null) and ($4::bigint is null or number < $4)
       order by number desc limit $5`,
      [workspace ?? null, reason ?? null, open, before ?? null, limit],
    ),
  )
  return rows.map(quarantinedOf)
}

interface Taken extends Row {
  readonly backfills: boolean
}

/** Those of the numbers that the caller may resolve and that are open. */
async function take(database: Database, as: Identity, numbers: readonly string[]): Promise<readonly Taken[]> {
  const { rows } = await database.transaction(as, { readOnly: true }, client =>
    client.query<Taken>(
      `select number::text, workspace, reason, raw, seen_at, resolved_at, resolution,
         holds('billing:backfill', workspace) as backfills from usage_quarantine
       where number = any ($1::bigint[]) and resolved_at is null and holds('usage:quarantine', workspace)
       order by number`,
      [numbers],
    ),
  )
  return rows
}

/** Each is taken like an event that was just sent; one that still cannot be used stays. Twice is the same. */
export async function retryQuarantined(
  database: Database,
  steps: Steps,
  as: Identity,
  numbers: readonly string[],
): Promise<readonly Resolved[]> {
  const rows = await take(database, as, numbers)
  // Why `as`: whatever it is, it is looked at anew.
  const events = rows.map(({ raw }) => JSON.parse(raw.toString()) as UsageEvent)
  const old = new Set(events.filter((_, index) => rows[index]?.backfills))
  const answers = await ingest(database, events, { ...steps, backfills: event => old.has(event) })
  const taken = rows.filter((_, index) => answers[index] !== 'quarantined').map(({ number }) => number)
  if (taken.length > 0) await resolve(database, as, taken, 'retry', null)
  return outcomes(
    numbers,
    new Map(rows.map(({ number }, index) => [number, answers[index] ?? 'quarantined'])),
  )
}

export async function discardQuarantined(
  database: Database,
  as: Identity,
  numbers: readonly string[],
  why: string,
): Promise<readonly Resolved[]> {
  const gone = await resolve(database, as, numbers, 'discard', why)
  return outcomes(numbers, new Map(gone.map(number => [number, 'discarded'])))
}

async function resolve(
  database: Database,
  as: Identity,
  numbers: readonly string[],
  how: 'retry' | 'discard',
  why: string | null,
): Promise<readonly string[]> {
  const { rows } = await database.transaction(as, {}, client =>
    client.query<{ number: string }>(
      'select number::text from resolve_quarantine($1::bigint[], $2, $3) as r(number)',
      [numbers, how, why],
    ),
  )
  return rows.map(({ number }) => number)
}

const outcomes = (
  numbers: readonly string[],
  told: ReadonlyMap<string, Resolved['outcome']>,
): readonly Resolved[] => numbers.map(number => ({ number, outcome: told.get(number) ?? 'not_found' }))

export async function explainUsage(
  database: Database,
  as: Identity,
  workspace: string,
  request: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { rows } = await database.transaction(as, { readOnly: true }, client =>
    client.query<{ told: readonly Readonly<Record<string, unknown>>[] | null }>(
      'select explain_usage($1, $2) as told',
      [workspace, request],
    ),
  )
  const told = rows[0]?.told
  if (!told)
    throw new Fault(
      'not_found',
      `No usage of a request ${request} is in workspace ${workspace} yet. It comes within seconds of its end.`,
    )
  return told
}
