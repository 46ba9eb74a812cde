// One caller of the bench: a keep-alive connection on a bare socket that can read an answer's end and little else.
import { connect, type Socket } from 'node:net'

export interface Habits {
  readonly port: number
  /** Asked in turn. */
  readonly requests: readonly Buffer[]
  /** Asks anew as soon as it is answered; else it waits for `ask`. */
  readonly again: boolean
  /** Each so-many-th request is left, by turns at once and after the first bytes of its answer; 0 is none. */
  readonly leaveEvery: number
  /** Called whenever it could ask; an answer's microtasks have not run. */
  readonly free: (caller: Caller) => void
}

const crlf = Buffer.from('\r\n\r\n')
const chunkedEnd = Buffer.from('0\r\n\r\n')
const reconnectMilliseconds = 10

export class Caller {
  answers = 0
  /** Answers other than 200, by their status. */
  readonly refused = new Map<string, number>()
  /** Connections that ended before their answer did. */
  broken = 0
  left = 0
  begun = false
  /** Milliseconds of each whole answer, and until its first byte. */
  readonly times: number[] = []
  readonly firsts: number[] = []
  readonly #habits: Habits
  #socket: Socket
  #asked = 0
  #since = 0
  #asking = false
  #leaving = false
  #first = true
  #status = ''
  #closes = false
  #want = -1
  #got = 0
  #tail: Buffer = Buffer.alloc(0)
  #stopped = false

  constructor(habits: Habits) {
    this.#habits = habits
    this.#socket = this.#connect()
  }

  /** Asks for the next of its requests; `since` is when the caller wanted to. */
  ask(since = performance.now()): void {
    const { requests, leaveEvery } = this.#habits
    const request = requests[this.#asked++ % requests.length]
    if (!request) throw new TypeError('a caller needs a request')
    this.#asking = true
    this.#first = true
    this.#want = -1
    this.#got = 0
    this.#since = since
    this.#leaving = leaveEvery > 0 && this.#asked % leaveEvery === 0
    this.#socket.write(request)
    if (this.#leaving && (this.#asked / leaveEvery) % 2 === 0) setImmediate(this.#leave)
  }

  stop(): void {
    this.#stopped = true
    this.#socket.destroy()
  }

  #connect(): Socket {
    const socket = connect(this.#habits.port, '127.0.0.1')
    socket.setNoDelay(true)
    socket.on('connect', () => this.#free())
    socket.on('data', (data: Buffer) => this.#take(data))
    // What it was is told by `close`, which follows.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#closed())
    return socket
  }

  #free(): void {
    if (this.#stopped) return
    if (this.#habits.again) this.ask()
    else this.#habits.free(this)
  }

  #closed(): void {
    if (this.#stopped) return
    if (this.#asking && !this.#leaving) this.broken++
    this.#asking = false
    setTimeout(() => {
      if (!this.#stopped) this.#socket = this.#connect()
    }, reconnectMilliseconds)
  }

  readonly #leave = (): void => {
    this.left++
    this.#socket.destroy()
  }

  #take(data: Buffer): void {
    let body = data
    if (this.#first) {
      this.#first = false
      this.begun = true
      this.firsts.push(performance.now() - this.#since)
      if (this.#leaving) {
        this.#leave()
        return
      }
      const end = data.indexOf(crlf)
      const head = data.toString('latin1', 0, end)
      this.#status = head.slice(9, 12)
      this.#closes = /\r\nconnection: close/i.test(head)
      const length = /content-length: (\d+)/i.exec(head)?.[1]
      this.#want = length === undefined ? -1 : Number(length)
      body = data.subarray(end + 4)
    }
    this.#got += body.length
    if (this.#want >= 0 ? this.#got < this.#want : !this.#ended(body)) return
    this.#asking = false
    if (this.#status === '200') this.answers++
    else this.refused.set(this.#status, (this.refused.get(this.#status) ?? 0) + 1)
    this.times.push(performance.now() - this.#since)
    if (!this.#closes) this.#free()
  }

  #ended(body: Buffer): boolean {
    this.#tail = Buffer.concat([this.#tail.subarray(-4), body.subarray(-5)])
    return this.#tail.subarray(-5).equals(chunkedEnd)
  }
}
