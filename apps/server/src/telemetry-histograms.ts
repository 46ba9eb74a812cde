// Histograms of OpenTelemetry, by their attributes: bounded as its specification bounds them.

import { type Instrument, instruments, type Value } from './telemetry-names.ts'
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

  record(instrument: Instrument, value: number, attributes: Readonly<Record<string, Value>>): void {
    const { bounds } = instruments[instrument]
    const held = this.#at(instrument, attributes)
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++ // bucket < length
    held.counts[bucket] = (held.counts[bucket] ?? 0) + 1
    held.count++
    held.sum += value
  }

  *points(): Iterable<Point> {
    yield* this.#held.values()
  }

  #at(instrument: Instrument, attributes: Readonly<Record<string, Value>>): Held {
    const key = `${instrument}\n${Object.entries(attributes).join('\n')}`
    const held = this.#held.get(key)
    if (held) return held
    const sets = this.#sets.get(instrument) ?? 0
    const rest = `${instrument}\n`
    if (sets < mostSets) {
      this.#sets.set(instrument, sets + 1)
      return this.#made(key, instrument, attributes)
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
