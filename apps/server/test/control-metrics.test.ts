// What the store tells of refusals by quotas becomes a counter.
import { apiVersion, type Document } from '@switchyard/kinds'
import { systemRandom } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { expect, test } from 'vitest'
import { ControlMetrics } from '../src/control-metrics.ts'

const operator = { role: 'caller', principal: 'system:operator', scopes: ['*'] } as const

function document(kind: string, workspace: string | null, name: string, spec: object): Document {
  const at = new Date().toISOString()
  const times = { creationTimestamp: at, updateTimestamp: at, createdBy: 'user:test', updatedBy: 'user:test' }
  const none = { labels: {}, annotations: {}, ownerReferences: [], finalizers: [] }
  const metadata = {
    id: systemRandom.id(),
    name,
    workspace,
    project: null,
    generation: 1,
    resourceVersion: '0',
  }
  return { apiVersion, kind, metadata: { ...metadata, ...times, ...none }, spec, status: {} }
}

test('SV9: refusals by quotas are counted by level and dimension', async () => {
  const metrics = new ControlMetrics({ overrunPercent: 0.1 })
  await using db = await testDatabase({ observe: metrics.hear })
  const put = (...given: Parameters<typeof document>) =>
    db.store.write(operator, tx => tx.insert(document(...given), []))
  expect(metrics.text()).toContain('# TYPE switchyard_quota_refused_total counter')
  await put('Workspace', null, 'red', {})
  const share = { nominal: 2, borrow: 0, lend: 0 }
  const flavors = [{ ...share, accelerator: 'nvidia', product: 'L4' }]
  await put('Quota', 'red', 'q', { replicas: share, flavors })
  const resources = { accelerator: 'nvidia', product: 'L4', devices: 2 }
  await put('Endpoint', 'red', 'fits', { replicas: 1, resources })
  for (const name of ['a', 'b'])
    await expect(put('Endpoint', 'red', name, { replicas: 1, resources })).rejects.toMatchObject({
      reason: 'quota_exceeded',
    })
  await expect(put('Endpoint', 'red', 'c', { replicas: 2 })).rejects.toMatchObject({
    reason: 'quota_exceeded',
  })
  const told = metrics.text()
  expect(told).toContain('switchyard_quota_refused_total{level="workspace",dimension="nvidia/L4"} 2\n')
  expect(told).toContain('switchyard_quota_refused_total{level="workspace",dimension="replicas"} 1\n')
})
