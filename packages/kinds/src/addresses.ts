// Which addresses a provider may be dialled at. One rule for what is written (a literal in a URL) and for what a
// name resolves to when it is dialled, so that both read an address alike.

export interface Address {
  readonly version: 4 | 6
  /** The address as one number of 32 or 128 bits. */
  readonly value: bigint
}

export interface Cidr extends Address {
  /** Leading bits that count: 0 to 32 or 128. */
  readonly bits: number
}

const octet = /^(0|[1-9][0-9]{0,2})$/

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0n
  for (const part of parts) {
    if (!octet.test(part) || Number(part) > 255) return undefined
    value = (value << 8n) | BigInt(part)
  }
  return value
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groupsOf = (half: string): bigint[] | undefined => {
    if (half === '') return []
    const groups: bigint[] = []
    const parts = half.split(':')
    for (const [place, part] of parts.entries()) {
      if (part.includes('.')) {
        const tail = place === parts.length - 1 && half === halves.at(-1) ? parseIpv4(part) : undefined
        if (tail === undefined) return undefined
        groups.push(tail >> 16n, tail & 0xffffn)
      } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`))
      else return undefined
    }
    return groups
  }
  const [head, tail] = halves.map(groupsOf)
  if (!head || (halves.length === 2 && !tail)) return undefined
  const missing = 8 - head.length - (tail?.length ?? 0)
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => 0n), ...(tail ?? [])]
  return groups.reduce((value, group) => (value << 16n) | group, 0n)
}

/**
 * An IPv4 or IPv6 address (brackets around the latter are fine); undefined when the text is none, which a zone
 * such as `%eth0` and an octal or shortened spelling are too. An IPv4-mapped address is its IPv4 address.
 */
export function parseAddress(text: string): Address | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  const ipv4 = parseIpv4(bare)
  if (ipv4 !== undefined) return { version: 4, value: ipv4 }
  const ipv6 = parseIpv6(bare)
  if (ipv6 === undefined) return undefined
  return ipv6 >> 32n === 0xffffn ? { version: 4, value: ipv6 & 0xffff_ffffn } : { version: 6, value: ipv6 }
}

/** `10.0.0.0/8` or `fd00::/8`; an address alone is the range of itself. Bits beyond the length must be zero. */
export function parseCidr(text: string): Cidr | undefined {
  const [ip = '', length, ...rest] = text.split('/')
  const address = parseAddress(ip)
  if (!address || rest.length > 0) return undefined
  const width = address.version === 4 ? 32 : 128
  // A range of mapped addresses would have to lose 96 bits of its length: write it as IPv4.
  if (length !== undefined && address.version === 4 && ip.includes(':')) return undefined
  if (length !== undefined && !/^(0|[1-9][0-9]{0,2})$/.test(length)) return undefined
  const bits = length === undefined ? width : Number(length)
  if (bits > width) return undefined
  if (address.value & ((1n << BigInt(width - bits)) - 1n)) return undefined
  return { ...address, bits }
}

export function isWithin(address: Address, { version, value, bits }: Cidr): boolean {
  if (address.version !== version) return false
  const shift = BigInt((version === 4 ? 32 : 128) - bits)
  return address.value >> shift === value >> shift
}

/** Ranges that are no public destination, by the registries of IANA; the first that holds an address names it. */
const ranges: readonly { readonly cidr: string; readonly what: string }[] = [
  { cidr: '169.254.169.254', what: 'cloud metadata' },
  { cidr: '169.254.170.0/23', what: 'cloud metadata' },
  { cidr: '100.100.100.200', what: 'cloud metadata' },
  { cidr: '168.63.129.16', what: 'cloud metadata' },
  { cidr: 'fd00:ec2::254', what: 'cloud metadata' },
  { cidr: '0.0.0.0/8', what: 'unspecified' },
  { cidr: '10.0.0.0/8', what: 'private' },
  { cidr: '100.64.0.0/10', what: 'shared (carrier NAT)' },
  { cidr: '127.0.0.0/8', what: 'loopback' },
  { cidr: '169.254.0.0/16', what: 'link-local' },
  { cidr: '172.16.0.0/12', what: 'private' },
  { cidr: '192.0.0.0/24', what: 'reserved' },
  { cidr: '192.0.2.0/24', what: 'documentation' },
  { cidr: '192.88.99.0/24', what: '6to4 relay' },
  { cidr: '192.168.0.0/16', what: 'private' },
  { cidr: '198.18.0.0/15', what: 'benchmarking' },
  { cidr: '198.51.100.0/24', what: 'documentation' },
  { cidr: '203.0.113.0/24', what: 'documentation' },
  { cidr: '224.0.0.0/4', what: 'multicast' },
  { cidr: '240.0.0.0/4', what: 'reserved' },
  { cidr: '::', what: 'unspecified' },
  { cidr: '::1', what: 'loopback' },
  { cidr: '::/96', what: 'IPv4-compatible' },
  { cidr: '::ffff:0:0:0/96', what: 'IPv4-translated' },
  { cidr: '64:ff9b::/96', what: 'NAT64' },
  { cidr: '64:ff9b:1::/48', what: 'NAT64' },
  { cidr: '100::/64', what: 'discard-only' },
  { cidr: '2001::/23', what: 'reserved (Teredo and others)' },
  { cidr: '2001:db8::/32', what: 'documentation' },
  { cidr: '2002::/16', what: '6to4' },
  { cidr: '3fff::/20', what: 'documentation' },
  { cidr: '5f00::/16', what: 'segment routing' },
  { cidr: 'fc00::/7', what: 'unique local' },
  { cidr: 'fe80::/10', what: 'link-local' },
  { cidr: 'fec0::/10', what: 'site-local' },
  { cidr: 'ff00::/8', what: 'multicast' },
]

const special = ranges.map(({ cidr, what }) => {
  const range = parseCidr(cidr)
  if (!range) throw new TypeError(`${cidr} is no range.`)
  return { range, what }
})

/**
 * Why this address is not dialled, in a word or two such as `loopback`; undefined when it may be. What is no
 * address at all is refused too. `allowed` are the ranges that an administrator has opened.
 */
export function refusedAddress(ip: string, allowed: readonly Cidr[] = []): string | undefined {
  const address = parseAddress(ip)
  if (!address) return 'not an IP address'
  if (allowed.some(range => isWithin(address, range))) return undefined
  return special.find(({ range }) => isWithin(address, range))?.what
}

/** Names that always mean this machine or a cloud's metadata, whatever a resolver says. */
const refusedName = /(^|\.)(localhost|localdomain|metadata\.google\.internal|instance-data|metadata)\.?$/i
const loopback = ['127.0.0.1', '::1'] as const

/**
 * What is wrong with the URL of an outside server, as a sentence without a subject; undefined when nothing is.
 * `https` always, but `http` too towards an address that `allowed` holds. No credentials, query or fragment.
 */
export function urlProblem(text: string, allowed: readonly Cidr[] = []): string | undefined {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return 'must be a URL such as https://api.example.com/v1'
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must start with https://'
  if (url.username !== '' || url.password !== '')
    return 'must hold no user or password: put them into a Credential'
  if (url.hash !== '' || text.includes('#')) return 'must have no fragment'
  if (url.search !== '' || text.includes('?')) return 'must have no query: put a key into a Credential'
  const host = url.hostname
  const isAddress = parseAddress(host) !== undefined
  if (refusedName.test(host)) {
    const opened =
      /localhost\.?$/i.test(host) && loopback.some(ip => refusedAddress(ip, allowed) === undefined)
    if (!opened) return `must not point at ${host}: an administrator may open its address in allowCidrs`
    return undefined
  }
  const refused = isAddress ? refusedAddress(host, allowed) : undefined
  if (refused !== undefined)
    return `must not point at a ${refused} address: an administrator may open it in allowCidrs`
  if (url.protocol === 'http:') {
    const address = parseAddress(host)
    if (!address || !allowed.some(range => isWithin(address, range)))
      return 'must start with https://; http:// is for addresses in allowCidrs only'
  }
  return undefined
}
