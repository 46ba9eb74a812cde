// Where a call comes from, and whether callers from there are let in.
import { type Address, type Cidr, Fault, parseAddress, parseCidr } from '@switchyard/kinds'

interface Range {
  readonly first: bigint
  readonly last: bigint
}

/** Ranges of addresses, merged and sorted: one is looked for in a few steps, however many there are. */
export class AddressSet {
  readonly empty: boolean
  readonly #ranges: Readonly<Record<4 | 6, readonly Range[]>>

  /** `invalid` for what is neither an address nor a CIDR range. */
  constructor(cidrs: readonly string[]) {
    const read = cidrs.map(text => {
      const cidr = parseCidr(text)
      if (cidr) return cidr
      throw new Fault(
        'invalid',
        `${JSON.stringify(text)} is no range of addresses: write it as 10.0.0.0/8 or fd00::/8.`,
        { reason: 'invalid_value' },
      )
    })
    this.empty = read.length === 0
    this.#ranges = Object.freeze({ 4: merge(read, 4), 6: merge(read, 6) })
  }

  has({ version, value }: Address): boolean {
    const ranges = this.#ranges[version]
    let low = 0
    let high = ranges.length
    // Only the last range that begins at the address or before it may hold it.
    while (low < high) {
      const middle = (low + high) >>> 1
      const range = ranges[middle]
      if (range && range.first <= value) low = middle + 1
      else high = middle
    }
    const range = ranges[low - 1]
    return range !== undefined && value <= range.last
  }
}

function merge(cidrs: readonly Cidr[], version: 4 | 6): readonly Range[] {
  const width = version === 4 ? 32 : 128
  const merged: Range[] = []
  const ranges = cidrs
    .filter(cidr => cidr.version === version)
    .map(({ value, bits }) => ({ first: value, last: value + (1n << BigInt(width - bits)) - 1n }))
    .toSorted((one, other) => (one.first < other.first ? -1 : one.first > other.first ? 1 : 0))
  for (const range of ranges) {
    const before = merged.at(-1)
    if (!before || range.first > before.last + 1n) merged.push(range)
    else if (range.last > before.last) merged[merged.length - 1] = { first: before.first, last: range.last }
  }
  return Object.freeze(merged)
}

/** Proxies before a caller that are followed; more of them are a forged list. */
const mostHops = 16
/** `203.0.113.7:5123` and `[2001:db8::1]:5123` beside plain addresses. */
const withPort = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/

/**
 * The address of the caller: of the socket, or when that is a listed proxy the rightmost entry of `x-forwarded-for`
 * that is none. `forwarded` are the values of that header, in the order in which they came. What stands left of
 * it was written by whoever called, and is not believed. Where a proxy wrote no address, it is the proxy's own.
 * Undefined when the socket has none any more.
 */
export function callerAddress(
  peer: string,
  forwarded: readonly string[],
  proxies: AddressSet,
): Address | undefined {
  let caller = readAddress(peer)
  if (!caller || proxies.empty || !proxies.has(caller)) return caller
  let hops = 0
  for (let value = forwarded.length - 1; value >= 0; value--) {
    const entries = forwarded[value] ?? ''
    let end = entries.length
    while (end >= 0) {
      const comma = end === 0 ? -1 : entries.lastIndexOf(',', end - 1)
      const address = ++hops <= mostHops ? readAddress(entries.slice(comma + 1, end).trim()) : undefined
      if (!address) return caller
      caller = address
      if (!proxies.has(address)) return caller
      end = comma
    }
  }
  return caller
}

/** As RFC 5952 writes it. */
export function formatAddress({ version, value }: Address): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map(shift => (value >> shift) & 0xffn).join('.')
  const groups = value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

function readAddress(text: string): Address | undefined {
  const zone = text.indexOf('%')
  const bare = zone < 0 ? text : text.slice(0, zone)
  const found = withPort.exec(bare)
  return parseAddress(found?.[1] ?? found?.[2] ?? bare)
}

/** What a listener, a workspace or a key says about where its callers may come from, as it is written. */
export interface AddressRulesSpec {
  /** Ranges that are let in: everybody when absent, nobody when empty. */
  readonly allow?: readonly string[] | undefined
  /** Ranges that are not, whatever `allow` says. */
  readonly deny?: readonly string[] | undefined
}

export interface AddressRules {
  /** Undefined is everybody. */
  readonly allow: AddressSet | undefined
  readonly deny: AddressSet
}

/** Undefined when nothing is ruled, so that nothing is asked for a call. `invalid` for what is no range. */
export function compileAddressRules({ allow, deny = [] }: AddressRulesSpec): AddressRules | undefined {
  if (allow === undefined && deny.length === 0) return undefined
  return Object.freeze({ allow: allow && new AddressSet(allow), deny: new AddressSet(deny) })
}

/** A caller whose address is not known is let in by no rule. */
export function admits(rules: AddressRules | undefined, caller: Address | undefined): boolean {
  if (!rules) return true
  return caller !== undefined && !rules.deny.has(caller) && (rules.allow?.has(caller) ?? true)
}

/** Throws `denied`, `ip_denied`, when one of the rules does not let the caller in. */
export function checkAddress(
  caller: Address | undefined,
  ...all: readonly (AddressRules | undefined)[]
): void {
  for (const rules of all)
    if (!admits(rules, caller))
      throw new Fault(
        'denied',
        'Calls from this address are not allowed: call from another network, or ask the administrator to allow it.',
        { reason: 'ip_denied' },
      )
}
