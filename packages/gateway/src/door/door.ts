// The edge of one listener: from which pages and addresses it is called, by which outside tokens, and how whole
// answers leave it. What each of these means stands beside this file; here they are put together once.
import { Fault, parseCidr } from '@switchyard/kinds'
import { type Observe, systemClock } from '@switchyard/runtime'
import type { TrustedIssuer } from '../snapshot/issuers.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Guard, Resolve, TlsTrust } from '../wire/dial.ts'
import type { Inbound } from '../wire/inbound.ts'
import {
  type AddressRules,
  type AddressRulesSpec,
  AddressSet,
  callerAddress,
  checkAddress,
  compileAddressRules,
  formatAddress,
} from './addresses.ts'
import { Compressor } from './compress.ts'
import { type Cors, type CorsOptions, compileCors } from './cors.ts'
import { type FetchKeys, fetchKeys, type KeysObservation } from './issuer-keys.ts'
import { createIssuers, type Issuers, sortIssuers, type Verified } from './issuers.ts'
import { type Bearer, type SessionSource, Sessions, type SessionsObservation } from './sessions.ts'

export interface DoorOptions {
  /** Pages of other origins that may call; none when absent. */
  readonly cors?: CorsOptions
  /** Where callers may come from, whatever their key; anywhere when absent. */
  readonly addresses?: AddressRulesSpec
  /** Ranges of proxies whose `x-forwarded-for` is believed; none when absent. */
  readonly proxies?: readonly string[]
  /** Codes whole replies of 1 KiB and more for callers that take it, default true. */
  readonly compress?: boolean
  /** Private ranges in which images may be fetched, and PEM certificates trusted for it instead of the public ones. */
  readonly images?: { readonly allowCidrs?: readonly string[]; readonly ca?: string }
}

export type DoorObservation =
  | KeysObservation
  | SessionsObservation
  /** A row that cannot be trusted as it stands: tokens of it are refused. */
  | { readonly type: 'issuer_refused'; readonly issuer: string; readonly error: Fault }

interface Ground {
  /** The newest. */
  readonly snapshot: () => Snapshot
  readonly clock: () => number
  readonly random: () => number
  readonly resolve: Resolve
  /** People who are signed in may not call without it. */
  readonly sessions: SessionSource | undefined
  readonly observe: Observe<DoorObservation>
}

/** Threads of zlib are those of the journal too: two of the four are left to it. */
const codedAtOnce = 2

export class Door implements Disposable {
  /** Undefined when replies leave as they are. */
  readonly compressor: Compressor | undefined
  /** By which images are fetched. */
  readonly images: { readonly guard: Guard; readonly tls: TlsTrust }
  readonly #cors: Cors | undefined
  readonly #rules: AddressRules | undefined
  readonly #proxies: AddressSet
  readonly #ground: Ground
  readonly #sessions: Sessions | undefined
  #followed: Snapshot['issuers'] | undefined
  #versions = ''
  #issuers: Issuers | undefined

  /** `invalid` for origins, ranges or certificates that cannot be read. */
  constructor({ cors, addresses, proxies = [], compress = true, images = {} }: DoorOptions, ground: Ground) {
    this.#ground = ground
    const { sessions: source, clock, observe } = ground
    this.#sessions = source && new Sessions({ source, clock, observe })
    this.compressor = compress ? new Compressor(codedAtOnce) : undefined
    this.#cors = cors && cors.origins.length > 0 ? compileCors(cors) : undefined
    this.#rules = compileAddressRules(addresses ?? {})
    this.#proxies = new AddressSet(proxies)
    const { allowCidrs = [], ca } = images
    const allowed = allowCidrs.map(readCidr)
    this.images = Object.freeze({
      guard: { resolve: ground.resolve, allowed },
      tls: ca === undefined ? {} : { ca },
    })
  }

  /** Headers of the answer to a browser's question before a request; undefined for what is a request itself. */
  preflight({ method, headers }: Inbound): readonly string[] | undefined {
    if (!this.#cors || method !== 'OPTIONS') return undefined
    const origin = headerValue(headers, 'origin')
    const wanted = headerValue(headers, 'access-control-request-method')
    if (origin === undefined || wanted === undefined) return undefined
    return this.#cors.preflight({
      origin,
      method: wanted,
      headers: headerValue(headers, 'access-control-request-headers'),
    })
  }

  /** What every answer to this request tells a browser. */
  cors({ headers }: Inbound): readonly string[] {
    return this.#cors ? this.#cors.reply(headerValue(headers, 'origin')) : none
  }

  /**
   * `denied` (`origin_denied`) for a page of an origin that is not listed. Who is no page of a browser has none. The
   * page's own address proves nothing: a name that leads here now may have led elsewhere when the page was loaded.
   */
  admitOrigin(origin: string | undefined): void {
    if (origin === undefined || this.#cors?.allows(origin)) return
    throw new Fault('denied', 'Pages of this origin may not call: its administrator has to list it.', {
      reason: 'origin_denied',
    })
  }

  /** The address that a request comes from; `peer` is that of its socket. */
  callerOf(peer: string, forwardedFor: string | undefined): string {
    if (this.#proxies.empty || forwardedFor === undefined)
      return peer.startsWith(mapped) ? peer.slice(mapped.length) : peer
    const address = callerAddress(peer, [forwardedFor], this.#proxies)
    return address ? formatAddress(address) : peer
  }

  /** `denied` (`ip_denied`) for a caller that the listener or one of the rules does not let in. */
  admit(peer: string, forwardedFor: string | undefined, rules: readonly AddressRules[]): void {
    if (!this.#rules && rules.length === 0) return
    const caller = callerAddress(peer, forwardedFor === undefined ? none : [forwardedFor], this.#proxies)
    checkAddress(caller, this.#rules, ...rules)
  }

  /** Who of those that are signed in here a token speaks for; undefined for a token of somebody else. */
  session(token: string, now: number): Bearer | Promise<Bearer> | undefined {
    return this.#sessions?.find(token, now)
  }

  /** Who a token speaks for, by the issuers of the newest snapshot. */
  verify(token: string, now: number): Verified | Promise<Verified> {
    this.follow(this.#ground.snapshot())
    if (this.#issuers) return this.#issuers.verify(token, now)
    throw new Fault('unauthenticated', 'No issuer of tokens is trusted here: use an API key.', {
      reason: 'invalid_token',
    })
  }

  /** Trusts the issuers of a snapshot: where they are others than before, tokens are verified anew. */
  follow({ issuers }: Snapshot): void {
    if (issuers === this.#followed) return
    this.#followed = issuers
    const rows = [...issuers.values()]
    const versions = rows.map(({ version }) => version).join('\n')
    if (versions === this.#versions) return
    this.#versions = versions
    this.#issuers?.[Symbol.dispose]()
    this.#issuers = rows.length === 0 ? undefined : this.#trust(rows)
  }

  [Symbol.dispose](): void {
    this.#sessions?.[Symbol.dispose]()
    this.#issuers?.[Symbol.dispose]()
    this.#issuers = undefined
  }

  #trust(rows: readonly TrustedIssuer[]): Issuers {
    const { clock, random, observe } = this.#ground
    const { sound, unsound } = sortIssuers(rows.flatMap(({ spec }) => spec ?? []))
    for (const { name, error } of unsound) observe({ type: 'issuer_refused', issuer: name, error })
    for (const { name, spec } of rows)
      if (!spec) observe({ type: 'issuer_refused', issuer: name, error: unreadable(name) })
    return createIssuers({
      issuers: sound,
      fetch: this.#fetch(rows),
      clock: { now: clock, sleep: systemClock.sleep },
      random,
      observe,
    })
  }

  /** Keys are read where their own row lets them be. */
  #fetch(rows: readonly TrustedIssuer[]): FetchKeys {
    const { resolve } = this.#ground
    const ways = new Map<string, FetchKeys>()
    for (const { spec, allowed, ca } of rows)
      if (spec?.jwksUri !== undefined)
        ways.set(
          new URL(spec.jwksUri).href,
          fetchKeys({ resolve, allowed }, ca === undefined ? undefined : { ca }),
        )
    return (url, signal) => {
      const way = ways.get(url.href)
      if (!way) throw new TypeError('keys are read for rows alone')
      return way(url, signal)
    }
  }
}

const none: readonly string[] = Object.freeze([])
/** How a socket of both families writes an IPv4 address. */
const mapped = '::ffff:'

function headerValue(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]?.length === name.length && headers[i]?.toLowerCase() === name) return headers[i + 1]
  return undefined
}

function readCidr(text: string) {
  const cidr = parseCidr(text)
  if (cidr) return cidr
  throw new Fault('invalid', `${JSON.stringify(text)} is no range of addresses: write it as 10.0.0.0/8.`, {
    reason: 'invalid_value',
  })
}

const unreadable = (name: string) =>
  new Fault('unavailable', `The credential of the issuer ${name} cannot be read: write it anew.`, {
    reason: 'issuer_unavailable',
  })
