// Coded bodies: which coding a caller takes, replies coded off the loop, and requests decoded within bounds.
import { promisify } from 'node:util'
import { brotliCompress, constants, createGunzip, type Gunzip, gzip } from 'node:zlib'
import { Fault } from '@switchyard/kinds'

export type Coding = 'br' | 'gzip'

/** Replies below are larger with their headers than what is saved. */
export const leastBytes = 1024

const brotli = promisify(brotliCompress)
const deflate = promisify(gzip)

/** How each is made; the first is taken when a caller wants both as much. Quality 4 costs what gzip's 6 does. */
const makers = {
  br: (bytes: Buffer) => {
    const { BROTLI_PARAM_QUALITY: quality, BROTLI_PARAM_SIZE_HINT: size } = constants
    return brotli(bytes, { params: { [quality]: 4, [size]: bytes.length } })
  },
  gzip: (bytes: Buffer) => deflate(bytes, { level: 6 }),
} as const satisfies Record<Coding, (bytes: Buffer) => Promise<Buffer>>

const rowOf = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:\s*;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i
const mostCodings = 32

/** RFC 9110 12.5.3: the coding with the highest weight that is made here, unless `identity` is wanted more. */
export function chooseCoding(acceptEncoding: string | undefined): Coding | undefined {
  if (acceptEncoding === undefined || acceptEncoding === '') return undefined
  const weights = new Map<string, number>()
  for (const entry of acceptEncoding.split(',', mostCodings)) {
    const [, name, weight] = rowOf.exec(entry.trim()) ?? []
    if (name) weights.set(name.toLowerCase(), Number(weight ?? 1))
  }
  const gzipped = weights.get('gzip') ?? weights.get('x-gzip')
  const rest = weights.get('*') ?? 0
  const candidates = [
    ['br', weights.get('br') ?? rest],
    ['gzip', gzipped ?? rest],
  ] as const
  const [best, other] = candidates
  const [coding, weight] = other[1] > best[1] ? other : best
  return weight > 0 && weight >= (weights.get('identity') ?? 0) ? coding : undefined
}

const compressible = /^(?:application\/(?:[a-z0-9.+-]+\+)?json|text\/(?!event-stream)[a-z0-9.+-]+)\s*(?:;|$)/i

/** Codes replies in the threads of zlib. At most so many at one time: above that they leave as they are. */
export class Compressor {
  readonly #most: number
  #busy = 0

  constructor(most = 8) {
    this.#most = most
  }

  /** The coding for a whole reply; undefined when it leaves as it is. Of a stream nothing is coded. */
  choose(
    acceptEncoding: string | undefined,
    contentType: string | undefined,
    bytes: number,
  ): Coding | undefined {
    if (bytes < leastBytes || this.#busy >= this.#most) return undefined
    if (contentType === undefined || !compressible.test(contentType)) return undefined
    return chooseCoding(acceptEncoding)
  }

  /** The coded body, which leaves with `content-encoding`; a coded reply and its plain one both `vary`. */
  async compress(coding: Coding, body: Buffer): Promise<Buffer> {
    this.#busy++
    try {
      return await makers[coding](body)
    } finally {
      this.#busy--
    }
  }
}

/** The coding of a request's body by its `content-encoding`. `unsupported` (415) for all but gzip. */
export function requestCoding(contentEncoding: string | undefined): 'identity' | 'gzip' {
  const coding = contentEncoding?.trim().toLowerCase()
  if (coding === undefined || coding === '' || coding === 'identity') return 'identity'
  if (coding === 'gzip' || coding === 'x-gzip') return 'gzip'
  throw new Fault(
    'unsupported',
    'Bodies are taken as they are or coded with gzip alone: send one of these.',
    {
      reason: 'encoding',
      status: 415,
    },
  )
}

export interface GunzipLimits {
  /** Bytes of the decoded body. */
  readonly bytes: number
  /** Decoded bytes for one coded byte, default 100: beyond 1 MiB, as what is small is no bomb. */
  readonly ratio?: number
}

/** What is heard of a body that is decoded: parts, and one end or one fault. */
export interface DecodedHearer {
  onDecoded(part: Buffer): void
  onDecodedWhole(): void
  /** `too_large` at the byte that exceeds, or `invalid` for what is not gzip or breaks off. */
  onUndecodable(fault: Fault): void
}

const harmless = 1024 * 1024

/** Decodes a gzip body in zlib's threads as its parts come; nothing is heard after `destroy` or a fault. */
export class BodyGunzip {
  readonly #stream: Gunzip
  readonly #hearer: DecodedHearer
  readonly #bytes: number
  readonly #ratio: number
  #coded = 0
  #decoded = 0
  #over = false

  constructor(limits: GunzipLimits, hearer: DecodedHearer) {
    this.#bytes = limits.bytes
    this.#ratio = limits.ratio ?? 100
    this.#hearer = hearer
    this.#stream = createGunzip()
    this.#stream.on('data', (part: Buffer) => this.#take(part))
    this.#stream.on('end', () => this.#end())
    this.#stream.on('error', cause => this.#fail(broken(cause)))
  }

  /** A part of the coded body, which must not be changed afterwards. */
  push(part: Buffer): void {
    if (this.#over) return
    this.#coded += part.length
    if (this.#coded > this.#bytes) {
      this.#fail(tooLarge(this.#bytes, true))
      return
    }
    this.#stream.write(part)
  }

  /** The coded body is whole. */
  end(): void {
    if (this.#over) return
    if (this.#coded === 0) this.#fail(broken(undefined))
    else this.#stream.end()
  }

  /** The body is no longer wanted. */
  destroy(): void {
    this.#over = true
    this.#stream.destroy()
  }

  #take(part: Buffer): void {
    if (this.#over) return
    this.#decoded += part.length
    const most = Math.min(this.#bytes, Math.max(harmless, this.#ratio * this.#coded))
    if (this.#decoded > most) this.#fail(tooLarge(this.#bytes, this.#decoded > this.#bytes))
    else this.#hearer.onDecoded(part)
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#hearer.onDecodedWhole()
  }

  #fail(fault: Fault): void {
    if (this.#over) return
    this.destroy()
    this.#hearer.onUndecodable(fault)
  }
}

const tooLarge = (bytes: number, bySize: boolean) =>
  new Fault(
    'too_large',
    bySize
      ? `The body is larger than ${bytes} bytes once it is decoded: send less.`
      : 'The body is coded too far below its size: send it as it is.',
    { reason: 'body' },
  )

const broken = (cause: unknown) =>
  new Fault('invalid', 'The body is not gzip, or breaks off: send it whole, or as it is.', {
    reason: 'invalid_value',
    cause,
  })
