// One caller's connection: a request at a time, and the next is not looked at while one is unanswered.
//
//   head -> body -> whole -> head …      a request is read, answered, and the next one may come
//           body -> skipping -> head     it was answered before its body, of which little is left
//   any  -> lingering -> gone            the answer was the last: what still comes is dropped for a while, because
//                                        closing with unread bytes would take the answer from the caller
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { Fault } from '@switchyard/kinds'
import type { Placed } from '@switchyard/runtime'
import type { Link } from './inbound.ts'
import { inTurn } from './one-by-one.ts'
import type { WireServer } from './server.ts'
import { ChunkReader } from './server-chunks.ts'
import { HeadReader, type RequestHead } from './server-head.ts'
import { WireInbound } from './server-inbound.ts'

type State = 'head' | 'body' | 'whole' | 'skipping' | 'lingering' | 'gone'

/** A body that nobody reads is passed over up to here, so that its connection can be kept. */
const mostSkippedBytes = 64 * 1024
/** A read that fills node's buffer is followed by up to 31 more in the same turn of the loop. */
const fullRead = 64 * 1024
/** After so many of them in a row others have their turn: a caller of 10 MB would hold it for 3 ms. */
const mostFullReads = 2

export class Connection implements Placed {
  place = -1
  readonly link: Link = { key: '', digest: '' }
  readonly #server: WireServer
  readonly #socket: Socket
  readonly #reader: HeadReader
  #state: State = 'head'
  #inbound: WireInbound | undefined
  #keepAlive = true
  /** Bytes of a body with a length that are still to come. */
  #left = 0
  #chunks: ChunkReader | undefined
  /** What was read too early; reading is paused meanwhile. */
  #rest: Buffer | undefined
  /** The sweep after which the connection has waited in its state. */
  #since: number
  #served = false
  #fullReads = 0
  #taking = false

  constructor(server: WireServer, socket: Socket) {
    this.#server = server
    this.#socket = socket
    this.#reader = new HeadReader(server.ours)
    this.#since = server.sweeps
    // A socket that was accepted can't be given a buffer to read into, as those of our client are: that would take
    // 8.0 µs for an answer on a bare socket where `data` takes 9.3, but needs node's own handle.
    socket.on('data', this.#take)
    socket.on('drain', this.#drained)
    socket.on('end', this.#closed)
    socket.on('error', this.#closed)
    socket.on('close', this.#closed)
  }

  // ---- for the server

  /** Called every sweep: closes what has waited for too long. */
  sweep(): void {
    const server = this.#server
    switch (this.#state) {
      case 'head':
        if (this.#reader.begun) {
          if (server.over(this.#since, server.headers)) this.#refuse(slow())
        } else if (server.over(this.#since, this.#served ? server.idle : server.headers)) this.destroy()
        break
      case 'skipping':
      case 'lingering':
        if (server.over(this.#since, server.linger)) this.destroy()
        break
      default:
    }
  }

  /** Takes no further request: closed at once where none is under way. */
  quit(): void {
    if (this.#state === 'head' && !this.#reader.begun && !this.#rest) this.destroy()
  }

  destroy(): void {
    this.#socket.destroy()
    this.#closed()
  }

  // ---- for the request

  get gone(): boolean {
    return this.#state === 'gone'
  }

  get peer(): string {
    return this.#socket.remoteAddress ?? ''
  }

  get waiting(): number {
    return this.#socket.writableLength
  }

  /** So many bytes more do not fill it. */
  takes(bytes: number): boolean {
    const { writableLength, writableHighWaterMark } = this.#socket
    return writableLength + bytes < writableHighWaterMark
  }

  /** Another request can follow the answer to this one. */
  keeps(inbound: WireInbound): boolean {
    if (!this.#keepAlive || this.#server.stopping) return false
    if (inbound.complete) return true
    return !this.#chunks && this.#left <= mostSkippedBytes && !inbound.undecided
  }

  /** The last lines of an answer's head. */
  tail(closing: boolean): string {
    return closing ? this.#server.closingTail : this.#server.keptTail
  }

  send(bytes: Buffer | string): boolean {
    return typeof bytes === 'string' ? this.#socket.write(bytes, 'latin1') : this.#socket.write(bytes)
  }

  /** Sends a large piece and what stands before it in one gathered write. */
  gather(before: string, piece: Buffer): void {
    const socket = this.#socket
    socket.cork()
    if (before !== '') socket.write(before, 'latin1')
    socket.write(piece)
    socket.uncork()
  }

  /** Somebody listens to the request: what is there of it is told once it is out of its hands. */
  listened(inbound: WireInbound): void {
    if (!this.#taking) process.nextTick(readOn, this, inbound)
  }

  answered(inbound: WireInbound): void {
    if (this.#socket.writableLength === 0) this.#server.settleSoon(inbound)
    else {
      // A caller that takes nothing for so long is closed: node looks at what the system has taken.
      this.#socket.setTimeout(this.#server.stall, this.#stalled)
      this.#socket.write('', () => {
        this.#socket.setTimeout(0, this.#stalled)
        settle(this, inbound)
      })
    }
  }

  /** Reads what has come of the body, once somebody listens. */
  readOn(inbound: WireInbound): void {
    if (this.#inbound !== inbound || inbound.ended) return
    if (inbound.complete) inbound.hearer?.onWhole()
    else this.#resume()
  }

  /** The rest of a body that was paused. */
  bodyWanted(inbound: WireInbound): void {
    if (this.#inbound === inbound && this.#state === 'body' && !inbound.ended) this.#resume()
  }

  /** The answer has left. */
  settle(inbound: WireInbound): void {
    if (this.#inbound !== inbound) return
    this.#inbound = undefined
    inbound.over()
    if (this.#state === 'gone') return
    if (inbound.closing) this.#linger()
    else if (this.#state === 'body') {
      this.#state = 'skipping'
      this.#since = this.#server.sweeps
      this.#resume()
    } else this.#next()
  }

  /** Begins with the next request. */
  resumeHead(): void {
    if (this.#state === 'head') this.#resume()
  }

  // ---- what the socket tells

  readonly #take = (bytes: Buffer): void => {
    switch (this.#state) {
      case 'head':
        this.#readHead(bytes)
        break
      case 'body':
        if (this.#inbound?.hearer && !this.#inbound.ended && !this.#inbound.paused) this.#readBody(bytes)
        else this.#hold(bytes)
        break
      case 'skipping':
        this.#readBody(bytes)
        break
      case 'whole':
        this.#hold(bytes)
        break
      default:
    }
  }

  readonly #drained = (): void => {
    this.#inbound?.drained()
  }

  /** Also when the caller only ends its side: who sends no more is taken to have left. */
  readonly #closed = (): void => {
    if (this.#state === 'gone') return
    this.#state = 'gone'
    this.#rest = undefined
    this.#socket.destroy()
    this.#server.forget(this)
    if (this.#inbound) process.nextTick(settle, this, this.#inbound)
  }

  readonly #stalled = (): void => this.destroy()

  // ---- the parts of a request

  #readHead(bytes: Buffer): void {
    const reader = this.#reader
    const begun = reader.begun
    let end: number
    try {
      end = reader.read(bytes)
    } catch (error) {
      this.#refuse(faultOf(error))
      return
    }
    if (end < 0) {
      if (!begun) this.#since = this.#server.sweeps
    } else if (reader.head) this.#begin(reader.head, bytes, end)
    else this.#handOver(reader.foreign(bytes, end))
  }

  #begin(head: RequestHead, bytes: Buffer, end: number): void {
    const inbound = new WireInbound(this, head)
    this.#inbound = inbound
    this.#keepAlive = head.keepAlive
    this.#served = true
    this.#left = head.length
    if (head.length === 0) {
      this.#state = 'whole'
      inbound.complete = true
    } else {
      this.#state = 'body'
      if (head.length < 0) this.#chunks = new ChunkReader()
    }
    this.#taking = true
    this.#server.take(inbound)
    this.#taking = false
    if (this.gone) return
    if (end < bytes.length) {
      // Nothing can have changed the state but `destroy`: an answer is settled in a later turn.
      if (inbound.complete) this.#hold(bytes.subarray(end))
      else this.#take(bytes.subarray(end))
    }
    if (head.length === 0 && !inbound.ended) inbound.hearer?.onWhole()
  }

  #readBody(bytes: Buffer): void {
    if (bytes.length >= fullRead && ++this.#fullReads === mostFullReads) this.#yield()
    let view = bytes
    let end = bytes.length
    if (this.#chunks) {
      try {
        end = this.#chunks.read(bytes, 0)
      } catch (error) {
        this.#refuse(faultOf(error))
        return
      }
      view = bytes.subarray(this.#chunks.from, this.#chunks.to)
    } else if (bytes.length > this.#left) {
      end = this.#left
      view = bytes.subarray(0, end)
    }
    if (!this.#chunks) this.#left -= view.length
    const whole = this.#chunks ? this.#chunks.whole : this.#left === 0
    const inbound = this.#inbound
    if (whole) {
      this.#chunks = undefined
      if (inbound) {
        this.#state = 'whole'
        inbound.complete = true
      }
      if (end < bytes.length) this.#hold(bytes.subarray(end))
      if (!inbound) {
        this.#next()
        return
      }
    }
    if (view.length > 0) inbound?.hearer?.onBody(view)
    if (whole && inbound && !inbound.ended && !this.gone) inbound.hearer?.onWhole()
  }

  #yield(): void {
    this.#fullReads = 0
    this.#socket.pause()
    inTurn(this.#readAgain)
  }

  /** Unless reading waits for something else by now. */
  readonly #readAgain = (): void => {
    if (!this.#rest && this.#state !== 'gone') this.#socket.resume()
  }

  #next(): void {
    this.#state = 'head'
    this.#since = this.#server.sweeps
    if (this.#server.stopping && !this.#rest) this.destroy()
    // Others have their turn between two requests that came at once.
    else if (this.#rest) setImmediate(resumeHead, this)
  }

  #linger(): void {
    this.#state = 'lingering'
    this.#since = this.#server.sweeps
    this.#rest = undefined
    this.#chunks = undefined
    this.#socket.end()
    this.#socket.resume()
  }

  #hold(bytes: Buffer): void {
    this.#rest = this.#rest ? Buffer.concat([this.#rest, bytes]) : bytes
    this.#socket.pause()
  }

  /** Takes what was held, and reads again unless it was held once more. */
  #resume(): void {
    const rest = this.#rest
    this.#rest = undefined
    if (rest) this.#take(rest)
    if (!this.#rest && this.#state !== 'gone') this.#socket.resume()
  }

  /** What cannot be read is answered and closed; who listens to it hears that it is gone. */
  #refuse(fault: Fault): void {
    const inbound = this.#inbound
    if (inbound && !inbound.unanswered) {
      this.destroy()
      return
    }
    const { headers, body } = this.#server.refusal(fault, this.#reader.url)
    let head = `HTTP/1.1 ${fault.status} ${STATUS_CODES[fault.status] ?? ''}\r\n`
    for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
    head += `content-length: ${Buffer.byteLength(body)}\r\n${this.#server.closingTail}\r\n`
    this.#socket.write(head + body)
    this.#linger()
    this.#inbound = undefined
    if (inbound) process.nextTick(over, inbound)
  }

  /** The listener's own server takes the connection from here, with what was read of it. */
  #handOver(bytes: Buffer): void {
    const socket = this.#socket
    this.#state = 'gone'
    this.#server.forget(this)
    socket.off('data', this.#take)
    socket.off('drain', this.#drained)
    socket.off('end', this.#closed)
    socket.off('error', this.#closed)
    socket.off('close', this.#closed)
    socket.pause()
    socket.unshift(bytes)
    this.#server.handOver(socket)
    socket.resume()
  }
}

const readOn = (connection: Connection, inbound: WireInbound) => connection.readOn(inbound)
const over = (inbound: WireInbound) => inbound.over()
const settle = (connection: Connection, inbound: WireInbound) => connection.settle(inbound)
const resumeHead = (connection: Connection) => connection.resumeHead()

function slow(): Fault {
  return new Fault('deadline', 'The headers did not arrive in time: send them faster.', {
    reason: 'caller_slow',
    status: 408,
  })
}

/** A mistake of ours is no fault of the caller's. */
function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  throw error
}
