// A fleet of engines in simulated time: what a choice of upstream does to the work that it causes. Seeded.
import { type Blocks, blocksOf } from '../src/choose/blocks.ts'
import { choose, type Facts, remember } from '../src/choose/choose.ts'
import { BlockMemory, Memories } from '../src/choose/memory.ts'
import { compileTiers, type Strategy } from '../src/choose/tier.ts'
import { Health } from '../src/health/health.ts'
import { seeded } from './seeded.ts'

export interface Load {
  readonly seed: number
  readonly replicas: number
  /** Conversations that are held at once: each waits for its answer, then thinks for a while. */
  readonly conversations: number
  /** System prompts that they share, and how large these are, in bytes. */
  readonly systems: number
  readonly systemBytes: number
  /** What each turn adds, in bytes, and how many turns a conversation has. */
  readonly turnBytes: number
  readonly turns: number
  /** Requests in all. */
  readonly requests: number
  /** Blocks of 64 bytes that a replica remembers. */
  readonly cache: number
}

/** Prefill of a block of 64 bytes (16 tokens), one request at a time. */
const prefillMilliseconds = 2
/** An answer of 100 tokens, and what each neighbour in the batch adds to it. */
const decodeMilliseconds = 1_000
const neighbourMilliseconds = 30
const slots = 32
/** Mean of the time, exponential, after which a caller has the next turn ready. */
const thinkMilliseconds = 5_000

interface Sent {
  readonly blocks: Blocks
  readonly done: () => void
}

/** Prefills one at a time, decodes in a batch; remembers what it has read as long as it has room. */
class Engine {
  readonly #cache: BlockMemory
  readonly #queue: Sent[] = []
  readonly #at: (milliseconds: number, run: () => void) => void
  #prefilling = false
  #decoding = 0
  work = 0

  constructor(blocks: number, at: (milliseconds: number, run: () => void) => void) {
    this.#cache = new BlockMemory(blocks)
    this.#at = at
  }

  take(sent: Sent): void {
    this.#queue.push(sent)
    this.#next()
  }

  #next(): void {
    if (this.#prefilling || this.#decoding >= slots) return
    const sent = this.#queue.shift()
    if (!sent) return
    const { blocks } = sent
    const unread = blocks.work(blocks.count) - blocks.work(this.#cache.match(blocks))
    this.#cache.record(blocks)
    this.work += unread
    this.#prefilling = true
    this.#at(unread * prefillMilliseconds, () => {
      this.#prefilling = false
      this.#decoding++
      this.#at(decodeMilliseconds + neighbourMilliseconds * (this.#decoding - 1), () => {
        this.#decoding--
        sent.done()
        this.#next()
      })
      this.#next()
    })
  }
}

export interface Result {
  /** Requests answered in a second, from the first third of them to the last fifth: filling and emptying are left out. */
  readonly throughput: number
  /** Blocks of 64 bytes that engines had to read. */
  readonly work: number
  /** The most by which a replica ever stood above the bound of prefix routing. */
  readonly overBound: number
}

export function simulate(load: Load, strategy: Strategy | 'round_robin'): Result {
  const random = seeded(load.seed)
  const bytes = (length: number) =>
    new Uint8Array(Uint32Array.from({ length: Math.ceil(length / 4) }, () => random() * 2 ** 32).buffer)
  const systems = Array.from({ length: load.systems }, () => bytes(load.systemBytes))
  const events: { readonly at: number; readonly run: () => void }[] = []
  let now = 1_000_000
  const after = (milliseconds: number, run: () => void) => {
    const at = now + milliseconds
    let place = events.length
    while (place > 0 && (events[place - 1]?.at ?? 0) < at) place--
    events.splice(place, 0, { at, run })
  }
  const engines = Array.from({ length: load.replicas }, () => new Engine(load.cache, after))
  const tiers = compileTiers(
    [
      {
        strategy: strategy === 'round_robin' ? 'least_load' : strategy,
        targets: engines.map((to, i) => ({ upstream: `replica-${i}`, model: 'chat', weight: 100, to })),
      },
    ],
    { health: new Health({ random }), memories: new Memories() },
  )
  const targets = tiers[0]?.targets ?? []
  let turn = 0
  let sent = 0
  let answered = 0
  let begun = 0
  let over = 0
  let overBound = Number.NEGATIVE_INFINITY

  function pick(facts: Facts) {
    if (strategy === 'round_robin') return targets[turn++ % targets.length]
    return choose(tiers, facts)
  }

  function send(parts: readonly Uint8Array[]): void {
    if (sent++ >= load.requests) return
    const blocks = blocksOf(parts, 'workspace', 'chat')
    const facts: Facts = { now, random, streamed: true, blocks }
    const target = pick(facts)
    if (!target) throw new Error('no target')
    remember(target, facts)
    const ticket = target.vitals.begin(now, true)
    const mean = targets.reduce((sum, { vitals }) => sum + vitals.inflight, 0) / targets.length
    overBound = Math.max(overBound, target.vitals.inflight - Math.max(1.25 * mean, mean + 12))
    target.to.take({
      blocks,
      done: () => {
        ticket.end('answered', now)
        answered++
        if (answered === Math.floor(load.requests * 0.3)) begun = now
        if (answered === Math.floor(load.requests * 0.8)) over = now
        const goesOn = parts.length <= load.turns
        const next = goesOn ? [...parts, bytes(load.turnBytes)] : first()
        after(-Math.log(1 - random()) * thinkMilliseconds, () => send(next))
      },
    })
  }
  const first = () => [systems[Math.floor(random() * systems.length)] ?? bytes(0), bytes(load.turnBytes)]

  for (let i = 0; i < load.conversations; i++) {
    // They do not all begin in the same moment, nor all at their first turn.
    const parts = first()
    const ahead = Math.floor(random() * load.turns)
    for (let n = 0; n < ahead; n++) parts.push(bytes(load.turnBytes))
    after(random() * thinkMilliseconds, () => send(parts))
  }
  for (let event = events.pop(); event; event = events.pop()) {
    now = event.at
    event.run()
  }
  return {
    throughput: (load.requests * 0.5 * 1000) / (over - begun),
    work: engines.reduce((sum, { work }) => sum + work, 0),
    overBound,
  }
}
