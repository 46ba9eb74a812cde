// An answer of a route with a cache: a kept one, one that another caller is being given, or one of its own that others
// may share. Who leads pays; a kept answer has what it had used when it was made, in the tier "cache", and whoever is
// given the bytes of another caller's uses nothing.
import { callers, type Usage } from '@switchyard/dialects'
import type { Fault } from '@switchyard/kinds'
import type { Admission, AnsweredBy, Ended } from '@switchyard/runtime'
import type { AnswerHearer, Answering } from './answering.ts'
import type { Carrier, Flight, FlightHearer, Task } from './cache/flight.ts'
import { cacheKey, type KeyParts } from './cache/key.ts'
import type { FlightEnd } from './cache/recording.ts'
import { Replay } from './cache/replay.ts'
import type { CacheResult } from './cache/replies.ts'
import { ageSeconds, type ReplyHead, type StoredReply } from './cache/reply.ts'
import { cacheable, type Directive, keyedBytes, type Plan, storable } from './cache/rule.ts'
import type { AttemptEnded } from './ended.ts'
import type { Failure } from './failure.ts'
import { Forward } from './forward.ts'
import type { Blocked, Finding } from './guard/index.ts'
import { filtered } from './guarding.ts'
import type { Head } from './head.ts'
import type { House } from './house.ts'
import type { Order } from './order.ts'
import type { Rejection } from './rejection.ts'
import { embed, type Question, questionOf } from './similar.ts'
import type { Principal } from './snapshot.ts'
import type { Ticking } from './wheel.ts'

const nothing = Buffer.alloc(0)
const noFindings: readonly Finding[] = Object.freeze([])
const noRange = Object.freeze({ start: 0, end: 0 })

/** Operations whose answers are drawn by chance, though they are no chats. */
const drawn: ReadonlySet<string> = new Set(['completions', 'images.generations', 'audio.speech'])

/** What the cache may do for a request. */
export function planOf({ ask, target, route, keeping }: Order, directive: Directive | undefined): Plan {
  const body = ask.bytes.length > keyedBytes ? {} : objectOf(JSON.parse(ask.bytes.toString()))
  const temperature = [
    body.temperature,
    objectOf(body.generationConfig).temperature,
    objectOf(body.options).temperature,
  ].find(one => typeof one === 'number')
  return cacheable({
    mode: route.cache?.mode ?? 'off',
    directive,
    temperature: typeof temperature === 'number' ? temperature : undefined,
    deterministic: target.carrying !== 'chat' && !drawn.has(ask.operation),
    // A response that is kept, or goes on from a kept one.
    stateful: keeping?.stored === true || body.store === true || typeof keeping?.previous === 'string',
    bodyBytes: ask.bytes.length,
  })
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

export function partsOf({ ask, route }: Order, head: Head, principal: Principal): KeyParts {
  const { workspace, project, id } = principal
  const type = route.cache?.scope ?? 'workspace'
  const scope = { workspace, project: project ?? '-', key: id }[type]
  const upstreams = route.tiers.flatMap(tier =>
    tier.upstreams.map(({ endpoint, key, served, generation }) =>
      [endpoint || key, served ?? '*', generation ?? ''].join(' '),
    ),
  )
  return {
    workspace,
    scope: { type, id: scope },
    dialect: ask.caller,
    operation: ask.operation,
    streamed: ask.stream.on,
    modelRevision: [...new Set(upstreams)].toSorted().join('\n'),
    shownModel: ask.model,
    route: { id: route.id, generation: route.generation },
    guardrails: route.guarding.versions.map(version => ({ id: version, generation: 0 })),
    anthropicVersion: head.anthropicVersion,
    anthropicBeta: head.anthropicBeta,
    openaiBeta: head.forwarded?.join('\n'),
    body: ask.bytes,
    model: ask.at.model ?? noRange,
  }
}

/** Whose question it is, and what makes it equal to another. */
export interface Asking {
  readonly parts: KeyParts
  readonly admitted: Admission
}

const calls = new WeakMap<Flight, Shared>()

export class Cached implements Answering, FlightHearer {
  cache: CacheResult = 'miss'
  age: number | undefined
  readonly #house: House
  readonly #order: Order
  readonly #plan: Plan
  readonly #key: string
  readonly #asked: Asking
  readonly #hearer: AnswerHearer
  #flight: Flight | undefined
  #pays = false
  #usage: Usage | undefined
  #replay: Replay | undefined
  #parts: Buffer[] = []
  #over = false
  #kept: (() => void) | undefined

  constructor(house: House, order: Order, plan: Plan, asked: Asking, hearer: AnswerHearer) {
    this.#house = house
    this.#order = order
    this.#plan = plan
    this.#key = cacheKey(asked.parts)
    this.#asked = asked
    this.#hearer = hearer
  }

  /** The upstream call, whoever has begun it. */
  get #shared(): Shared | undefined {
    return this.#flight && calls.get(this.#flight)
  }

  get attempts(): number {
    return this.#shared?.forward.attempts ?? 0
  }
  /** Of a shared call they are told of once, with who began it. */
  get tries(): readonly AttemptEnded[] {
    return this.cache === 'coalesced' ? [] : (this.#shared?.forward.tries ?? [])
  }
  get waited(): number {
    return this.#shared?.forward.waited ?? 0
  }
  get tier(): number {
    return this.#shared?.forward.tier ?? 0
  }
  get detour(): string | undefined {
    return this.#shared?.forward.detour
  }
  get upstream(): string {
    return this.#shared?.forward.upstream ?? ''
  }
  /** Who has begun it answers for all of it. */
  get spares(): readonly Ended[] | undefined {
    return this.#pays ? this.#shared?.forward.spares : undefined
  }
  get by(): AnsweredBy | undefined {
    return this.#shared?.forward.by
  }
  get retriesSpent(): boolean {
    return this.#shared?.forward.retriesSpent ?? false
  }

  get maker(): string | undefined {
    return this.#shared?.forward.maker
  }
  get warning(): string {
    return this.#shared?.forward.warning ?? ''
  }
  get findings(): readonly Finding[] {
    return this.#shared?.forward.findings ?? noFindings
  }
  get stopped(): boolean {
    return this.#shared?.forward.stopped ?? false
  }

  start(): void {
    const { replies, clock } = this.#house
    const now = clock()
    const kept = this.#plan.look ? replies.get(this.#key, now) : undefined
    if (kept) {
      this.#count('hit')
      this.age = ageSeconds(kept, now)
      this.#begin(kept, now)
      return
    }
    const question = this.#plan.near ? questionOf(this.#order, this.#asked.parts) : undefined
    if (question) this.#compare(question).catch((error: unknown) => this.#uncompared(error))
    else this.#join(undefined)
  }

  /** Looks for an answer to a question that means the same. What cannot be compared is asked as it is. */
  async #compare(question: Question): Promise<void> {
    const { semantic, replies, clock } = this.#house
    const vector = await embed(this.#house, this.#order, this.#asked.admitted, question)
    const found = await semantic().search(question.partition, vector, question.similarity)
    if (this.#over) return
    const now = clock()
    const kept = found.type === 'near' ? replies.get(found.key, now) : undefined
    if (kept) {
      this.#count('hit')
      this.age = ageSeconds(kept, now)
      this.#begin(kept, now)
      return
    }
    if (found.type === 'near') semantic().remove(found.key)
    this.#join(() => void semantic().add(question.partition, this.#key, vector))
  }

  #uncompared(error: unknown): void {
    this.#house.observe({ type: 'cache_not_compared', request: this.#order.request, error })
    if (!this.#over && !this.#flight && !this.#replay) this.#join(undefined)
  }

  /** Follows an equal request that is under way, or leads one; `kept` is called when its answer is kept. */
  #join(kept: (() => void) | undefined): void {
    const { flights } = this.#house
    const joined = this.#plan.look ? flights.join(this.#key, this) : undefined
    const flight = joined?.flight ?? flights.alone(this.#key, this)
    this.#flight = flight
    this.#kept = kept
    if (joined?.type === 'follow') this.#count('coalesced')
    else {
      this.#count('miss')
      this.#pays = true
      this.#send(flight)
    }
    flight.resume(this)
  }

  cancel(): void {
    if (this.#over) return
    this.#over = true
    // Who leaves before the end has used what was produced for it only where nobody else goes on with the call.
    if (this.#flight?.leave(this) && this.#pays) this.#usage = this.#shared?.forward.used()
  }

  pause(): void {
    this.#flight?.pause(this)
    this.#replay?.pause(this.#house.clock())
  }

  resume(): void {
    this.#flight?.resume(this)
    this.#replay?.resume(this.#house.clock())
  }

  tick(now: number): void {
    if (this.#replay && !this.#over) this.#play(this.#replay, now)
  }

  /** The call is not this caller's alone: others may have it tried again. */
  seal(): void {}

  fail(fault: Fault, type?: string): Buffer {
    return this.#shared?.forward.fail(fault, type) ?? nothing // without a call of its own the connection is cut
  }

  used(): Usage | undefined {
    return this.#usage
  }

  get tokens(): number {
    return this.#pays ? (this.#shared?.forward.tokens ?? 0) : 0
  }

  progress(): Usage | undefined {
    return this.#pays ? this.#shared?.forward.progress() : undefined
  }

  // ---- a kept answer

  #begin(kept: StoredReply, now: number): void {
    const { route, ask } = this.#order
    if (!ask.stream.on) {
      this.#over = true
      this.#usage = usageOfKept(kept)
      this.#hearer.replied(kept.bytes)
      return
    }
    this.#hearer.committed([])
    this.#replay = new Replay(kept, route.cache?.replay ?? 'fast', now)
    this.#play(this.#replay, now)
  }

  #play(replay: Replay, now: number): void {
    for (let part = replay.next(now); part; part = replay.next(now)) {
      if (!replay.done) {
        this.#hearer.flowed(part)
        continue
      }
      this.#over = true
      this.#usage = usageOfKept(replay.reply)
      this.#hearer.ended(part)
    }
  }

  // ---- what the flight tells

  onHead(_head: ReplyHead): void {
    if (this.#order.ask.stream.on) this.#hearer.committed([])
  }

  onPart(bytes: Buffer): void {
    if (this.#order.ask.stream.on) this.#hearer.flowed(bytes)
    else this.#parts.push(bytes)
  }

  onEnd({ bytes, usage }: FlightEnd): void {
    this.#over = true
    if (this.#pays) this.#usage = usage
    if (this.#order.ask.stream.on) this.#hearer.ended(bytes ?? nothing)
    else
      this.#hearer.replied(
        this.#parts.length === 1 ? (this.#parts[0] ?? nothing) : Buffer.concat(this.#parts),
      )
  }

  onFault(fault: Fault): void {
    this.#over = true
    this.#hearer.failed({
      outcome: fault.code === 'invalid' ? 'unasked' : 'status',
      health: 'aborted',
      fault,
    })
  }

  onPromoted(flight: Flight, task: Task): void {
    this.#pays = true
    if (task === 'send') this.#send(flight)
  }

  #send(flight: Flight): void {
    const keeping = this.#plan.keep ? { key: this.#key, kept: this.#kept } : undefined
    const shared = new Shared(this.#house, this.#order, flight, keeping)
    calls.set(flight, shared)
    shared.start()
  }

  #count(result: CacheResult): void {
    this.cache = result
    this.#house.replies.count(result)
  }
}

const usageOfKept = ({ usage }: StoredReply): Usage | undefined => usage && { ...usage, tier: 'cache' }

/** Under what an answer is kept, and what then is to be done. */
interface Keeping {
  readonly key: string
  readonly kept: (() => void) | undefined
}

/** The upstream call of a flight, whoever of its participants has begun it. */
class Shared implements AnswerHearer, Carrier, Ticking {
  place = -1
  readonly forward: Forward
  readonly #house: House
  readonly #flight: Flight
  readonly #order: Order
  readonly #keeping: Keeping | undefined
  #bytes = 0
  #paused = false

  constructor(house: House, order: Order, flight: Flight, keeping: Keeping | undefined) {
    this.#house = house
    this.#order = order
    this.#flight = flight
    this.#keeping = keeping
    this.forward = new Forward(house, order, this)
  }

  start(): void {
    this.#house.wheel.add(this)
    this.#flight.carry(this)
    this.forward.start()
  }

  // ---- what the flight asks

  pause(): void {
    this.#paused = true
    this.forward.pause()
  }

  resume(): void {
    this.#paused = false
    this.forward.resume()
  }

  cancel(): void {
    this.#house.wheel.delete(this)
    this.forward.cancel()
  }

  tick(now: number): void {
    this.forward.tick(now, this.#paused)
  }

  // ---- what the answer tells

  committed(held: readonly Buffer[]): void {
    this.#flight.head({ status: 200, contentType: callers[this.#order.ask.caller].streamType })
    for (const bytes of held) this.flowed(bytes)
  }

  flowed(bytes: Buffer): void {
    this.#bytes += bytes.length
    this.#flight.part(bytes, this.#house.clock())
  }

  ended(terminal: Buffer): void {
    this.#bytes += terminal.length
    this.#end(terminal)
  }

  replied(bytes: Buffer): void {
    this.#flight.head({ status: 200, contentType: 'application/json' })
    this.flowed(bytes)
    this.#end(undefined)
  }

  unspeakable(fault: Fault): void {
    this.#fail(fault, false)
  }

  blocked(by: Blocked): void {
    this.#fail(filtered(by, 'answer'), false)
  }

  rejected(_status: number, { fault }: Rejection): void {
    this.#fail(fault, false)
  }

  failed({ fault, outcome }: Failure): void {
    this.#fail(fault, outcome !== 'unasked')
  }

  #fail(fault: Fault, again: boolean): void {
    this.#house.wheel.delete(this)
    this.#flight.fail(fault, again)
  }

  #end(bytes: Buffer | undefined): void {
    const { replies, wheel, clock } = this.#house
    wheel.delete(this)
    const answered = {
      status: 200,
      whole: true,
      error: false,
      filtered: this.forward.findings.length > 0,
      bytes: this.#bytes,
    }
    const keep = this.#keeping !== undefined && storable(answered, replies.entryBytes) === 'kept'
    const now = clock()
    const stored = this.#flight.end({ bytes, usage: this.forward.used() }, now, keep)
    const seconds = this.#order.route.cache?.ttlSeconds
    if (!stored || !this.#keeping || upstreamFiltered(stored)) return
    const { key, kept } = this.#keeping
    if (replies.put(key, stored, now, seconds === undefined ? undefined : seconds * 1000)) kept?.()
  }
}

/** By which an upstream's own filter says that it has ended the answer, in the dialects' own words. */
const filterWords = [
  '"content_filter"',
  '"refusal"',
  '"SAFETY"',
  '"PROHIBITED_CONTENT"',
  '"BLOCKLIST"',
  '"SPII"',
]

function upstreamFiltered({ bytes }: StoredReply): boolean {
  return filterWords.some(word => bytes.includes(word))
}
