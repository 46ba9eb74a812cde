// Which target a request goes to: tiers in their order, what is left out and why, and each strategy's share.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { choose, type Facts, type Narrowing } from '../src/choose/choose.ts'
import { Memories } from '../src/choose/memory.ts'
import { type Reason, refusalOf, sentence, stepOf } from '../src/choose/reason.ts'
import { compileTiers, type Strategy, strategies, type TargetSpec, type Tier } from '../src/choose/tier.ts'
import { Health } from '../src/health/health.ts'
import type { HealthOutcome } from '../src/health/outcome.ts'
import type { Vitals } from '../src/health/vitals.ts'
import { seeded } from './seeded.ts'

const now = 1_000_000
const rounds = 10_000

type Spec = Partial<TargetSpec<string>>

/** Tiers of targets named a0, a1, …, b0, …; each tier is a strategy and what differs from a weight of 100. */
function route(...tiers: readonly [Strategy, ...Spec[]][]): readonly Tier<string>[] {
  return compileTiers(
    tiers.map(([strategy, ...targets], tier) => ({
      strategy,
      targets: targets.map((target, i) => {
        const name = `${'abc'[tier]}${i}`
        return { upstream: name, model: 'm', weight: 100, to: name, ...target }
      }),
    })),
    { health: new Health({ random: () => 0.5 }), memories: new Memories() },
  )
}

const facts = (given: Partial<Facts> = {}): Facts => ({ now, random: seeded(1), streamed: true, ...given })

function targetOf(tiers: readonly Tier<string>[], name: string) {
  const target = tiers.flatMap(({ targets }) => targets).find(({ to }) => to === name)
  if (!target) throw new Error(`no ${name}`)
  return target
}

function happen(vitals: Vitals, outcome: HealthOutcome, times = 1, retryAfter?: number): void {
  for (let i = 0; i < times; i++) vitals.begin(now, true).end(outcome, now, retryAfter)
}

const broken = (tiers: readonly Tier<string>[], ...names: string[]) => {
  for (const name of names) happen(targetOf(tiers, name).vitals, 'fault', 10)
}

/** How many of 10 000 picks went to each. */
function counted(tiers: readonly Tier<string>[], given: (i: number) => Facts): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let i = 0; i < rounds; i++) {
    const to = choose(tiers, given(i))?.to ?? 'none'
    counts[to] = (counts[to] ?? 0) + 1
  }
  return counts
}

/** Within three standard deviations of what chance gives a share. */
function expectShare(count: number | undefined, share: number): void {
  const sigma = Math.sqrt(rounds * share * (1 - share))
  expect(Math.abs((count ?? 0) - rounds * share)).toBeLessThanOrEqual(3 * sigma)
}

describe('weights', () => {
  const canary = () => route(['weighted', { weight: 700 }, { weight: 250 }, { weight: 50 }, { weight: 0 }])

  it('hold within three sigma over 10 000', () => {
    const random = seeded(7)
    const counts = counted(canary(), () => facts({ random }))
    expectShare(counts.a0, 0.7)
    expectShare(counts.a1, 0.25)
    expectShare(counts.a2, 0.05)
    expect(counts.a3).toBeUndefined()
  })

  it('hold over sessions too, and each session stays', () => {
    const tiers = canary()
    const counts = counted(tiers, i => facts({ session: `session-${i}` }))
    expectShare(counts.a0, 0.7)
    expectShare(counts.a1, 0.25)
    expectShare(counts.a2, 0.05)
    for (let i = 0; i < 100; i++) {
      const session = `session-${i}`
      const first = choose(tiers, facts({ session, random: seeded(i) }))
      expect(choose(tiers, facts({ session, random: seeded(i + 1) }))).toBe(first)
    }
  })

  it('that grow move sessions to the canary only', () => {
    const of = (weight: number) => route(['weighted', { weight: 100 }, { weight: 100 }, { weight }])
    const before = of(10)
    const after = of(30)
    for (let i = 0; i < 1000; i++) {
      const given = facts({ session: `s${i}` })
      const was = choose(before, given)?.to
      const is = choose(after, given)?.to
      if (is !== was) expect(is).toBe('a2')
    }
  })

  it('are of a group as a whole; within it the least busy is taken', () => {
    const tiers = route([
      'weighted',
      { weight: 900, group: 'stable' },
      { weight: 900, group: 'stable' },
      { weight: 100 },
    ])
    targetOf(tiers, 'a0').vitals.begin(now, true)
    const random = seeded(3)
    const counts = counted(tiers, () => facts({ random }))
    expect(counts.a0).toBeUndefined()
    expectShare(counts.a1, 0.9)
    expectShare(counts.a2, 0.1)
  })

  it('of what is ill go to the others by their own weights', () => {
    const tiers = route(['weighted', { weight: 500 }, { weight: 300 }, { weight: 200 }])
    broken(tiers, 'a0')
    const random = seeded(5)
    const counts = counted(tiers, () => facts({ random }))
    expect(counts.a0).toBeUndefined()
    expectShare(counts.a1, 0.6)
  })

  it('out of 0 to 1000 and upstreams named twice are refused with advice', () => {
    expect(() => route(['weighted', { weight: 1001 }])).toThrow(/give one from 0 to 1000/)
    expect(() => route(['weighted', { upstream: 'x' }, { upstream: 'x' }])).toThrow(/add its weights up/)
  })
})

describe('a session', () => {
  it('moves only when its own target leaves', () => {
    const tiers = route(['session', {}, {}, {}, {}, {}])
    const before = Array.from({ length: 500 }, (_, i) => choose(tiers, facts({ session: `s${i}` }))?.to)
    broken(tiers, 'a2')
    const after = before.map((_, i) => choose(tiers, facts({ session: `s${i}` }))?.to)
    expect(before.filter(to => to === 'a2').length).toBeGreaterThan(50)
    for (const [i, to] of after.entries()) {
      if (before[i] === 'a2') expect(to).not.toBe('a2')
      else expect(to).toBe(before[i])
    }
  })

  it('is spread evenly', () => {
    const counts = counted(route(['session', {}, {}, {}, {}]), i => facts({ session: `conv_${i}` }))
    for (const to of ['a0', 'a1', 'a2', 'a3']) expectShare(counts[to], 0.25)
  })

  it('that has no key goes where least is under way', () => {
    const tiers = route(['session', {}, {}])
    targetOf(tiers, 'a0').vitals.begin(now, true)
    expect(choose(tiers, facts())?.to).toBe('a1')
  })
})

describe('a strategy', () => {
  it('least_load takes the least busy for its weight, ties by chance', () => {
    const tiers = route(['least_load', { weight: 100 }, { weight: 300 }])
    const { vitals } = targetOf(tiers, 'a1')
    expect(choose(tiers, facts())?.to).toBe('a1')
    vitals.begin(now, true)
    expect(choose(tiers, facts())?.to).toBe('a1')
    vitals.begin(now, true)
    vitals.begin(now, true)
    expect(choose(tiers, facts())?.to).toBe('a0')
    const even = counted(route(['least_load', {}, {}, {}, {}]), i => facts({ random: seeded(i) }))
    for (const to of ['a0', 'a1', 'a2', 'a3']) expectShare(even[to], 0.25)
  })

  it('least_load believes an engine that says it is busy', () => {
    const tiers = route(['least_load', {}, {}])
    targetOf(tiers, 'a0').vitals.told(9, now)
    expect(choose(tiers, facts({ now: now + 1_000 }))?.to).toBe('a1')
  })

  it('cost takes the cheapest, among equals the least busy, and without a price last', () => {
    const tiers = route(['cost', {}, { cost: 20n }, { cost: 5n }, { cost: 5n }])
    targetOf(tiers, 'a2').vitals.begin(now, true)
    expect(choose(tiers, facts())?.to).toBe('a3')
    broken(tiers, 'a2', 'a3')
    expect(choose(tiers, facts())?.to).toBe('a1')
  })

  it('latency prefers what answers sooner and weighs what waits there', () => {
    const tiers = route(['latency', {}, {}])
    const [quick, slow] = [targetOf(tiers, 'a0').vitals, targetOf(tiers, 'a1').vitals]
    const answer = (vitals: Vitals, milliseconds: number) =>
      vitals.begin(now - milliseconds, true).end('answered', now)
    answer(quick, 100)
    answer(slow, 250)
    expect(choose(tiers, facts())?.to).toBe('a0')
    quick.begin(now, true)
    quick.begin(now, true)
    expect(choose(tiers, facts())?.to).toBe('a1')
    expect(choose(tiers, facts({ streamed: false, random: seeded(2) }))?.to).toBe('a1')
  })

  it('latency asks an upstream that was slow again after a while', () => {
    const tiers = route(['latency', {}, {}])
    const vitals = targetOf(tiers, 'a1').vitals
    vitals.begin(now - 5_000, true).end('answered', now)
    let later = now
    const keep = () =>
      targetOf(tiers, 'a0')
        .vitals.begin(later - 100, true)
        .end('answered', later)
    keep()
    expect(choose(tiers, facts({ now: later }))?.to).toBe('a0')
    for (let i = 0; i < 6; i++) {
      later += 10_000
      keep()
    }
    expect(choose(tiers, facts({ now: later }))?.to).toBe('a1')
  })

  it('takes a target that speaks the dialect of the caller before an equal one that does not', () => {
    for (const strategy of ['least_load', 'latency', 'cost', 'prefix', 'session'] as const) {
      const tiers = route([strategy, {}, {}])
      const able: Narrowing<string>['able'] = ({ to }) => (to === 'a1' ? 2 : 1)
      for (let seed = 0; seed < 20; seed++)
        expect(choose(tiers, facts({ random: seeded(seed) }), { able })?.to).toBe('a1')
    }
  })
})

describe('tiers', () => {
  it('are tried in their order', () => {
    const tiers = route(['weighted', {}], ['weighted', {}], ['weighted', {}])
    expect(choose(tiers, facts())?.to).toBe('a0')
    broken(tiers, 'a0')
    expect(choose(tiers, facts())?.to).toBe('b0')
    broken(tiers, 'b0')
    expect(choose(tiers, facts())?.to).toBe('c0')
    broken(tiers, 'c0')
    expect(choose(tiers, facts())).toBeUndefined()
  })

  it.each<[string, string[], string[]]>([
    ['one ill of four is left out', ['a0'], ['a1', 'a2', 'a3']],
    ['half of four is left out', ['a0', 'a1'], ['a2', 'a3']],
    ['three ill of four: all four are used', ['a0', 'a1', 'a2'], ['a0', 'a1', 'a2', 'a3']],
    ['all ill: all are used', ['a0', 'a1', 'a2', 'a3'], ['a0', 'a1', 'a2', 'a3']],
  ])('%s', (_, ill, used) => {
    const tiers = route(['weighted', {}, {}, {}, {}])
    broken(tiers, ...ill)
    const random = seeded(9)
    expect(Object.keys(counted(tiers, () => facts({ random }))).toSorted()).toEqual(used)
  })

  it('that look ill are not used whole while a later one is fit', () => {
    const tiers = route(['weighted', {}, {}, {}], ['weighted', {}])
    broken(tiers, 'a0', 'a1')
    const random = seeded(9)
    expect(counted(tiers, () => facts({ random }))).toEqual({ a2: rounds })
    broken(tiers, 'a2')
    expect(counted(tiers, () => facts({ random }))).toEqual({ b0: rounds })
  })

  it('eject an outlier by themselves, at most half of their pool', () => {
    const tiers = route(['weighted', {}, {}, {}, {}])
    for (const [i, { vitals }] of (tiers[0]?.targets ?? []).entries()) {
      happen(vitals, 'answered', 100)
      happen(vitals, 'fault', i === 3 ? 40 : 0)
    }
    const random = seeded(9)
    expect(Object.keys(counted(tiers, () => facts({ random }))).toSorted()).toEqual(['a0', 'a1', 'a2'])
  })

  it('of one whose checks fail are used all the same', () => {
    const health = new Health({ random: () => 0.5 })
    const tiers = compileTiers(
      [{ strategy: 'weighted', targets: [{ upstream: 'a0', model: 'm', weight: 1, to: 'a0' }] }],
      { health, memories: new Memories() },
    )
    for (let i = 0; i < 3; i++) health.checked('a0', false)
    expect(choose(tiers, facts())?.to).toBe('a0')
  })
})

describe('another attempt', () => {
  it('goes to another target while one is left, then to the same', () => {
    const tiers = route(['weighted', {}, {}], ['weighted', {}])
    const tried: ReturnType<typeof targetOf>[] = []
    for (let i = 0; i < 3; i++) {
      const target = choose(tiers, facts(), { tried })
      if (target) tried.push(target)
    }
    expect(new Set(tried.map(({ to }) => to)).size).toBe(3)
    expect(tried[2]?.to).toBe('b0')
    expect(choose(tiers, facts(), { tried })?.tier).toBe(0)
    expect(choose(tiers, facts(), { tried, onlyFresh: true })).toBeUndefined()
  })

  it('knows what was tried under an older snapshot', () => {
    const ground = { health: new Health({ random: () => 0.5 }), memories: new Memories() }
    const targets = ['a0', 'a1'].map(to => ({ upstream: to, model: 'm', weight: 1, to }))
    const older = compileTiers([{ strategy: 'weighted', targets }], ground)
    const newer = compileTiers([{ strategy: 'weighted', targets }], ground)
    for (const target of older[0]?.targets ?? [])
      expect(choose(newer, facts(), { tried: [target] })?.to).not.toBe(target.to)
  })

  it('passes by the tier whose credentials were refused, and comes back to it for what else is fit there', () => {
    const tiers = route(['weighted', {}, {}], ['weighted', {}])
    const tried = [targetOf(tiers, 'a0')]
    happen(targetOf(tiers, 'a0').vitals, 'misconfigured')
    expect(choose(tiers, facts(), { tried, fromTier: 1 })?.to).toBe('b0')
    broken(tiers, 'b0')
    expect(choose(tiers, facts(), { tried, fromTier: 1 })?.to).toBe('a1')
    broken(tiers, 'a1')
    expect(choose(tiers, facts(), { tried, fromTier: 1 })).toBeUndefined()
  })

  it('waits for a pause of up to 5 s, the first one for none', () => {
    const tiers = route(['weighted', {}])
    const target = targetOf(tiers, 'a0')
    happen(target.vitals, 'rate_limited', 1, 5_000)
    expect(choose(tiers, facts())).toBeUndefined()
    expect(choose(tiers, facts(), { tried: [target] })).toBe(target)
    happen(target.vitals, 'rate_limited', 1, 5_001)
    expect(choose(tiers, facts(), { tried: [target] })).toBeUndefined()
  })

  it('may go again to an ill pool that is used whole, never to a lone open breaker', () => {
    const pool = route(['weighted', {}, {}])
    broken(pool, 'a0', 'a1')
    expect(choose(pool, facts(), { tried: pool[0]?.targets ?? [] })).toBeDefined()
    const lone = route(['weighted', {}])
    broken(lone, 'a0')
    expect(choose(lone, facts(), { tried: lone[0]?.targets ?? [] })).toBeUndefined()
  })

  it('reaches a misconfigured upstream only when nothing else is left', () => {
    const tiers = route(['weighted', {}, {}])
    happen(targetOf(tiers, 'a0').vitals, 'misconfigured')
    const random = seeded(4)
    expect(counted(tiers, () => facts({ random }))).toEqual({ a1: rounds })
    happen(targetOf(tiers, 'a1').vitals, 'rate_limited')
    expect(choose(tiers, facts())?.to).toBe('a0')
  })
})

describe('an explanation', () => {
  it('gives one reason for each target, in order, as a sentence', () => {
    const tiers = route(['least_load', {}, { weight: 0 }, {}, {}, {}, {}], ['weighted', {}])
    const [a0, a5] = [targetOf(tiers, 'a0'), targetOf(tiers, 'a5')]
    broken(tiers, 'a2')
    happen(targetOf(tiers, 'a3').vitals, 'rate_limited', 1, 8_000)
    a5.vitals.begin(now, true)
    const reasons: Reason[] = []
    const chosen = choose(
      tiers,
      facts(),
      { tried: [], allowed: ({ to }) => to !== 'a4', able: target => (target === a0 ? 2 : 1) },
      reasons,
    )
    expect(chosen).toBe(a0)
    expect(reasons.map(reason => `${stepOf(reason)}: ${sentence(reason, now)}`)).toEqual([
      'chosen: a0 was chosen',
      'allowed: a1 has a weight of 0',
      'healthy: a2 failed or was slow too often: its breaker is open (5 s left)',
      'healthy: a3 asked for a pause (429) (8 s left)',
      'allowed: a4 is not open to this caller',
      'strategy: a5 was eligible, another one was chosen',
      'strategy: b0 stands in a tier that was not needed',
    ])
    expect(reasons[0]?.score).toBeLessThan(reasons[5]?.score ?? 0)
  })

  it('says that a pool is used whole, and that a target is used again', () => {
    const tiers = route(['weighted', {}, {}])
    broken(tiers, 'a0', 'a1')
    const reasons: Reason[] = []
    choose(tiers, facts(), {}, reasons)
    expect(reasons.map(({ word }) => word).toSorted()).toEqual(['chosen_whole', 'outdone'])
    const lone = route(['weighted', {}])
    const again: Reason[] = []
    choose(lone, facts(), { tried: lone[0]?.targets ?? [] }, again)
    expect(again.map(({ word }) => word)).toEqual(['chosen_again'])
  })

  it('of nothing becomes what the caller is told', () => {
    const refused = (tiers: readonly Tier<string>[], narrowing: Narrowing<string> = {}) => {
      const reasons: Reason[] = []
      expect(choose(tiers, facts(), narrowing, reasons)).toBeUndefined()
      const { code, reason, retryAfterSeconds } = refusalOf(reasons, now)
      return { code, reason, retryAfterSeconds }
    }
    const cooling = route(['weighted', {}, {}])
    happen(targetOf(cooling, 'a0').vitals, 'rate_limited', 1, 20_000)
    happen(targetOf(cooling, 'a1').vitals, 'rate_limited', 1, 7_500)
    expect(refused(cooling)).toEqual({
      code: 'exhausted',
      reason: 'upstream_rate_limited',
      retryAfterSeconds: 8,
    })
    const open = route(['weighted', {}])
    broken(open, 'a0')
    expect(refused(open)).toEqual({ code: 'unavailable', reason: 'no_upstream', retryAfterSeconds: 5 })
    expect(refused(route(['weighted', {}]), { able: () => 0 }).reason).toBe('unsupported_by_model')
    expect(refused(route(['weighted', {}]), { allowed: () => false }).reason).toBe('model_not_allowed')
    expect(refused(route()).reason).toBe('no_upstream')
  })

  it('changes nothing about the choice, whatever is ill', () => {
    const member = fc.record({
      ill: fc.constantFrom<HealthOutcome>('answered', 'fault', 'rate_limited', 'misconfigured', 'unreached'),
      weight: fc.constantFrom(0, 1, 100),
      busy: fc.nat(3),
      tried: fc.boolean(),
    })
    const tier = fc.tuple(fc.constantFrom(...strategies), fc.array(member, { minLength: 1, maxLength: 6 }))
    fc.assert(
      fc.property(fc.array(tier, { minLength: 1, maxLength: 3 }), fc.nat(), (given, seed) => {
        const tiers = route(
          ...given.map(([strategy, members]): [Strategy, ...Spec[]] => [
            strategy,
            ...members.map(({ weight }) => ({ weight })),
          ]),
        )
        const tried: ReturnType<typeof targetOf>[] = []
        for (const [t, [, members]] of given.entries())
          for (const [i, { ill, busy, tried: before }] of members.entries()) {
            const target = targetOf(tiers, `${'abc'[t]}${i}`)
            happen(target.vitals, ill, ill === 'answered' ? 1 : 10)
            for (let n = 0; n < busy; n++) target.vitals.begin(now, true)
            if (before) tried.push(target)
          }
        const reasons: Reason[] = []
        const plain = choose(tiers, facts({ random: seeded(seed) }), { tried })
        const told = choose(tiers, facts({ random: seeded(seed) }), { tried }, reasons)
        expect(told).toBe(plain)
        expect(reasons).toHaveLength(tiers.flatMap(({ targets }) => targets).length)
        expect(reasons.filter(reason => stepOf(reason) === 'chosen')).toHaveLength(plain ? 1 : 0)
        if (plain) expect(plain.weight).toBeGreaterThan(0)
      }),
    )
  })
})
