// What the hands of a cluster decide about one revision, as a table of sentences.
import type { ObservedReplica } from '@switchyard/runtime'
import { describe, expect, test } from 'vitest'
import type { ReplicaDocument } from '../src/documents.ts'
import { decideRealize, judge, type RealizeObserved } from '../src/realize/decide.ts'
import { restartDelayMs, streakOf } from '../src/realize/failure.ts'
import { answered, follow, probeIn, type Vital } from '../src/realize/vitals.ts'
import { ago, anEndpoint, aReplica, aRevision, deleted, events, now, said, theEngine } from './documents.ts'

const revision = aRevision(1)
const id = 'Replica-chat-1-0'
const life = ago(110)
const process = (more: Partial<ObservedReplica> = {}): ObservedReplica => ({
  id,
  workload: revision.metadata.id,
  epoch: 1n,
  address: '127.0.0.1:20000',
  port: 20_000,
  state: 'running',
  ready: true,
  restarts: 0,
  startedAt: life,
  ...more,
})
const observed = (
  replicas: readonly ReplicaDocument[],
  running: readonly ObservedReplica[],
  more: Partial<RealizeObserved> = {},
): RealizeObserved => ({
  replicas,
  running,
  complete: true,
  vitals: new Map(),
  endpoint: anEndpoint().spec,
  engine: theEngine.spec,
  ...more,
})
const decide = (
  replica: ReplicaDocument,
  running: readonly ObservedReplica[],
  more: Partial<RealizeObserved> = {},
) => {
  const all = observed([replica], running, more)
  const decision = decideRealize(revision, all, now)
  const { status } = judge(replica, revision, all, now)
  return { does: said(decision), status, state: status.state, decision }
}

const placed = aReplica(1, 0)
const ready = aReplica(1, 0, { state: 'Ready' })
const leaving = (since: number, deadline: number, status: ReplicaDocument['status'] = { state: 'Ready' }) =>
  aReplica(1, 0, status, { drain: { since: ago(since), deadline: ago(-deadline) } })
const idle = (secondsAgo: number) => ({
  progress: { counter: 5, running: 0, waiting: 0, at: ago(secondsAgo) },
})
const busy = { progress: { counter: 5, running: 1, waiting: 0, at: ago(0) } }
const exit = (secondsAgo: number, more: Partial<NonNullable<ObservedReplica['exit']>> = {}) => ({
  state: 'exited' as const,
  ready: false,
  exit: { code: 1, signal: null, log: ['something broke'], at: ago(secondsAgo), ...more },
  exits: [ago(secondsAgo)],
})
const vital = (more: Partial<Vital>): RealizeObserved['vitals'] =>
  new Map([[id, { startedAt: life, movedAt: now, failed: 0, ...more }]])

describe('a replica', () => {
  test.each([
    ['that does not run is started', placed, [], ['run chat-1-0'], 'Placed'],
    [
      'that is starting is left alone',
      placed,
      [process({ state: 'starting', ready: false, startedAt: ago(5) })],
      [],
      'Starting',
    ],
    ['that answers is Ready', placed, [process()], [], 'Ready'],
    [
      'that misses one probe stays Ready',
      ready,
      [process({ ready: false, failing: { count: 1, since: ago(2) } })],
      [],
      'Ready',
    ],
    [
      'that misses three is Suspect',
      ready,
      [process({ ready: false, failing: { count: 3, since: ago(6) } })],
      [],
      'Suspect',
    ],
    [
      'that recovers is Ready',
      aReplica(1, 0, { state: 'Suspect', startedAt: life, readyAt: ago(90) }),
      [process()],
      [],
      'Ready',
    ],
    [
      'that was adopted and not asked yet stays what it was',
      ready,
      [process({ state: 'unknown', ready: false })],
      [],
      'Ready',
    ],
    [
      'that is silent for too long is ended',
      ready,
      [process({ ready: false, failing: { count: 30, since: ago(61) } })],
      ['run chat-1-0 doomed'],
      'Failed',
    ],
    [
      'that takes too long to start is ended',
      placed,
      [process({ state: 'starting', ready: false, startedAt: ago(601) })],
      ['run chat-1-0 doomed'],
      'Failed',
    ],
    [
      'that ended for the first time is started again at once',
      ready,
      [process(exit(0))],
      ['run chat-1-0'],
      'Starting',
    ],
  ])('%s', (_, replica, running, does, state) => {
    expect(decide(replica, running)).toMatchObject({ does, state })
  })
  test('that is not listed because the listing failed is neither started nor lost', () => {
    expect(decide(ready, [], { complete: false })).toMatchObject({ does: [], state: 'Ready' })
  })
  test('keeps the moment when it became ready, and gets a new one in a new life', () => {
    expect(decide(ready, [process()]).status.readyAt).toBe(ago(100))
    expect(decide(ready, [process({ startedAt: ago(3) })]).status.readyAt).toBe(ago(0))
  })
  test('that is ready is not looked at again before its next probe', () => {
    expect(decide(ready, [process(idle(1))]).decision.again).toBeUndefined()
    expect(decide(ready, [process(idle(1))], { probeIn: 7000 }).decision.again).toBe(7000)
  })
  test('that runs and belongs to nobody any more is ended', () => {
    expect(said(decideRealize(revision, observed([], [process()]), now))).toEqual(['run nothing'])
  })
  test('of a revision at rest costs nothing', () => {
    expect(decideRealize(revision, observed([], []), now)).toEqual({ actions: [] })
  })
})

describe('a replica that stands still', () => {
  test('with requests under way is ended as Stalled after the budget', () => {
    expect(decide(ready, [process(busy)], { vitals: vital({ stillSince: now - 59_000 }) }).state).toBe(
      'Ready',
    )
    const stalled = decide(ready, [process(busy)], { vitals: vital({ stillSince: now - 60_000 }) })
    expect(stalled).toMatchObject({ state: 'Failed', does: ['run chat-1-0 doomed'] })
    expect(stalled.status.failure).toMatchObject({ reason: 'Stalled' })
    expect(events(stalled.decision)).toEqual(['Stalled'])
  })
  test('is not condemned by a scrape that failed', () => {
    expect(decide(ready, [process()], { vitals: vital({ stillSince: now - 600_000 }) }).state).toBe('Ready')
  })
  test.each([
    [1, 'Ready'],
    [2, 'Suspect'],
    [3, 'Failed'],
  ])('after %i failed generation probes is %s', (failed, state) => {
    expect(decide(ready, [process()], { vitals: vital({ failed, message: 'it answered 500' }) }).state).toBe(
      state,
    )
  })
  test('goes on being ended once it was condemned, whatever it answers meanwhile', () => {
    const condemned = aReplica(1, 0, {
      state: 'Failed',
      startedAt: life,
      failure: { reason: 'Stalled', message: 'Still.', at: ago(2) },
    })
    expect(decide(condemned, [process()])).toMatchObject({ state: 'Failed', does: ['run chat-1-0 doomed'] })
    const ended = decide(condemned, [process(exit(0, { code: null, signal: 'SIGKILL', log: [] }))])
    expect(ended).toMatchObject({ does: ['run chat-1-0'], state: 'Starting' })
    expect(ended.status.failure).toMatchObject({ reason: 'Stalled', message: 'Still.', signal: 'SIGKILL' })
  })
})

describe('a replica that ended', () => {
  test.each([
    ['by its last lines', exit(1, { log: ['error: unknown argument "--x"'] }), 'BadArguments'],
    ['by the code of the built-in engine', exit(1, { code: 5, log: ['?'] }), 'HostMemory'],
    [
      'by what the platform knows',
      exit(1, { code: null, log: ['no program'], reason: 'EngineAbsent' }),
      'EngineAbsent',
    ],
    [
      'by a port that was taken',
      exit(1, { code: 4, log: ["couldn't bind HTTP server socket"] }),
      'PortTaken',
    ],
    [
      'by a model file that is gone',
      exit(1, { code: 3, log: ['failed to load model "/m": no such file'] }),
      'ModelAbsent',
    ],
    [
      'by a model file that is broken',
      exit(1, { code: 3, log: ['failed to load model "/m": the file is damaged'] }),
      'ModelCorrupt',
    ],
  ])('has the reason given %s', (_, end, reason) => {
    expect(decide(ready, [process(end)]).status.failure).toMatchObject({ reason })
  })
  test('keeps its last lines and how it ended', () => {
    const { failure } = decide(ready, [process(exit(1, { code: 2, log: ['a', 'unknown argument'] }))]).status
    expect(failure).toMatchObject({ exitCode: 2, log: ['a', 'unknown argument'] })
    expect(failure?.message).toContain('unknown argument')
  })
  test('waits longer each time, and says CrashLoop after five', () => {
    const crashed = (times: readonly number[]) =>
      decide(ready, [process({ ...exit(0), exits: times.map(ago) })])
    expect(crashed([0])).toMatchObject({ does: ['run chat-1-0'] })
    expect(crashed([1, 0])).toMatchObject({ does: [], decision: { again: 10_000 } })
    expect(crashed([12, 11, 0])).toMatchObject({ decision: { again: 20_000 }, state: 'Starting' })
    const loop = crashed([80, 70, 60, 40, 0])
    expect(loop).toMatchObject({ state: 'Failed', decision: { again: 80_000 } })
    expect(loop.status.failure?.reason).toBe('CrashLoop')
  })
  test('begins to count anew after a calm time', () => {
    expect(streakOf([ago(9000), ago(8990), ago(10), ago(0)])).toBe(2)
    expect(streakOf([])).toBe(0)
    expect([1, 2, 3, 4, 7, 99].map(restartDelayMs)).toEqual([0, 10_000, 20_000, 40_000, 300_000, 300_000])
  })
  test('forgets its failure only when it is ready again', () => {
    const failure = { reason: 'PortTaken', message: '', at: ago(9) } as const
    const before = aReplica(1, 0, { state: 'Failed', failure, startedAt: life })
    const fresh = { startedAt: ago(1) }
    expect(decide(before, [process({ ...fresh, state: 'starting', ready: false })]).status.failure).toEqual(
      failure,
    )
    expect(decide(before, [process(fresh)]).status.failure).toBeUndefined()
  })
})

describe('a replica that leaves', () => {
  test.each([
    [
      'stays until gateways have heard, though it is idle',
      leaving(1, 60),
      [process(idle(0))],
      [],
      'Draining',
    ],
    ['goes when it has been idle since', leaving(3, 60), [process(idle(1))], ['run nothing'], 'Draining'],
    ['is not believed idle by a sample from before', leaving(3, 60), [process(idle(10))], [], 'Draining'],
    ['stays while requests run', leaving(30, 60), [process(busy)], [], 'Draining'],
    ['stays to the deadline when nobody knows what runs', leaving(30, 1), [process()], [], 'Draining'],
    ['goes at the deadline, whatever runs', leaving(30, 0), [process(busy)], ['run nothing'], 'Draining'],
    [
      'goes at once when it never served',
      leaving(0, 60, { state: 'Starting' }),
      [process({ state: 'starting', ready: false })],
      ['run nothing'],
      'Draining',
    ],
    [
      'goes when it is hung',
      leaving(3, 600),
      [process({ ready: false, failing: { count: 40, since: ago(70) } })],
      ['run nothing'],
      'Draining',
    ],
    ['is Stopped only when its process was seen to be gone', leaving(9, 60), [], [], 'Stopped'],
    ['and has ended is not started again', leaving(9, 60), [process(exit(1))], ['run nothing'], 'Draining'],
    [
      'because a person deleted it waits for control to set the drain',
      aReplica(1, 0, { state: 'Ready' }, {}, deleted),
      [process(busy)],
      [],
      'Draining',
    ],
  ])('%s', (_, replica, running, does, state) => {
    expect(decide(replica, running)).toMatchObject({ does, state })
  })
})

describe('the vitals of a replica', () => {
  const at = (seconds: number) => new Date(now + seconds * 1000).toISOString()
  const sample = (counter: number, running: number, seconds: number) =>
    process({ progress: { counter, running, waiting: 0, at: at(seconds) } })
  const limits = { generationSeconds: 60, stallSeconds: 60 }
  test('stand still from the first sample at which work is under way and nothing moved', () => {
    const first = follow(undefined, sample(5, 1, 0), now)
    const second = follow(first, sample(5, 1, 2), now + 2000)
    expect(second.stillSince).toBe(now)
    expect(follow(second, sample(6, 1, 4), now + 4000).stillSince).toBeUndefined()
    expect(follow(second, sample(5, 0, 4), now + 4000).stillSince).toBeUndefined()
  })
  test('begin anew with a new process', () => {
    const old = follow(undefined, sample(5, 1, 0), now)
    expect(follow(old, { ...sample(5, 1, 2), startedAt: at(1) }, now + 2000)).toMatchObject({
      failed: 0,
      movedAt: now + 2000,
    })
  })
  test('ask for a token after a quiet time, sooner after a failure, and never while work is under way', () => {
    const quiet = follow(undefined, sample(5, 0, 0), now)
    expect(probeIn(quiet, sample(5, 0, 0), limits, now)).toBe(60_000)
    expect(probeIn(quiet, sample(5, 0, 0), limits, now + 61_000)).toBe(0)
    expect(probeIn(quiet, sample(5, 1, 0), limits, now + 61_000)).toBeUndefined()
    const failed = answered(quiet, false, 'no', now + 61_000)
    expect(probeIn(failed, sample(5, 0, 0), limits, now + 61_000)).toBe(10_000)
    expect(answered(failed, true, undefined, now + 71_000)).toMatchObject({ failed: 0 })
  })
  test('forget failed probes when the counter moves', () => {
    const failed = answered(follow(undefined, sample(5, 0, 0), now), false, 'no', now)
    expect(follow(failed, sample(6, 0, 2), now + 2000).failed).toBe(0)
  })
})
