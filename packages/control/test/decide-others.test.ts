// What control decides about models, registries and clusters, as tables of sentences.
import { Fault, quota } from '@switchyard/kinds'
import { completed } from '@switchyard/runtime'
import { describe, expect, test } from 'vitest'
import { decideCluster } from '../src/cluster.ts'
import { decideIdentityProvider } from '../src/identity-provider.ts'
import { decideModel, type ModelObserved, stampOf } from '../src/model.ts'
import { decideQuota } from '../src/quota.ts'
import { decideRegistry } from '../src/registry.ts'
import {
  ago,
  conditionOf,
  events,
  now,
  said,
  theCluster,
  theIdentityProvider,
  theModel,
  theQuota,
  theRegistry,
} from './documents.ts'

const read: ModelObserved = {
  kind: 'read',
  stamp: 's2',
  inspection: {
    format: 'gguf',
    facts: { block_count: { value: 2, source: 'header' } },
    bytes: 9,
    sha256: 'def',
  },
}
const refused = (code: 'not_found' | 'denied' | 'invalid', reason?: string): ModelObserved => ({
  kind: 'refused',
  fault: new Fault(code, 'Put it there.', reason ? { reason } : {}),
})

describe('a model', () => {
  test.each<[string, ModelObserved, string]>([
    ['that was read is Validated', read, 'True Validated'],
    ['that is being read is not known yet', { kind: 'reading', bytes: 5, total: 10 }, 'Unknown Unreadable'],
    [
      'whose registry is missing waits',
      { kind: 'no_registry', message: 'Create it.' },
      'Unknown RegistryNotReady',
    ],
    ['whose file is gone is ModelAbsent', refused('not_found'), 'False ModelAbsent'],
    ['whose file may not be read is Unreadable', refused('denied'), 'False Unreadable'],
    ['whose header is broken is BadHeader', refused('invalid', 'bad_header'), 'False BadHeader'],
    ['of another format is UnknownFormat', refused('invalid', 'unknown_format'), 'False UnknownFormat'],
    ['that is unchanged stays what it was', { kind: 'unchanged' }, 'True Validated'],
  ])('%s', (_, observed, expected) => {
    const { status, again } = decideModel(theModel(), observed)
    expect(conditionOf(status, 'Validated')).toBe(expected)
    expect(again).toBeGreaterThan(0)
  })
  test('whose bytes changed says so once, with the new digest', () => {
    const decision = decideModel(theModel(), read)
    expect(events(decision)).toEqual(['ModelChanged'])
    expect(decision.status).toMatchObject({ digest: 'def', facts: { stamp: { value: 's2' } } })
    expect(events(decideModel(theModel({ digest: 'def' }), read))).toEqual([])
  })
  test('that is being read says how far, and no longer when it is not', () => {
    const going = decideModel(theModel(), { kind: 'reading', bytes: 5, total: 10 }).status
    expect(going).toMatchObject({ reading: { bytes: 5, total: 10 } })
    const stopped = decideModel(theModel({ reading: { bytes: 5, total: 10 } }), refused('not_found')).status
    expect(stopped).not.toHaveProperty('reading')
  })
  test('that was refused is read again when its file comes back', () => {
    const known = theModel({ facts: { stamp: { value: 's1', source: 'derived' } } })
    expect(stampOf(known)).toBe('s1')
    expect(decideModel(known, refused('not_found')).status).not.toHaveProperty('facts.stamp')
  })
  test('whose spec changed is read again', () => {
    expect(
      stampOf(theModel({ facts: { stamp: { value: 's1', source: 'derived' } }, observedGeneration: 0 })),
    ).toBeUndefined()
  })
})

describe('a registry', () => {
  test.each([
    ['that answers is Connected', { models: 3 }, 'True Connected'],
    ['whose folder is gone is NotFound', { fault: new Fault('not_found', 'Make it.') }, 'False NotFound'],
    ['that refuses us is Forbidden', { fault: new Fault('denied', 'Allow it.') }, 'False Forbidden'],
    ['that is broken is Unreachable', { fault: new Fault('unavailable', 'Mend it.') }, 'False Unreachable'],
  ])('%s', (_, observed, expected) => {
    expect(conditionOf(decideRegistry(theRegistry(), observed, now).status, 'Connected')).toBe(expected)
  })
  test('that is as it was keeps the moment of its check, so that nothing is written', () => {
    const connected = {
      type: 'Connected',
      status: 'True',
      reason: 'Connected',
      message: '',
      observedGeneration: 1,
      lastTransitionTime: ago(9),
    } as const
    const before = theRegistry({ models: 3, checkedAt: ago(300), conditions: [connected] })
    expect(decideRegistry(before, { models: 3 }, now).status).toMatchObject({ checkedAt: ago(300) })
    expect(decideRegistry(before, { models: 4 }, now).status).toMatchObject({ checkedAt: ago(0) })
  })
})

describe('an identity provider', () => {
  const unreachable = { found: false, reason: 'Unreachable', message: 'Mend it.' } as const
  test.each([
    ['that is as it says is Discovered', { found: true } as const, 'True Discovered'],
    ['that does not answer is Unreachable', unreachable, 'False Unreachable'],
  ])('%s', (_, observed, expected) => {
    const { status } = decideIdentityProvider(theIdentityProvider(), observed, now)
    expect(conditionOf(status, 'Discovered')).toBe(expected)
  })

  test.each([
    [0, 10],
    [25, 25],
    [100, 100],
    [4000, 300],
  ])('that has failed for %i s is looked at again after %i s', (seconds, again) => {
    const failed = {
      type: 'Discovered',
      status: 'False',
      reason: 'Unreachable',
      message: 'Mend it.',
      observedGeneration: 1,
      lastTransitionTime: ago(seconds),
    } as const
    const before = theIdentityProvider({ observedGeneration: 1, conditions: [failed] })
    expect(decideIdentityProvider(before, unreachable, now).again).toBe(again * 1000)
    // What was changed is a new try.
    const changed = theIdentityProvider({ observedGeneration: 0, conditions: [failed] })
    expect(decideIdentityProvider(changed, unreachable, now).again).toBe(10_000)
    expect(decideIdentityProvider(before, { found: true }, now).again).toBe(300_000)
  })
})

describe('a cluster', () => {
  const devices = { found: [], failed: [] }
  const machine = { binding: 'exact', version: 'process', cpus: 2, memoryBytes: 1, node: 'local' } as const
  const capabilities = { ...machine, devices }
  test('that answers is Connected, with what it has', () => {
    const { status } = decideCluster(theCluster(), { capabilities, orphans: [] }, now)
    expect(status).toMatchObject({ capacity: { cpus: 2 }, nodes: { ready: 1, total: 1 } })
    expect(conditionOf(status, 'Connected')).toBe('True Connected')
  })
  test('that does not answer is Unreachable, says why, and loses nothing', () => {
    const decision = decideCluster(
      theCluster({ version: 'process' }),
      { error: 'it is gone', orphans: [] },
      now,
    )
    expect(conditionOf(decision.status, 'Connected')).toBe('False Unreachable')
    expect(decision.status).toMatchObject({ version: 'process' })
    expect(said(decision)).toEqual([])
  })
  test('ends workloads whose revision is gone', () => {
    const decision = decideCluster(theCluster(), { capabilities, orphans: ['w1'] }, now)
    expect([said(decision), events(decision)]).toEqual([['end w1'], ['OrphanEnded']])
  })
})

describe('SV9: a quota', () => {
  const counts = { nominal: 2, declared: 3, used: 2, limit: 3, borrowed: 0, lent: 0, returns: [] as string[] }
  test.each([
    ['that is not used up is Within', counts, 'True Within', 'Ready'],
    ['beyond which replicas stand is Exceeded', { ...counts, used: 4 }, 'False Exceeded', 'Exceeded'],
    [
      'whose borrowed replicas are asked back is GivingBack',
      { ...counts, used: 3, limit: 2, borrowed: 1, returns: ['chat-1-2'] },
      'True GivingBack',
      'Ready',
    ],
  ])('%s', (_, { returns, ...share }, condition, phase) => {
    const allowance = { quota: 'q', shares: [share], returns }
    const decision = decideQuota(theQuota(), allowance)
    expect(conditionOf(decision.status, 'Within')).toBe(condition)
    expect(decision.status).toMatchObject({ used: share.used, owed: returns.length })
    const status = completed(theQuota(), decision.status ?? {}, now) as ReturnType<typeof theQuota>['status']
    expect(quota.phase({ ...theQuota(), status })).toBe(phase)
  })
  test('of devices tells of each flavor by itself', () => {
    const { returns: _, ...share } = counts
    const flavors = [{ accelerator: 'nvidia', product: 'L4', nominal: 2 }]
    const of = { accelerator: 'nvidia', product: 'L4' } as const
    const shares = [share, { ...share, ...of, used: 4 }]
    const { status } = decideQuota(theQuota({ flavors }), { quota: 'q', shares, returns: [] })
    expect(status).toMatchObject({ used: 2, flavors: [{ ...of, used: 4, limit: 3 }] })
    expect(status?.conditions?.find(({ type }) => type === 'Within')).toMatchObject({
      reason: 'Exceeded',
      message: '4 devices of nvidia L4 are there and 3 may be: no more are placed until some have gone.',
    })
  })
})
