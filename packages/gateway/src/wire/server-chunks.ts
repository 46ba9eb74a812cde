// Reads a chunked body (RFC 9112, section 7.1). Extensions and trailers are checked, bounded and dropped.
import { Fault } from '@switchyard/kinds'

const mostHexDigits = 12
/** Bytes of the extensions and trailers of one body together. */
const mostSpareBytes = 16 * 1024
const framing = /^(content-length|transfer-encoding)$/i

/** A body goes round from `size` to `afterDataLf`, and from its last chunk through the trailers to `whole`. */
type State =
  | 'size'
  | 'extension'
  | 'extensionName'
  | 'extensionValue'
  | 'extensionToken'
  | 'quoted'
  | 'escaped'
  | 'afterQuoted'
  | 'sizeLf'
  | 'data'
  | 'afterData'
  | 'afterDataLf'
  | 'trailer'
  | 'trailerName'
  | 'trailerValue'
  | 'trailerLf'
  | 'lastLf'
  | 'whole'

export class ChunkReader {
  /** Where the content of what was read last stands in it. */
  from = 0
  to = 0
  #state: State = 'size'
  #left = 0
  #hexDigits = 0
  #spare = mostSpareBytes
  #name = ''

  get whole(): boolean {
    return this.#state === 'whole'
  }

  /**
   * Reads bytes from `at` on and tells where it stopped: at their end, or after that of the body. Their content is
   * moved together in place, between `from` and `to`: a caller of tiny chunks makes no object of each. Throws a Fault.
   */
  read(bytes: Buffer, at: number): number {
    this.from = at
    this.to = at
    const { length } = bytes
    while (at < length && this.#state !== 'whole') {
      if (this.#state !== 'data') {
        this.#framing(bytes[at++] as number) // inside of its length
        continue
      }
      const end = Math.min(length, at + this.#left)
      if (this.from === this.to) this.from = at
      else if (this.to !== at) bytes.copyWithin(this.to, at, end)
      this.to = this.from === at ? end : this.to + end - at
      this.#left -= end - at
      at = end
      if (this.#left === 0) this.#state = 'afterData'
    }
    return at
  }

  #framing(byte: number): void {
    switch (this.#state) {
      case 'size':
        this.#size(byte)
        break
      case 'extension':
        this.#token(byte, 'an extension of a chunk has no name')
        this.#state = 'extensionName'
        break
      case 'extensionName':
        if (byte === equals) this.#state = 'extensionValue'
        else this.#extended(byte)
        break
      case 'extensionValue':
        if (byte === quote) this.#state = 'quoted'
        else {
          this.#token(byte, 'an extension of a chunk has no value')
          this.#state = 'extensionToken'
        }
        break
      case 'extensionToken':
        this.#extended(byte)
        break
      case 'quoted':
        if (byte === quote) this.#state = 'afterQuoted'
        else if (byte === backslash) this.#state = 'escaped'
        else this.#text(byte)
        break
      case 'escaped':
        this.#text(byte)
        this.#state = 'quoted'
        break
      case 'afterQuoted':
        if (tokens[byte] === 1) throw malformed('an extension of a chunk goes on after its value')
        this.#extended(byte)
        break
      case 'sizeLf':
        this.#line(byte)
        this.#hexDigits = 0
        this.#state = this.#left === 0 ? 'trailer' : 'data'
        break
      case 'afterData':
        if (byte !== cr) throw malformed('a chunk is longer than its size')
        this.#state = 'afterDataLf'
        break
      case 'afterDataLf':
        this.#line(byte)
        this.#state = 'size'
        break
      case 'trailer':
        if (byte === cr) this.#state = 'lastLf'
        else {
          this.#token(byte, 'a trailer has no name')
          this.#name = String.fromCharCode(byte)
          this.#state = 'trailerName'
        }
        break
      case 'trailerName':
        if (byte === colon) this.#named()
        else {
          this.#token(byte, 'a trailer has no colon')
          this.#name += String.fromCharCode(byte)
        }
        break
      case 'trailerValue':
        if (byte === cr) this.#state = 'trailerLf'
        else this.#text(byte)
        break
      case 'trailerLf':
        this.#line(byte)
        this.#state = 'trailer'
        break
      default:
        this.#line(byte)
        this.#state = 'whole'
    }
  }

  #size(byte: number): void {
    const digit = hexDigit(byte)
    if (digit >= 0) {
      if (++this.#hexDigits > mostHexDigits) throw malformed('a chunk is too large')
      this.#left = this.#left * 16 + digit
    } else if (this.#hexDigits === 0) throw malformed('a chunk has no size')
    else if (byte === cr) this.#state = 'sizeLf'
    else if (byte === semicolon) this.#state = 'extension'
    else throw malformed('the size of a chunk is not a number')
  }

  /** A byte of an extension, or what ends it. */
  #extended(byte: number): void {
    if (byte === cr) this.#state = 'sizeLf'
    else if (byte === semicolon) this.#state = 'extension'
    else this.#token(byte, 'an extension of a chunk is malformed')
  }

  /** A length told after the body is nobody's business but a smuggler's. */
  #named(): void {
    if (framing.test(this.#name)) throw malformed(`a trailer is named ${this.#name}`)
    this.#state = 'trailerValue'
  }

  #token(byte: number, otherwise: string): void {
    if (tokens[byte] !== 1) throw malformed(otherwise)
    this.#spend()
  }

  #text(byte: number): void {
    if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) throw malformed('a control character stands in it')
    this.#spend()
  }

  #spend(): void {
    if (--this.#spare < 0) throw malformed('its extensions or trailers are larger than 16 KiB')
  }

  #line(byte: number): void {
    if (byte !== lf) throw malformed('a line does not end in CR LF')
  }
}

function malformed(message: string): Fault {
  return new Fault('invalid', `The chunked body cannot be read: ${message}.`, { reason: 'malformed_request' })
}

const cr = 0x0d
const lf = 0x0a
const quote = 0x22
const colon = 0x3a
const semicolon = 0x3b
const equals = 0x3d
const backslash = 0x5c

const tokens = new Uint8Array(256)
for (const byte of Buffer.from("!#$%&'*+-.^_`|~0123456789")) tokens[byte] = 1
for (let letter = 0x61; letter <= 0x7a; letter++) {
  tokens[letter] = 1
  tokens[letter - 0x20] = 1
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
