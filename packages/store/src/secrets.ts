// Hashed secrets and all grants, for the server's own rooms.
import type { Grant, SecretHash, Secrets } from '@switchyard/runtime'
import type { Database } from './postgres/pool.ts'

interface Row {
  readonly id: string
  readonly field: string
  readonly hash: string
  readonly previous_hash: string | null
  readonly previous_until: Date | null
}

const columns = 'resource_id as id, field, hash, previous_hash, previous_until'

function secretOf({ field, hash, previous_hash, previous_until }: Row): SecretHash {
  if (previous_hash === null || previous_until === null) return { field, hash }
  return { field, hash, previous: { hash: previous_hash, until: previous_until.toISOString() } }
}

export function secretsOn(database: Database): Secrets {
  const as = { role: 'secrets' } as const
  const reading = { readOnly: true } as const
  return {
    secret: (id, field) =>
      database.transaction(as, reading, async client => {
        const { rows } = await client.query<Row>(
          `select ${columns} from secret_hashes where resource_id = $1 and field = $2`,
          [id, field],
        )
        return rows[0] && secretOf(rows[0])
      }),
    keyHashes: () =>
      database.transaction(as, reading, async client => {
        const { rows } = await client.query<Row>(
          `select ${columns} from secret_hashes where kind = 'ApiKey' order by resource_id`,
        )
        return rows.map(row => ({ id: row.id, ...secretOf(row) }))
      }),
    allGrants: () =>
      database.transaction(as, reading, async client => {
        const { rows } = await client.query<Grant & { readonly principal: string }>(
          // What a group holds is told of each who is in it.
          `select distinct coalesce('user:' || m.user_name, g.principal) as principal, g.workspace, g.permission
           from grants g left join group_members m on m.principal = g.principal
           where (g.expires_at is null or g.expires_at > now())
             and (g.principal not like 'group:%' or m.user_name is not null)
           order by 1, g.workspace nulls first, g.permission`,
        )
        return rows
      }),
  }
}
