// How workspaces stand to their quotas, by the very function that refuses what goes beyond them.
import type { Allowance, Quotas } from '@switchyard/runtime'
import type { Database } from './postgres/pool.ts'

const control = { role: 'control' } as const

type Counted = Readonly<Record<Exclude<keyof Allowance, 'quota' | 'returns'>, string>>
type Row = Counted & Pick<Allowance, 'quota' | 'returns'>

const reading = `
select quota, nominal, declared, used, may_use as limit, borrowed, lent,
  array(select replica from quota_returns($1)) as returns
from quota_standing($1) where workspace = $1`

export function quotasOn(database: Database): Quotas {
  return {
    allowance: workspace =>
      database.transaction(control, { readOnly: true, isolation: 'repeatable read' }, async client => {
        const { rows } = await client.query<Row>({
          name: 'quota_standing',
          text: reading,
          values: [workspace],
        })
        const [row] = rows
        if (!row) return undefined
        const { quota, returns, nominal, declared, used, limit, borrowed, lent } = row
        const counts = { nominal, declared, used, limit, borrowed, lent }
        const numbers = Object.fromEntries(
          Object.entries(counts).map(([name, count]) => [name, Number(count)]),
        ) as Readonly<Record<keyof Counted, number>> // the same names
        return { quota, returns, ...numbers }
      }),
  }
}
