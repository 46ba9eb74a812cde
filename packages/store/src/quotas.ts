// How workspaces stand to their quotas, by the very function that refuses what goes beyond them.
import { acceleratorSchema } from '@switchyard/kinds'
import type { Quotas, Share } from '@switchyard/runtime'
import type { Database } from './postgres/pool.ts'

const control = { role: 'control' } as const

type Counts = Omit<Share, 'accelerator' | 'product'>
type Row = Readonly<Record<keyof Counts, string>> & {
  readonly quota: string
  readonly returns: readonly string[]
  readonly accelerator: string | null
  readonly product: string | null
}

const reading = `
select quota, accelerator, product, nominal, declared, used, may_use as limit, borrowed, lent,
  array(select replica from quota_returns($1)) as returns
from quota_standing($1) where workspace = $1 order by accelerator nulls first, product nulls first`

export function quotasOn(database: Database): Quotas {
  return {
    allowance: workspace =>
      database.transaction(control, { readOnly: true, isolation: 'repeatable read' }, async client => {
        const { rows } = await client.query<Row>({
          name: 'quota_standing',
          text: reading,
          values: [workspace],
        })
        const [first] = rows
        return first && { quota: first.quota, returns: first.returns, shares: rows.map(shareOf) }
      }),
  }
}

function shareOf({ accelerator, product, nominal, declared, used, limit, borrowed, lent }: Row): Share {
  return {
    ...(accelerator === null ? {} : { accelerator: acceleratorSchema.parse(accelerator) }),
    ...(product === null ? {} : { product }),
    nominal: Number(nominal),
    declared: Number(declared),
    used: Number(used),
    limit: Number(limit),
    borrowed: Number(borrowed),
    lent: Number(lent),
  }
}
