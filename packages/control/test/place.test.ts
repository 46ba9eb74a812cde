// Which devices a replica is given, and what an endpoint is told when there are none for it.
import type { Accelerator } from '@switchyard/kinds'
import type { Share } from '@switchyard/runtime'
import { describe, expect, test } from 'vitest'
import { decideCluster } from '../src/cluster.ts'
import { decideEndpoint, type EndpointObserved } from '../src/endpoint/decide.ts'
import type { Ground } from '../src/endpoint/place.ts'
import {
  anEndpoint,
  aReplica,
  aRevision,
  conditionOf,
  events,
  now,
  phaseAfter,
  resolving,
  said,
  theCluster,
} from './documents.ts'

const gib = 2 ** 30
const device = (accelerator: Accelerator, id: string, product?: string) => ({
  accelerator,
  id,
  ...(product === undefined ? {} : { product }),
  declared: false,
  reserved: false,
})

function ground(each: readonly ReturnType<typeof device>[], held: readonly string[] = [], memoryBytes = 0) {
  const capacity = { cpus: 8, memoryBytes: 64 * gib }
  const devices = { capacity: each.length, reserved: 0, free: each.length, each: [...each] }
  return {
    name: 'platform/local',
    cluster: theCluster({ node: 'local', capacity, devices }),
    reserved: { devices: held.map(id => ({ accelerator: 'nvidia' as const, id })), memoryBytes },
  } satisfies Ground
}

const asking = (resources: object, spec: object = {}) =>
  anEndpoint({ resources, ...spec }, { revisions: { desired: 1 } })
function decide(endpoint: ReturnType<typeof anEndpoint>, more: Partial<EndpointObserved>) {
  const observed = { ...resolving, revisions: [aRevision(1, endpoint)], replicas: [], quietMs: 0, ...more }
  return decideEndpoint(endpoint, observed, now)
}
const given = (decision: ReturnType<typeof decide>) =>
  decision.actions.flatMap(action =>
    action.do === 'create' ? [(action.draft.spec as { assignment?: unknown }).assignment] : [],
  )
const placed = (decision: ReturnType<typeof decide>) =>
  decision.status?.conditions?.find(({ type }) => type === 'Placed')

const two = { accelerator: 'nvidia', devices: 2 }
const l4 = ['0', '1', '2', '3'].map(id => device('nvidia', id, 'L4'))

describe('SV4: a replica that needs devices', () => {
  test('is placed with devices that nobody holds, each its own', () => {
    const decision = decide(asking(two, { replicas: 2 }), { ground: ground(l4) })
    const on = { nodes: ['local'], accelerator: 'nvidia', product: 'L4' }
    expect(given(decision)).toEqual([
      { ...on, devices: ['0', '1'] },
      { ...on, devices: ['2', '3'] },
    ])
    expect(placed(decision)).toMatchObject({ status: 'True', reason: 'Placed' })
  })

  test('is given devices of one product, and of the one with the fewest left', () => {
    const mixed = [...l4.slice(0, 3), device('nvidia', '7', 'T4'), device('nvidia', '8', 'T4')]
    expect(given(decide(asking(two), { ground: ground(mixed) }))).toMatchObject([
      { product: 'T4', devices: ['7', '8'] },
    ])
    expect(given(decide(asking(two), { ground: ground(mixed, ['8']) }))).toMatchObject([
      { product: 'L4', devices: ['0', '1'] },
    ])
    expect(given(decide(asking({ ...two, product: 'L4' }), { ground: ground(mixed) }))).toMatchObject([
      { product: 'L4' },
    ])
  })

  test.each([
    [
      'of whose accelerator there is none',
      [],
      [],
      'Accelerator',
      'each needs 2 of nvidia L4, and cluster platform/local has none at all.',
    ],
    [
      'of whose product there is none',
      [device('nvidia', '0', 'T4'), device('nvidia', '1')],
      [],
      'Product',
      'has 1 of nvidia T4 (1 free), 1 of nvidia whose product is not known (0 free).',
    ],
    ['of which there are fewer', l4.slice(0, 1), [], 'TooFewDevices', 'has 1 of nvidia L4 (1 free).'],
    ['of which others hold too many', l4, ['0', '1', '2'], 'TooFewDevices', 'has 4 of nvidia L4 (1 free).'],
  ])(
    '%s is not placed, and the endpoint says what is asked and what is there',
    (_, each, held, reason, message) => {
      const endpoint = asking({ ...two, product: 'L4' })
      const decision = decide(endpoint, { ground: ground(each, held) })
      expect(said(decision)).toEqual([])
      expect(placed(decision)).toMatchObject({ status: 'False', reason })
      expect(placed(decision)?.message).toContain(message)
      expect(decision.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain(message)
      expect(phaseAfter(endpoint, decision)).toBe('Pending')
      expect(events(decision)).toContain(reason)
      expect(decision.again).toBe(5000)
    },
  )

  test('waits while its cluster has not told what it has: unknown is not none', () => {
    const silent = { name: 'platform/local', cluster: theCluster(), reserved: undefined }
    const decision = decide(asking(two), { ground: silent })
    expect(said(decision)).toEqual([])
    expect(conditionOf(decision.status, 'Placed')).toBe('False Waiting')
  })

  test('SV5: 40: a rollout without a spare device waits, says what would help, and ends nothing', () => {
    const endpoint = anEndpoint(
      { resources: { ...two, product: 'L4' }, context: { sequences: 8 } },
      { revisions: { desired: 2 } },
    )
    const assignment = { nodes: ['local'], accelerator: 'nvidia', product: 'L4', devices: ['0', '1'] }
    const old = aReplica(1, 0, { state: 'Ready' }, { assignment })
    const revisions = [aRevision(1, asking(two)), aRevision(2, endpoint)]
    const full = decide(endpoint, { revisions, replicas: [old], ground: ground(l4.slice(0, 2), ['0', '1']) })
    expect(said(full)).toEqual([])
    expect(placed(full)?.message).toContain('spec.rollout.maxUnavailable')
    const room = decide(endpoint, { revisions, replicas: [old], ground: ground(l4, ['0', '1']) })
    expect(said(room)).toEqual(['create Replica chat-2-0'])
  })
})

describe('SV9: under a quota of devices', () => {
  const share = { nominal: 2, declared: 3, used: 0, limit: 2, borrowed: 0, lent: 0 }
  const quota = (...shares: readonly Partial<Share>[]) => ({
    quota: 'q',
    shares: shares.map(each => ({ ...share, ...each })),
    returns: [],
  })
  const quotaOk = (decision: ReturnType<typeof decide>) =>
    decision.status?.conditions?.find(({ type }) => type === 'QuotaOk')
  const asked = asking({ accelerator: 'nvidia', product: 'L4', devices: 2 }, { replicas: 2 })

  test('as many replicas are placed as their devices are left, and it is said of which', () => {
    for (const of of [{ accelerator: 'nvidia' }, { accelerator: 'nvidia', product: 'L4' }] as const) {
      const allowance = quota({ limit: 9 }, { ...of, limit: 5, used: 2 })
      const decision = decide(asked, { ground: ground(l4), allowance })
      expect(given(decision)).toMatchObject([{ devices: ['0', '1'] }])
      expect(quotaOk(decision)).toMatchObject({ status: 'False', reason: 'Exceeded' })
      const said = `devices of nvidia${'product' in of ? ' L4' : ''}`
      expect(quotaOk(decision)?.message).toContain(
        `1 more replicas would exceed quota q: 2 of 5 ${said} are used, 2 are its own and 0 borrowed.`,
      )
      expect(placed(decision)?.status).toBe('True')
    }
  })

  test('devices of another vendor or product are not counted, and replicas are as before', () => {
    const others = quota(
      { limit: 2 },
      { accelerator: 'amd', limit: 0 },
      { accelerator: 'nvidia', product: 'T4', limit: 0 },
    )
    const decision = decide(asked, { ground: ground(l4), allowance: others })
    expect(given(decision)).toHaveLength(2)
    expect(quotaOk(decision)?.status).toBe('True')
    expect(given(decide(asked, { ground: ground(l4), allowance: quota({ limit: 1 }) }))).toHaveLength(1)
  })

  test('an endpoint that takes any product gets of those of which the quota leaves some', () => {
    const mixed = [...l4, ...['7', '8'].map(id => device('nvidia', id, 'T4'))]
    const allowance = quota({ accelerator: 'nvidia', product: 'T4', limit: 1 })
    const any = asking(two, { replicas: 3 })
    const decision = decide(any, { ground: ground(mixed), allowance })
    expect(given(decision)).toMatchObject([{ product: 'L4' }, { product: 'L4' }])
    expect(placed(decision)).toMatchObject({ status: 'False', reason: 'Quota' })
    expect(placed(decision)?.message).toContain('of which the quota of its workspace leaves no more')
  })

  test('one that is woken gets no more than is left', () => {
    const sleeper = asking({ accelerator: 'nvidia', devices: 1 }, { idleSeconds: 60 })
    const full = quota({ accelerator: 'nvidia', used: 2 })
    const woken = decide(sleeper, { ground: ground(l4), allowance: full, quietMs: 0 })
    expect(said(woken)).toEqual([])
    expect(quotaOk(woken)?.reason).toBe('Exceeded')
  })
})

describe('SV4: a replica that needs memory of the machine', () => {
  test('is placed while enough is not set aside', () => {
    const endpoint = asking({ memory: '24Gi' }, { replicas: 3 })
    const decision = decide(endpoint, { ground: ground([], [], 16 * gib) })
    expect(given(decision)).toEqual([
      { nodes: ['local'], memoryBytes: 24 * gib },
      { nodes: ['local'], memoryBytes: 24 * gib },
    ])
    expect(placed(decision)).toMatchObject({ status: 'False', reason: 'HostMemory' })
  })
  test('and one that needs nothing of its own has no assignment and no condition', () => {
    const decision = decide(asking({ cpu: 2 }), {})
    expect(given(decision)).toEqual([undefined])
    expect(placed(decision)).toBeUndefined()
  })
})

describe('SV2: the devices of a cluster', () => {
  const machine = { binding: 'exact', version: 'process', cpus: 2, memoryBytes: 1, node: 'local' } as const
  const found = [
    { accelerator: 'nvidia', id: 'GPU-1', product: 'L4' },
    { accelerator: 'amd', id: '0' },
  ] as const
  const reserved = { devices: [{ accelerator: 'nvidia', id: 'GPU-1' }], memoryBytes: 0 } as const
  const decided = (cluster = theCluster(), failed: { accelerator: Accelerator; message: string }[] = []) =>
    decideCluster(
      cluster,
      {
        capabilities: { ...machine, devices: { found: failed.length > 0 ? [] : found, failed } },
        reserved,
        orphans: [],
      },
      now,
    ).status

  test('are told with who holds none of them; one whose product is not known is nobody’s', () => {
    const status = decided()
    expect(status?.devices).toMatchObject({ capacity: 2, reserved: 1, free: 0 })
    expect(conditionOf(status, 'Devices')).toBe('False UnknownProduct')
  })
  test('that a person declared stand in the place of those found of their accelerator', () => {
    const devices = [{ accelerator: 'amd', product: 'MI210', memory: '64Gi', ids: ['0', '1'] }]
    const status = decided(theCluster({}, { devices }))
    expect(status?.devices).toMatchObject({
      capacity: 3,
      free: 2,
      each: [
        { accelerator: 'amd', id: '0', product: 'MI210', memoryBytes: 64 * gib, declared: true },
        { id: '1' },
        { id: 'GPU-1', declared: false, reserved: true },
      ],
    })
    expect(conditionOf(status, 'Devices')).toBe('True Listed')
  })
  test('that cannot be listed stay known: failed is not empty', () => {
    const before = {
      devices: { capacity: 1, reserved: 0, free: 1, each: [{ ...device('nvidia', 'GPU-1', 'L4') }] },
    }
    const status = decided(theCluster(before), [{ accelerator: 'nvidia', message: 'it ended with 18' }])
    expect(status?.devices).toMatchObject({ capacity: 1, reserved: 1 })
    expect(conditionOf(status, 'Devices')).toBe('False NotListed')
  })
})
