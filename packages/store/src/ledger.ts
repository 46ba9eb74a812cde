// Balances, credits and entries as people read them, and the money that they bring. What they may see and do is decided
// once more by the database.
import { Fault } from '@switchyard/kinds'
import type { Balance, HoldStanding, LedgerEntry, LedgerStore } from '@switchyard/runtime'
import type { Database } from './postgres/pool.ts'
import { onlyRow } from './postgres/row.ts'

/** Reads what is held, whoever holds it. */
const doctor = { role: 'doctor' } as const

/** As short as it is exact: `trim_scale` leaves no zeros. */
const decimal = (column: string) => `trim_scale(${column})::text`

const reading = `
select a.workspace, nullif(a.project, '') as project, a.currency, a.kind,
  ${decimal('a.limit_amount')} as limit, ${decimal('-a.posted')} as balance, ${decimal('a.pending')} as pending,
  ${decimal('a.sliced')} as sliced, ${decimal('a.overrun')} as overrun,
  ${decimal('a.limit_amount - a.posted - a.pending - a.sliced')} as available,
  coalesce((
    select jsonb_agg(jsonb_build_object('cause', c.cause, 'amount', ${decimal('c.amount')},
      'remaining', ${decimal('c.remaining')}, 'priority', c.priority, 'expiresAt',
      to_char(c.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      order by c.priority, c.expires_at nulls last, c.id)
    from credits c where c.account = a.id and c.remaining > 0), '[]') as credits
from accounts a
where a.workspace = $1 and a.role = 'balance'
order by a.project, a.id`

const listing = `
select e.txn::text as transaction, t.cause, nullif(a.project, '') as project, e.currency, t.reference, t.actor, t.reason,
  to_char(t.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
  ${decimal('-e.amount')} as amount, coalesce(b.role, '') as against
from ledger_entries e
join ledger_transactions t on t.id = e.txn
join accounts a on a.id = e.account
left join ledger_entries o on o.txn = e.txn and o.line <> e.line
left join accounts b on b.id = o.account
where e.workspace = $1 and a.role = 'balance'
  and ($2::text is null or a.project = $2) and ($3::bigint is null or e.txn < $3)
order by e.txn desc, e.line limit $4`

// What is settled stays for a day in `holds` and is stepped over; of slices those that are not closed have an index.
const standing = `
select coalesce(extract(epoch from clock_timestamp() - least(
    (select min(expires_at) from holds where state in ('pending', 'orphaned') and expires_at < clock_timestamp()),
    (select min(expires_at) from slices where state <> 'closed' and expires_at < clock_timestamp()))), 0)::float8 as lapsed`

export function ledgerOn(database: Database): LedgerStore {
  return {
    balances: (as, workspace) =>
      database.transaction(as, { readOnly: true }, async client => {
        const { rows } = await client.query<Balance>(reading, [workspace])
        return rows
      }),

    standing: () =>
      database.transaction(doctor, { readOnly: true }, async client =>
        onlyRow(await client.query<HoldStanding>(standing)),
      ),

    entries: (as, { workspace, project, before, limit }) =>
      database.transaction(as, { readOnly: true }, async client => {
        const { rows } = await client.query<LedgerEntry>(listing, [
          workspace,
          project ?? null,
          before ?? null,
          limit,
        ])
        return rows
      }),

    record: (as, money) =>
      database.transaction(as, {}, async client => {
        const { workspace, project, cause, amount, priority, expiresAt, key, fingerprint, reason } = money
        const { rows } = await client.query<{ said: string; txn: string }>(
          'select said, txn::text from record_money($1, $2, $3, $4, $5, $6, $7, $8, $9)',
          [workspace, project, cause, amount, priority, expiresAt, key, fingerprint, reason],
        )
        const { said = '', txn: transaction = '' } = rows[0] ?? {}
        const refusal = refusals[said]
        if (refusal) throw refusal(project === '' ? `Workspace ${workspace}` : `Project ${project}`)
        return { transaction, again: said === 'again' }
      }),
  }
}

const refusals: Readonly<Record<string, (who: string) => Fault>> = {
  none: who =>
    new Fault(
      'conflict',
      `${who} has no account: set spec.billing of the workspace to prepaid or postpaid first.`,
      { reason: 'no_account' },
    ),
  reused: () =>
    new Fault(
      'conflict',
      'This Idempotency-Key was used for another request. Use a new key for each request.',
      { reason: 'idempotency_reuse' },
    ),
  short: who =>
    new Fault(
      'exhausted',
      `${who} has less than that to take away: what is held for running requests cannot be taken, nor can a withdrawal take what was given.`,
      { reason: 'insufficient_quota' },
    ),
}
