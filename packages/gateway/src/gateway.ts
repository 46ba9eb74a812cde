// The gateway as its app sees it: it takes requests, and stops without breaking them. The listener is the app's.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { callers, checkMetered } from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import {
  type Balances,
  type Journal,
  type Limiter,
  type Observe,
  type ResponseStore,
  Roster,
  Sealed,
  systemClock,
  type Wanted,
} from '@switchyard/runtime'
import { Admissions } from './admission.ts'
import { Flights } from './cache/flights.ts'
import { ReplyCache } from './cache/replies.ts'
import { SemanticIndex } from './cache/semantic.ts'
import { Call } from './call.ts'
import { ActiveChecks } from './checks.ts'
import { Memories } from './choose/memory.ts'
import { EngineCounts } from './counts.ts'
import { Denials } from './denials.ts'
import { Door, type DoorOptions } from './door/door.ts'
import type { SessionSource } from './door/sessions.ts'
import type { Follow } from './ended.ts'
import type { ExplainAsk, Explanation } from './explain/explanation.ts'
import { explain } from './explain.ts'
import { CheckThread } from './guard/index.ts'
import { Health } from './health/health.ts'
import { Holding } from './hold.ts'
import type { GatewayObservation, House, Running } from './house.ts'
import { completeLimits, type Limits } from './limits.ts'
import { isMcp } from './mcp/asked.ts'
import { McpCall, mcpSpoken } from './mcp/call.ts'
import { McpPlaces } from './mcp/places.ts'
import { McpSessions } from './mcp/sessions.ts'
import { watchLoop } from './metrics/loop.ts'
import { samplesOf, type Told } from './metrics/moment.ts'
import { Metrics } from './metrics.ts'
import { callerOf, operations } from './paths.ts'
import { Session } from './realtime/session.ts'
import type { Route } from './route.ts'
import { sendThrough } from './send.ts'
import type { Snapshot } from './snapshot.ts'
import { Keeper } from './stored/keeper.ts'
import { Traffic } from './traffic.ts'
import { Upstreams } from './upstreams.ts'
import { Use } from './use.ts'
import { Wallets } from './wallet/wallets.ts'
import { Wheel } from './wheel.ts'
import type { Resolve } from './wire/dial.ts'
import { systemResolve } from './wire/dial-fetch.ts'
import type { Inbound } from './wire/inbound.ts'
import { NodeInbound } from './wire/inbound-node.ts'
import type { Refusal } from './wire/server.ts'

export interface GatewayOptions {
  /** The newest snapshot: a request keeps the one that it began with. */
  readonly snapshot: () => Snapshot
  /** Whether the snapshot is too old to answer by; never when absent. */
  readonly stale?: () => boolean
  readonly journal: Journal
  /** Where limits are kept. */
  readonly limiter: Limiter
  /** Where balances are kept: without it, whoever pays from one is refused. The gateway disposes of it. */
  readonly balances?: Balances | undefined
  /** Milliseconds that a request waits for money at most, default 50. */
  readonly balanceWait?: number
  /** Milliseconds since 1970; a fraction makes the times of the metrics finer. */
  readonly clock: () => number
  /** From 0 up to 1. */
  readonly random: () => number
  /** A new UUIDv7. */
  readonly uuid: () => string
  readonly limits?: Partial<Limits>
  /** The edge of the listener: origins, addresses, proxies, coding. */
  readonly door?: DoorOptions
  /** By which people who are signed in call with their access tokens; they may not without it. */
  readonly sessions?: SessionSource
  /**
   * Seal the sessions of MCP servers, 32 bytes each, the one that seals first: the same in every process that callers
   * may reach, and the same value until there are others. Sessions end with the process when absent.
   */
  readonly sessionKeys?: () => readonly Sealed<Uint8Array>[]
  /** Milliseconds between two active checks of a replica; 0, the default, makes none. */
  readonly checkEvery?: number
  /** Milliseconds between two questions to engines how many requests they have; 0, the default, asks none. */
  readonly countEvery?: number
  /** The addresses of a name, for upstreams that are not ours; default the system's resolver. */
  readonly resolve?: Resolve
  /** Where responses are kept that can be gone on from; none is kept without it. */
  readonly responses?: ResponseStore | undefined
  /** Of Switchyard, for clients that ask; default '0'. */
  readonly version?: string
  /**
   * An endpoint has no ready replica and requests wait for one: told once for all of them, and again every 15 s while
   * some do. Or they may sleep and are in use: told every 5 s.
   */
  readonly wanted?: (endpoints: readonly Wanted[]) => void
  readonly observe: Observe<GatewayObservation>
  /** Asked once for each request that has found its route; nothing is followed without it. */
  readonly follow?: Follow
}

export interface Gateway extends AsyncDisposable {
  /** For requests that node's own server has read, by `request` and by `checkContinue`. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  /** For requests that our own server has read. */
  readonly take: (inbound: Inbound) => void
  /** What our own server tells of a request that cannot be read. */
  readonly refusal: (fault: Fault, url: string) => Refusal
  /** For the listener's `upgrade`: a realtime session, or an HTTP answer that says why there is none. */
  readonly handleUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** For the listener's `clientError`: what node refuses to parse gets an answer in OpenAI's shape. */
  readonly clientError: (error: NodeJS.ErrnoException, socket: Duplex) => void
  /** Prometheus' text. */
  metrics(told?: Told): string
  readonly inflight: number
  /** Where a request would go now, and why not elsewhere. It changes nothing. */
  explain(ask: ExplainAsk): Promise<Explanation>
  /** Takes nothing new; resolves when every request has ended, at the latest after `seconds`. */
  drain(seconds: number): Promise<void>
  close(): Promise<void>
}

const closeHeader = ['connection', 'close'] as const
const noHeaders = [] as const

export function createGateway(options: GatewayOptions): Gateway {
  const { snapshot, clock, journal } = options
  checkMetered(operations)
  const limits = completeLimits(options.limits)
  const metrics = new Metrics()
  const loop = watchLoop(clock, late => metrics.loopDelay(late))
  const { random, observe, resolve = systemResolve, stale } = options
  const upstreams = new Upstreams(limits, resolve)
  const door = new Door(options.door ?? {}, {
    snapshot,
    clock,
    random,
    resolve,
    sessions: options.sessions,
    observe,
  })
  const { uuid } = options
  const denials = new Denials({ journal, clock, uuid, observe })
  const checker = new CheckThread()
  const replies = new ReplyCache()
  const flights = new Flights()
  let semantic: SemanticIndex | undefined
  const admissions = new Admissions(options.limiter, options.observe)
  const { balances } = options
  const wallets =
    balances &&
    new Wallets({
      balances,
      monotonic: systemClock.monotonic,
      waitMs: options.balanceWait,
      observe: options.observe,
    })
  const responses =
    options.responses &&
    new Keeper(options.responses, error => options.observe({ type: 'response_not_kept', error }))
  const traffic = new Map<string, { readonly route: Route; readonly traffic: Traffic }>()
  /** The same by the route itself, of the newest snapshots: its key need not be made for each request. */
  const trafficOf = new Map<Route, Traffic>()
  const ground = { health: new Health({ random: options.random }), memories: new Memories() }
  const calls = new Roster<Running>()
  let retained = snapshot()
  door.follow(retained)
  let emptied: (() => void) | undefined

  const checks = options.checkEvery
    ? new ActiveChecks(upstreams, ground.health, () => snapshot().replicas, options.checkEvery)
    : undefined
  const counts = options.countEvery
    ? new EngineCounts(upstreams, ground.health, {
        clock,
        counted: () => snapshot().counted,
        milliseconds: options.countEvery,
      })
    : undefined
  const wanted = (endpoints: readonly Wanted[]) => options.wanted?.(endpoints)
  const use = new Use(ground.health, wanted)
  const wheel = new Wheel(clock, now => {
    replies.sweep(now)
    const current = snapshot()
    use.look(current.napping, now)
    if (current === retained) return
    retained = current
    door.follow(current)
    upstreams.retain(current.origins)
    ground.health.retain(current.upstreams)
    for (const [key, { route }] of traffic) if (!find(current, route)) traffic.delete(key)
    trafficOf.clear()
  })

  /** Those under way, as one for the wheel: it leaves when it finds none of them. */
  const ticking = {
    place: -1,
    tick(now: number) {
      if (calls.size === 0) wheel.delete(ticking)
      else for (const call of calls) call.tick(now)
    },
  }

  const holding = new Holding({
    wheel,
    clock,
    current: route => find(snapshot(), route),
    wake({ workspace, name }) {
      metrics.wakes++
      wanted([{ workspace, name }])
    },
    told: end => metrics.hold(end),
  })

  // No getter: V8 keeps an object literal that has one as a dictionary, and every step of a call asks it.
  const house: House & { stopping: boolean } = {
    snapshot,
    journal,
    denials,
    clock,
    random: options.random,
    uuid,
    limits,
    version: options.version ?? '0',
    metrics,
    upstreams,
    door,
    admissions,
    wallets,
    replies,
    flights,
    holding,
    semantic() {
      semantic ??= new SemanticIndex({}, error => options.observe({ type: 'semantic_cache_lost', error }))
      return semantic
    },
    checker,
    send: sendThrough(upstreams),
    places: new McpPlaces(ground),
    sessions: new McpSessions(options.sessionKeys ?? ownSessionKeys()),
    wheel,
    responses,
    observe: options.observe,
    follow: options.follow,
    stopping: false,
    checkFresh:
      stale &&
      (() => {
        if (stale()) throw snapshotStale()
      }),
    enter(call) {
      if (house.stopping) throw draining()
      if (journal.full) throw journalFull()
      calls.add(call)
      wheel.add(ticking)
    },
    leave(call) {
      calls.delete(call)
      if (calls.size === 0) emptied?.()
    },
    closing: () => (house.stopping ? closeHeader : noHeaders),
    traffic(route) {
      const known = trafficOf.get(route)
      if (known) return known
      const key = `${route.workspace}/${route.id}/${route.name}`
      let held = traffic.get(key)
      if (!held) {
        held = { route, traffic: new Traffic(route, ground) }
        traffic.set(key, held)
      }
      trafficOf.set(route, held.traffic)
      return held.traffic
    },
    route: (workspace, id) => snapshot().routes.get(workspace)?.byId.get(id),
    current: route => find(snapshot(), route) ?? route,
  }

  const drain = async (seconds: number): Promise<void> => {
    house.stopping = true
    if (calls.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    emptied = resolve
    const timer = setTimeout(() => {
      for (const call of calls) call.stop(draining(), 'drained')
    }, seconds * 1000)
    // What is stopped still has to be journalled and told; a caller that does not listen is not waited for.
    const last = setTimeout(resolve, (seconds + 5) * 1000)
    await promise
    clearTimeout(timer)
    clearTimeout(last)
  }

  const close = async (): Promise<void> => {
    house.stopping = true
    for (const call of calls) call.cut?.(draining())
    loop[Symbol.dispose]()
    wheel[Symbol.dispose]()
    checks?.[Symbol.dispose]()
    counts?.[Symbol.dispose]()
    admissions[Symbol.dispose]()
    await denials.close()
    await wallets?.close()
    await balances?.[Symbol.asyncDispose]()
    responses?.[Symbol.dispose]()
    checker[Symbol.dispose]()
    door[Symbol.dispose]()
    await semantic?.[Symbol.asyncDispose]()
    upstreams.close()
  }

  const take = (inbound: Inbound): void =>
    (isMcp(inbound.url) ? new McpCall(house, inbound) : new Call(house, inbound)).start()

  return {
    handle: (request, response) => take(new NodeInbound(request, response)),
    take,
    refusal(fault, url) {
      const id = options.uuid()
      const spoken = isMcp(url) ? mcpSpoken : callers[callerOf(url)]
      const body = spoken.errorBody(fault, id).toString()
      return { headers: ['content-type', 'application/json', 'x-request-id', id, 'request-id', id], body }
    },
    handleUpgrade: (request, socket, head) => new Session(house, request, socket as Socket, head).start(), // an HTTP server's sockets are TCP or TLS
    clientError: answerParseError,
    metrics: (told = {}) =>
      metrics.text(
        samplesOf(
          {
            inflight: calls.size,
            held: holding.count,
            streams: [...calls].filter(({ streamed }) => streamed).length,
            journalFull: journal.full,
            cacheBytes: replies.counts.bytes,
            leased: wallets?.leased() ?? [],
            origins: upstreams.values(),
            vitals: ground.health.states(clock()),
          },
          told,
        ),
      ),
    explain: ask => explain(house, ask),
    get inflight() {
      return calls.size
    },
    drain,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The same route in another snapshot. */
function find({ routes }: Snapshot, { workspace, name, id }: Route): Route | undefined {
  const all = routes.get(workspace)
  const same = (route: Route) => route.name === name && route.id === id
  return all?.named.get(name)?.find(same) ?? all?.wildcards.find(same)
}

function draining(): Fault {
  return new Fault('unavailable', 'This gateway is stopping: send the request again.', {
    reason: 'draining',
    retryAfterSeconds: 1,
  })
}

function journalFull(): Fault {
  return new Fault('unavailable', 'Usage cannot be recorded for now: try again shortly.', {
    reason: 'journal_full',
    retryAfterSeconds: 5,
  })
}

function snapshotStale(): Fault {
  return new Fault(
    'unavailable',
    'This gateway has not heard of its control plane for too long to know who may call: try again shortly.',
    { reason: 'snapshot_stale', retryAfterSeconds: 5 },
  )
}

const reasonPhrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

/** What the parser refuses never becomes a request: it is answered on the bare socket, which is then closed. */
function answerParseError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const fault = parseFault(error.code)
  const body = callers.openai.errorBody(fault, '')
  socket.end(
    `HTTP/1.1 ${fault.status} ${reasonPhrases[fault.status] ?? ''}\r\ncontent-type: application/json\r\n` +
      `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body.toString()}`,
  )
}

function parseFault(code: string | undefined): Fault {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Fault('too_large', 'The headers are too large: send fewer or shorter ones.', {
      reason: 'headers',
      status: 431,
    })
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Fault('deadline', 'The headers did not arrive in time.', {
      reason: 'caller_slow',
      status: 408,
    })
  return new Fault('invalid', 'This is not a request that HTTP/1.1 allows.', { reason: 'malformed_request' })
}

/** Of this process alone. */
function ownSessionKeys(): () => readonly Sealed<Uint8Array>[] {
  const keys = [new Sealed<Uint8Array>(randomBytes(32))]
  return () => keys
}
