// Refusals of the gateway for the trail: of who is not known, of what is not allowed and of what a policy forbids. A limit
// that is reached is no such refusal: it is counted, and summed. A refusal is in the journal before it is answered.
import { Fault, parseAddress } from '@switchyard/kinds'
import { DenialTally, type Denied, type Journal, type Observe, type Tallied } from '@switchyard/runtime'
import { formatAddress } from './door/addresses.ts'
import type { Head } from './head.ts'
import type { House } from './house.ts'
import { headerValue } from './resolve.ts'
import type { Principal } from './snapshot.ts'
import type { Inbound } from './wire/inbound.ts'

export type DenialObservation = {
  /** It was refused all the same, and will be told with the others of its minute. */
  readonly type: 'denial_not_told'
  readonly count: number
  readonly error: unknown
}

/** A request as far as it had come when it was refused. */
export interface Refusing {
  readonly request: string
  readonly inbound: Pick<Inbound, 'headers'>
  /** Address that it comes from. */
  readonly address: string
  readonly head: Pick<Head, 'traceparent'> | undefined
  readonly principal: Principal | undefined
  /** What was to be used. */
  readonly named?: { readonly kind: 'Route' | 'McpServer'; readonly name: string } | undefined
}

interface DenialsOptions {
  readonly journal: Pick<Journal, 'append'>
  readonly clock: () => number
  readonly uuid: () => string
  readonly observe: Observe<DenialObservation>
}

const actions = { Route: 'inference.call', McpServer: 'tool.call' } as const
const rule = 'inference:call'
const flushMilliseconds = 5000
const agentCharacters = 256
const nameCharacters = 128
const tracePattern = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/

/** What the refusal was for; undefined where it is none of identity, right or policy. */
export function denialOf(fault: Fault): Fault | undefined {
  const { code, reason, cause } = fault
  if (code === 'unauthenticated' || code === 'denied' || reason === 'content_filter') return fault
  // What is kept hidden from the caller says why within.
  return cause instanceof Fault ? denialOf(cause) : undefined
}

/** Who asked, as far as a call knows when it is refused. */
interface Asking extends Pick<Refusing, 'request' | 'inbound'> {
  readonly peer: string
  readonly head: Pick<Head, 'traceparent' | 'forwardedFor'> | undefined
  readonly credential: { readonly principal: Principal } | undefined
  readonly kind: NonNullable<Refusing['named']>['kind']
  /** Of what was to be used; undefined while it is not known. */
  readonly name: string | undefined
}

/** Resolves once the trail is told of it; undefined where there is nothing to wait for. */
export function tellDenied(
  { denials, door }: Pick<House, 'denials' | 'door'>,
  fault: Fault,
  { peer, credential, kind, name, ...known }: Asking,
): Promise<void> | undefined {
  if (!denialOf(fault)) return undefined
  return denials.tell(fault, {
    ...known,
    address: door.callerOf(peer, known.head?.forwardedFor),
    principal: credential?.principal,
    named: name === undefined ? undefined : { kind, name },
  })
}

/** Closing tells what was only counted. */
export class Denials {
  readonly #options: DenialsOptions
  readonly #tally: DenialTally<Denied>
  /** Runs while something is counted. */
  #timer: NodeJS.Timeout | undefined

  constructor(options: DenialsOptions) {
    this.#options = options
    this.#tally = new DenialTally({ now: options.clock, common })
  }

  /** Resolves once it is written; undefined where there is nothing to wait for. Never rejects. */
  tell(fault: Fault, refusing: Refusing): Promise<void> | undefined {
    const denial = denialOf(fault)
    if (!denial) return undefined
    const entry = this.#entryOf(denial, refusing)
    const origin = networkOf(refusing.address)
    const { action } = entry
    if (!this.#tally.take(origin, action, entry)) {
      this.#timer ??= setInterval(this.#flush, flushMilliseconds).unref()
      return undefined
    }
    return this.#append({ origin, action, entry, count: 1 })
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.#tally.due(true).map(one => this.#append(one)))
  }

  readonly #flush = (): void => {
    if (this.#tally.counting) for (const one of this.#tally.due()) void this.#append(one)
    else {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  async #append(one: Tallied<Denied>): Promise<void> {
    const { journal, observe } = this.#options
    const { entry, count } = one
    try {
      await journal.append({ kind: 'denied', denied: count === 1 ? entry : { ...entry, count } })
    } catch (error) {
      observe({ type: 'denial_not_told', count, error })
      this.#tally.missed(one)
    }
  }

  #entryOf({ code, reason }: Fault, { request, inbound, address, head, principal, named }: Refusing): Denied {
    const { clock, uuid } = this.#options
    const trace = tracePattern.exec(head?.traceparent ?? '')?.[1]
    // Control characters would be kept for years and shown on terminals.
    const agent = headerValue(inbound.headers, 'user-agent')
      ?.slice(0, agentCharacters)
      .replaceAll(/[^\x20-\x7e]/g, '')
    return {
      id: uuid(),
      at: Math.floor(clock()),
      workspace: principal?.workspace ?? null,
      action: actions[named?.kind ?? 'Route'],
      rule,
      actor: plain(principal?.owner ?? 'system:unknown'),
      method: principal ? (principal.key.includes('/') ? 'token' : 'key') : 'none',
      credential: principal?.key,
      resource: named && { kind: named.kind, name: plain(named.name) },
      code,
      reason,
      address: address || undefined,
      agent: agent || undefined,
      request,
      trace,
    }
  }
}

/** What a database takes and a terminal shows, of what callers and outside issuers have named. */
const plain = (name: string): string =>
  name
    .slice(0, nameCharacters)
    .toWellFormed()
    .replaceAll(/\p{Cc}/gu, '')

/** What is counted together has no caller of its own. */
function common({ id, at, action, rule, method, code, reason }: Denied): Denied {
  return { id, at, workspace: null, action, rule, actor: 'system:unknown', method, code, reason }
}

/** Whoever has one address of IPv6 has all of its /64. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const parsed = parseAddress(address)
  if (parsed?.version !== 6) return address
  return formatAddress({ version: 6, value: (parsed.value >> 64n) << 64n })
}
