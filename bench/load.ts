// The callers of the bench, in a process of their own: each asks again as soon as it is answered, or all of them
// together at a fixed rate, or they hold what they have opened.
import { setTimeout as wait } from 'node:timers/promises'
import { Caller } from './caller.ts'

export interface Order {
  readonly port: number
  /** One, or several that each caller asks in turn. */
  readonly request: string | readonly string[]
  readonly connections: number
  readonly milliseconds: number
  /** Opens them all and keeps them until the next order: streams that have begun, or connections at rest. */
  readonly hold?: 'streams' | 'idle'
  /** Requests a second over all connections, whether or not the earlier ones are answered. */
  readonly rate?: number
  /** See `Habits`. */
  readonly leaveEvery?: number
}

export interface Taken {
  /** With `hold`, the connections that are held. */
  readonly answers: number
  /** Answers other than 200 and connections that broke. */
  readonly errors: number
  readonly refused: Readonly<Record<string, number>>
  readonly broken: number
  readonly left: number
  readonly seconds: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
  readonly firstP50: number
  readonly firstP99: number
}

/** Less than the backlog of a listener, which is 511 by default. */
const openedAtOnce = 200

function quantile(sorted: readonly number[], share: number): number {
  return Math.round(1000 * (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0))
}

let held: Caller[] = []

async function open(order: Order, make: (again: boolean) => Caller): Promise<void> {
  const started = performance.now()
  const late = () => performance.now() - started > order.milliseconds
  while (held.length < order.connections && !late()) {
    const count = Math.min(openedAtOnce, order.connections - held.length)
    const batch = Array.from({ length: count }, () => make(false))
    held.push(...batch)
    const ready = ({ begun, answers }: Caller) => (order.hold === 'idle' ? answers > 0 : begun)
    while (!batch.every(ready) && !late()) await wait(2)
  }
}

/** Each request is timed from the turn in which it was due: waiting for a connection counts, our own timer does not. */
async function atRate(order: Order, rate: number, make: (again: boolean) => Caller): Promise<Caller[]> {
  const callers = Array.from({ length: order.connections }, () => make(false))
  while (free.length < callers.length) await wait(1)
  const started = performance.now()
  let sent = 0
  for (;;) {
    const now = performance.now()
    if (now - started > order.milliseconds) return callers
    for (const due = Math.floor(((now - started) * rate) / 1000); sent < due; sent++) {
      const caller = free.pop()
      if (caller) caller.ask(performance.now())
      else waiting.push(now)
    }
    await wait(1)
  }
}

let free: Caller[] = []
let waiting: number[] = []

async function run(order: Order): Promise<Taken> {
  for (const caller of held) caller.stop()
  held = []
  free = []
  waiting = []
  const { port, request, connections, milliseconds, hold, rate, leaveEvery = 0 } = order
  const requests = (typeof request === 'string' ? [request] : request).map(text => Buffer.from(text))
  const once = (caller: Caller) => {
    if (!caller.begun) caller.ask()
  }
  const next = (caller: Caller) => {
    const since = waiting.shift()
    if (since === undefined) free.push(caller)
    else caller.ask(since)
  }
  const make = (again: boolean) => new Caller({ port, requests, again, leaveEvery, free: hold ? once : next })
  const started = performance.now()
  let callers: Caller[]
  if (hold) {
    await open(order, make)
    callers = held
  } else {
    if (rate) callers = await atRate(order, rate, make)
    else {
      callers = Array.from({ length: connections }, () => make(true))
      await wait(milliseconds)
    }
    for (const caller of callers) caller.stop()
  }
  const seconds = (performance.now() - started) / 1000
  const sorted = (pick: (caller: Caller) => readonly number[]) => callers.flatMap(pick).sort((a, b) => a - b)
  const sum = (pick: (caller: Caller) => number) => callers.reduce((all, caller) => all + pick(caller), 0)
  const times = sorted(({ times }) => times)
  const firsts = sorted(({ firsts }) => firsts)
  const broken = sum(({ broken }) => broken)
  const refused: Record<string, number> = {}
  for (const caller of callers)
    for (const [status, count] of caller.refused) refused[status] = (refused[status] ?? 0) + count
  return {
    answers: sum(({ answers, begun }) => (hold === 'streams' ? Number(begun) : answers)),
    errors: Object.values(refused).reduce((all, count) => all + count, broken),
    refused,
    broken,
    left: sum(({ left }) => left),
    seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    firstP50: quantile(firsts, 0.5),
    firstP99: quantile(firsts, 0.99),
  }
}

process.on('message', (order: Order) => {
  void run(order).then(taken => process.send?.(taken))
})
process.on('disconnect', () => process.exit())
