// Requests that may come twice: the first takes the key and keeps its answer in its own transaction.
import { Fault } from '@switchyard/kinds'
import type { KeptAnswer, Once } from '@switchyard/runtime'
import type { PoolClient } from 'pg'

/** A key means the same request for so long. */
export const answerHours = 24

/** Takes the key for this transaction, or gives the answer that it had; a second user of it waits for the first. */
export async function takeKey(
  client: PoolClient,
  { key, fingerprint }: Pick<Once<unknown>, 'key' | 'fingerprint'>,
): Promise<KeptAnswer | undefined> {
  const taken = await client.query(
    `insert into answers as a (principal, key, fingerprint) values (principal(), $1, $2)
     on conflict (principal, key) do update
       set fingerprint = excluded.fingerprint, at = clock_timestamp(), answer = null
       where a.at < clock_timestamp() - make_interval(hours => $3)`,
    [key, fingerprint, answerHours],
  )
  if (taken.rowCount === 1) return undefined
  const { rows } = await client.query<{ fingerprint: string; answer: KeptAnswer }>(
    'select fingerprint, answer from answers where principal = principal() and key = $1',
    [key],
  )
  if (rows[0]?.fingerprint === fingerprint) return rows[0].answer
  throw new Fault(
    'conflict',
    'This Idempotency-Key was used for another request. Use a new key for each request.',
    { reason: 'idempotency_reuse' },
  )
}

export async function keepAnswer(client: PoolClient, key: string, answer: KeptAnswer): Promise<void> {
  await client.query('update answers set answer = $2 where principal = principal() and key = $1', [
    key,
    JSON.stringify(answer),
  ])
}
