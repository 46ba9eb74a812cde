// How a connection to an upstream is opened. A name is resolved once, every address that it gave is judged, and the
// connection goes to one of those: a name that changes between check and dial leads nowhere else.
import { X509Certificate } from 'node:crypto'
import { connect, type LookupFunction, type OnReadOpts, Socket, type TcpNetConnectOpts } from 'node:net'
import { type ConnectionOptions, createSecureContext, connect as secure } from 'node:tls'
import { type Cidr, Fault, parseAddress, refusedAddress } from '@switchyard/kinds'

/** All addresses of a name; rejects when it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>

/** What may be dialled. */
export interface Guard {
  readonly resolve: Resolve
  /** Ranges that may be dialled though they are private, loopback or reserved. */
  readonly allowed: readonly Cidr[]
}

/** How a server's certificate is verified. */
export interface TlsTrust {
  /** The name that the certificate must have, and that is asked for; the origin's own when omitted. */
  readonly servername?: string
  /** PEM certificates of authorities that are trusted instead of the public ones. */
  readonly ca?: string
}

/** What `tls.connect` hands on to its socket is missing in its type. */
type TlsOptions = ConnectionOptions & Partial<Pick<TcpNetConnectOpts, 'onread'>>

/** An address that may not be dialled. Its message names it: it is for logs, never for callers. */
export class RefusedAddress extends Error {}

/** Opens connections to one origin. */
export interface Dialer {
  /** `host[:port]` as the `host` header has it. */
  readonly authority: string
  /** The event after which a connection may be written to. */
  readonly stands: 'connect' | 'secureConnect'
  /** Never throws: a refusal is the socket's error. The socket is the caller's to destroy. */
  dial(onread?: OnReadOpts): Socket
}

/** Without a guard any address is dialled. `invalid` for an origin or certificates that cannot be read. */
export function dialer(origin: string, guard?: Guard, trust: TlsTrust = {}): Dialer {
  const url = readOrigin(origin)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const literal = parseAddress(host) !== undefined
  const refusal = guard && literal ? refusalOf(host, host, guard.allowed) : undefined
  const lookup = guard && guardedLookup(guard)
  const encrypted = url.protocol === 'https:'
  const port = Number(url.port || (encrypted ? 443 : 80))
  const where = { host, port, ...(lookup && { lookup }) } as const
  const refuse = (error: Error) => new Socket().destroy(error)
  if (!encrypted)
    return {
      authority: url.host,
      stands: 'connect',
      dial: onread =>
        refusal ? refuse(refusal) : connect({ ...where, noDelay: true, ...(onread && { onread }) }),
    }
  const options: TlsOptions = {
    ...where,
    servername: trust.servername ?? (literal ? '' : host),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
    secureContext: contextOf(trust, origin),
  }
  /** The newest ticket: what it resumes was verified for this origin and these authorities. */
  let session: Buffer | undefined
  return {
    authority: url.host,
    stands: 'secureConnect',
    dial(onread) {
      if (refusal) return refuse(refusal)
      const chosen: TlsOptions = { ...options, ...(onread && { onread }), ...(session && { session }) }
      const socket = secure(chosen).setNoDelay(true)
      socket.on('session', ticket => {
        session = ticket
      })
      // A ticket that the other side no longer takes well must not stand in the way of a whole handshake.
      socket.on('error', () => {
        session = undefined
      })
      return socket
    },
  }
}

function readOrigin(origin: string): URL {
  const url = URL.parse(origin)
  if (
    !url ||
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    url.username !== '' ||
    url.password !== '' ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== ''
  )
    throw new Fault(
      'invalid',
      'An origin is written as https://host or https://host:port and nothing more.',
      {
        reason: 'invalid_value',
      },
    )
  return url
}

function contextOf({ ca }: TlsTrust, origin: string) {
  try {
    if (ca === undefined) return createSecureContext({ minVersion: 'TLSv1.2' })
    // A context passes over what it cannot read, and then trusts nobody without saying why.
    const blocks = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [ca]
    for (const block of blocks) new X509Certificate(block)
    return createSecureContext({ minVersion: 'TLSv1.2', ca })
  } catch (cause) {
    throw new Fault('invalid', `The certificates to trust for ${origin} cannot be read: give them as PEM.`, {
      reason: 'invalid_value',
      cause,
    })
  }
}

function refusalOf(address: string, subject: string, allowed: readonly Cidr[]): RefusedAddress | undefined {
  const what = refusedAddress(address, allowed)
  return what === undefined ? undefined : new RefusedAddress(`${subject} may not be dialled: ${what}`)
}

/** One address that may not be dialled refuses the name: who answers so is not to be believed about the others. */
function guardedLookup({ resolve, allowed }: Guard): LookupFunction {
  return (host, options, tell) => {
    const checked = resolve(host).then(texts => {
      if (texts.length === 0) throw new Error(`${host} has no address`)
      return texts.map(address => {
        const refusal = refusalOf(address, `${host} leads to ${JSON.stringify(address)}, which`, allowed)
        if (refusal) throw refusal
        return { address, family: address.includes(':') ? 6 : 4 }
      })
    })
    checked.then(
      all => {
        const [first] = all
        if (options.all || !first) tell(null, all)
        else tell(null, first.address, first.family)
      },
      (error: unknown) => tell(error instanceof Error ? error : new Error(String(error)), ''),
    )
  }
}
