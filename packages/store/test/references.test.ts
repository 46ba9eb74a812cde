// A reference and the removal of its target race; no reference is ever left without its target.
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '@switchyard/kinds'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleted, document, operator, put } from './given.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase({ connections: 16 })
})
afterAll(() => db.close())

/** As the API does it: the target is locked and looked at, then the document and its reference are written. */
async function createEndpoint(name: string, cluster: string): Promise<void> {
  await db.store.write(operator, async tx => {
    const target = await tx.lock({ kind: 'Cluster', workspace: 'red', name: cluster }, 'share')
    if (!target || target.metadata.deletionTimestamp) throw new Fault('conflict', 'the cluster is going')
    await sleep(Math.random() * 4)
    await tx.insert(document('Endpoint', 'red', name), [{ path: 'spec.cluster', id: target.metadata.id }])
  })
}

async function deleteCluster(name: string, soft: boolean): Promise<void> {
  await db.store.write(operator, async tx => {
    const target = await tx.lock({ kind: 'Cluster', workspace: 'red', name }, 'update')
    if (!target) throw new Fault('not_found', 'no such cluster')
    const { total } = await tx.referrers(target.metadata.id, 10)
    if (total > 0) throw new Fault('conflict', 'in use', { reason: 'in_use' })
    await sleep(Math.random() * 4)
    if (soft) await tx.update(deleted(target), null)
    else await tx.remove(target)
  })
}

test('200 racing pairs of create-with-reference and delete-of-target leave no dangling reference and no deadlock', async () => {
  const outcomes = { created: 0, deleted: 0 }
  for (let n = 0; n < 200; n += 8)
    await Promise.all(
      Array.from({ length: 8 }, async (_, k) => {
        const name = `c${n + k}`
        await put(db.store, document('Cluster', 'red', name, { type: 'local', share: 'none' }))
        const [made, gone] = await Promise.allSettled([
          createEndpoint(`e${n + k}`, name),
          deleteCluster(name, k % 2 === 0),
        ])
        for (const result of [made, gone])
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'conflict' })
        // One of the two, never both and never neither.
        expect([made.status, gone.status].filter(status => status === 'fulfilled')).toHaveLength(1)
        outcomes[made.status === 'fulfilled' ? 'created' : 'deleted']++
      }),
    )
  const client = new Client({ connectionString: db.url })
  await client.connect()
  const { rows } = await client.query(
    `select count(*)::int as dangling from switchyard.refs f
     left join switchyard.resources t on t.id = f.to_id
     where t.id is null or t.deleted_at is not null`,
  )
  await client.end()
  expect(rows).toEqual([{ dangling: 0 }])
  expect(outcomes.created + outcomes.deleted).toBe(200)
}, 60_000)

test('a target that was removed without a lock is noticed when the reference is written', async () => {
  const target = await put(db.store, document('Cluster', 'red', 'gone'))
  await db.store.write(operator, tx => tx.remove(target))
  const late = put(db.store, document('Endpoint', 'red', 'late'), [
    { path: 'spec.cluster', id: target.metadata.id },
  ])
  await expect(late).rejects.toMatchObject({ code: 'conflict', reason: 'reference_gone' })
})
