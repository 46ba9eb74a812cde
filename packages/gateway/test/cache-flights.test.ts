// Equal requests share one upstream call: who hears what, who pays, and when the upstream is let go of.
import { ok } from 'node:assert/strict'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Carrier, Flight, FlightHearer, Task } from '../src/cache/flight.ts'
import { Flights, type FlightsOptions } from '../src/cache/flights.ts'
import type { FlightEnd } from '../src/cache/recording.ts'
import type { ReplyHead } from '../src/cache/reply.ts'

class Caller implements FlightHearer {
  head: ReplyHead | undefined
  text = ''
  end: FlightEnd | undefined
  fault: Fault | undefined
  left = false
  readonly tasks: Task[] = []
  /** Events heard after the end, the fault or leaving, or within another: there must be none. */
  late = 0
  hearing = false
  act: ((heard: 'head' | 'part' | 'promoted') => void) | undefined

  get over(): boolean {
    return this.end !== undefined || this.fault !== undefined || this.left
  }

  onHead(head: ReplyHead): void {
    if (this.over || this.head) this.late++
    this.head = head
    this.act?.('head')
  }

  onPart(bytes: Buffer): void {
    if (this.over || !this.head || this.hearing) this.late++
    this.text += bytes.toString('latin1')
    this.hearing = true
    this.act?.('part')
    this.hearing = false
  }

  onEnd(end: FlightEnd): void {
    if (this.over) this.late++
    this.end = end
  }

  onFault(fault: Fault): void {
    if (this.over) this.late++
    this.fault = fault
  }

  onPromoted(_: Flight, task: Task): void {
    if (this.over) this.late++
    this.tasks.push(task)
    this.act?.('promoted')
  }
}

class Upstream implements Carrier {
  paused = false
  cancelled = 0
  pause(): void {
    if (this.paused) throw new Error('paused twice')
    this.paused = true
  }
  resume(): void {
    if (!this.paused) throw new Error('resumed twice')
    this.paused = false
  }
  cancel(): void {
    this.cancelled++
  }
}

const good: ReplyHead = { status: 200, contentType: 'text/event-stream; charset=utf-8' }
const done: FlightEnd = { bytes: Buffer.from('[DONE]'), usage: undefined }
const broken = new Fault('unavailable', 'The engine is gone: try again.', { reason: 'upstream_error' })
const bytes = (text: string) => Buffer.from(text, 'latin1')

/** `count` callers on one key; all of them listen. */
function aboard(count: number, options: Partial<FlightsOptions> = {}) {
  const flights = new Flights(options)
  const callers = Array.from({ length: count }, () => new Caller())
  const joined = callers.map(caller => flights.join('key', caller))
  const flight = joined[0]!.flight // `count` is at least 1
  for (const caller of callers) flight.resume(caller)
  const upstream = new Upstream()
  flight.carry(upstream)
  return { flights, flight, joined, upstream, callers, first: callers[0]!, second: callers[1]! }
}

describe('a hundred equal requests', () => {
  it('L6: make one upstream call, and each gets all bytes', () => {
    const { flights, flight, joined, callers, upstream } = aboard(100)
    expect(joined.filter(({ type }) => type === 'lead')).toHaveLength(1)
    flight.head(good)
    flight.part(bytes('one '), 1)
    flight.part(bytes('two '), 2)
    const stored = flight.end(done, 3, true)
    for (const caller of callers) expect(caller).toMatchObject({ head: good, text: 'one two ', end: done })
    expect(stored?.bytes.toString()).toBe('one two [DONE]')
    expect([stored?.ends, stored?.times, stored?.storedAt]).toEqual([[4, 8, 14], [0, 1, 2], 3])
    expect([flights.size, flights.held, upstream.cancelled]).toEqual([0, 0, 0])
  })

  it('that come one after another hear the answer from its first event', () => {
    const { flights, flight, first } = aboard(1)
    flight.head(good)
    const callers: Caller[] = [first]
    for (let i = 0; i < 99; i++) {
      flight.part(bytes(`${i};`), i)
      const caller = new Caller()
      expect(flights.join('key', caller).type).toBe('follow')
      flight.resume(caller)
      expect(caller.text).toBe(first.text)
      callers.push(caller)
    }
    flight.end(done, 100, false)
    expect(new Set(callers.map(({ text, end }) => `${text} ${end === done}`)).size).toBe(1)
  })

  it('L6: that all leave cancel the upstream once, with the last of them', () => {
    const { flight, flights, callers, upstream } = aboard(100)
    flight.head(good)
    flight.part(bytes('x'), 1)
    expect(callers.map(caller => flight.leave(caller))).toEqual(callers.map((_, index) => index === 99))
    expect([upstream.cancelled, flight.state, flights.size, flights.held]).toEqual([1, 'abandoned', 0, 0])
    expect(flights.join('key', new Caller()).type).toBe('lead')
  })
})

describe('a leader that leaves', () => {
  it('L6: passes the bill of a running call to the oldest left, and nothing is disturbed', () => {
    const { flight, first, second, callers, upstream } = aboard(3)
    flight.head(good)
    flight.part(bytes('a'), 1)
    expect(flight.leave(first)).toBe(false)
    flight.part(bytes('b'), 2)
    flight.end(done, 3, true)
    expect(callers.map(({ tasks }) => tasks)).toEqual([[], ['bill'], []])
    expect([first.text, second.text, upstream.cancelled]).toEqual(['a', 'ab', 0])
  })

  it('passes the call too when it has not been sent', () => {
    const { flight, first, second } = aboard(2)
    flight.carry(undefined)
    flight.leave(first)
    expect([second.tasks, flight.lead === second, flight.state]).toEqual([['send'], true, 'waiting'])
  })

  it('twice, or without having joined, changes nothing', () => {
    const { flight, first, callers } = aboard(3)
    flight.leave(first)
    expect([flight.leave(first), flight.leave(new Caller()), flight.size]).toEqual([false, false, 2])
    expect(callers.flatMap(({ tasks }) => tasks)).toEqual(['bill'])
  })

  it('is not told of a promotion in its place when it has heard the end', () => {
    const { flight, callers } = aboard(3)
    flight.head(good)
    flight.end(done, 1, true)
    expect(callers.flatMap(({ tasks }) => tasks)).toEqual([])
    expect(flight.lead).toBe(undefined)
  })
})

describe('an upstream that fails', () => {
  it('L6: before content is tried once more by the oldest follower, then all get the error', () => {
    const { flight, flights, callers, first } = aboard(3)
    flight.fail(broken, true)
    expect(callers.map(({ fault, tasks }) => [fault, tasks])).toEqual([
      [broken, []],
      [undefined, ['send']],
      [undefined, []],
    ])
    expect([flight.state, flights.size]).toEqual(['retrying', 1])
    flight.fail(broken, true)
    expect(callers.map(({ fault }) => fault)).toEqual([broken, broken, broken])
    expect([flight.state, flights.size, first.late]).toEqual(['failed', 0, 0])
  })

  it('before content and is answered by the second try serves whoever is left and whoever came since', () => {
    const { flight, flights, callers, first } = aboard(2)
    flight.fail(broken, true)
    const late = new Caller()
    expect(flights.join('key', late).type).toBe('follow')
    flight.resume(late)
    const upstream = new Upstream()
    flight.carry(upstream)
    flight.head(good)
    flight.part(bytes('good'), 1)
    expect(flight.end(done, 2, true)?.bytes.toString()).toBe('good[DONE]')
    expect([...callers, late].map(({ text }) => text)).toEqual(['', 'good', 'good'])
    expect(first).toMatchObject({ fault: broken, head: undefined, end: undefined })
  })

  it('in a way that no other try would better is told to all at once', () => {
    const { flight, callers } = aboard(3)
    flight.fail(broken, false)
    expect(callers.map(({ fault, tasks }) => [fault, tasks])).toEqual(callers.map(() => [broken, []]))
  })

  it('L6: after content is told to all and never tried again; who is slow hears first what came before it', () => {
    const { flight, callers, second } = aboard(3)
    flight.pause(second)
    flight.head(good)
    flight.part(bytes('half'), 1)
    flight.fail(broken, true)
    expect([second.head, second.fault]).toEqual([undefined, undefined])
    flight.resume(second)
    expect(callers.map(({ text, fault, tasks }) => [text, fault, tasks])).toEqual(
      callers.map(() => ['half', broken, []]),
    )
  })

  it('with one participant fails it, and a promoted one that leaves passes the try on', () => {
    const alone = aboard(1)
    alone.flight.fail(broken, true)
    expect([alone.flight.state, alone.first.fault]).toEqual(['failed', broken])
    const { flight, second, callers } = aboard(3)
    flight.fail(broken, true)
    flight.leave(second)
    expect(callers.map(({ tasks }) => tasks)).toEqual([[], ['send'], ['send']])
  })
})

describe('a slow participant', () => {
  it('does not slow the others and hears all in its own time', () => {
    const { flight, flights, first, second, upstream } = aboard(2)
    flight.pause(second)
    flight.head(good)
    for (let i = 0; i < 10; i++) flight.part(bytes(`${i}`), i)
    expect([first.text, second.text, upstream.paused]).toEqual(['0123456789', '', false])
    flight.end(done, 10, true)
    expect([first.end, second.end, flights.size]).toEqual([done, undefined, 0])
    second.act = () => flight.pause(second)
    for (let i = 0; i <= 10; i++) flight.resume(second)
    expect([second.text, second.end]).toEqual(['0123456789', undefined])
    flight.resume(second)
    expect([second.end, flights.held]).toEqual([done, 0])
  })

  it('pauses the upstream only when nobody takes bytes', () => {
    const { flight, callers, first, upstream } = aboard(3)
    flight.head(good)
    const seen = callers.map(caller => {
      flight.pause(caller)
      return upstream.paused
    })
    flight.resume(first)
    expect([...seen, upstream.paused]).toEqual([false, false, true, false])
    flight.leave(first)
    expect(upstream.paused).toBe(true)
  })

  it('that lags beyond the bound is left behind with what it had coming, then a fault, and never an end', () => {
    const { flight, flights, first, second, callers } = aboard(3, { lag: 10 })
    flight.head(good)
    flight.part(bytes('0123'), 1)
    flight.pause(first)
    for (let i = 2; i < 9; i++) flight.part(bytes('4567'), i)
    expect([second.tasks, flight.size, flights.size]).toEqual([['bill'], 2, 0])
    expect(flight.held).toBeLessThanOrEqual(10)
    expect(flight.end(done, 9, true)).toBe(undefined)
    expect(first.fault).toBe(undefined)
    flight.resume(first)
    expect(first).toMatchObject({ text: '0123456745674567', end: undefined })
    expect(first.fault).toMatchObject({ code: 'deadline', reason: 'caller_slow', status: 408 })
    expect(callers.slice(1).map(({ text, end }) => [text.length, end])).toEqual([
      [32, done],
      [32, done],
    ])
    expect(flights.held).toBe(0)
  })

  it('that was left behind stops the upstream for nobody', () => {
    const { flight, first, second, upstream } = aboard(2, { lag: 10 })
    flight.head(good)
    flight.pause(first)
    flight.part(bytes('0123456789a'), 1)
    expect(flight.size).toBe(1)
    first.act = () => flight.pause(first)
    flight.resume(first)
    expect([first.text.length, first.fault, upstream.paused]).toEqual([11, undefined, false])
    flight.pause(second)
    expect(upstream.paused).toBe(true)
    flight.resume(first)
    expect([first.fault?.reason, upstream.paused]).toEqual(['caller_slow', true])
    flight.resume(second)
    expect([upstream.paused, flight.leave(first), flight.leave(second)]).toEqual([false, false, true])
  })

  it('is not left behind by the end', () => {
    const { flight, first, second } = aboard(2, { lag: 10 })
    flight.head(good)
    for (const caller of [first, second]) flight.pause(caller)
    flight.part(bytes('0123456789a'), 1)
    flight.resume(second)
    flight.end(done, 2, true)
    flight.resume(first)
    expect([first, second].map(({ text, end }) => [text.length, end])).toEqual([
      [11, done],
      [11, done],
    ])
  })

  it('pauses whoever carries next too', () => {
    const { flight, first, upstream } = aboard(1)
    flight.head(good)
    flight.pause(first)
    const next = new Upstream()
    flight.carry(next)
    expect([upstream.paused, next.paused]).toEqual([true, true])
  })

  it('that is alone pauses its upstream and is never left behind', () => {
    const { flight, first, upstream } = aboard(1, { lag: 10 })
    flight.head(good)
    flight.pause(first)
    for (let i = 0; i < 9; i++) flight.part(bytes('0123456789'), i)
    expect(upstream.paused).toBe(true)
    flight.resume(first)
    flight.end(done, 9, true)
    expect([first.text.length, first.end]).toEqual([90, done])
  })
})

describe('flights', () => {
  it('of two keys have nothing to do with each other', () => {
    const flights = new Flights()
    const [one, other] = [new Caller(), new Caller()]
    expect([flights.join('a', one).type, flights.join('b', other).type]).toEqual(['lead', 'lead'])
  })

  it('beyond their bounds are led by each for itself', () => {
    const flights = new Flights({ flights: 1 })
    const types = ['a', 'a', 'b', 'b'].map(key => flights.join(key, new Caller()).type)
    expect([types, flights.size]).toEqual([['lead', 'follow', 'lead', 'lead'], 1])
  })

  it('that are full are followed by another of the same key', () => {
    const flights = new Flights({ flights: 1, participants: 2 })
    const joined = Array.from({ length: 5 }, () => flights.join('a', new Caller()))
    expect(joined.map(({ type }) => type)).toEqual(['lead', 'follow', 'lead', 'follow', 'lead'])
    expect([new Set(joined.map(({ flight }) => flight)).size, flights.size]).toEqual([3, 1])
  })

  it('past their recorded bytes are not joined and not kept', () => {
    const { flight, flights } = aboard(1, { lag: 10 })
    flight.head(good)
    flight.part(bytes('0123456789a'), 1)
    expect(flights.join('key', new Caller()).type).toBe('lead')
    expect(flight.end(done, 2, true)).toBe(undefined)
  })

  it('together hold no more than their bound: the one that exceeds it is recorded no longer', () => {
    const flights = new Flights({ bytes: 25 })
    const led = ['a', 'b', 'c'].map(key => {
      const caller = new Caller()
      const { flight } = flights.join(key, caller)
      flight.resume(caller)
      flight.head(good)
      flight.part(bytes('0123456789'), 1)
      return flight
    })
    expect([flights.held, flights.size]).toEqual([20, 2])
    expect(led.map(flight => flight.end(done, 2, true) !== undefined)).toEqual([true, true, false])
    expect(flights.held).toBe(0)
  })

  it('for a fresh answer are not joined, and may be kept', () => {
    const flights = new Flights()
    const caller = new Caller()
    const flight = flights.alone('key', caller)
    expect(flights.join('key', new Caller()).type).toBe('lead')
    flight.head({ status: 200, contentType: 'application/json' })
    flight.part(bytes('{}'), 1)
    expect(flight.end({ bytes: undefined, usage: undefined }, 1, true)?.bytes.toString()).toBe('{}')
    expect(flights.size).toBe(1)
  })

  it('refuse what cannot happen: two heads, parts before the head, joining twice, bounds that are none', () => {
    const { flight, flights, first } = aboard(1)
    expect(() => flight.part(bytes('x'), 1)).toThrow(TypeError)
    expect(() => flight.end(done, 1, true)).toThrow(TypeError)
    expect(() => flights.join('key', first)).toThrow(TypeError)
    flight.head(good)
    expect(() => flight.head(good)).toThrow(TypeError)
    expect(() => new Flights({ lag: 0 })).toThrow(TypeError)
  })

  it('that are over take no more', () => {
    const { flight, first } = aboard(1)
    flight.leave(first)
    const upstream = new Upstream()
    flight.carry(upstream)
    flight.head(good)
    flight.part(bytes('x'), 1)
    flight.fail(broken, true)
    expect(flight.end(done, 1, true)).toBe(undefined)
    expect([upstream.cancelled, flight.state, first.late, first.text]).toEqual([1, 'abandoned', 0, ''])
  })
})

/** What has happened on one key, as far as it can be told from outside. */
interface World {
  readonly flights: Flights
  readonly callers: Caller[]
  readonly voyages: Voyage[]
  now: number
}

interface Voyage {
  readonly flight: Flight
  readonly callers: Caller[]
  readonly upstreams: Upstream[]
  carrier: Upstream | undefined
  begun: boolean
  sent: string
  end: 'whole' | 'broken' | undefined
  retries: number
}

const lag = 12
const room = 40

/** `shy` pauses with each part that it hears; `restless` reads on at once; `fickle` leaves from within whatever it hears next. */
const callerSteps = ['leave', 'pause', 'resume', 'resume', 'resume', 'shy', 'restless', 'fickle'] as const
const upstreamSteps = ['send', 'send', 'send', 'part', 'part', 'part', 'part', 'end', 'fail'] as const

type Step =
  | { readonly type: 'join'; readonly listens: boolean }
  | { readonly type: (typeof callerSteps)[number]; readonly who: number }
  | { readonly type: (typeof upstreamSteps)[number]; readonly which: number; readonly size: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('join' as const), listens: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constantFrom(...callerSteps), who: fc.nat(9) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom(...upstreamSteps),
      which: fc.nat(1),
      size: fc.integer({ min: 1, max: 6 }),
    }),
  },
)

const isOver = ({ flight: { state } }: Voyage) =>
  state === 'ended' || state === 'failed' || state === 'abandoned'

function take(world: World, given: Step): void {
  const { callers, voyages } = world
  world.now++
  if (given.type === 'join') join(world, given.listens)
  else if ('who' in given) {
    const caller = callers[given.who % Math.max(1, callers.length)]
    const voyage = voyages.find(one => caller && one.callers.includes(caller))
    if (caller && voyage) takeCaller(voyage.flight, caller, given.type)
  } else {
    const running = voyages.filter(voyage => !isOver(voyage))
    const voyage = running[given.which % Math.max(1, running.length)]
    if (voyage) takeUpstream(voyage, given.type, given.size, world.now)
  }
}

function join({ flights, callers, voyages }: World, listens: boolean): void {
  const caller = new Caller()
  const { type, flight } = flights.join('key', caller)
  const fresh = { upstreams: [], carrier: undefined, begun: false, sent: '', end: undefined, retries: 0 }
  if (type === 'lead') voyages.push({ flight, callers: [], ...fresh })
  voyages.find(voyage => voyage.flight === flight)?.callers.push(caller)
  callers.push(caller)
  if (listens) flight.resume(caller)
}

function takeCaller(flight: Flight, caller: Caller, type: (typeof callerSteps)[number]): void {
  const leave = () => {
    caller.left ||= !caller.over
    flight.leave(caller)
  }
  if (type === 'leave') leave()
  else if (type === 'pause') flight.pause(caller)
  else if (type === 'resume') flight.resume(caller)
  else if (type === 'fickle') caller.act = leave
  else
    caller.act = heard => {
      if (heard !== 'part') return
      flight.pause(caller)
      if (type === 'restless') flight.resume(caller)
    }
}

function takeUpstream(voyage: Voyage, type: Exclude<Step['type'], 'join'>, size: number, now: number): void {
  const { flight, carrier } = voyage
  if (type === 'send' && !carrier) {
    voyage.carrier = new Upstream()
    voyage.upstreams.push(voyage.carrier)
    flight.carry(voyage.carrier)
  }
  if (type === 'send' || !carrier) return
  if (type === 'fail') {
    const before = flight.state
    const others = flight.size > 1
    voyage.carrier = undefined
    voyage.end = before === 'waiting' && others && size > 2 ? undefined : 'broken'
    if (voyage.end === undefined) voyage.retries++
    flight.fail(broken, size > 2)
    return
  }
  if (!voyage.begun) {
    voyage.begun = true
    flight.head(good)
    if (isOver(voyage)) return
  }
  if (type === 'part') {
    const text = String.fromCharCode(97 + (voyage.sent.length % 26)).repeat(size)
    voyage.sent += text
    flight.part(bytes(text), now)
    return
  }
  voyage.end = 'whole'
  const terminal = bytes('.')
  const stored = flight.end({ bytes: terminal, usage: undefined }, now, true)
  const most = voyage.sent.length + 1 <= lag
  ok(!stored || (most && stored.bytes.toString() === `${voyage.sent}.`), 'what is kept is whole')
}

/** Thousands of times: assertions that build no message. */
function check({ flights, voyages }: World): void {
  let held = 0
  for (const voyage of voyages) {
    const { flight, callers, upstreams, sent, end } = voyage
    for (const caller of callers) {
      ok(caller.late === 0, 'nothing is heard after the end')
      ok(sent.startsWith(caller.text), 'everybody hears a beginning, in order')
      if (caller.end) ok(end === 'whole' && caller.text === sent, 'an end comes after all of it')
      if (caller.head && caller.fault === broken)
        ok(end === 'broken' && caller.text === sent, 'a fault comes after what came before it')
      if (caller.fault && caller.fault !== broken) ok(caller.fault.reason === 'caller_slow')
    }
    ok(voyage.retries <= 1, 'one follower tries again')
    ok((flight.lead === undefined) === isOver(voyage), 'one leads until it is over')
    ok(isOver(voyage) || callers.some(caller => caller === flight.lead && !caller.over), 'who leads is there')
    const cancelled = upstreams.reduce((sum, upstream) => sum + upstream.cancelled, 0)
    ok(cancelled === (flight.state === 'abandoned' && voyage.carrier ? 1 : 0), 'the last cancels, once')
    const stopped = flight.state === 'streaming' && voyage.carrier?.paused === true
    ok(!stopped || callers.some(caller => !caller.over), 'an upstream is paused for somebody')
    ok(flight.size > 0 || flight.held === 0, 'nothing is held for nobody')
    held += flight.held
  }
  ok(flights.held === held && flights.size <= 1, 'the sums are exact')
}

describe('whatever happens in whatever order', () => {
  it('everybody hears a beginning of the answer in order, an end only after all of it, and one leads', () => {
    const seen = new Set<string>()
    const steps = fc.array(step, { minLength: 10, maxLength: 80, size: 'max' })
    fc.assert(
      fc.property(steps, given => {
        const flights = new Flights({ lag, bytes: room, participants: 6 })
        const world: World = { flights, callers: [], voyages: [], now: 0 }
        for (const one of given) {
          take(world, one)
          check(world)
        }
        // In the end everybody reads on: whoever has not left hears all of it, or why not.
        for (const voyage of world.voyages) {
          for (const type of ['send', 'end'] as const) if (!isOver(voyage)) takeUpstream(voyage, type, 1, 99)
          for (const caller of voyage.callers) {
            caller.act = undefined
            voyage.flight.resume(caller)
            seen.add(caller.fault?.reason ?? (caller.end ? 'whole' : 'left'))
            for (const task of caller.tasks) seen.add(task)
          }
          seen.add(voyage.flight.state)
          check(world)
          ok(
            voyage.callers.every(caller => caller.over),
            'nobody is left waiting',
          )
          ok(voyage.flight.size === 0 && voyage.flight.held === 0)
        }
        expect(flights.size).toBe(0)
      }),
      { numRuns: 2000 },
    )
    const all = [
      'whole',
      'left',
      'upstream_error',
      'caller_slow',
      'bill',
      'send',
      'ended',
      'failed',
      'abandoned',
    ]
    expect(all.filter(one => !seen.has(one))).toEqual([])
  })
})
