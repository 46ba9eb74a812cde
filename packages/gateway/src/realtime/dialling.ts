// Route -> a WebSocket to the first upstream that takes the session. Upstreams are chosen as for any request; what
// one refuses is tried at another, before the caller is told anything.
import { unsupportedByModel } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import { noMoney, type Verdict } from '@switchyard/runtime'
import { WebSocket } from 'ws'
import { below } from '../attempt.ts'
import { choose, type Facts } from '../choose/choose.ts'
import { type Reason, refusalOf } from '../choose/reason.ts'
import { mayRetry } from '../choose/retry.ts'
import type { Target } from '../choose/tier.ts'
import { type Failure, ofStatus, overLimit, unreachable } from '../failure.ts'
import type { Ticket } from '../health/vitals.ts'
import { ready } from '../hold.ts'
import type { House } from '../house.ts'
import type { Route, Upstream } from '../route.ts'
import type { UpstreamPool } from '../upstreams.ts'
import { RefusedAddress } from '../wire/dial.ts'

export interface Order {
  readonly request: string
  readonly model: string
  readonly route: Route
  /** Names and values in turn of the caller's headers that upstreams are to see. */
  readonly forwarded: readonly string[] | undefined
  readonly session: string | undefined
  /** Attempts, the first included. */
  readonly attempts: number
  readonly signal: AbortSignal
}

type Claim = Extract<Verdict, { type: 'admitted' }>

/** A session at an upstream. Whoever has it ends the ticket, settles the claim and releases the pool. */
export interface Dialled {
  readonly socket: WebSocket
  readonly upstream: Upstream
  readonly ticket: Ticket
  readonly pool: UpstreamPool
  /** Under the upstream's own limits; undefined where it has none. */
  readonly claim: Claim | undefined
  readonly attempts: number
}

class Failed extends Error {
  readonly failure: Failure
  constructor(failure: Failure) {
    super(failure.fault.message)
    this.failure = failure
  }
}

const path = '/v1/realtime'
const handshakeMilliseconds = 10_000

/** Speaks OpenAI's dialect and says that it has sessions. */
const able = ({ to }: Target<Upstream>): 0 | 2 =>
  to.speech.dialect === 'openai' && (to.paths === undefined || to.paths.realtime !== undefined) ? 2 : 0

/** Throws the fault of the last attempt, or of there being none to make. */
export async function dial(house: House, order: Order): Promise<Dialled> {
  const { clock, random, metrics, observe } = house
  const route = await ready(house, order.route, order.signal)
  const traffic = house.traffic(route)
  const { tiers } = traffic.at(route)
  const tried: Target<Upstream>[] = []
  traffic.deposit(clock())
  let last: Failure | undefined
  for (;;) {
    const facts: Facts = { now: clock(), random, streamed: true, session: order.session }
    const onlyFresh = tried.length > 0
    const target = choose(tiers, facts, { tried, able, onlyFresh })
    if (!target) throw last?.fault ?? unanswered(traffic.at(route), facts, order)
    tried.push(target)
    const ticket = target.vitals.begin(facts.now, true)
    const pool = house.upstreams.at(target.to.origin)
    pool.inflight++
    let claim: Claim | undefined
    try {
      claim = await claimRoom(house, order, target.to, tried.length)
      const socket = await connect(house, order, target.to, pool)
      ticket.content(clock())
      return { socket, upstream: target.to, ticket, pool, claim, attempts: tried.length }
    } catch (error) {
      pool.release()
      if (claim) house.admissions.void(claim)
      const aborted = order.signal.aborted
      const failure = error instanceof Failed ? error.failure : undefined
      const pause = failure?.retryAfter === undefined ? undefined : failure.retryAfter * 1000
      ticket.end(aborted || !failure ? 'aborted' : failure.health, clock(), pause)
      metrics.attempt(target.to.name, aborted ? 'cancelled' : (failure?.outcome ?? 'reset'))
      if (aborted || !failure) throw error
      const { outcome, cause } = failure
      observe({ type: 'attempt_failed', request: order.request, upstream: target.to.name, outcome, cause })
      last = failure
      const { length: attempts } = tried
      const verdict = mayRetry({
        outcome: failure.health,
        attempts,
        most: order.attempts,
        committed: false,
      })
      if (!verdict.again || house.stopping || !traffic.budget.take(clock())) throw failure.fault
      metrics.retries++
    }
  }
}

/** Asks for room under the upstream's own limits. */
async function claimRoom(
  { admissions }: House,
  { request }: Order,
  { buckets }: Upstream,
  attempt: number,
): Promise<Claim | undefined> {
  if (buckets.length === 0) return undefined
  const amounts = { requests: 1, inputTokens: 1, outputTokens: 0, money: noMoney }
  const verdict = await admissions.admit({ id: `${request}:${attempt}`, buckets, amounts })
  if (verdict.type === 'admitted') return verdict
  throw new Failed(overLimit(verdict))
}

function unanswered(
  { tiers }: { readonly tiers: Parameters<typeof choose<Upstream>>[0] },
  facts: Facts,
  { model }: Order,
): Fault {
  if (tiers.every(({ targets }) => targets.every(target => able(target) === 0)))
    return unsupportedByModel({ operation: 'realtime', model })
  const reasons: Reason[] = []
  choose(tiers, facts, { able }, reasons)
  return refusalOf(reasons, facts.now)
}

/** The connection stands, and is verified, before anything is written to it: the opening carries the credential. */
async function connect(
  house: House,
  { model, forwarded, signal }: Order,
  upstream: Upstream,
  pool: UpstreamPool,
): Promise<WebSocket> {
  const { dialer } = pool
  const connection = dialer.dial()
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>()
  const fail = (failure: Failure) => {
    connection.destroy()
    reject(new Failed(failure))
  }
  const refused = (cause: unknown) => {
    const health = cause instanceof RefusedAddress ? 'misconfigured' : 'unreached'
    fail({ outcome: 'refused', health, fault: unreachable, cause })
  }
  const abort = () => {
    connection.destroy()
    reject(new Fault('cancelled', 'The caller has left.'))
  }
  const timer = setTimeout(() => refused(new Error('no connection in time')), house.limits.connect)
  connection.once('error', refused)
  signal.addEventListener('abort', abort, { once: true })
  connection.once(dialer.stands, () => {
    clearTimeout(timer)
    const { served = model } = upstream
    const place = below(upstream, upstream.paths?.realtime ?? path)
    const socket = new WebSocket(
      `${upstream.origin.url.replace(/^http/, 'ws')}${place}${place.includes('?') ? '&' : '?'}model=${encodeURIComponent(served)}`,
      {
        createConnection: () => connection,
        headers: headersFor(upstream, forwarded),
        perMessageDeflate: false,
        maxPayload: house.limits.realtimeBytes,
        handshakeTimeout: handshakeMilliseconds,
      },
    )
    socket.once('open', () => {
      // What it says at once waits until somebody listens.
      socket.pause()
      resolve(socket)
    })
    socket.once('unexpected-response', (_, response) => {
      const after = Number(response.headers['retry-after'])
      fail(refusalFor(response.statusCode ?? 502, after > 0 ? Math.ceil(after) : undefined))
    })
    socket.on('error', cause => fail({ outcome: 'reset', health: 'unreached', fault: unreachable, cause }))
  })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

function refusalFor(status: number, retryAfter: number | undefined): Failure {
  const failure = ofStatus(status, retryAfter)
  if (status !== 400 && status !== 422) return failure
  const message = 'The upstream refused the session: see what the model takes.'
  return { ...failure, fault: new Fault('invalid', message, { reason: 'invalid_value' }) }
}

/** What is about bodies has no place in an opening. */
const ofBodies: ReadonlySet<string> = new Set(['content-type', 'accept', 'accept-encoding'])

function headersFor({ headers }: Upstream, forwarded: readonly string[] = []): Record<string, string> {
  const all = [...headers, ...forwarded]
  const kept: Record<string, string> = {}
  for (let i = 0; i + 1 < all.length; i += 2) {
    const name = all[i] as string // the condition of the loop
    if (!ofBodies.has(name)) kept[name] = all[i + 1] as string
  }
  return kept
}
