// A page of documents: selectors, search, keyset paging. What the identity may not read is left out by the
// policies, here and in the count alike.
import { Fault } from '@switchyard/kinds'
import type { ListQuery, Page, Requirement } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { columns, documentOf, type Row } from './documents.ts'
import { readPosition, writePosition } from './position.ts'

interface Order {
  readonly by: string
  /** Condition that holds for rows after a position. */
  readonly after: (position: readonly string[], given: (value: unknown) => string) => string
  /** Expressions of a row's own position. */
  readonly position: readonly [string, string]
}

const orders: Readonly<Record<NonNullable<ListQuery['sort']>, Order>> = {
  name: {
    by: 'place collate "C", name collate "C"',
    after: ([place, name], given) =>
      `(place collate "C", name collate "C") > (${given(place)}::text, ${given(name)}::text)`,
    position: ['place', 'name'],
  },
  '-creationTimestamp': {
    by: 'created_at desc, id desc',
    after: ([at, id], given) => `(created_at, id) < (${given(at)}::timestamptz, ${given(id)}::uuid)`,
    position: [`to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`, 'id::text'],
  },
}

interface PageRow extends Row {
  readonly position: readonly string[]
}

export async function list(client: PoolClient, query: ListQuery): Promise<Page> {
  const { limit, count, after, sort = 'name' } = query
  const order = orders[sort]
  // Read before the page: a watch from here may repeat what the page shows, and misses nothing.
  const version = await newestVersion(client)

  const values: unknown[] = []
  const given = (value: unknown) => `$${values.push(value)}`
  const where = conditions(query, given)
  const counted = count
    ? await client.query<{ count: string }>(`select count(*) from resources where ${where}`, values)
    : undefined
  const from =
    after === undefined ? '' : ` and ${order.after(readPosition(after, order.position.length), given)}`
  const most = limit === undefined ? '' : ` limit ${given(limit + 1)}`
  const { rows } = await client.query<PageRow>(
    `select ${columns}, array[${order.position.join(', ')}] as position
     from resources where ${where}${from} order by ${order.by}${most}`,
    values,
  )
  const page = limit === undefined ? rows : rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(documentOf),
    version,
    ...(last && rows.length > page.length ? { next: writePosition(last.position) } : {}),
    ...(counted ? { count: Number(counted.rows[0]?.count) } : {}),
  }
}

export async function newestVersion(client: PoolClient): Promise<string> {
  const { rows } = await client.query<{ version: string }>('select newest_version() as version')
  return rows[0]?.version ?? '0'
}

function conditions(query: ListQuery, given: (value: unknown) => string): string {
  const { kind, workspace, labels = [], fields = [], q } = query
  const all = [`kind = ${given(kind)}`]
  if (workspace !== undefined) all.push(`place = ${given(workspace ?? '')}`)
  for (const requirement of labels) {
    const key = `${given(requirement.key)}::text`
    all.push(condition(requirement, `(metadata -> 'labels' ->> ${key})`, given))
  }
  for (const requirement of fields) {
    const [top, ...path] = requirement.key.split('.')
    if (top !== 'metadata' && top !== 'spec' && top !== 'status')
      throw new Fault(
        'invalid',
        `${requirement.key} is no field of a document: begin with metadata, spec or status.`,
      )
    all.push(condition(requirement, `(${top} #>> ${given(path)}::text[])`, given))
  }
  if (q !== undefined && q !== '') {
    const term = given(q)
    all.push(
      `(position(lower(${term}) in name) > 0 or position(lower(${term}) in lower(metadata ->> 'displayName')) > 0)`,
    )
  }
  return all.join(' and ')
}

function condition(
  { operator, values }: Requirement,
  value: string,
  given: (value: unknown) => string,
): string {
  const one = () => `${value} = any (${given(values)}::text[])`
  const table: Readonly<Record<Requirement['operator'], () => string>> = {
    in: one,
    notin: () => `(${one()}) is not true`,
    exists: () => `${value} is not null`,
    absent: () => `${value} is null`,
  }
  return table[operator]()
}
