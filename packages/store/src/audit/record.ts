// An entry of the trail, in the transaction of what it tells. Id, time, actor and origin are the database's to say.
import type { NewAudit } from '@switchyard/runtime'
import type { PoolClient } from 'pg'

export async function recordAudit(client: PoolClient, entry: NewAudit): Promise<void> {
  const { workspace, action, resource, ...more } = entry
  await client.query({
    name: 'audit',
    text: 'select audit($1, $2, $3::jsonb, $4::jsonb)',
    values: [
      workspace,
      action,
      resource === undefined ? null : JSON.stringify(resource),
      JSON.stringify(more),
    ],
  })
}
