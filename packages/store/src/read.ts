// What a transaction may read, under the policies of its identity.
import type { Key, ReadTransaction } from '@switchyard/runtime'
import type { PoolClient } from 'pg'
import { columns, documentOf, type Row } from './documents.ts'
import { list } from './list.ts'

export function readTransaction(client: PoolClient): ReadTransaction {
  return {
    async get({ kind, workspace, name }) {
      const { rows } = await client.query<Row>({
        name: 'get',
        text: `select ${columns} from resources where kind = $1 and place = $2 and name = $3`,
        values: [kind, workspace ?? '', name],
      })
      return rows[0] && documentOf(rows[0])
    },
    list: query => list(client, query),
    async referrers(id, limit) {
      const { rows } = await client.query<Key>(
        `select distinct r.kind, r.workspace, r.name from refs f join resources r on r.id = f.from_id
         where f.to_id = $1 and f.from_id <> $1 order by r.kind, r.workspace nulls first, r.name limit $2`,
        [id, limit],
      )
      const total = await client.query<{ total: string }>('select count_referrers($1) as total', [id])
      return { referrers: rows, total: Number(total.rows[0]?.total) }
    },
  }
}
