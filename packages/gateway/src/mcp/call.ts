// One request to a server of tools, from its first header to its one end: authenticate, read, resolve, claim, journal,
// forward, relay, settle. What is asked is JSON-RPC, and so are refusals.
import {
  type McpBody,
  mcpError,
  mcpErrorEvent,
  notRun,
  type Operation,
  readMcp,
  toolsCall,
  unknownTool,
} from '@switchyard/dialects'
import { Fault } from '@switchyard/kinds'
import type { EndReason } from '@switchyard/runtime'
import { authenticate, type Credential, recheck } from '../authenticate.ts'
import { tellDenied } from '../denials.ts'
import type { RequestEnded } from '../ended.ts'
import { deadlines, type Failure, faultOf } from '../failure.ts'
import { type Head, readHead } from '../head.ts'
import type { House, Running } from '../house.ts'
import { addLimitHeaders } from '../limit-headers.ts'
import { Relay, type Spoken } from '../relay.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Inbound } from '../wire/inbound.ts'
import { lowered } from '../wishes.ts'
import { McpAccount } from './account.ts'
import { checkSaid, findMcp, type McpLine, operationOf, readMcpHeaders, sessionHeader } from './asked.ts'
import { McpForward, type McpHearer, type McpReply } from './forward.ts'
import { Reading } from './reading.ts'
import { resolveServer, unknownSession } from './resolve.ts'
import type { McpServer } from './server.ts'
import type { McpSession } from './sessions.ts'

type Phase = 'reading' | 'opening' | 'waiting' | 'streaming' | 'settling' | 'ended'

/** How refusals are said. */
export const mcpSpoken: Spoken = {
  streamType: 'text/event-stream',
  ping: ': ping\n\n',
  errorBody: (fault, request) => Buffer.from(mcpError(fault, 'null', request)),
  errorStatus: ({ status }) => status,
}

const nothing = Buffer.alloc(0)

export class McpCall implements McpHearer, Running {
  readonly id: string
  streamed = false
  place = -1

  readonly #house: House
  readonly #inbound: Inbound
  readonly #snapshot: Snapshot
  readonly #startedAt: number
  readonly #peer: string
  readonly #cors: readonly string[]
  #relay: Relay
  #phase: Phase = 'reading'
  #line: McpLine | undefined
  #head: Head | undefined
  #credential: Credential | undefined
  #reading: Reading | undefined
  #server: McpServer | undefined
  #operation: Operation | '' = ''
  /** Ids of the requests that are to be answered, as JSON. */
  #ids: readonly string[] = []
  #account: McpAccount | undefined
  #forward: McpForward | undefined
  #total = Number.POSITIVE_INFINITY
  #begunAt: number | undefined
  #wroteAt = 0
  #reason: string | undefined

  constructor(house: House, inbound: Inbound) {
    this.#house = house
    this.#inbound = inbound
    this.#snapshot = house.snapshot()
    this.#startedAt = house.clock()
    this.#peer = inbound.peer
    this.#cors = house.door.cors(inbound)
    this.id = house.uuid()
    this.#relay = new Relay(inbound, this.id, mcpSpoken, this.#cors)
  }

  start(): void {
    const { limits, door, clock, metrics } = this.#house
    try {
      const preflight = door.preflight(this.#inbound)
      if (preflight) {
        this.#inbound.reply(204, [...preflight, 'x-request-id', this.id, 'request-id', this.id], '')
        metrics.request('', '', '', 204, 'done')
        this.#phase = 'ended'
        return
      }
      this.#line = findMcp(this.#inbound, limits)
      const head = readHead(this.#inbound, limits, { caller: 'openai' })
      this.#head = head
      this.#relay = new Relay(this.#inbound, head.requestId ?? this.id, mcpSpoken, this.#cors)
      door.admitOrigin(head.origin)
      const credential = authenticate(head.carried, this.#snapshot, clock(), door, this.#inbound.link)
      // Nothing of the body is read until it is known who calls.
      if (credential instanceof Promise)
        credential.then(
          known => this.#attempt(() => this.#enter(known, head)),
          (stranger: unknown) => this.#refuse(stranger),
        )
      else this.#enter(credential, head)
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Refuses the request for what a step throws. */
  #attempt(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#refuse(error)
    }
  }

  // ---- the caller's side

  #enter(credential: Credential, head: Head): void {
    this.#credential = credential
    this.#house.door.admit(this.#peer, head.forwardedFor, credential.principal.addresses)
    const reading = new Reading(this.#house, this.#inbound, head, this.#line?.method === 'POST', {
      read: body => {
        if (this.#phase === 'reading') this.#attempt(() => this.#open(body, credential, head))
      },
      unreadable: fault => {
        if (this.#phase === 'reading') this.#refuse(fault)
      },
      drained: () => {
        this.#relay.blocked = false
        this.#forward?.resume()
      },
      closed: () => {
        if (this.#phase === 'ended') this.#house.leave(this)
        else if (this.#phase !== 'settling') this.#gone()
      },
    })
    this.#reading = reading
    this.#house.enter(this)
    reading.start()
  }

  /** What is asked is known. */
  #open(bytes: Buffer, { principal }: Credential, head: Head): void {
    const { method, server: name } = this.#line as McpLine // `start` has set it
    const { sessions } = this.#house
    const asked = readMcpHeaders(method, this.#inbound.headers, head)
    const body = method === 'POST' ? readMcp(bytes) : undefined
    if (body) checkSaid(asked, body)
    const server = resolveServer(name, principal, this.#snapshot)
    this.#server = server
    this.#operation = operationOf(method, body)
    this.#ids = body?.messages.flatMap(({ id }) => id ?? []) ?? []
    const hidden = body && hiddenTool(server, body)
    if (body && hidden !== undefined) {
      this.#refuseTool(server, body, hidden)
      return
    }
    const session = asked.session === undefined ? undefined : sessions.open(principal, server, asked.session)
    if (asked.session !== undefined && !session) throw unknownSession()
    const { total, listen } = server.times
    this.#total = lowered(method === 'GET' ? listen : total, head.wishes, 'timeout-ms')
    const forward = new McpForward(
      this.#house,
      {
        request: this.id,
        server,
        method,
        body: body && bytes,
        headers: asked.forwarded,
        session,
      },
      this,
    )
    this.#forward = forward
    const account = new McpAccount(this.#house, {
      request: this.id,
      startedAt: this.#startedAt,
      principal,
      server,
      operation: this.#operation,
      requests: Math.max(1, this.#ids.length),
      calls: body?.messages.filter(({ method: said }) => said === toolsCall).length ?? 0,
    })
    this.#account = account
    this.#phase = 'opening'
    this.#send(account, forward).catch((error: unknown) => {
      if (this.#phase === 'opening') this.#refuse(error)
      else this.#conclude(faultOf(error), 'refused')
    })
  }

  /** A server is not asked for a tool that is not shown: it is as unknown as one that does not exist. */
  #refuseTool({ name, allows }: McpServer, { messages, batch }: McpBody, hidden: string): void {
    const { observe } = this.#house
    const { workspace, key } = (this.#credential as Credential).principal // it is known
    const tool = hidden.slice(0, mostName)
    observe({ type: 'tool_refused', request: this.id, workspace, key, server: name, tool })
    const answers = messages.flatMap(({ id, tool: called }) => {
      if (id === undefined) return []
      return called !== undefined && !allows?.(called) ? unknownTool(id, called) : notRun(id)
    })
    const [first] = answers
    if (first === undefined)
      throw new Fault('invalid', 'A call of a tool needs an id by which it is answered.', {
        reason: 'missing_field',
      })
    this.#reason = 'tool_not_allowed'
    this.#phase = 'settling'
    const tell = () => {
      this.#relay.reply(200, batch ? `[${answers.join()}]` : first, this.#known())
      this.#finished('refused', 200)
    }
    const told = this.#denied(
      new Fault('denied', `The tool '${tool}' is not open.`, { reason: this.#reason }),
    )
    if (told) void told.then(tell)
    else tell()
  }

  /** With room under every limit, and known to the journal, the server is asked. */
  async #send(account: McpAccount, forward: McpForward): Promise<void> {
    await account.open()
    if (this.#phase !== 'opening') return
    this.#phase = 'waiting'
    forward.start()
  }

  // ---- the server's side

  streaming(session: McpSession | undefined): void {
    if (this.#phase !== 'waiting') return
    this.#phase = 'streaming'
    this.streamed = true
    this.#begunAt = this.#house.clock()
    this.#wroteAt = this.#house.wheel.now
    this.#relay.commit(this.#known(session), [])
    this.#throttle()
  }

  flowed(bytes: Buffer): void {
    if (this.#phase !== 'streaming') return
    this.#wroteAt = this.#house.wheel.now
    this.#relay.write(bytes)
    this.#throttle()
  }

  /** A caller that reads slowly slows its server: what waits here stays small. */
  #throttle(): void {
    if (!this.#relay.blocked) return
    this.#forward?.pause()
    this.#relay.watch(this.#house.wheel.now)
  }

  ended(): void {
    this.#endStream('done')
  }

  /** The stream ends as one that is whole: clients of a stream that listens open it again. */
  #endStream(end: EndReason): void {
    if (this.#phase !== 'streaming') return
    this.#phase = 'settling'
    this.#settle(end, 200).then(
      () => {
        this.#relay.end(nothing)
        this.#finished(end, 200)
      },
      (error: unknown) => {
        this.#relay.breakOff(this.#lastEvents(faultOf(error)))
        this.#finished('upstream_error', 200)
      },
    )
  }

  replied({ status, bytes, type, allow, session }: McpReply): void {
    if (this.#phase !== 'waiting') return
    this.#phase = 'settling'
    this.#begunAt = this.#house.clock()
    const end = status < 400 ? 'done' : 'refused'
    this.#settle(end, status).then(
      () => {
        const headers = this.#known(session)
        if (allow !== undefined) headers.push('allow', allow)
        if (bytes) this.#relay.reply(status, bytes, headers, type)
        else this.#relay.refuse(refusedBy(status), headers)
        this.#finished(end, status)
      },
      (error: unknown) => {
        const fault = faultOf(error)
        this.#relay.refuse(fault, this.#known())
        this.#finished('upstream_error', fault.status)
      },
    )
  }

  failed({ fault, outcome }: Failure): void {
    const end =
      outcome === 'unasked' ? 'refused' : fault.code === 'deadline' ? 'our_timeout' : 'upstream_error'
    this.#conclude(fault, end)
  }

  // ---- the end

  /** Ends an admitted request with a fault: an HTTP status before the first byte, an error event after it. */
  #conclude(fault: Fault, end: EndReason): void {
    if (this.#phase === 'settling' || this.#phase === 'ended') return
    this.#phase = 'settling'
    this.#reason = fault.reason
    const { committed } = this.#relay
    const status = committed ? 200 : fault.status
    const tell = () => {
      if (committed) this.#relay.breakOff(this.#lastEvents(fault))
      else this.#relay.refuse(fault, this.#known())
      this.#finished(end, status)
    }
    void this.#settle(end, status)
      .catch((error: unknown) => this.#unrecorded(error))
      .then(() => this.#denied(fault))
      .then(tell)
  }

  /**
   * What tells that no answer will come; none, and so a reset, where half an event has left or where the client can
   * take the stream up again by the id of an event.
   */
  #lastEvents(fault: Fault): Buffer {
    const edge = this.#forward?.edge
    if (!edge?.whole || edge.resumable) return nothing
    return Buffer.from(this.#ids.map(id => mcpErrorEvent(fault, id)).join(''))
  }

  /** Journals the one usage record. */
  #settle(end: EndReason, status: number): Promise<void> {
    const account = this.#account as McpAccount // what is settled was opened
    const { attempts = 0, upstream = '' } = this.#forward ?? {}
    // Who leaves does not take back what it has called.
    const taken = (status < 400 && this.#begunAt !== undefined) || (end === 'client_gone' && attempts > 0)
    return account.settle({ end, status, streamed: this.streamed, attempts, upstream, taken })
  }

  #unrecorded(error: unknown): void {
    this.#house.observe({ type: 'usage_not_recorded', request: this.id, error })
  }

  /** Refuses a request that the journal does not know of. */
  #refuse(error: unknown): void {
    if (this.#phase === 'settling' || this.#phase === 'ended') return
    const fault = faultOf(error)
    this.#reason = fault.reason
    if (fault.code === 'internal') this.#house.observe({ type: 'internal_error', request: this.id, error })
    const slow = fault.status === 408 || fault.code === 'too_large' || fault.reason === 'malformed_request'
    this.#phase = 'settling'
    const headers = this.#known()
    if (fault.status === 401) headers.push('www-authenticate', 'Bearer')
    const tell = () => {
      this.#relay.refuse(fault, headers, slow && !this.#inbound.complete)
      this.#finished('refused', fault.status)
    }
    const told = this.#denied(fault)
    if (told) void told.then(tell)
    else tell()
  }

  /** Waits for the trail, where it is told of this. */
  #denied(fault: Fault): Promise<void> | undefined {
    return tellDenied(this.#house, fault, {
      request: this.id,
      inbound: this.#inbound,
      peer: this.#peer,
      head: this.#head,
      credential: this.#credential,
      kind: 'McpServer',
      name: this.#line?.server,
    })
  }

  /** Ends the request where it stands: its key is no longer accepted, or the gateway stops. */
  stop(fault: Fault, end: EndReason): void {
    if (this.#phase === 'settling' || this.#phase === 'ended') return
    this.#forward?.cancel()
    if (this.#account?.opened) this.#conclude(fault, end)
    else this.#refuse(fault)
  }

  #gone(): void {
    const phase = this.#phase
    const { metrics, clock } = this.#house
    const learned = clock()
    this.#forward?.cancel()
    // Who listens has no other way to end it.
    const listened = phase === 'streaming' && this.#line?.method === 'GET'
    if (!listened) metrics.gone(phase, this.#forward && clock() - learned)
    const [end, status] = listened ? (['done', 200] as const) : (['client_gone', 499] as const)
    this.#phase = 'settling'
    if (!this.#account?.opened) this.#finished(end, status)
    else
      void this.#settle(end, status)
        .catch((error: unknown) => this.#unrecorded(error))
        .then(() => this.#finished(end, status))
  }

  #finished(end: EndReason, status: number): void {
    this.#phase = 'ended'
    this.#reading?.stop()
    this.#account?.release((this.#forward?.attempts ?? 0) > 0)
    const { metrics, observe, clock } = this.#house
    const ended = this.#ended(end, status, clock())
    const { caller, operation, route, milliseconds, waited, firstContent } = ended
    metrics.request(caller, operation, route ?? '', status, end)
    metrics.times(milliseconds, waited, firstContent)
    observe(ended)
    if (this.#inbound.closed) this.#house.leave(this)
  }

  #ended(end: EndReason, status: number, now: number): RequestEnded {
    const head = this.#head
    const principal = this.#credential?.principal
    const forward = this.#forward
    const model = this.#server?.model
    const streaming = this.streamed && this.#begunAt !== undefined ? now - this.#begunAt : 0
    return {
      type: 'request_ended',
      request: this.id,
      callerId: head?.requestId,
      client: this.#house.door.callerOf(this.#peer, head?.forwardedFor),
      key: principal?.key,
      workspace: principal?.workspace,
      project: principal?.project,
      caller: 'mcp',
      operation: this.#operation,
      route: model,
      model: this.#account?.opened ? model : undefined,
      streamed: this.streamed,
      maxOutput: undefined,
      upstream: forward?.upstream || undefined,
      attempts: forward?.attempts ?? 0,
      tries: forward?.tries ?? [],
      cache: undefined,
      detour: undefined,
      status,
      end,
      reason: this.#reason,
      startedAt: this.#startedAt,
      milliseconds: now - this.#startedAt,
      waited: (forward?.waited ?? 0) + streaming,
      firstContent: this.#begunAt === undefined ? undefined : this.#begunAt - this.#startedAt,
      bytesIn: this.#reading?.bytes ?? 0,
      bytesOut: this.#relay.sent,
      usage: this.#account?.usage,
      warning: undefined,
      traceparent: head?.traceparent,
      tracestate: head?.tracestate,
    }
  }

  /** Called every 100 ms while the request is under way. */
  tick(now: number): void {
    if (this.#phase === 'settling' || this.#phase === 'ended') return
    this.#check(now)
    if (this.#phase === 'reading') this.#attempt(() => this.#reading?.tick(now, this.#startedAt))
    else if (this.#phase === 'waiting' || this.#phase === 'streaming') this.#tickForward(now)
  }

  #tickForward(now: number): void {
    const { stopping, limits } = this.#house
    const late = now - this.#startedAt >= this.#total
    if (this.#phase === 'streaming' && this.#line?.method === 'GET' && (late || stopping)) {
      this.#forward?.cancel()
      this.#endStream(stopping ? 'drained' : 'done')
      return
    }
    if (late) {
      this.stop(new Fault('deadline', deadlines.total, { reason: 'total' }), 'our_timeout')
      return
    }
    const { blocked } = this.#relay
    this.#forward?.tick(now, blocked)
    if (this.#phase !== 'streaming') return
    if (blocked) this.#tickBlocked(now)
    else if (now - this.#wroteAt >= limits.ping && this.#forward?.edge.whole) {
      this.#wroteAt = now
      this.#relay.ping()
    }
  }

  #tickBlocked(now: number): void {
    if (this.#relay.stalled(now) < this.#house.limits.callerStall) return
    this.#gone()
    this.#relay.destroy()
  }

  /** A key that is no longer accepted ends what it began. */
  #check(now: number): void {
    const credential = this.#credential as Credential // set before the call ticks
    const refusal = recheck(credential, this.#house.snapshot(), now)
    if (refusal) this.stop(refusal, 'client_gone')
  }

  /** Headers of an answer; `session` is one that it begins. */
  #known(session?: McpSession): string[] {
    const { closing, clock, sessions } = this.#house
    const headers = [...closing()]
    const server = this.#server
    const forward = this.#forward
    const principal = this.#credential?.principal
    const sealed = session && server && principal && sessions.seal(principal, server, session)
    if (sealed !== undefined) headers.push(sessionHeader, sealed)
    if (server) headers.push('x-switchyard-model', server.model)
    if (forward && forward.attempts > 0) headers.push('x-switchyard-attempts', String(forward.attempts))
    const verdict = this.#account?.verdict
    if (verdict) addLimitHeaders(headers, verdict, 'openai')
    const overhead = clock() - this.#startedAt - (forward?.waited ?? 0)
    headers.push('x-switchyard-overhead-ms', String(Math.max(0, Math.round(overhead))))
    return headers
  }
}

const mostName = 256

/** The first tool that is called and not shown. */
function hiddenTool({ allows }: McpServer, { messages }: McpBody): string | undefined {
  return allows && messages.find(({ tool }) => tool !== undefined && !allows(tool))?.tool
}

/** A refusal of the server whose words are not for callers. */
function refusedBy(status: number): Fault {
  if (status === 404) return unknownSession()
  if (status === 405)
    return new Fault('unsupported', 'The server does not offer this.', { reason: 'method', status })
  return new Fault('invalid', 'The server refused the request.', { reason: 'invalid_value', status })
}
