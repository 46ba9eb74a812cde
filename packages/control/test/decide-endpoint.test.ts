// What control decides about an endpoint, as a table of sentences.
import type { Share } from '@switchyard/runtime'
import { describe, expect, test } from 'vitest'
import { decideEndpoint, type EndpointObserved } from '../src/endpoint/decide.ts'
import { resolve } from '../src/endpoint/template.ts'
import {
  ago,
  anEndpoint,
  aReplica,
  aRevision,
  conditionOf,
  deleted,
  events,
  now,
  phaseAfter,
  resolving,
  said,
  theEngine,
  theModel,
} from './documents.ts'

const one = { revisions: { desired: 1 } }
const ready = { state: 'Ready' } as const
const starting = { state: 'Starting' } as const
const stopped = { state: 'Stopped' } as const
const draining = { drain: { since: ago(1), deadline: ago(-60) } }
const failed = (reason: 'BadArguments' | 'PortTaken') =>
  ({ state: 'Failed', failure: { reason, message: 'Say why.', at: ago(5) } }) as const
const next = anEndpoint({ context: { sequences: 8 } }, one)
const observed = (more: Partial<EndpointObserved> = {}): EndpointObserved => ({
  ...resolving,
  revisions: [],
  replicas: [],
  quietMs: 0,
  ...more,
})
const decide = (endpoint = anEndpoint(), more: Partial<EndpointObserved> = {}) =>
  decideEndpoint(endpoint, observed(more), now)
const withOne = (more: Partial<EndpointObserved> = {}, endpoint = anEndpoint({}, one)) =>
  decide(endpoint, { revisions: [aRevision(1)], ...more })

describe('an endpoint', () => {
  test('that is new gets its first revision, and its replicas when that is seen', () => {
    const first = decide()
    expect(said(first)).toEqual(['create Revision chat-1'])
    expect(first.status).toMatchObject({ revisions: { desired: 1 } })
    expect(said(withOne())).toEqual(['create Replica chat-1-0'])
    expect(phaseAfter(anEndpoint(), withOne())).toBe('Starting')
  })
  test('with as many ready replicas as wanted is Ready, and nothing is done', () => {
    const decision = withOne({ replicas: [aReplica(1, 0, ready)] })
    expect(said(decision)).toEqual([])
    expect(phaseAfter(anEndpoint(), decision)).toBe('Ready')
    expect(events(decision)).toEqual(['Ready'])
    expect(decision.again).toBeUndefined()
  })
  test('that is scaled up gets the lowest free ordinals', () => {
    expect(said(withOne({ replicas: [aReplica(1, 1, ready)] }, anEndpoint({ replicas: 3 }, one)))).toEqual([
      'create Replica chat-1-0',
      'create Replica chat-1-2',
    ])
  })
  test('that is scaled down loses what is not ready first, then the highest ordinal', () => {
    const replicas = [aReplica(1, 0, ready), aReplica(1, 1, starting), aReplica(1, 2, ready)]
    expect(said(withOne({ replicas }))).toEqual(['drain chat-1-1', 'drain chat-1-2'])
  })
  test('that is paused keeps no replica and keeps its revision', () => {
    const paused = anEndpoint({ paused: true }, one)
    const decision = withOne({ replicas: [aReplica(1, 0, ready)] }, paused)
    expect(said(decision)).toEqual(['drain chat-1-0'])
    expect(phaseAfter(paused, decision)).toBe('Paused')
    expect(conditionOf(decision.status, 'Ready')).toBe('False Paused')
  })
  test('that is paused and resumed works while its model is missing', () => {
    expect(said(withOne({ model: undefined, registry: undefined }))).toEqual(['create Replica chat-1-0'])
  })
  test('removes a replica whose process was seen to be gone', () => {
    expect(said(withOne({ replicas: [aReplica(1, 0, ready), aReplica(1, 1, stopped, draining)] }))).toEqual([
      'delete chat-1-1',
      'release chat-1-1',
    ])
  })
  test('drains a replica that a person deleted, and makes another', () => {
    expect(said(withOne({ replicas: [aReplica(1, 0, ready, {}, deleted)] }))).toEqual([
      'drain chat-1-0',
      'create Replica chat-1-1',
    ])
  })
  test('drains nothing twice', () => {
    expect(said(withOne({ replicas: [aReplica(1, 0, ready), aReplica(1, 1, ready, draining)] }))).toEqual([])
  })
  test('says Degraded only when it has had too few replicas for 30 s', () => {
    const two = anEndpoint({ replicas: 2 }, one)
    const replicas = [aReplica(1, 0, ready), aReplica(1, 1, starting)]
    const first = withOne({ replicas }, two)
    expect([phaseAfter(two, first), first.again]).toEqual(['Ready', 30_000])
    const unknown = {
      type: 'Degraded',
      status: 'Unknown',
      reason: 'Degraded',
      message: '',
      observedGeneration: 1,
      lastTransitionTime: ago(31),
    } as const
    const later = anEndpoint({ replicas: 2 }, { ...one, conditions: [unknown] })
    expect(phaseAfter(later, withOne({ replicas }, later))).toBe('Degraded')
  })
})

describe('an endpoint that may sleep', () => {
  const napping = anEndpoint({ replicas: 2, idleSeconds: 60 }, one)
  const after = (quietSeconds: number, replicas: EndpointObserved['replicas'], endpoint = napping) =>
    withOne({ replicas, quietMs: quietSeconds * 1000 }, endpoint)
  const both = [aReplica(1, 0, ready), aReplica(1, 1, ready)]

  test('stays while it is asked for, and looks again when it would fall asleep', () => {
    const decision = after(20, both)
    expect(said(decision)).toEqual([])
    expect([phaseAfter(napping, decision), decision.again]).toEqual(['Ready', 40_000])
  })
  test('keeps no replica when nobody has asked for it for so long', () => {
    const decision = after(60, both)
    expect(said(decision)).toEqual(['drain chat-1-1', 'drain chat-1-0'])
    expect(phaseAfter(napping, decision)).toBe('Idle')
    expect(conditionOf(decision.status, 'Ready')).toBe('False Idle')
    expect(decision.again).toBeUndefined()
  })
  test('that sleeps does nothing until it is asked for', () => {
    expect(said(after(3600, []))).toEqual([])
    expect(phaseAfter(napping, after(3600, []))).toBe('Idle')
    expect(said(after(0, []))).toEqual(['create Replica chat-1-0', 'create Replica chat-1-1'])
  })
  test('finishes a start, whoever has left meanwhile, and is ready for as long as it may be idle', () => {
    expect(said(after(3600, [aReplica(1, 0, starting), aReplica(1, 1, starting)]))).toEqual([])
    const [first, second] = [10, 30].map((seconds, i) => aReplica(1, i, { ...ready, readyAt: ago(seconds) }))
    const decision = after(3600, first && second ? [first, second] : [])
    expect([said(decision), decision.again]).toEqual([[], 50_000])
  })
  test('that cannot start falls asleep, and tries again when it is asked for', () => {
    const broken = [aReplica(1, 0, failed('BadArguments')), aReplica(1, 1, failed('BadArguments'))]
    expect(phaseAfter(napping, after(20, broken))).toBe('Failed')
    expect(phaseAfter(napping, after(60, broken))).toBe('Idle')
  })
  test('that is paused, has no replicas or is deleted is not called idle', () => {
    const paused = anEndpoint({ replicas: 2, idleSeconds: 60, paused: true }, one)
    expect(phaseAfter(paused, after(3600, [], paused))).toBe('Paused')
    const none = anEndpoint({ replicas: 0, idleSeconds: 60 }, one)
    expect(conditionOf(after(3600, [], none).status, 'Ready')).toBe('False Scaled')
    expect(phaseAfter(none, after(3600, [], none))).toBe('Ready')
  })
})

describe('an endpoint that cannot be resolved', () => {
  const invalid = theModel({
    conditions: [
      {
        type: 'Validated',
        status: 'False',
        reason: 'ModelAbsent',
        message: 'There is no file.',
        observedGeneration: 1,
        lastTransitionTime: ago(1),
      },
    ],
  })
  const reading = theModel({
    conditions: [
      {
        type: 'Validated',
        status: 'Unknown',
        reason: 'Unreadable',
        message: 'Reading.',
        observedGeneration: 1,
        lastTransitionTime: ago(1),
      },
    ],
  })
  test.each([
    ['because its model is missing', anEndpoint(), { model: undefined }, 'False ModelMissing', 'Failed'],
    ['because its model is invalid', anEndpoint(), { model: invalid }, 'False ModelInvalid', 'Failed'],
    ['because its model is being read', anEndpoint(), { model: reading }, 'Unknown ModelNotReady', 'Pending'],
    ['because its engine is missing', anEndpoint(), { engine: undefined }, 'False EngineMissing', 'Failed'],
    [
      'because its version is unknown',
      anEndpoint({ engine: { name: 'platform/llama-cpp', version: 'b1' } }),
      {},
      'False EngineUnsupported',
      'Failed',
    ],
    [
      'because an argument is wrong',
      anEndpoint({ arguments: { nonsense: 1 } }),
      {},
      'False EngineUnsupported',
      'Failed',
    ],
    [
      'because a variable is denied',
      anEndpoint({ env: { LD_PRELOAD: 'x' } }),
      {},
      'False EngineUnsupported',
      'Failed',
    ],
    [
      'because the engine does not serve the task',
      anEndpoint(),
      { model: theModel({}, { task: 'speech' }) },
      'False EngineUnsupported',
      'Failed',
    ],
  ])('%s says so', (_, endpoint, more, condition, phase) => {
    const decision = decide(endpoint, more)
    expect(conditionOf(decision.status, 'Resolved')).toBe(condition)
    expect(phaseAfter(endpoint, decision)).toBe(phase)
    expect(said(decision)).toEqual([])
  })
  test('keeps its replicas of the revision before', () => {
    const decision = decide(next, {
      revisions: [aRevision(1)],
      replicas: [aReplica(1, 0, ready)],
      model: undefined,
    })
    expect(said(decision)).toEqual([])
    expect(decision.status).toMatchObject({ revisions: { desired: 1, active: 1 } })
  })
})

describe('a new revision', () => {
  const revisions = [aRevision(1), aRevision(2, next)]
  const two = anEndpoint({ context: { sequences: 8 } }, { revisions: { desired: 2 } })
  const roll = (replicas: EndpointObserved['replicas'], endpoint = two) =>
    said(decide(endpoint, { revisions, replicas }))
  test('is made when what it is made of changes', () => {
    expect(said(decide(next, { revisions: [aRevision(1)], replicas: [aReplica(1, 0, ready)] }))).toEqual([
      'create Revision chat-2',
    ])
  })
  test.each([
    ['replicas', { replicas: 1, history: 3 }],
    ['the drain', { drainSeconds: 7 }],
    ['the rollout', { rollout: { maxSurge: 2 } }],
    ['the startup budget', { startupSeconds: 99 }],
  ])('is not made when only %s changes', (_, spec) => {
    expect(said(withOne({ replicas: [aReplica(1, 0, ready)] }, anEndpoint(spec, one)))).toEqual([])
  })
  test('is not made when the model, the engine or Switchyard changes under a running endpoint', () => {
    const edited = theModel({ digest: 'other' })
    const engine = {
      ...theEngine,
      spec: { ...theEngine.spec, start: { command: ['{binary}', '--changed'] } },
    }
    expect(said(withOne({ replicas: [aReplica(1, 0, ready)], model: edited, engine }))).toEqual([])
  })
  test('takes the number of a kept one with the same template again', () => {
    const decision = decide(anEndpoint({}, { revisions: { desired: 2 } }), {
      revisions,
      replicas: [aReplica(2, 0, ready)],
    })
    expect(said(decision)).toEqual(['create Replica chat-1-0'])
    expect(decision.status).toMatchObject({ revisions: { desired: 1, active: 2 } })
  })
  test('that is spelled otherwise and renders the same is remembered, not made', () => {
    const spelled = anEndpoint({ context: { tokens: 2048, sequences: 4 } }, one)
    expect(said(decide(spelled, { revisions: [aRevision(1)], replicas: [aReplica(1, 0, ready)] }))).toEqual([
      'annotate chat-1',
    ])
  })
  test('never takes the number of one that was removed', () => {
    const decision = decide(anEndpoint({ context: { sequences: 8 } }, { revisions: { desired: 7 } }), {
      revisions: [aRevision(1)],
    })
    expect(said(decision)).toEqual(['create Revision chat-8'])
  })
  test('comes beside the old replica, which stays until the new one is ready', () => {
    expect(roll([aReplica(1, 0, ready)])).toEqual(['create Replica chat-2-0'])
    expect(roll([aReplica(1, 0, ready), aReplica(2, 0, starting)])).toEqual([])
    expect(roll([aReplica(1, 0, ready), aReplica(2, 0, ready)])).toEqual(['drain chat-1-0'])
  })
  test('counts only when it has been ready long enough', () => {
    const slow = anEndpoint(
      { context: { sequences: 8 }, rollout: { minReadySeconds: 120 } },
      { revisions: { desired: 2 } },
    )
    const decision = decide(slow, { revisions, replicas: [aReplica(1, 0, ready), aReplica(2, 0, ready)] })
    expect([said(decision), decision.again]).toEqual([[], 20_000])
  })
  test('may go first when a person allows one to be unavailable and none to surge', () => {
    const tight = anEndpoint(
      { context: { sequences: 8 }, rollout: { maxSurge: 0, maxUnavailable: 1 } },
      { revisions: { desired: 2 } },
    )
    expect(roll([aReplica(1, 0, ready)], tight)).toEqual(['drain chat-1-0', 'create Replica chat-2-0'])
  })
  test('is blocked, and says so, when neither is allowed', () => {
    const stuck = anEndpoint(
      { context: { sequences: 8 }, rollout: { maxSurge: 0 } },
      { revisions: { desired: 2 } },
    )
    const decision = decide(stuck, { revisions, replicas: [aReplica(1, 0, ready)] })
    expect([said(decision), conditionOf(decision.status, 'Progressing')]).toEqual([
      [],
      'False RolloutBlocked',
    ])
  })
  test('replaces at once what serves nobody', () => {
    expect(roll([aReplica(1, 0, starting)])).toEqual(['drain chat-1-0', 'create Replica chat-2-0'])
  })
  test('that cannot start leaves the old one serving, Degraded, with its reason', () => {
    const decision = decide(two, {
      revisions,
      replicas: [aReplica(1, 0, ready), aReplica(2, 0, failed('BadArguments'))],
    })
    expect(said(decision)).toEqual([])
    expect(conditionOf(decision.status, 'Progressing')).toBe('False BadArguments')
    expect(phaseAfter(two, decision)).toBe('Degraded')
    expect(decision.status).toMatchObject({ revisions: { desired: 2, active: 1, lastReady: 1 } })
  })
  test('that is tried again for a passing reason is not Failed', () => {
    const decision = decide(two, { revisions, replicas: [aReplica(2, 0, failed('PortTaken'))] })
    expect(phaseAfter(two, decision)).toBe('Starting')
  })
  test('that cannot start and has no one before it makes the endpoint Failed', () => {
    const decision = withOne({ replicas: [aReplica(1, 0, failed('BadArguments'))] })
    expect(phaseAfter(anEndpoint(), decision)).toBe('Failed')
    expect(conditionOf(decision.status, 'Ready')).toBe('False BadArguments')
  })
  test('that comes during a rollout supersedes it', () => {
    const three = anEndpoint({ context: { sequences: 9 } }, { revisions: { desired: 3 } })
    const all = [...revisions, aRevision(3, three)]
    const replicas = [aReplica(1, 0, ready), aReplica(2, 0, starting)]
    expect(said(decide(three, { revisions: all, replicas }))).toEqual([
      'drain chat-2-0',
      'create Replica chat-3-0',
    ])
  })
})

describe('history', () => {
  const all = [1, 2, 3, 4].map(number => aRevision(number, anEndpoint({ context: { sequences: number } })))
  const short = anEndpoint(
    { context: { sequences: 4 }, history: 1 },
    { revisions: { desired: 4, active: 4, lastReady: 4 } },
  )
  test('keeps as many retired revisions as it should, and never one with a replica', () => {
    const replicas = [aReplica(4, 0, ready), aReplica(1, 0, ready, draining)]
    expect(said(decide(short, { revisions: all, replicas }))).toEqual(['delete chat-2', 'release chat-2'])
  })
  test('holds a revision that a person deleted until its replicas are gone', () => {
    const revisions = [aRevision(4, short, {}, deleted)]
    expect(said(decide(short, { revisions, replicas: [aReplica(4, 0, ready)] }))).toEqual([
      'create Revision chat-5',
    ])
    expect(said(decide(short, { revisions }))).toEqual([
      'create Revision chat-5',
      'delete chat-4',
      'release chat-4',
    ])
  })
})

describe('deleting an endpoint', () => {
  const going = anEndpoint({}, one, deleted)
  const decideGoing = (more: Partial<EndpointObserved>) => said(decide(going, more))
  test.each([
    [
      'drains what runs',
      { revisions: [aRevision(1)], replicas: [aReplica(1, 0, ready)] },
      ['drain chat-1-0'],
    ],
    ['waits for what drains', { revisions: [aRevision(1)], replicas: [aReplica(1, 0, ready, draining)] }, []],
    [
      'removes what has stopped',
      { revisions: [aRevision(1)], replicas: [aReplica(1, 0, stopped, draining)] },
      ['delete chat-1-0', 'release chat-1-0'],
    ],
    [
      'removes the revisions after the last replica',
      { revisions: [aRevision(1)] },
      ['delete chat-1', 'release chat-1'],
    ],
    ['ends when nothing is left', {}, ['release chat']],
  ])('%s', (_, more, expected) => expect(decideGoing(more)).toEqual(expected))
})

describe('the template', () => {
  const render = (spec: object) => {
    const resolved = resolve(anEndpoint(spec), resolving)
    return 'template' in resolved ? resolved : undefined
  }
  test('leaves host and port to the replica and shares the context among the sequences', () => {
    expect(
      render({ context: { tokens: 1000, sequences: 3 }, resources: { cpu: 2 } })?.template.argv.join(' '),
    ).toBe(
      'builtin --model /models/tiny.gguf --alias chat --host {host} --port {port} --ctx-size 3000 --parallel 3 --threads 2 --metrics',
    )
  })
  test('has the same hash for the same template and another for another', () => {
    expect(render({})?.hash).toBe(render({ startupSeconds: 7 })?.hash)
    expect(render({})?.hash).not.toBe(render({ env: { A: 'b' } })?.hash)
  })
})

describe('SV9: an endpoint under a quota', () => {
  const share = { nominal: 2, declared: 3, used: 0, limit: 2, borrowed: 0, lent: 0 }
  const allowance = ({
    returns = [],
    ...more
  }: { readonly returns?: readonly string[] } & Partial<Share>) => ({
    quota: 'q',
    shares: [{ ...share, ...more }],
    returns,
  })
  const three = anEndpoint({ replicas: 3 }, one)
  const two = [aReplica(1, 0, ready), aReplica(1, 1, ready)]

  test('gets as many replicas as are left, says why not more, and looks again', () => {
    const decision = withOne({ allowance: allowance({}) }, three)
    expect(said(decision)).toEqual(['create Replica chat-1-0', 'create Replica chat-1-1'])
    expect(conditionOf(decision.status, 'QuotaOk')).toBe('False Exceeded')
    expect(decision.status?.conditions?.find(({ type }) => type === 'QuotaOk')?.message).toContain(
      '1 more replicas would exceed quota q: 0 of 2 replicas are used, 2 are its own and 0 borrowed.',
    )
    expect(decision.again).toBeLessThanOrEqual(5000)
    expect(events(decision)).toEqual(['Exceeded'])
  })
  test('gets none while others hold what is left, also where it has fewer than asked for', () => {
    const decision = withOne({ replicas: two, allowance: allowance({ used: 5, limit: 2 }) }, three)
    expect(said(decision)).toEqual([])
    expect(conditionOf(decision.status, 'QuotaOk')).toBe('False Exceeded')
  })
  test('is within it when all that it wants may come', () => {
    const decision = withOne({ allowance: allowance({ limit: 3 }) }, three)
    expect(said(decision)).toHaveLength(3)
    expect(conditionOf(decision.status, 'QuotaOk')).toBe('True Within')
  })
  test('drains the replicas that are asked back, and no other', () => {
    const decision = withOne(
      {
        replicas: two,
        allowance: allowance({ used: 2, limit: 1, borrowed: 1, returns: ['chat-1-1', 'other-1-0'] }),
      },
      anEndpoint({ replicas: 2 }, one),
    )
    expect(said(decision)).toEqual(['drain chat-1-1'])
    expect(conditionOf(decision.status, 'QuotaOk')).toBe('False Returned')
    expect(decision.status).toMatchObject({ replicas: { ready: 1, draining: 1 } })
  })
  test('says nothing of quotas where there is none', () => {
    expect(conditionOf(withOne().status, 'QuotaOk')).toBe('absent')
  })
})
