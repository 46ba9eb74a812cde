// Usage events as rows: one list for each column, so that a batch is one statement.
import { formatDecimal } from '@switchyard/kinds'
import { type UsageEvent, usageUnits } from '@switchyard/runtime'
import type { Rating } from './rate.ts'
import { columnOf } from './usage-event.ts'

/** What one row is made of. */
export interface UsageRowOf {
  readonly event: UsageEvent
  /** SHA-256 in hexadecimal. */
  readonly hash: string
  readonly rating: Rating | undefined
}

/** With what it has cost either side, if anything. */
interface Row {
  readonly event: UsageEvent
  readonly hash: string
  readonly currency: string | null
  readonly sale: Rating['cost']
  readonly cost: Rating['cost']
}

function rowOf({ event, hash, rating }: UsageRowOf): Row {
  const sale = rating?.sale?.type === 'rated' && rating.sale.lines.length > 0 ? rating.sale : undefined
  const cost = rating?.cost
  return { event, hash, sale, cost, currency: sale || cost ? (rating?.currency ?? null) : null }
}

interface Column {
  readonly name: string
  readonly type: string
  readonly read: (row: Row) => string | boolean | number | null
  /** Lists within a list come as text. */
  readonly cast?: string
}

type Lines = NonNullable<Rating['cost']>['lines']

/** None of the parts holds a comma, a quote or a brace. */
function listOf(lines: Lines | undefined, read: (line: Lines[number]) => string): string | null {
  if (lines === undefined) return null
  let list = ''
  for (const line of lines) list += list === '' ? read(line) : `,${read(line)}`
  return `{${list}}`
}

function linesOf(side: string, lines: (row: Row) => Lines | undefined): readonly Column[] {
  const list = (name: string, cast: string, read: (line: Lines[number]) => string): Column => ({
    name: `${side}_${name}`,
    type: 'text',
    cast,
    read: row => listOf(lines(row), read),
  })
  return [
    list('units', 'text[]', ({ unit }) => unit),
    list('rates', 'bigint[]', ({ rate }) => rate.id),
    list('amounts', 'numeric[]', ({ amount }) => formatDecimal(amount)),
  ]
}

const text = (name: string, read: Column['read']): Column => ({ name, type: 'text', read })

const fixed: readonly Column[] = [
  text('workspace', ({ event }) => event.data.workspace),
  text('source', ({ event }) => event.source),
  text('id', ({ event }) => event.id),
  { name: 'body_hash', type: 'bytea', read: ({ hash }) => `\\x${hash}` },
  { name: 'time', type: 'timestamptz', read: ({ event }) => event.time },
  { name: 'ended_at', type: 'timestamptz', read: ({ event }) => event.data.endedAt },
  text('project', ({ event }) => event.data.project),
  text('key', ({ event }) => event.data.key),
  text('key_name', ({ event }) => event.data.keyName),
  text('model', ({ event }) => event.data.model),
  text('endpoint', ({ event }) => event.data.endpoint),
  text('upstream', ({ event }) => event.data.upstream),
  text('upstream_model', ({ event }) => event.data.upstreamModel ?? null),
  text('provider', ({ event }) => event.data.provider ?? null),
  text('region', ({ event }) => event.data.region ?? null),
  text('tier', ({ event }) => event.data.tier ?? 'standard'),
  { name: 'request', type: 'uuid', read: ({ event }) => event.data.request },
  text('operation', ({ event }) => event.data.operation),
  text('billable', ({ event }) => event.data.billable),
  { name: 'streamed', type: 'boolean', read: ({ event }) => event.data.streamed },
  text('end_reason', ({ event }) => event.data.end),
  { name: 'status', type: 'integer', read: ({ event }) => event.data.status },
  text('usage_source', ({ event }) => event.data.usageSource),
  { name: 'flags', type: 'text', cast: 'text[]', read: ({ event }) => flagsOf(event.data.flags) },
  text('hold', ({ event }) => event.data.hold ?? null),
  { name: 'first_token_ms', type: 'integer', read: ({ event }) => event.data.firstTokenMs ?? null },
  { name: 'attempts', type: 'jsonb', read: ({ event }) => jsonOf(event.data.attempts) },
  text('currency', ({ currency }) => currency),
  { name: 'amount', type: 'numeric', read: ({ sale }) => amountOf(sale) },
  { name: 'cost', type: 'numeric', read: ({ cost }) => amountOf(cost) },
  ...linesOf('rated', ({ sale }) => sale?.lines),
  ...linesOf('cost', ({ cost }) => cost?.lines),
]

const counted: readonly Column[] = usageUnits.map(unit => ({
  name: columnOf(unit),
  type: 'bigint',
  read: ({ event }) => event.data.quantities[unit] ?? null,
}))

const amountOf = (side: { readonly amount: bigint } | undefined) =>
  side === undefined ? null : formatDecimal(side.amount)

const jsonOf = (value: unknown) => (value === undefined ? null : JSON.stringify(value))

const flagsOf = (flags: readonly string[]) =>
  flags.length === 0 ? '{}' : `{${flags.map(flag => `"${flag.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`

type Value = string | boolean | number | null

export interface Insertion {
  readonly text: string
  readonly values: readonly Value[]
}

const plain = /^[\w.:/-]+$/

/** A list as PostgreSQL reads it: the driver's own way quotes every value, which of a batch took a tenth of the time. */
function listText(values: readonly Value[]): string {
  let list = ''
  for (const value of values) {
    if (list !== '') list += ','
    if (value === null) list += 'NULL'
    else if (typeof value === 'string' && (!plain.test(value) || value.toLowerCase() === 'null'))
      list += `"${value.replaceAll(/["\\]/g, '\\$&')}"`
    else list += value
  }
  return `{${list}}`
}

/**
 * In the order of the rows. A column that no row has is left out, and one that is the same in all of them is sent once:
 * of a batch that is half of them.
 */
export function insertionOf(given: readonly UsageRowOf[]): Insertion {
  const rows = given.map(rowOf)
  const used = [...fixed, ...counted].flatMap(column => {
    const values = rows.map(column.read)
    const [first = null] = values
    const isOne = values.every(value => value === first)
    if (isOne && first === null) return []
    return [
      { column, isOne: isOne && rows.length > 1, value: isOne && rows.length > 1 ? first : listText(values) },
    ]
  })
  const names = used.map(({ column }) => column.name)
  const lists = used.flatMap(({ column, isOne }, at) =>
    isOne ? [] : [{ name: column.name, list: `$${at + 1}::${column.type}[]` }],
  )
  const selected = used.map(({ column: { name, type, cast }, isOne }, at) => {
    const value = isOne ? `$${at + 1}::${type}` : name
    return cast ? `${value}::${cast}` : value
  })
  return {
    text: `insert into usage_events (${names.join(', ')}, batch)
      select ${selected.join(', ')}, (select open_usage_batch())
      from unnest(${lists.map(({ list }) => list).join(', ')}) as given(${lists.map(({ name }) => name).join(', ')})
      on conflict do nothing
      returning workspace, source, id`,
    values: used.map(({ value }) => value),
  }
}
