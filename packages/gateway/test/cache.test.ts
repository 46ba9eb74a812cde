// The cache as a request goes through it: rule, key, kept answer, shared call, keeping, replay.
import { describe, expect, it } from 'vitest'
import type { Flight, FlightHearer } from '../src/cache/flight.ts'
import { Flights } from '../src/cache/flights.ts'
import { cacheKey, type KeyParts } from '../src/cache/key.ts'
import { Replay } from '../src/cache/replay.ts'
import { ReplyCache } from '../src/cache/replies.ts'
import { type Answered, cacheable, type Directive, storable } from '../src/cache/rule.ts'

const question = '{"model":"chat","temperature":0,"stream":true}'
const parts: KeyParts = {
  workspace: 'acme',
  scope: { type: 'workspace', id: 'acme' },
  dialect: 'openai',
  operation: 'chat.completions',
  streamed: true,
  modelRevision: 'llama@7',
  shownModel: 'chat',
  route: { id: 'r1', generation: 3 },
  guardrails: [{ id: 'g1', generation: 1 }],
  anthropicVersion: undefined,
  anthropicBeta: undefined,
  openaiBeta: undefined,
  body: Buffer.from(question),
  model: { start: 9, end: 15 },
}
const events = ['data: {"n":1}\n\n', 'data: {"n":2}\n\n']
const terminal = 'data: [DONE]\n\n'
const whole: Answered = { status: 200, whole: true, error: false, filtered: false, bytes: 0 }
const refreshed = ': fresh\n\n'

/** A gateway with one upstream: what it sends is counted, and nothing is heard before `answer`. */
class Desk {
  readonly cache = new ReplyCache()
  readonly flights = new Flights()
  readonly sent: { readonly flight: Flight; readonly keep: boolean }[] = []
  now = 0

  /** What a caller hears of one request, as it comes. */
  ask(given: Partial<KeyParts> = {}, directive?: Directive): string[] {
    const { look, keep } = cacheable({
      mode: 'exact',
      directive,
      temperature: 0,
      deterministic: false,
      stateful: false,
      bodyBytes: question.length,
    })
    const heard: string[] = []
    const key = cacheKey({ ...parts, ...given })
    const kept = look ? this.cache.get(key, this.now) : undefined
    if (kept) {
      this.cache.count('hit')
      const replay = new Replay(kept, 'fast', this.now)
      for (let part = replay.next(this.now); part; part = replay.next(this.now)) heard.push(part.toString())
      return heard
    }
    const caller: FlightHearer = {
      onHead: () => undefined,
      onPart: bytes => heard.push(bytes.toString()),
      onEnd: ({ bytes }) => heard.push(String(bytes)),
      onFault: fault => heard.push(fault.reason),
      onPromoted: flight => this.sent.push({ flight, keep }),
    }
    const alone = { type: 'lead', flight: undefined } as const
    const joined = look ? this.flights.join(key, caller) : alone
    const flight = joined.flight ?? this.flights.alone(key, caller)
    this.cache.count(!keep ? 'bypass' : joined.type === 'lead' ? 'miss' : 'coalesced')
    if (joined.type === 'lead') this.sent.push({ flight, keep })
    flight.resume(caller)
    return heard
  }

  /** The upstream answers everything that was sent. */
  answer(given: Partial<Answered> = {}, mark = ''): void {
    for (const { flight, keep } of this.sent.splice(0)) {
      flight.head({ status: 200, contentType: 'text/event-stream; charset=utf-8' })
      for (const event of events) flight.part(Buffer.from(event + mark), this.now++)
      const good = storable({ ...whole, ...given }, this.cache.entryBytes) === 'kept'
      const reply = flight.end({ bytes: Buffer.from(terminal), usage: undefined }, this.now, keep && good)
      if (reply) this.cache.put(flight.key, reply, this.now)
    }
  }
}

const answer = [...events, terminal]

describe('equal requests', () => {
  it('make one upstream call, a hundred of them, and the next ones none', () => {
    const desk = new Desk()
    const heard = Array.from({ length: 100 }, () => desk.ask())
    expect(desk.sent).toHaveLength(1)
    desk.answer()
    for (const one of heard) expect(one).toEqual(answer)
    expect(desk.ask()).toEqual(answer)
    expect(desk.sent).toHaveLength(0)
    expect(desk.cache.counts).toMatchObject({ hit: 1, miss: 1, coalesced: 99, bypass: 0, entries: 1 })
  })

  const others: Readonly<Record<string, Partial<KeyParts>>> = {
    workspace: { workspace: 'other' },
    project: { scope: { type: 'project', id: 'p1' } },
    'model revision': { modelRevision: 'llama@8' },
    'guardrail generation': { guardrails: [{ id: 'g1', generation: 2 }] },
    'route generation': { route: { id: 'r1', generation: 4 } },
    'anthropic-beta': { anthropicBeta: 'context-1m' },
    'stream flag': { streamed: false },
  }

  it.each(Object.entries(others))('L7: of another %s neither hit nor share a call', (_, other) => {
    const desk = new Desk()
    desk.ask()
    desk.ask(other)
    expect(desk.sent).toHaveLength(2)
    desk.answer()
    expect(desk.cache.counts.entries).toBe(2)
    desk.cache.drop(cacheKey({ ...parts, ...other }))
    expect(desk.ask(other)).toEqual([])
    expect(desk.cache.counts).toMatchObject({ hit: 0, miss: 3, coalesced: 0 })
  })

  const unkept: Readonly<Record<string, Partial<Answered>>> = {
    cut: { whole: false },
    filtered: { filtered: true },
    'an error': { error: true },
    'too large': { bytes: 1024 * 1024 + 1 },
  }

  it.each(Object.entries(unkept))('L7: whose answer is %s are asked again', (_, given) => {
    const desk = new Desk()
    desk.ask()
    desk.answer(given)
    expect([desk.ask(), desk.sent.length, desk.cache.counts.entries]).toEqual([[], 1, 0])
  })

  it('that want a fresh answer get one, share it with nobody, and leave it for the next', () => {
    const desk = new Desk()
    desk.ask()
    desk.answer()
    const fresh = desk.ask({}, 'refresh')
    expect(desk.sent).toHaveLength(1)
    expect(desk.ask()).toEqual(answer)
    desk.answer({}, refreshed)
    expect(fresh).toEqual([...events.map(event => event + refreshed), terminal])
    expect(desk.ask()).toEqual(fresh)
  })

  it('that want no trace leave none', () => {
    const desk = new Desk()
    const heard = desk.ask({}, 'no-store')
    desk.ask({}, 'no-store')
    expect(desk.sent).toHaveLength(2)
    desk.answer()
    expect(heard).toEqual(answer)
    expect(desk.cache.counts).toMatchObject({ miss: 0, bypass: 2, entries: 0, bytes: 0 })
  })

  it('are asked again when the answer is too old', () => {
    const desk = new Desk()
    desk.ask()
    desk.answer()
    desk.now += 600_000
    expect([desk.ask(), desk.sent.length]).toEqual([[], 1])
  })
})
