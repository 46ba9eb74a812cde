// What should be so in the database, as one statement each: how many there are, how many are wrong, and some of those by name.
// They run as a role that reads the columns that they name, and nothing else.

export interface Assertion {
  readonly name: string
  readonly asserts: string
  /** What is counted. */
  readonly things: string
  readonly todo: string
  /** Where wrong ones are worth a look only. */
  readonly warns?: true
  /** One row: `total`, `wrong` and `names`, at most five. */
  readonly sql: string
}

/** From where what is not wrong yet is told. */
export interface Warnings {
  /** Percent of what an account was charged that it may use beyond what was held for it. Default 0.1. */
  readonly overrunPercent?: number
}

/** In UTC, as days are summed. */
const yesterday = `(date_trunc('day', clock_timestamp(), 'UTC') - interval '1 day')`

/** `things` is a select of `name` and `wrong`. */
const counting = (things: string) => `
  select count(*) as total, count(*) filter (where wrong) as wrong,
    coalesce((array_agg(name order by name) filter (where wrong))[1:5], '{}') as names
  from (${things}) things`

export const assertionsOf = ({ overrunPercent = 0.1 }: Warnings = {}): readonly Assertion[] => [
  {
    name: 'walls',
    asserts: 'Every table has row-level security, for its owner too.',
    things: 'tables',
    todo: 'Somebody has altered the schema: `alter table … enable row level security, force row level security` as a superuser, and find out who did.',
    sql: counting(`select relname::text as name, not (relrowsecurity and relforcerowsecurity) as wrong from pg_class
      where relnamespace = 'switchyard'::regnamespace and relkind in ('r', 'p') and relname <> 'migrations'`),
  },
  {
    name: 'roles',
    asserts: 'No role of the server may sign in, pass a policy or make another role.',
    things: 'roles',
    todo: 'Take it back as a superuser: `alter role … nologin nosuperuser nobypassrls nocreaterole`.',
    sql: counting(`select rolname::text as name, rolsuper or rolbypassrls or rolcreaterole or rolcanlogin as wrong
      from pg_roles where rolname like 'switchyard\\_%'`),
  },
  {
    name: 'workspaces',
    asserts: 'Every document stands in a workspace that is there.',
    things: 'documents',
    todo: 'Restore the workspaces from a backup, or delete the documents that are named.',
    sql: counting(`select format('%s/%s/%s', r.kind, r.workspace, r.name) as name, r.workspace is not null and not exists (
        select from resources w where w.kind = 'Workspace' and w.name = r.workspace) as wrong from resources r`),
  },
  {
    name: 'log_of_changes',
    asserts: 'No document is newer than the log of changes knows.',
    things: 'documents',
    todo: 'The database was restored in part: restore it as a whole, then restart every server.',
    sql: counting(`select format('%s/%s', r.kind, r.name) as name, r.version > (
        select greatest((select max(version) from changes), (select pruned_through from log_state))) as wrong from resources r`),
  },
  {
    name: 'grants',
    asserts: 'Every grant is of a role assignment that is there.',
    things: 'grants',
    todo: 'Write the Role anew (`switchyard get role NAME -o yaml | switchyard apply -f -`); restore from a backup if it stays.',
    sql: counting(`select format('%s %s', g.principal, g.permission) as name, not exists (
        select from resources r where r.id = g.assignment and r.kind = 'RoleAssignment') as wrong from grants g
      where g.assignment <> '00000000-0000-0000-0000-000000000000'`),
  },
  {
    name: 'api_keys',
    asserts: 'Every API key has a hash to be compared with.',
    things: 'keys',
    todo: 'Such a key opens nothing: `switchyard keys rotate NAME` gives it a new secret.',
    sql: counting(`select format('%s/%s', r.workspace, r.name) as name, not exists (
        select from secret_hashes h where h.resource_id = r.id) as wrong from resources r where r.kind = 'ApiKey'`),
  },
  {
    name: 'credentials',
    asserts: 'Every secret that a Credential tells of is kept.',
    things: 'secrets',
    todo: 'Write the value of the Credential again.',
    sql: counting(`select format('%s/%s %s', coalesce(r.workspace, 'platform'), r.name, f) as name, not exists (
        select from sealed_secrets s where s.resource_id = r.id and s.field = f) as wrong
      from resources r, jsonb_array_elements_text(r.status -> 'set') f where r.kind = 'Credential'`),
  },
  {
    name: 'signing_keys',
    asserts: 'No key that signs sessions stands in clear.',
    things: 'keys',
    todo: 'Restart the server, which seals them, and treat older backups of the database as secrets for 30 days.',
    sql: counting(`select k.kid as name, not k.sealed as wrong from signing_keys k`),
  },
  {
    name: 'quarantine',
    asserts: 'No usage waits in quarantine.',
    things: 'kinds of trouble',
    todo: 'Read `usage_quarantine`: what is there was not billed.',
    warns: true,
    sql: counting(`select format('%s: %s', q.reason, count(*)) as name, true as wrong from usage_quarantine q
      where q.resolved_at is null group by q.reason`),
  },
  {
    name: 'batches',
    asserts: 'Batches of usage are numbered without gaps, and the last one alone is open.',
    things: 'batches',
    todo: 'Keep a copy of the database, and compare with the last backup: no statement of the server leaves a gap.',
    sql: counting(`select b.number::text as name, b.number <> row_number() over (order by b.number)
        or (b.closed_at is null) <> (b.number = max(b.number) over ()) as wrong from usage_batches b`),
  },
  {
    name: 'batches_sealed',
    asserts: 'A batch of usage is sealed within a minute of its closing.',
    things: 'batches that wait',
    todo: 'Is a server running that seals them? Its log says `sealing_failed` and why.',
    warns: true,
    sql: counting(`select b.number::text as name, b.closed_at < clock_timestamp() - interval '1 minute' as wrong
      from usage_batches b where b.sealed_at is null and b.closed_at is not null`),
  },
  {
    name: 'batches_whole',
    asserts:
      'The newest batches of usage have the events and the root that they were sealed with, and none that came later.',
    things: 'batches',
    todo: 'Keep a copy of the database: events were altered past the server. The archive of usage has them as they were sealed.',
    // As RFC 6962 defines it: two by two, and what is left over goes up as it is.
    sql: counting(`with recursive newest as (
        select number, events, root, closed_at from usage_batches where sealed_at is not null order by number desc limit 10
      ), levels (number, hashes) as (
        select e.batch, array_agg(sha256('\\x00'::bytea || e.body_hash)
          order by e.workspace collate "C", e.source collate "C", e.id collate "C")
        from usage_events e join newest n on n.number = e.batch group by e.batch
        union all
        select l.number, (
          select array_agg(case when pair[2] is null then pair[1] else sha256('\\x01'::bytea || pair[1] || pair[2]) end order by place)
          from (select (o - 1) / 2 as place, array_agg(h order by o) as pair from unnest(l.hashes) with ordinality u (h, o) group by 1) p)
        from levels l where cardinality(l.hashes) > 1
      )
      select n.number::text as name, l.hashes[1] is distinct from n.root
        or n.events <> (select count(*) from usage_events e where e.batch = n.number and e.received_at <= n.closed_at) as wrong
      from newest n left join levels l on l.number = n.number and cardinality(l.hashes) = 1`),
  },
  {
    name: 'rollups',
    asserts: 'Sums of usage of today and yesterday are what their events sum to.',
    things: 'sums',
    todo: 'Let the sums be made anew from their events, which are what counts (`usage:rebuild`).',
    sql: counting(`select format('%s %s %s', workspace, grain, start) as name,
        r.requests is null or f.requests is null or to_jsonb(r) is distinct from to_jsonb(f) as wrong
      from (select * from usage_rollups where start >= ${yesterday}) r
      full join fold_usage(${yesterday}, null) f using (workspace, grain, start, project, key, key_name, model, upstream, currency)`),
  },
  {
    name: 'nothing_charged',
    asserts: 'Usage of today and yesterday came to nothing only where its price says "0".',
    things: 'events with a price',
    todo: 'A price is so small for its `per` that single requests round to nothing: give it a smaller `per`, or say "0" if it is free.',
    warns: true,
    sql: counting(`select e.workspace || ' ' || e.id as name, 0 = any(e.rated_amounts) and exists (
        select from unnest(e.rated_rates, e.rated_amounts) u (rate, amount)
        join price_rates p on p.id = u.rate join price_books b on b.id = p.book
        cross join lateral (select b.spec -> 'rates' -> p.rate as spec) r
        where u.amount = 0 and coalesce(r.spec ->> 'charge', 'per_unit') = 'per_unit'
          and (r.spec ->> 'price')::numeric <> 0) as wrong
      from usage_events e where e.time >= ${yesterday} and e.rated_rates is not null`),
  },
  {
    name: 'charges',
    asserts: 'Every charge of today and yesterday is of an event, and of its amount.',
    things: 'charges',
    todo: 'Keep a copy of the database; put the difference right with a correction.',
    sql: counting(`select t.reference as name, c.amount is distinct from greatest(e.amount, 0) as wrong
      from ledger_transactions t
      left join ledger_entries c on c.txn = t.id and c.line = 1
      left join usage_events e on e.workspace = t.workspace and e.id = substr(t.reference, length('usage:') + 1)
      where t.cause = 'charge' and t.at >= ${yesterday}`),
  },
  {
    name: 'ledger_sums',
    asserts: 'The lines of every transaction sum to nothing, in each currency.',
    things: 'transactions',
    todo: 'Stop charging, keep a copy of the database, and compare with the last backup: no statement of the server writes such lines.',
    sql: counting(
      `select e.txn::text as name, sum(e.amount) <> 0 as wrong from ledger_entries e group by e.txn, e.currency`,
    ),
  },
  {
    name: 'balances',
    asserts: 'Every account stands at the sum of its lines.',
    things: 'accounts',
    todo: 'Keep a copy of the database; post a correction that brings the account to the sum of its lines.',
    sql: counting(`select format('%s %s %s', a.workspace, a.role, a.currency) as name, a.posted <> coalesce((
        select sum(e.amount) from ledger_entries e where e.account = a.id), 0) as wrong from accounts a`),
  },
  {
    name: 'held',
    asserts: 'What an account holds is what its open holds and slices hold.',
    things: 'accounts',
    todo: 'Keep a copy of the database: a hold was resolved twice or not at all. The names are those of workspaces.',
    sql: counting(`select format('%s %s', a.workspace, a.currency) as name,
        a.pending <> coalesce((select sum(h.reserved) from holds h where h.account = a.id and h.state in ('pending', 'orphaned')), 0)
        or a.sliced <> coalesce((select sum(s.amount - s.used) from slices s where s.account = a.id and s.state <> 'closed'), 0) as wrong
      from accounts a where a.role = 'balance'`),
  },
  {
    name: 'overruns',
    asserts: `No account has used more than ${overrunPercent} % of what it was charged beyond what was held for it.`,
    things: 'accounts',
    todo: 'Look which model answers with more than was held for: give it a `maxOutput`, or a bound of its input that fits it.',
    warns: true,
    sql: counting(`select format('%s %s', a.workspace, a.currency) as name, a.overrun * 100 > -r.posted * ${overrunPercent} as wrong
      from accounts a join accounts r on r.owner = a.owner and r.project = a.project and r.currency = a.currency
        and r.role = 'revenue' where a.role = 'balance'`),
  },
  {
    name: 'orphans',
    asserts: 'No money is held by a gateway that is gone.',
    things: 'holds and slices',
    todo: 'Start a server on the data folder of the gateway that is gone: its journal says what was used. After a day without a trace it is written off.',
    warns: true,
    sql: counting(`select 'hold ' || h.request as name, h.state = 'orphaned' as wrong from holds h where h.settled is null
      union all select 'slice ' || s.id, s.state = 'orphaned' from slices s where s.state <> 'closed'`),
  },
  {
    name: 'holds',
    asserts: 'Every hold that is over says how it ended.',
    things: 'holds',
    todo: 'Keep a copy of the database: a hold without an end was resolved by hand.',
    sql: counting(
      `select h.request::text as name, (h.settled is null) <> (h.state in ('pending', 'orphaned')) as wrong from holds h`,
    ),
  },
  {
    name: 'invoice_numbers',
    asserts: 'Numbers of invoices and of credit notes have no gap, in each year of each seller.',
    things: 'series',
    todo: 'Keep a copy of the database, and compare with the last backup: an issued invoice was removed past the server.',
    sql: counting(`select format('%s %s %s', n.entity, n.kind, n.year) as name,
        n.last <> count(i.place) or n.last <> coalesce(max(i.place), 0) as wrong
      from invoice_numbers n left join invoices i using (entity, kind, year) group by n.entity, n.kind, n.year, n.last`),
  },
  {
    name: 'audit_dense',
    asserts: 'The trail has no gap, and its head knows of every entry.',
    things: 'entries',
    todo: '`switchyard audit verify` says where it was altered; restore what is missing from the archive.',
    sql: `select count(l.seq) as total, abs(h.size - h.pruned - count(l.seq))
        + (case when count(l.seq) > 0 and max(l.seq) + 1 <> h.size then 1 else 0 end) as wrong,
        array[format('size %s, pruned %s, entries %s to %s', h.size, h.pruned, min(l.seq), max(l.seq))] as names
      from audit_head h left join audit_log l on true group by h.size, h.pruned`,
  },
  {
    name: 'audit_counts',
    asserts: 'The entries of all workspaces are those of the trail.',
    things: 'workspaces',
    todo: '`switchyard audit verify` says where it was altered; restore what is missing from the archive.',
    sql: `select count(c.place) as total, abs(coalesce(sum(c.size), 0) - h.size) as wrong,
        array[format('%s of workspaces, %s of the trail', coalesce(sum(c.size), 0), h.size)] as names
      from audit_head h left join audit_counts c on true group by h.size`,
  },
  {
    name: 'audit_numbered',
    asserts: 'What happened is numbered within a minute.',
    things: 'entries that wait',
    todo: 'Is a server running that numbers the trail? Its log says `audit`.',
    sql: counting(`select p.n::text as name, (p.entry ->> 'time')::timestamptz < clock_timestamp() - interval '1 minute' as wrong
      from audit_pending p`),
  },
]
