// A gateway in a process of its own, so that what is held in it is the gateway's alone; it tells of itself when asked.
import { setTimeout } from 'node:timers/promises'
import type { Limits } from '@switchyard/gateway'
import { Bed } from './bed.ts'

/** What it is told first. */
export interface Order {
  readonly limits: Partial<Limits>
  /** Names of models, and where they are. */
  readonly models: Readonly<Record<string, string>>
}

/** What it tells first. */
export interface Open {
  readonly port: number
  readonly key: string
}

export type Question = 'held' | 'state'

export interface State {
  readonly inflight: number
  readonly metrics: string
  /** How each stream has ended, and how many tokens it had. */
  readonly streams: readonly (readonly [end: string, tokens: number])[]
}

process.once('message', (order: Order) => void serve(order))

async function serve({ limits, models }: Order): Promise<void> {
  const bed = await Bed.start(limits)
  for (const [name, baseUrl] of Object.entries(models)) {
    bed.provider(name, { type: 'deepseek', baseUrl })
    bed.route(name, { tiers: [{ targets: [{ provider: name, model: name }] }] })
  }
  process.on('message', (question: Question) => {
    if (question === 'state') process.send?.(stateOf(bed))
    else void held().then(bytes => process.send?.(bytes))
  })
  process.send?.({ port: bed.port, key: bed.key() } satisfies Open)
}

function stateOf({ gateway, journal }: Bed): State {
  const streams = journal.events
    .filter(({ data }) => data.streamed)
    .map(({ data }) => [data.end, Number(data.quantities['tok.out.text'] ?? 0)] as const)
  return { inflight: gateway.inflight, metrics: gateway.metrics(), streams }
}

/** Bytes that are held, by V8 and outside of it: what is garbage goes now, or a little later. */
async function held(): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 20; i++) {
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    least = Math.min(least, heapUsed + external)
    await setTimeout(100)
  }
  return least
}
