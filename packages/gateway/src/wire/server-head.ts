// Reads the heads of one connection's requests (RFC 9112). What two readers could understand in two ways is
// refused. A caller mostly sends the same head again but for its length, and that is not read twice.
import { METHODS } from 'node:http'
import { Fault } from '@switchyard/kinds'
import { KeptHead, type LengthPlace, mostDigits, withLength } from './kept-head.ts'

/** Bytes of a head, the request line included. */
const mostHeadBytes = 32 * 1024
const mostHeaders = 100

const endOfHead = Buffer.from('\r\n\r\n')
const nothing = Buffer.alloc(0)
// An empty line before the request is passed over: some old callers send one after a body (section 2.2).
const requestLine = /^(?:\r\n)?([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/(\d\.\d)\r\n/
const pathForm = /^\/[\x21\x22\x24-\x7e]*$/
const fieldLines = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/
const hostForm = /^[\w.~!$&'()*+,;=%:[\]-]*$/
const digits = /^\d+$/
const methods: ReadonlySet<string> = new Set(METHODS)

export interface RequestHead {
  readonly method: string
  /** The target as it was sent. */
  readonly url: string
  /** Names and values in turn, as they were sent. */
  readonly headers: readonly string[]
  /** Bytes of the body; -1 when it is chunked. */
  readonly length: number
  /** HTTP/1.0: the caller reads no chunks. */
  readonly old: boolean
  /** The caller means to use the connection again. */
  readonly keepAlive: boolean
  /** The caller waits for `100 Continue`. */
  readonly expects: boolean
}

interface Read extends LengthPlace {
  readonly head: RequestHead
}

/** Whether a request is for this server; another's is not read beyond its target. */
export type Ours = (method: string, url: string) => boolean

export class HeadReader {
  /** The head that `read` has found the end of; undefined when it is not ours. */
  head: RequestHead | undefined
  /** The target that was read last, for who has to be told of a refusal. */
  url = ''
  readonly #ours: Ours
  #held: Buffer = nothing
  #heldBytes = 0
  readonly #kept = new KeptHead<RequestHead>()

  constructor(ours: Ours) {
    this.#ours = ours
  }

  /** Part of a head has come. */
  get begun(): boolean {
    return this.#heldBytes > 0
  }

  /** Takes bytes; tells where in them the head ends, or -1 while it has not. Throws a Fault. */
  read(bytes: Buffer): number {
    if (this.#heldBytes > 0) return this.#continue(bytes)
    const again = this.#kept.end(bytes, 0)
    if (again >= 0) {
      this.head = this.#again(this.#kept)
      return again
    }
    const found = bytes.indexOf(endOfHead)
    if (found < 0) {
      this.#hold(bytes)
      return -1
    }
    if (found + 4 > mostHeadBytes) throw this.#refused(bytes, tooLarge())
    this.#parse(bytes, found + 4)
    return found + 4
  }

  /** The head that was read last, when it is not ours, and what follows its `end` in these bytes. */
  foreign(bytes: Buffer, end: number): Buffer {
    if (this.#held.length === 0) return bytes
    return Buffer.concat([this.#held, bytes.subarray(end)])
  }

  #continue(bytes: Buffer): number {
    const before = this.#heldBytes
    this.#hold(bytes)
    const held = this.#held.subarray(0, this.#heldBytes)
    const found = held.indexOf(endOfHead, Math.max(0, before - 3))
    if (found < 0) return -1
    const end = found + 4
    if (end > mostHeadBytes) throw this.#refused(held, tooLarge())
    this.#heldBytes = 0
    this.#parse(held, end)
    this.#held = this.head ? nothing : held.subarray(0, end)
    return end - before
  }

  /** Keeps bytes of a head that is not whole; they grow by doubling, so that it costs no more than its length. */
  #hold(bytes: Buffer): void {
    const before = this.#heldBytes
    const needed = Math.min(before + bytes.length, mostHeadBytes + 4)
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed * 2, 1024))
      this.#held.copy(larger, 0, 0, before)
      this.#held = larger
    }
    bytes.copy(this.#held, before, 0, needed - before)
    this.#heldBytes = needed
    const held = this.#held.subarray(0, needed)
    const found = held.indexOf(endOfHead, Math.max(0, before - 3))
    if (found >= 0) return
    if (needed > mostHeadBytes) throw this.#refused(held, tooLarge())
    // What will never be a head is not waited for: other protocols, and lines that end in a bare line feed.
    if (before === 0 && !/^[\r!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(held.toString('latin1', 0, 1)))
      throw this.#refused(held, noLine())
    for (let lf = held.indexOf(0x0a, before); lf >= 0; lf = held.indexOf(0x0a, lf + 1))
      if (held[lf - 1] !== 0x0d)
        throw this.#refused(held, malformed('A line ends in a bare line feed: end it in CR LF.'))
  }

  /** A fault of a head that is not read whole: its target says in which dialect it is told. */
  #refused(head: Buffer, fault: Fault): Fault {
    const [, , url = ''] = requestLine.exec(head.toString('latin1', 0, mostHeadBytes)) ?? []
    this.url = url
    return fault
  }

  #parse(bytes: Buffer, end: number): void {
    const read = this.#read(bytes.toString('latin1', 0, end - 2))
    this.head = read?.head
    if (read) this.#kept.keep(read.head, bytes, 0, end, read)
  }

  /** Undefined when the request is not ours. */
  #read(text: string): Read | undefined {
    this.url = ''
    const [line, method = '', url = '', version] = requestLine.exec(text) ?? []
    if (line === undefined) throw noLine()
    this.url = url
    if (version !== '1.1' && version !== '1.0')
      throw malformed('Only HTTP/1.1 and HTTP/1.0 are spoken here.', 505)
    if (url.startsWith('/') && !this.#ours(method, url)) return undefined
    if (!methods.has(method)) throw malformed(`There is no method ${method.slice(0, 20)}.`, 501)
    if (!pathForm.test(url) || method === 'CONNECT')
      throw malformed('The request target must be a path that starts with a slash: send no absolute URL.')
    return readFields(text, line.length, method, url, version === '1.0')
  }

  #again({ head, length, text }: KeptHead<RequestHead>): RequestHead | undefined {
    if (!head || text === '') return head
    const { method, url, old, keepAlive, expects } = head
    return { method, url, headers: withLength(head.headers, text), length, old, keepAlive, expects }
  }
}

/** Undefined when the connection is to speak another protocol. */
function readFields(
  text: string,
  start: number,
  method: string,
  url: string,
  old: boolean,
): Read | undefined {
  const headers: string[] = []
  let from = -1
  let to = -1
  let coding: string | undefined
  let host: string | undefined
  let connection = ''
  let upgrade = false
  let expects = false
  // One look at all lines, and then their places, takes 2.5 µs for 19 of them; a match of each took 3.2.
  if (!fieldLines.test(text.slice(start))) throw noField()
  for (let at = start, end = 0; at < text.length; at = end + 2) {
    const colon = text.indexOf(':', at)
    end = text.indexOf('\r\n', colon)
    const name = text.slice(at, colon)
    const value = trimmed(text, colon + 1, end)
    if (headers.push(name, value) > mostHeaders * 2)
      throw tooLarge(`More than ${mostHeaders} headers were sent: send fewer.`)
    // Few headers have these lengths, so that most are passed without being lowered.
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== 'host') break
        if (host !== undefined) throw malformed('Two host headers were sent: send one.')
        host = value
        break
      case 6:
        if (name.toLowerCase() !== 'expect' || old) break
        if (value.toLowerCase() !== '100-continue')
          throw malformed('Nothing but 100-continue can be expected here.', 417)
        expects = true
        break
      case 7:
        if (name.toLowerCase() === 'upgrade') upgrade = true
        break
      case 10:
        if (name.toLowerCase() === 'connection') connection += `,${value}`
        break
      case 14:
        if (name.toLowerCase() !== 'content-length') break
        if (from >= 0) throw malformed('Two content-length headers were sent: send one.')
        if (!digits.test(value) || value.length > mostDigits)
          throw malformed('The content-length is not a number of bytes.')
        from = text.indexOf(value, colon + 1)
        to = from + value.length
        break
      case 17:
        if (name.toLowerCase() !== 'transfer-encoding') break
        if (coding !== undefined) throw malformed('Two transfer-encoding headers were sent: send one.')
        coding = value
        break
      default:
    }
  }
  if (coding !== undefined && from >= 0)
    throw malformed('Both content-length and transfer-encoding were sent: send one.')
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || old))
    throw malformed('The only transfer-encoding is chunked, and HTTP/1.0 has none.')
  if ((host === undefined && !old) || !hostForm.test(host ?? ''))
    throw malformed('One host header is needed, with a name and maybe a port.')
  const length = coding === undefined ? (from < 0 ? 0 : Number(text.slice(from, to))) : -1
  if (upgrade && !old && named(connection, 'upgrade')) return undefined
  const keepAlive = !named(connection, 'close') && (!old || named(connection, 'keep-alive'))
  return { head: { method, url, headers, length, old, keepAlive, expects }, from, to }
}

/** Whether a `connection` header names an option. */
function named(connection: string, option: string): boolean {
  if (connection === '') return false
  return connection.split(',').some(one => one.trim().toLowerCase() === option)
}

/** Without spaces and tabs around it: `trim` would take the no-break space too, which is part of a value. */
function trimmed(text: string, from: number, to: number): string {
  while (from < to && isSpace(text.charCodeAt(from))) from++
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

const isSpace = (code: number) => code === 0x20 || code === 0x09

function malformed(message: string, status = 400): Fault {
  return new Fault('invalid', message, { reason: 'malformed_request', status })
}

const noLine = () => malformed('The request does not begin with a request line of HTTP/1.1.')

const noField = () =>
  malformed('A header line is malformed: it is a name, a colon and a value in one line, ended by CR LF.')

function tooLarge(message = 'The headers are larger than 32 KiB: send fewer or shorter ones.'): Fault {
  return new Fault('too_large', message, { reason: 'headers', status: 431 })
}
