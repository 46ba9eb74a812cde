// From a request that has been read to one that may be forwarded: past the guardrails, with room under every limit, with
// what it only names fetched, and known to the journal. Whatever refuses it does so before an upstream hears of it.
import { type Ask, type Conversation, conversationOf, meters, type Usage } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { Admission, Amounts, Ended, EndReason, Verdict } from '@switchyard/runtime'
import { exhausted, reservation, usedBy } from './admission.ts'
import type { AnswerHearer, Answering } from './answering.ts'
import type { Credential } from './authenticate.ts'
import { type Bill, billFor, boundsOf } from './bill.ts'
import { readDirective } from './cache/rule.ts'
import { Cached, partsOf, planOf } from './cached.ts'
import { Forward } from './forward.ts'
import type { Finding, GuardContext } from './guard/index.ts'
import { filtered, type Guarded, guardAsk } from './guarding.ts'
import { bodyTooLarge, type Head } from './head.ts'
import type { House } from './house.ts'
import { addressesOf, embedImages } from './images.ts'
import type { Order } from './order.ts'
import { type Passage, unguarded } from './passage.ts'
import type { Operated } from './paths.ts'
import type { Route, Times } from './route.ts'
import { ShadowCall } from './shadow.ts'
import { signaturesOf } from './signatures.ts'
import { Keeping } from './stored/keeping.ts'
import { guarded, type Resumed, resume } from './stored/resume.ts'
import { type Payment, pay } from './wallet/payment.ts'
import type { Stretches } from './wallet/stretches.ts'
import { WireError } from './wire/client.ts'
import { attemptsOf, timesOf } from './wishes.ts'

/** What is heard of it: findings, and one end. */
export interface OpeningHearer extends AnswerHearer {
  found(findings: readonly Finding[]): void
  /** The journal knows of it: `answering` may be started. */
  opened(): void
  /** The journal does not know of it. */
  refused(error: unknown): void
  /** The journal knows of it, and it cannot be answered: the fault is ours. */
  broken(error: unknown): void
}

export interface Read {
  readonly request: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly head: Head
  readonly target: Operated
  readonly credential: Credential
  readonly ask: Ask
  readonly route: Route
  /** Of what passes though it is no JSON in one piece. */
  readonly passage: Passage | undefined
}

export class Opening {
  /** As the journal knows it. */
  admitted: Admission
  readonly times: Times
  readonly ask: Ask
  /** What the limits said. */
  verdict: Verdict | undefined
  /** Where the answer comes from, once nothing stands in the way. */
  answering: Answering | undefined
  readonly #house: House
  readonly #read: Read
  readonly #hearer: OpeningHearer
  /** What is said of responses that are kept; undefined for other asks. */
  #resumed: Resumed | undefined
  #order: Order | undefined
  #claim: Verdict | undefined
  #claimedAt = 0
  /** Undefined where no limit of money stands above it. */
  #bill: Bill | undefined
  /** Undefined where nothing is paid from a balance. */
  #payment: Payment | undefined
  /** Tokens of input, as far as they can be told from what is asked. */
  #input = 0n
  #over = false
  /** Ends what is fetched. */
  #fetching: AbortController | undefined

  constructor(house: House, read: Read, hearer: OpeningHearer) {
    const { request, startedAt, head, credential, ask, route } = read
    const { workspace, project, key, keyName } = credential.principal
    this.#house = house
    this.#read = read
    this.#hearer = hearer
    this.ask = ask
    this.times = timesOf(route, house.limits, head.wishes)
    this.admitted = {
      request,
      at: startedAt,
      workspace,
      project,
      key,
      keyName,
      model: ask.model,
      endpoint: route.endpoint,
      operation: ask.operation,
      streamed: ask.stream.on,
    }
  }

  /** Throws what refuses it at once; what has to wait is told. */
  start(): void {
    const { ask, route, credential } = this.#read
    if (!ask.keeping) {
      this.#enter(ask, undefined)
      return
    }
    const resumed = resume(this.#house, { ask, route, principal: credential.principal })
    if (resumed instanceof Promise) this.#when(resumed, one => this.#resume(one))
    else this.#resume(resumed)
  }

  #resume(resumed: Resumed): void {
    this.#resumed = resumed
    this.#enter(resumed.ask, resumed.conversation)
  }

  #enter(ask: Ask, conversation: Conversation | undefined): void {
    const { route, target, passage } = this.#read
    const { bodyBytes = Number.POSITIVE_INFINITY } = route
    if (ask.bytes.length > bodyBytes) throw bodyTooLarge({ bodyBytes })
    const { guards } = route.guarding
    if (guards && passage) throw unguarded(ask)
    if (!guards || guards.request.rules.length === 0 || target.carrying === 'count') {
      this.#claimRoom(ask, conversation)
      return
    }
    const told = guardAsk(ask, target.carrying, guards, this.#guardContext())
    if (told instanceof Promise) this.#when(told, guarded => this.#guarded(guarded))
    else this.#guarded(told)
  }

  /** Ends it unheard. */
  cancel(): void {
    this.#over = true
    this.#fetching?.abort()
  }

  /** Exactly what it has cost, in the currency of the workspace; undefined where that is neither limited nor paid for. */
  cost(usage: Usage): string | undefined {
    if (this.answering?.attempts === 0 && usage.tier !== 'cache') return undefined
    const { currency } = this.#read.credential.principal
    const { region } = this.answering?.by ?? {}
    return this.#bill?.quote(usage, currency, region) ?? this.#payment?.quote(usage, region)
  }

  /** Of a stream that is paid for in stretches. */
  get stretches(): Stretches | undefined {
    return this.#payment?.stretches
  }

  /** Journals how it has ended: with that its money is settled. */
  settle(ended: Ended, committed: boolean): Promise<void> {
    const settled = this.#settle(ended, committed)
    const spares = this.answering?.spares
    return spares ? this.#withSpares(settled, spares) : settled
  }

  async #withSpares(settled: Promise<void>, spares: readonly Ended[]): Promise<void> {
    const { admitted } = this
    const { journal } = this.#house
    await Promise.all([settled, ...spares.map(ended => journal.append({ kind: 'usage', admitted, ended }))])
  }

  #settle(ended: Ended, committed: boolean): Promise<void> {
    const { admitted } = this
    if (!this.#payment) return this.#house.journal.append({ kind: 'usage', admitted, ended })
    const accepted = ended.usage !== undefined || this.answering?.tries?.at(-1)?.status === 200
    return this.#payment.journal(admitted, { ended, committed, accepted, input: this.#input })
  }

  /** Journals how far it has come: its end, should this gateway be lost. */
  progress(ended: Ended): Promise<void> {
    const { admitted } = this
    const told = this.#payment?.progress(ended, this.#input) ?? ended
    return this.#house.journal.append({ kind: 'progress', admitted, ended: told })
  }

  /** Gives back what was claimed and not used; once. */
  release(usage: Usage | undefined, end: EndReason): void {
    this.cancel()
    this.#payment?.release()
    const claim = this.#claim
    this.#claim = undefined
    if (claim?.type !== 'admitted') return
    // A kept answer counts as a request and by its price, not as tokens.
    if (usage?.tier === 'cache')
      this.#house.admissions.settle(claim, usedBy(undefined, this.#bill?.settled(usage, end)))
    else if ((this.answering?.attempts ?? 0) === 0) this.#house.admissions.void(claim)
    else
      this.#house.admissions.settle(
        claim,
        usedBy(usage, this.#bill?.settled(usage, end, this.answering?.by?.region)),
      )
  }

  /** Some requests of a route with a shadow are copied to it, after admission. */
  copy(): void {
    const { route, passage } = this.#read
    const { shadow } = route
    // What an upstream keeps no other one knows.
    if (!shadow || passage || !this.#order || this.#order.pinned !== undefined) return
    const traffic = this.#house.traffic(route)
    const counter = traffic.shadow
    if (!counter?.begin(this.#house.random())) return
    const vitals = traffic.vitalsOf(shadow.upstream)
    new ShadowCall(this.#house, this.#order, this.admitted, shadow.upstream, vitals, counter).start()
  }

  /** Goes on when a step that had to wait is done, unless it is over by then. */
  #when<T>(step: Promise<T>, then: (value: T) => void): void {
    step.then(
      value => {
        if (this.#over) return
        try {
          then(value)
        } catch (error) {
          this.#hearer.refused(error)
        }
      },
      (error: unknown) => {
        if (!this.#over) this.#hearer.refused(error)
      },
    )
  }

  #guarded({ blocked, findings, ask, conversation }: Guarded): void {
    this.#hearer.found(findings)
    if (blocked) throw filtered(blocked, 'request')
    if (conversation && this.#resumed) this.#resumed = guarded(this.#resumed, conversation)
    this.#claimRoom(ask, conversation ?? this.#resumed?.conversation)
  }

  #guardContext(): GuardContext {
    const { checker, send } = this.#house
    return { model: this.admitted.model, requestId: this.admitted.request, checker, send }
  }

  /** Asks for room under every limit; a refusal changes nothing. */
  #claimRoom(ask: Ask, conversation: Conversation | undefined): void {
    const { route, credential, request } = this.#read
    const { limited } = credential.principal
    if (limited.none) {
      this.#pay(ask, conversation)
      return
    }
    this.#claimedAt = this.#house.clock()
    const { buckets, currencies } = limited.above(ask.model, this.#claimedAt)
    if (buckets.length === 0) {
      this.#pay(ask, conversation)
      return
    }
    const counts = reservation(ask, route)
    const amounts = currencies.length === 0 ? counts : this.#priced(ask, counts, currencies)
    const verdict = this.#house.admissions.admit({ id: request, buckets, amounts })
    if (verdict instanceof Promise)
      verdict.then(
        late => this.#judgedLate(late, ask, conversation),
        (error: unknown) => {
          if (!this.#over) this.#hearer.refused(error)
        },
      )
    else this.#judged(verdict, ask, conversation)
  }

  /** With the most that it may cost. */
  #priced(ask: Ask, counts: Amounts, currencies: readonly string[]): Amounts {
    const { operation, model } = ask
    const item = { operation, workspace: this.admitted.workspace, model, at: this.admitted.at }
    const bounds = boundsOf(ask, counts, this.#read.head.length)
    const bill = billFor(this.#house, currencies, item, bounds)
    this.#bill = bill
    return { ...counts, money: bill.reserved }
  }

  #judgedLate(verdict: Verdict, ask: Ask, conversation: Conversation | undefined): void {
    if (this.#over) {
      if (verdict.type === 'admitted') this.#house.admissions.void(verdict)
      return
    }
    try {
      this.#judged(verdict, ask, conversation)
    } catch (error) {
      this.#hearer.refused(error)
    }
  }

  #judged(verdict: Verdict, ask: Ask, conversation: Conversation | undefined): void {
    this.#claim = verdict
    this.verdict = verdict
    this.#house.metrics.limit(verdict, this.#house.clock() - this.#claimedAt)
    if (verdict.type !== 'admitted') throw exhausted(verdict)
    this.#pay(ask, conversation)
  }

  /** Holds what it may cost, where that is paid from a balance. */
  #pay(ask: Ask, conversation: Conversation | undefined): void {
    const { route, credential, request, startedAt, head } = this.#read
    const { principal } = credential
    if (!principal.billing) {
      this.#fetch(ask, conversation)
      return
    }
    const counts = reservation(ask, route)
    const { operation, model } = ask
    this.#input = BigInt(Math.ceil(counts.inputTokens * 0.75))
    const streamed =
      ask.stream.on && meters[operation].reserves ? { most: counts.outputTokens, n: ask.n } : undefined
    const bounds = boundsOf(ask, counts, head.length)
    const paid = { request, principal, operation, model, at: startedAt, bounds, streamed }
    const payment = pay(this.#house, paid)
    if (payment instanceof Promise)
      payment.then(
        late => this.#paidLate(late, ask, conversation),
        (error: unknown) => {
          if (!this.#over) this.#hearer.refused(error)
        },
      )
    else this.#paid(payment, ask, conversation)
  }

  #paidLate(payment: Payment, ask: Ask, conversation: Conversation | undefined): void {
    if (this.#over) {
      payment.release()
      return
    }
    try {
      this.#paid(payment, ask, conversation)
    } catch (error) {
      this.#hearer.refused(error)
    }
  }

  #paid(payment: Payment | undefined, ask: Ask, conversation: Conversation | undefined): void {
    if (payment) {
      this.#payment = payment
      this.admitted = payment.admitted(this.admitted)
    }
    this.#fetch(ask, conversation)
  }

  /** With room under every limit: fetches what an upstream must be sent and the caller only names. */
  #fetch(ask: Ask, conversation: Conversation | undefined): void {
    const { route, target } = this.#read
    const addresses = addressesOf(ask, conversation, target.carrying, route)
    if (addresses.size === 0) {
      this.#journal(ask, conversation, undefined)
      return
    }
    this.#fetching = new AbortController()
    const { door, limits } = this.#house
    const bounds = { door, bytes: limits.bodyBytes, signal: this.#fetching.signal }
    const fetched = embedImages(conversation ?? conversationOf(ask), addresses, bounds)
    this.#when(fetched.catch(this.#unfetched), embedded => this.#journal(ask, conversation, embedded))
  }

  readonly #unfetched = (error: unknown): never => {
    const cause = error instanceof Fault ? error.cause : undefined
    if (cause instanceof WireError && cause.code === 'refused_address')
      this.#house.observe({ type: 'image_refused', request: this.admitted.request, cause })
    throw error
  }

  #journal(ask: Ask, conversation: Conversation | undefined, embedded: Conversation | undefined): void {
    const { limits, journal } = this.#house
    const { request, startedAt, head, target, route, passage, credential } = this.#read
    this.#order = {
      request,
      ask,
      target,
      conversation,
      embedded,
      guard: this.#guardContext(),
      signatures: signaturesOf(this.#house).of(credential.principal.workspace),
      route,
      forwarded: head.forwarded,
      session: head.wishes?.get('session'),
      times: this.times,
      attempts: attemptsOf(route, limits, head.wishes),
      startedAt,
      replyBytes: limits.replyBytes,
      passage,
      pinned: this.#resumed?.pinned,
      keeping: this.#keeping(),
    }
    this.answering = this.#answeringOf(this.#order, this.#keeper())
    journal.append({ kind: 'open', admitted: this.admitted }).then(
      () => {
        if (this.#over) return
        try {
          this.#hearer.opened()
        } catch (error) {
          this.#hearer.broken(error)
        }
      },
      (error: unknown) => {
        if (!this.#over) this.#hearer.refused(error)
      },
    )
  }

  #keeping(): Order['keeping'] {
    const { keeping } = this.#read.ask
    const stored = this.#resumed?.keep?.request !== undefined
    return keeping && { stored, previous: keeping.previous ?? null }
  }

  /** Who hears the answer: first of all who keeps it. */
  #keeper(): AnswerHearer {
    const { responses: keeper } = this.#house
    const keep = this.#resumed?.keep
    if (!keeper || !keep) return this.#hearer
    const answering = () => this.answering
    return new Keeping(this.#hearer, { keeper, keep, answering, live: () => !this.#over })
  }

  #answeringOf(order: Order, hearer: AnswerHearer): Answering {
    const { route, target, passage, head, credential } = this.#read
    if (!route.cache || target.carrying === 'count' || passage) return new Forward(this.#house, order, hearer)
    const plan = planOf(order, readDirective(head.wishes?.get('cache')))
    if (plan.look || plan.keep) {
      const asking = { parts: partsOf(order, head, credential.principal), admitted: this.admitted }
      return new Cached(this.#house, order, plan, asking, hearer)
    }
    this.#house.replies.count('bypass')
    return new Forward(this.#house, order, hearer, 'bypass')
  }
}
