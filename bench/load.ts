// The callers of the bench: keep-alive connections on bare sockets, each asking again as soon as it is answered.
import { connect, type Socket } from 'node:net'

export interface Order {
  readonly port: number
  readonly request: string
  readonly connections: number
  readonly milliseconds: number
  /** Keep the streams open and only count their first bytes. */
  readonly hold?: boolean
}

export interface Taken {
  readonly answers: number
  readonly errors: number
  readonly seconds: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
  readonly firstP50: number
  readonly firstP99: number
  /** Bytes of the last answer, its head left out. */
  readonly bytes: number
}

const crlf = Buffer.from('\r\n\r\n')
const chunkedEnd = Buffer.from('0\r\n\r\n')

class Caller {
  answers = 0
  errors = 0
  bytes = 0
  readonly times: number[] = []
  readonly firsts: number[] = []
  begun = false
  #socket: Socket
  #sentAt = 0
  #first = true
  #want = -1
  #got = 0
  #failed = false
  #tail = Buffer.alloc(0)
  #stopped = false
  readonly #request: Buffer

  constructor(port: number, request: Buffer) {
    this.#request = request
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.setNoDelay(true)
    this.#socket.on('connect', () => this.#ask())
    this.#socket.on('data', (data: Buffer) => this.#take(data))
    this.#socket.on('error', () => {
      this.errors++
    })
    this.#socket.on('close', () => {
      if (!this.#stopped) this.errors++
    })
  }

  stop(): void {
    this.#stopped = true
    this.#socket.destroy()
  }

  #ask(): void {
    this.#first = true
    this.#want = -1
    this.#got = 0
    this.#sentAt = performance.now()
    this.#socket.write(this.#request)
  }

  #take(data: Buffer): void {
    let body = data
    if (this.#first) {
      this.#first = false
      this.begun = true
      this.firsts.push(performance.now() - this.#sentAt)
      const end = data.indexOf(crlf)
      const head = data.toString('latin1', 0, end)
      this.#failed = !head.startsWith('HTTP/1.1 200')
      const length = /content-length: (\d+)/i.exec(head)?.[1]
      this.#want = length === undefined ? -1 : Number(length)
      body = data.subarray(end + 4)
    }
    this.#got += body.length
    if (this.#want >= 0 ? this.#got < this.#want : !this.#ended(body)) return
    if (this.#failed) this.errors++
    else this.answers++
    this.bytes = this.#got
    this.times.push(performance.now() - this.#sentAt)
    if (!this.#stopped) this.#ask()
  }

  #ended(body: Buffer): boolean {
    this.#tail = Buffer.concat([this.#tail.subarray(-4), body.subarray(-5)])
    return this.#tail.subarray(-5).equals(chunkedEnd)
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return Math.round(1000 * (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0))
}

let held: Caller[] = []

async function run({ port, request, connections, milliseconds, hold }: Order): Promise<Taken> {
  for (const caller of held) caller.stop()
  held = []
  const bytes = Buffer.from(request)
  const started = performance.now()
  const callers = Array.from({ length: connections }, () => new Caller(port, bytes))
  if (hold) {
    held = callers
    while (callers.some(({ begun }) => !begun) && performance.now() - started < milliseconds)
      await new Promise(resolve => setTimeout(resolve, 50))
  } else {
    await new Promise(resolve => setTimeout(resolve, milliseconds))
    for (const caller of callers) caller.stop()
  }
  const seconds = (performance.now() - started) / 1000
  const sorted = (pick: (caller: Caller) => readonly number[]) => callers.flatMap(pick).sort((a, b) => a - b)
  const times = sorted(({ times }) => times)
  const firsts = sorted(({ firsts }) => firsts)
  return {
    answers: hold
      ? callers.filter(({ begun }) => begun).length
      : callers.reduce((sum, { answers }) => sum + answers, 0),
    errors: callers.reduce((sum, { errors }) => sum + errors, 0),
    seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    firstP50: quantile(firsts, 0.5),
    firstP99: quantile(firsts, 0.99),
    bytes: callers[0]?.bytes ?? 0,
  }
}

process.on('message', (order: Order) => {
  void run(order).then(taken => process.send?.(taken))
})
