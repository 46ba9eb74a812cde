// A Quota as people meet it: who gives it, what it refuses, and with which words.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endpointDocument, expectStatus, type Harness, start, workspaceDocument } from './harness.ts'

let h: Harness
beforeAll(async () => {
  h = await start()
  expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('red') }), 201)
})
afterAll(() => h[Symbol.asyncDispose]())

const quotas = '/api/v1/workspaces/red/quotas'
const endpoints = '/api/v1/workspaces/red/endpoints'
const quota = (replicas: object, more: object = {}) => ({
  metadata: { name: 'red' },
  spec: { replicas, ...more },
})
const asking = (name: string, replicas: number) => {
  const { metadata, spec } = endpointDocument(name)
  return { metadata, spec: { ...spec, replicas } }
}

test.each([
  ['lend', { nominal: 1, lend: 2 }, { cohort: 'lab' }, 'must be at most nominal, 1'],
  ['lend', { nominal: 1, lend: 1 }, {}, 'needs a cohort to lend to: set spec.cohort'],
  ['borrow', { nominal: 1, borrow: 1 }, {}, 'needs a cohort to borrow from: set spec.cohort'],
])('a quota whose %s cannot be is refused', async (path, replicas, more, message) => {
  const reply = await h.call('POST', quotas, { body: quota(replicas, more) })
  expect(expectStatus(reply, 400).body.error.details).toMatchObject([
    { path: `spec.replicas.${path}`, message },
  ])
})

test.each([
  [{}, 'spec', 'must say how much of something: set replicas, or flavors of devices'],
  [
    { flavors: [{ accelerator: 'amd', nominal: 1, borrow: 1 }] },
    'spec.flavors.0.borrow',
    'needs a cohort to borrow from: set spec.cohort',
  ],
  [
    {
      flavors: [
        { accelerator: 'amd', nominal: 1 },
        { accelerator: 'amd', nominal: 2 },
      ],
    },
    'spec.flavors.1',
    'is there already: give each accelerator and product once',
  ],
])('a quota of devices that cannot be is refused: %j', async (spec, path, message) => {
  const reply = await h.call('POST', quotas, { body: { metadata: { name: 'red' }, spec } })
  expect(expectStatus(reply, 400).body.error.details).toMatchObject([{ path, message }])
})

test('SV9: a quota of devices refuses an endpoint with the quota, the workspace, the devices, used and left', async () => {
  expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('labs') }), 201)
  const labs = '/api/v1/workspaces/labs'
  const flavors = [{ accelerator: 'nvidia', product: 'L4', nominal: 5 }]
  expectStatus(
    await h.call('POST', `${labs}/quotas`, { body: { metadata: { name: 'gpus' }, spec: { flavors } } }),
    201,
  )
  const resources = { accelerator: 'nvidia', product: 'L4', devices: 2, memory: '8Gi' }
  const asks = (name: string, replicas: number) => {
    const { metadata, spec } = endpointDocument(name)
    return { metadata, spec: { ...spec, replicas, resources } }
  }
  expectStatus(await h.call('POST', `${labs}/endpoints`, { body: asks('a', 2) }), 201)
  for (const dryRun of ['', '?dryRun=true']) {
    const refused = await h.call('POST', `${labs}/endpoints${dryRun}`, { body: asks('b', 1) })
    expect(expectStatus(refused, 429).body.error).toMatchObject({
      code: 'exhausted',
      reason: 'quota_exceeded',
      message:
        'Quota gpus lets the endpoints of workspace labs have 5 devices of nvidia L4, 5 of them its own. The others have 4, which leaves 1: ask for at most so many, or have the quota raised.',
    })
  }
  const fewer = { spec: { resources: { devices: 1 } } }
  expectStatus(await h.call('PATCH', `${labs}/endpoints/a`, { body: fewer }), 200)
  expectStatus(await h.call('POST', `${labs}/endpoints`, { body: asks('b', 1) }), 201)
})

test('SV9: a quota is given from above, read within, and refuses what goes beyond it, also in a dry run', async () => {
  const lead = await h.person('lea', { red: ['workspace-admin'] })
  const owner = await h.person('own', { red: ['admin'] })
  for (const { token } of [lead, owner])
    expect((await h.call('POST', quotas, { token, body: quota({ nominal: 9 }) })).body.error).toMatchObject({
      code: 'denied',
      reason: 'permission_missing',
      message: expect.stringContaining('You need quota:create on the platform.') as string,
    })
  expectStatus(await h.call('POST', quotas, { body: quota({ nominal: 2 }) }), 201)
  expectStatus(await h.call('GET', `${quotas}/red`, { token: lead.token }), 200)
  for (const [method, body] of [['PATCH', { spec: { replicas: { nominal: 9 } } }], ['DELETE']] as const)
    expect((await h.call(method, `${quotas}/red`, { token: owner.token, body })).status).toBe(403)
  const second = await h.call('POST', quotas, {
    body: { ...quota({ nominal: 2 }), metadata: { name: 'other' } },
  })
  expect(expectStatus(second, 409).body.error.message).toContain('Workspace red has Quota red already')

  const { token } = lead
  expectStatus(await h.call('POST', endpoints, { token, body: asking('a', 1) }), 201)
  for (const dryRun of ['', '?dryRun=true']) {
    const refused = await h.call('POST', endpoints + dryRun, { token, body: asking('b', 2) })
    expect(expectStatus(refused, 429).body.error).toMatchObject({
      code: 'exhausted',
      reason: 'quota_exceeded',
      message:
        'Quota red lets the endpoints of workspace red have 2 replicas, 2 of them its own. The others have 1, which leaves 1: ask for at most so many, or have the quota raised.',
    })
  }
  expectStatus(await h.call('POST', endpoints, { token, body: asking('b', 1) }), 201)
  const more = await h.call('PATCH', `${endpoints}/a`, { token, body: { spec: { replicas: 2 } } })
  expect(more.body.error.reason).toBe('quota_exceeded')
  // One that keeps none asks for none, until it is resumed.
  expectStatus(await h.call('PATCH', `${endpoints}/b`, { token, body: { spec: { paused: true } } }), 200)
  expectStatus(await h.call('PATCH', `${endpoints}/a`, { token, body: { spec: { replicas: 2 } } }), 200)
  const resumed = await h.call('PATCH', `${endpoints}/b`, { token, body: { spec: { paused: false } } })
  expect(resumed.body.error.reason).toBe('quota_exceeded')
})
