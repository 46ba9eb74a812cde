// A log of the trail that others look at.
import { numberEntries, publish, type readSigner } from '@switchyard/ledger'
import type { Objects } from '@switchyard/runtime'
import type { TestDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'

/** It grows in these steps, each signed and archived. */
export async function grow(
  database: TestDatabase,
  archive: Objects,
  signer: ReturnType<typeof readSigner>,
  steps: readonly number[],
): Promise<void> {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  await database.audit.claim(1n)
  for (const step of steps) {
    await client.query(
      `insert into switchyard.audit_pending (entry) select jsonb_build_object('id', gen_random_uuid(), 'time', '2026-11-20T08:00:00.000Z',
         'workspace', 'red', 'action', 'a.b', 'actor', '{"id":"user:é"}'::jsonb, 'outcome', 'success') from generate_series(1, $1)`,
      [step],
    )
    while ((await database.audit.sequence(1n, 1000, numberEntries)) === 1000);
    await publish({ audit: database.audit, archive, signers: [signer] }, true)
  }
  await client.end()
}
