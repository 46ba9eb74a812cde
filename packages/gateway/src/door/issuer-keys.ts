// The public keys of one outside issuer: read in the background, again when a token names one that is not known,
// and kept for a day when the issuer cannot be reached, so that its absence closes no door at once.
import { Fault } from '@switchyard/kinds'
import type { Clock, Observe } from '@switchyard/runtime'
import { createLocalJWKSet, type JWK, type JWTVerifyGetKey } from 'jose'
import type { Guard, TlsTrust } from '../wire/dial.ts'
import { type Got, get } from '../wire/dial-get.ts'

export type KeysObservation =
  | { readonly type: 'issuer_keys_read'; readonly issuer: string; readonly keys: number }
  | { readonly type: 'issuer_keys_failed'; readonly issuer: string; readonly error: unknown }

/** A GET that is bounded in size and time and dials no address that it may not: `fetchKeys` of a guard. */
export type FetchKeys = (url: URL, signal: AbortSignal) => Promise<Pick<Got, 'status' | 'body'>>

export interface KeysOptions {
  readonly fetch: FetchKeys
  readonly clock: Pick<Clock, 'now' | 'sleep'>
  /** From 0 up to 1. */
  readonly random: () => number
  readonly observe: Observe<KeysObservation>
}

const mostKeys = 100
const mostBytes = 256 * 1024
const fetchMilliseconds = 5000
const refreshMilliseconds = 600_000
const firstPause = 1000
const longestPause = 60_000
/** A token with an unknown key makes them be read once in this time, whoever sends how many of them. */
const renewMilliseconds = 30_000
const keptMilliseconds = 24 * 3_600_000

/** Reads keys through a guarded dial. */
export function fetchKeys(guard: Guard, tls?: TlsTrust): FetchKeys {
  const accept = 'application/jwk-set+json, application/json'
  return (url, signal) =>
    get(url, {
      guard,
      accept,
      bytes: mostBytes,
      milliseconds: fetchMilliseconds,
      signal,
      ...(tls && { tls }),
    })
}

/** A set that holds keys for signatures of issuers alone: a shared secret is nothing that is published. */
export function readKeySet(value: unknown): JWTVerifyGetKey & { readonly count: number } {
  const { keys } = Object(value) as { readonly keys?: unknown } // whatever it is, it has members or none
  if (!Array.isArray(keys) || keys.length > mostKeys)
    throw new TypeError(`a set of keys is an object with at most ${mostKeys} keys`)
  const listed: readonly unknown[] = keys
  const asymmetric = listed.filter(isPublic)
  if (asymmetric.length === 0) throw new TypeError('the set holds no public key')
  const set = createLocalJWKSet({ keys: asymmetric })
  return Object.assign<JWTVerifyGetKey, { count: number }>((header, token) => set(header, token), {
    count: asymmetric.length,
  })
}

/** What its other members are is checked by jose as the key is used. */
function isPublic(key: unknown): key is JWK {
  return typeof key === 'object' && key !== null && 'kty' in key && key.kty !== 'oct'
}

export class IssuerKeys implements Disposable {
  readonly #issuer: string
  readonly #url: URL
  readonly #options: KeysOptions
  readonly #changed: () => void
  readonly #ending = new AbortController()
  #set: JWTVerifyGetKey | undefined
  #body = ''
  #readAt = 0
  #renewedAt = Number.NEGATIVE_INFINITY
  #fetching: Promise<boolean> | undefined

  /** Begins to read at once, until it is disposed. `changed` hears of every set that differs from the one before. */
  constructor(issuer: string, url: URL, options: KeysOptions, changed: () => void) {
    this.#issuer = issuer
    this.#url = url
    this.#options = options
    this.#changed = changed
    void this.#follow()
  }

  /** The keys as last read; waits for the first reading. `unavailable` when there are none to go by. */
  async current(): Promise<JWTVerifyGetKey> {
    if (!this.#usable()) await (this.#fetching ?? this.renew())
    const set = this.#usable()
    if (set) return set
    throw new Fault(
      'unavailable',
      'The keys of the token’s issuer cannot be read for now: try again shortly, or use an API key.',
      { reason: 'issuer_unavailable', retryAfterSeconds: 5 },
    )
  }

  /** Reads them again because one is missing; false when that was done a moment ago or failed. */
  async renew(): Promise<boolean> {
    if (this.#fetching) return this.#fetching
    const now = this.#options.clock.now()
    if (now - this.#renewedAt < renewMilliseconds) return false
    this.#renewedAt = now
    return this.#fetch()
  }

  [Symbol.dispose](): void {
    this.#ending.abort()
  }

  #usable(): JWTVerifyGetKey | undefined {
    return this.#options.clock.now() - this.#readAt <= keptMilliseconds ? this.#set : undefined
  }

  async #follow(): Promise<void> {
    const { clock, random } = this.#options
    const { signal } = this.#ending
    let pause = firstPause
    while (!signal.aborted) {
      const read = await this.#fetch()
      const wait = read ? refreshMilliseconds : pause
      pause = read ? firstPause : Math.min(longestPause, pause * 2)
      // Gateways that were started together do not ask together.
      await clock.sleep(wait * (0.9 + 0.2 * random()), signal)
    }
  }

  #fetch(): Promise<boolean> {
    this.#fetching ??= this.#read().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #read(): Promise<boolean> {
    const { fetch, clock, observe } = this.#options
    const { signal } = this.#ending
    try {
      const { status, body } = await fetch(this.#url, signal)
      if (status !== 200) throw new Error(`${this.#url.href} answered with status ${status}`)
      if (body.length > mostBytes) throw new Error(`${this.#url.href} sent more than ${mostBytes} bytes`)
      const text = body.toString()
      // The same bytes keep the keys that were made of them.
      if (text !== this.#body || !this.#set) {
        const set = readKeySet(JSON.parse(text))
        this.#set = set
        this.#body = text
        this.#changed()
        observe({ type: 'issuer_keys_read', issuer: this.#issuer, keys: set.count })
      }
      this.#readAt = clock.now()
      return true
    } catch (error) {
      if (!signal.aborted) observe({ type: 'issuer_keys_failed', issuer: this.#issuer, error })
      return false
    }
  }
}
