// The health of every upstream and model, kept while snapshots come and go.
import { Checks } from './checks.ts'
import { Vitals, type VitalsState } from './vitals.ts'

export interface HealthOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Most upstreams that are remembered, 4 096 by default; beyond it the oldest idle one is forgotten. */
  readonly upstreams?: number
  /** Most models of one upstream, 256 by default. */
  readonly models?: number
}

interface Known {
  readonly checks: Checks
  readonly models: Map<string, Vitals>
  generation: string | undefined
}

export class Health {
  readonly #known = new Map<string, Known>()
  readonly #random: () => number
  readonly #mostUpstreams: number
  readonly #mostModels: number

  constructor({ random, upstreams = 4096, models = 256 }: HealthOptions) {
    for (const [name, bound] of Object.entries({ upstreams, models }))
      if (!Number.isInteger(bound) || bound < 1) throw new TypeError(`${name} must be a positive integer`)
    this.#random = random
    this.#mostUpstreams = upstreams
    this.#mostModels = models
  }

  /**
   * The vitals of a model at an upstream: the same object until it is forgotten. A `generation` other than the last
   * one is a new configuration, which clears the misconfigured mark.
   */
  at(upstream: string, model: string, generation?: string): Vitals {
    let known = this.#known.get(upstream)
    if (!known) {
      forgetIdle(this.#known, this.#mostUpstreams, idle)
      known = { checks: new Checks(), models: new Map(), generation }
      this.#known.set(upstream, known)
    } else if (generation !== undefined && known.generation !== generation) {
      known.generation = generation
      for (const vitals of known.models.values()) vitals.reconfigured()
    }
    let vitals = known.models.get(model)
    if (!vitals) {
      forgetIdle(known.models, this.#mostModels, ({ inflight }) => inflight === 0)
      vitals = new Vitals(upstream, model, known.checks, this.#random)
      known.models.set(model, vitals)
    }
    return vitals
  }

  /** The answer of an active check; an upstream that is not known is not checked. */
  checked(upstream: string, good: boolean): void {
    this.#known.get(upstream)?.checks.told(good)
  }

  /** What the engine of an upstream counts, running and waiting; undefined when it did not say. */
  counted(upstream: string, requests: number | undefined, now: number): void {
    for (const vitals of this.#known.get(upstream)?.models.values() ?? [])
      if (requests === undefined) vitals.missed(now)
      else vitals.told(requests, now)
  }

  /** Nobody asks its engine for now. */
  uncounted(upstream: string): void {
    for (const vitals of this.#known.get(upstream)?.models.values() ?? []) vitals.unasked()
  }

  /** Whether anything is under way there, or was in the last 10 s. */
  busy(upstream: string, now: number): boolean {
    const { models } = this.#known.get(upstream) ?? {}
    return models?.values().some(({ inflight, breaker }) => inflight > 0 || breaker.calls(now) > 0) ?? false
  }

  /** Forgets the upstreams that are not named, one with attempts under way at the first call after they end. */
  retain(upstreams: ReadonlySet<string>): void {
    for (const [upstream, known] of this.#known)
      if (!upstreams.has(upstream) && idle(known)) this.#known.delete(upstream)
  }

  /** By upstream and model, in the order in which they became known. */
  *states(now: number): Iterable<VitalsState> {
    for (const { models } of this.#known.values())
      for (const vitals of models.values()) yield vitals.state(now)
  }
}

const idle = ({ models }: Known) => models.values().every(({ inflight }) => inflight === 0)

/** Makes room for one more: the oldest idle one goes, or the oldest when none is. */
function forgetIdle<V>(known: Map<string, V>, most: number, mayGo: (value: V) => boolean): void {
  if (known.size < most) return
  for (const [key, value] of known)
    if (mayGo(value)) {
      known.delete(key)
      return
    }
  const [oldest] = known.keys()
  if (oldest !== undefined) known.delete(oldest)
}
