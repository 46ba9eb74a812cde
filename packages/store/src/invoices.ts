// Invoices as rows: periods that are planned, numbered in the transaction that issues them, and what they are reckoned
// from. States are entered by single statements that name where from.
import { Fault, type InvoiceDocument, type InvoiceState } from '@switchyard/kinds'
import type {
  BilledEvent,
  BookVersion,
  EventsOf,
  InvoicePlan,
  InvoiceRow,
  InvoiceStanding,
  InvoiceStore,
  InvoiceWork,
} from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { canonicalJson } from './canonical.ts'
import type { Database } from './postgres/pool.ts'
import { onlyRow } from './postgres/row.ts'
import { quantitiesText } from './usage-event.ts'

const invoicing = { role: 'invoice' } as const

const moment = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

const columns = `i.id::text, i.kind, i.state, i.workspace, i.entity, ${moment('lower(i.period)')} as "from",
  ${moment('upper(i.period)')} as "to", i.currency, i.number, ${moment('i.issued_at')} as "issuedAt",
  ${moment('i.due_at')} as "dueAt", trim_scale(i.payable)::text as payable, i.stopped,
  (select o.number from invoices o where o.id = i.credits) as of`
const working = `${columns}, i.plan, i.cutoff::text,
  ${moment('i.issuing_since')} as "issuingSince"`

// What is open changes with the documents; what is being issued, and what was, does not.
const planning = `
insert into invoices as i (kind, state, workspace, entity, period, currency, plan)
values ('invoice', 'gathering', $1, $2, tstzrange($3, $4), $5, $6)
on conflict (workspace, lower(period)) where kind = 'invoice'
do update set entity = excluded.entity, plan = excluded.plan, stopped = null
where i.state in ('gathering', 'draft') and i.currency = excluded.currency
  and (i.entity, i.plan) is distinct from (excluded.entity, excluded.plan)`

const dueOnes = `
select ${working} from invoices i
where i.state = 'issuing'
  or (i.state in ('gathering', 'draft') and coalesce(i.drafted_at, '-infinity') < $1::timestamptz - interval '1 hour')
  or (i.state = 'gathering' and upper(i.period) <= $1::timestamptz)
  or (i.state = 'draft' and (i.plan -> 'automatic')::boolean and i.stopped is null
    and upper(i.period) + make_interval(hours => (i.plan -> 'graceHours')::integer) <= $1::timestamptz)
  or (i.state = 'issued' and i.kind = 'invoice' and i.payable > 0 and i.due_at < $1::timestamptz)
order by upper(i.period), i.id limit 1000`

// A month without usage stays a draft, and is due for nothing: its canonical text has no lines. Texts are looked at of what
// is due alone, which is small or late.
const standing = `
with open as (
  select i.*, case i.state when 'issuing' then i.issuing_since
    else upper(i.period) + make_interval(hours => (i.plan -> 'graceHours')::integer) end as due
  from invoices i where i.state in ('gathering', 'draft', 'issuing')
)
select coalesce(extract(epoch from $1::timestamptz - (
    select min(coalesce(drafted_at + interval '1 hour', changed_at)) from open
    where state <> 'issuing' and coalesce(drafted_at + interval '1 hour', changed_at) < $1)), 0)::float8 as undrafted,
  (select extract(epoch from max(drafted_at)) from open)::float8 as "draftedAt",
  coalesce(extract(epoch from $1::timestamptz - (
    select min(due) from open where due < $1 and (state = 'issuing'
      or (plan -> 'automatic')::boolean and case when due < $1 then position('"lines":[]' in document) > 0 end is not true))), 0)::float8 as unissued,
  (select count(*) from open where stopped is not null)::integer as stopped`

/** Gains no event any more. */
const lastClosed = 'select coalesce(max(number), 0) as cutoff from usage_batches where closed_at is not null'

/** What was taken before counts; a statement of its own, so that the next one sees it closed. */
const closing = 'select close_usage_batch()'

const beginning = `
update invoices i set state = 'issuing', cutoff = (${lastClosed}), issuing_since = $2, stopped = null
where i.id = $1 and i.state = 'draft' returning i.cutoff::text, ${moment('i.issuing_since')} as since`

const numbering = `
insert into invoice_numbers as n (entity, kind, year, last) values ($1, $2, $3, 1)
on conflict (entity, kind, year) do update set last = n.last + 1
returning n.last`

const lining = `
insert into invoice_lines (invoice, line, workspace, kind, project, model, unit, rate, step, service, quantity, exact,
  rounded, net, tax, corrects_document, corrects_line)
select $1, number, $2, kind, project, model, unit, rate, step,
  tstzrange((service ->> 'from')::timestamptz, (service ->> 'to')::timestamptz), quantity, exact, rounded, net, tax,
  corrects ->> 'document', (corrects ->> 'line')::integer
from jsonb_to_recordset($3::jsonb) as given(number integer, kind text, project text, model text, unit text, rate text,
  step integer, service jsonb, quantity numeric, exact numeric, rounded numeric, net numeric, tax numeric, corrects jsonb)`

const lateOnes = `
select ${working} from invoices i
where i.workspace = $1 and i.kind = 'invoice' and i.number is not null
  and upper(i.period) <= $2 and upper(i.period) > $2::timestamptz - interval '100 days'
  and exists (
    select from usage_events e
    where e.workspace = i.workspace and e.time >= lower(i.period) and e.time < upper(i.period)
      and e.billable = 'caller' and e.batch <= $3 and e.batch > (
        select max(o.cutoff) from invoices o
        where o.workspace = i.workspace and o.kind = 'invoice' and o.number is not null))
order by lower(i.period)`

// The open batch is not archived, so one always is not.
const unarchivedOnes = `
select ${working} from invoices i
where i.number is not null and i.archived_at is null
  and coalesce(i.cutoff, 0) < (select min(number) from usage_batches where archived_at is null)
order by i.turn limit $1`

const eventsOfPage = 2000
// The events below a cutoff are what they are: each page may be of a moment of its own. Bytes, not words, are ordered: so
// the root over them is the same in every database.
const paging = `
select e.id, e.source, to_char(e.time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as time,
  encode(e.body_hash, 'hex') as hash, e.project, e.model, nullif(e.tier, 'standard') as tier, e.region,
  ${quantitiesText}::json as quantities
from usage_events e
where e.workspace = $1 and e.time >= $2::timestamptz and e.time < $3::timestamptz and e.billable = 'caller'
  and e.batch <= $4 and ($5::text is null or (e.time, e.source collate "C", e.id collate "C") > ($2::timestamptz, $5, $6))
order by e.time, e.source collate "C", e.id collate "C" limit ${eventsOfPage}`

export function invoicesOn(database: Database): InvoiceStore {
  const run = <T>(work: (client: PoolClient) => Promise<T>) => database.transaction(invoicing, {}, work)
  const read = <T>(work: (client: PoolClient) => Promise<T>) =>
    database.transaction(invoicing, { readOnly: true }, work)

  return {
    list: (as, { workspace, limit }) =>
      database.transaction(as, { readOnly: true }, async client => {
        const { rows } = await client.query<InvoiceRow>(
          `select ${columns} from invoices i where $1::text is null or i.workspace = $1
           order by upper(i.period) desc, i.issued_at desc nulls first, i.id limit $2`,
          [workspace ?? null, limit],
        )
        return rows
      }),

    find: (as, workspace, name) =>
      database.transaction(as, { readOnly: true }, async client => {
        const { rows } = await client.query<InvoiceWork>(
          `select ${working} from invoices i where i.workspace = $1 and (i.number = $2 or i.id::text = $2)`,
          [workspace, name],
        )
        return rows[0]
      }),

    document: (as, id) =>
      database.transaction(as, { readOnly: true }, async client => {
        const { rows } = await client.query<{ document: string | null }>(
          'select document from invoices where id = $1',
          [id],
        )
        return rows[0]?.document ?? undefined
      }),

    books: (as, id) =>
      database.transaction(as, { readOnly: true }, async client => {
        const { rows } = await client.query<{ books: readonly BookVersion[] | null }>(
          'select books from invoices where id = $1',
          [id],
        )
        return rows[0]?.books ?? []
      }),

    plan: plan =>
      run(async client => {
        const { workspace, entity, from, to, terms } = plan
        await client.query(planning, [workspace, entity, from, to, terms.currency, JSON.stringify(plan)])
      }),

    due: now => read(async client => (await client.query<InvoiceWork>(dueOnes, [now])).rows),

    standing: now => read(async client => onlyRow(await client.query<InvoiceStanding>(standing, [now]))),

    move: (id, to) =>
      run(async client => {
        const { rowCount } = await client.query(
          'update invoices set state = $2 where id = $1 and may_become(state, $2)',
          [id, to satisfies InvoiceState],
        )
        return rowCount === 1
      }),

    keepDraft: (id, document, now) =>
      run(async client => {
        await client.query(
          `update invoices set document = $2, payable = $3, drafted_at = $4, stopped = null
           where id = $1 and state in ('gathering', 'draft')`,
          [id, canonicalJson(document), document.payable, now],
        )
      }),

    begin: (id, now) =>
      run(async client => {
        await client.query(closing)
        const { rows } = await client.query<{ cutoff: string; since: string }>(beginning, [id, now])
        return rows[0]
      }),

    stop: (id, why, now) =>
      run(async client => {
        await client.query(
          'update invoices set stopped = $2, drafted_at = $3 where id = $1 and number is null',
          [id, why, now],
        )
      }),

    finish: (work, books, kinds, make) =>
      run(async client => {
        const held = await client.query(
          "select from invoices where id = $1 and state = 'issuing' for update",
          [work.id],
        )
        if (held.rowCount !== 1) return false
        const issuedAt = work.issuingSince ?? ''
        const taken: Taken[] = []
        for (const { kind } of kinds) taken.push(await take(client, work.plan, kind, issuedAt))
        const documents = make(taken.map(({ number }) => number))
        for (const [index, document] of documents.entries()) {
          const its = taken[index]
          if (!its) throw new TypeError('more documents than numbers')
          const of = kinds[index]?.of ?? null
          await put(client, { work, document, taken: its, of, books })
        }
        return true
      }),

    credit: (of, make, issuedAt) =>
      run(async client => {
        await client.query('select from invoices where id = $1 for update', [of.id])
        const { rows } = await client.query<{ document: string }>(
          'select document from invoices where credits = $1 order by turn',
          [of.id],
        )
        const taken = await take(client, of.plan, 'credit_note', issuedAt)
        const document = make(
          rows.map(row => parsed(row.document)),
          taken.number,
        )
        await put(client, { work: of, document, taken, of: of.id })
        return document
      }),

    sealed: () =>
      run(async client => {
        await client.query(closing)
        const { rows } = await client.query<{ cutoff: string }>(lastClosed)
        return String(rows[0]?.cutoff ?? '0')
      }),

    late: (workspace, before, cutoff) =>
      read(async client => (await client.query<InvoiceWork>(lateOnes, [workspace, before, cutoff])).rows),

    billedFor: (workspace, from, before) =>
      read(async client => {
        const { rows } = await client.query<{ document: string }>(
          `select i.document from invoices i
           where i.workspace = $1 and i.number is not null and not i.by_hand
             and exists (select from invoice_lines l where l.invoice = i.id and lower(l.service) = $2)
             and ($3::text is null or i.turn < (select o.turn from invoices o where o.number = $3))
           order by i.turn`,
          [workspace, from, before ?? null],
        )
        return rows.map(({ document }) => parsed(document))
      }),

    firstBatch: ({ workspace, from, to, cutoff }) =>
      read(async client => {
        const { rows } = await client.query<{ first: string | null }>(
          `select min(batch)::text as first from usage_events e
           where e.workspace = $1 and e.time >= $2 and e.time < $3 and e.billable = 'caller' and e.batch <= $4`,
          [workspace, from, to, cutoff],
        )
        return rows[0]?.first ?? undefined
      }),

    unarchived: limit =>
      read(async client => (await client.query<InvoiceWork>(unarchivedOnes, [limit])).rows),

    markArchived: id =>
      run(async client => {
        await client.query(
          'update invoices set archived_at = clock_timestamp() where id = $1 and archived_at is null',
          [id],
        )
      }),

    events: of => pages(database, of),
  }
}

// Why `as`: it was written from a document, and never changed.
const parsed = (text: string): InvoiceDocument => JSON.parse(text) as InvoiceDocument

interface Taken {
  readonly year: number
  readonly place: number
  readonly number: string
}

/** The next number; the row of its series is locked until the commit. */
async function take(
  client: PoolClient,
  { entity, prefixes, numberZone }: InvoicePlan,
  kind: InvoiceDocument['kind'],
  issuedAt: string,
): Promise<Taken> {
  const { rows } = await client.query<{ year: number }>(
    'select extract(year from $1::timestamptz at time zone $2)::integer as year',
    [issuedAt, numberZone],
  )
  const year = rows[0]?.year ?? 0
  const numbered = await client.query<{ last: number }>(numbering, [entity, kind, year])
  const place = numbered.rows[0]?.last ?? 0
  return { year, place, number: `${prefixes[kind]}${year}-${String(place).padStart(6, '0')}` }
}

interface Putting {
  readonly work: InvoiceWork
  readonly document: InvoiceDocument
  readonly taken: Taken
  /** Id, or number, of the invoice that a credit note is of. */
  readonly of: string | null
  /** None of what a person wrote. */
  readonly books?: readonly BookVersion[]
}

async function put(client: PoolClient, { work, document, taken, of, books }: Putting): Promise<void> {
  const { year, place, number } = taken
  const text = canonicalJson(document)
  const { issuedAt, dueAt, payable } = document
  const kept = books === undefined ? null : JSON.stringify(books)
  const values = [year, place, number, issuedAt, dueAt, payable, text, kept]
  const { rows } =
    document.kind === 'invoice'
      ? await client.query<{ id: string }>(
          `update invoices set state = 'issued', year = $2, place = $3, number = $4, issued_at = $5, due_at = $6,
             payable = $7, document = $8, books = $9, turn = nextval('invoice_turns'), stopped = null
           where id = $1 and state = 'issuing' returning id`,
          [work.id, ...values],
        )
      : await client.query<{ id: string }>(
          `insert into invoices (kind, state, workspace, entity, period, currency, plan, cutoff, credits, by_hand, year,
             place, number, issued_at, due_at, payable, document, books, turn)
           select 'credit_note', 'issued', workspace, entity, period, currency, plan, $10::bigint, id, $9::jsonb is null, $2::integer, $3::integer, $4,
             $5::timestamptz, $6::timestamptz, $7::numeric, $8, $9::jsonb, nextval('invoice_turns')
           from invoices where id::text = $1 or number = $1 returning id`,
          [of, ...values, books === undefined ? null : work.cutoff],
        )
  const id = rows[0]?.id
  if (id === undefined)
    throw new Fault('conflict', 'This invoice is issued already.', { reason: 'illegal_transition' })
  await client.query(lining, [id, work.workspace, JSON.stringify(document.lines)])
}

/** A page after the other, so that millions of events take the memory of three; the next is read while one is worked on. */
async function* pages(
  database: Database,
  { workspace, from, to, cutoff }: EventsOf,
): AsyncGenerator<readonly BilledEvent[]> {
  const pageAfter = (last: BilledEvent | undefined) =>
    database.transaction(invoicing, { readOnly: true }, async client => {
      const after = [last?.time ?? from, to, cutoff, last?.source ?? null, last?.id ?? null]
      const values = [workspace, ...after]
      const { rows } = await client.query<BilledEvent>({ name: 'billed_events', text: paging, values })
      return rows
    })
  for (let coming = pageAfter(undefined); ; ) {
    const page = await coming
    const isLast = page.length < eventsOfPage
    if (!isLast) {
      coming = pageAfter(page.at(-1))
      coming.catch(() => undefined) // thrown when it is asked for
    }
    if (page.length > 0) yield page
    if (isLast) return
  }
}
