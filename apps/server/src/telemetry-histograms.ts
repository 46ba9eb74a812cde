// Histograms of OpenTelemetry, by their attributes: bounded as its specification bounds them.

import {
  type About,
  attributesOf,
  type Generation,
  type Instrument,
  instruments,
  type Value,
} from './telemetry-names.ts'
import type { Point } from './telemetry-otlp.ts'

const mostSets = 1000
const overflow = Object.freeze({ 'otel.metric.overflow': true })

interface Held extends Point {
  count: number
  sum: number
}

export class Histograms {
  readonly #held = new Map<string, Held>()
  readonly #sets = new Map<Instrument, number>()
  readonly #generation: Generation

  constructor(generation: Generation) {
    this.#generation = generation
  }

  /** What has the same members in the same order is one set. */
  record(instrument: Instrument, value: number, about: About): void {
    const { bounds } = instruments[instrument]
    const held = this.#at(instrument, about)
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++ // bucket < length
    held.counts[bucket] = (held.counts[bucket] ?? 0) + 1
    held.count++
    held.sum += value
  }

  *points(): Iterable<Point> {
    yield* this.#held.values()
  }

  #at(instrument: Instrument, about: About): Held {
    const key = `${instrument}\n${Object.values(about).join('\n')}`
    const held = this.#held.get(key)
    if (held) return held
    const sets = this.#sets.get(instrument) ?? 0
    const rest = `${instrument}\n`
    if (sets < mostSets) {
      this.#sets.set(instrument, sets + 1)
      return this.#made(key, instrument, attributesOf(about, this.#generation))
    }
    return this.#held.get(rest) ?? this.#made(rest, instrument, overflow)
  }

  #made(key: string, instrument: Instrument, attributes: Readonly<Record<string, Value>>): Held {
    const counts = new Float64Array(instruments[instrument].bounds.length + 1)
    const held = { instrument, attributes, counts, count: 0, sum: 0 }
    this.#held.set(key, held)
    return held
  }
}
