// Files being read: hashing takes minutes for a large one, and no worker waits for it.
import type { Inspection, Key } from '@switchyard/runtime'
import type { ModelObserved } from './model.ts'
import { Wakes } from './wakes.ts'

interface Reading {
  readonly what: string
  bytes: number
  total: number
  result?: { readonly inspection: Inspection } | { readonly error: unknown }
  readonly cancel: AbortController
}

type Inspect = (progress: (bytes: number, total: number) => void, signal: AbortSignal) => Promise<Inspection>

export class Inspections {
  readonly #signal: AbortSignal
  readonly #readings = new Map<string, Reading>()
  readonly #wakes = new Wakes()

  /** @param signal ends every reading. */
  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Keys whose reading has ended. */
  ended(signal: AbortSignal): AsyncIterable<readonly Key[]> {
    return this.#wakes.listen(signal)
  }

  /** How far the reading of `what` is; begins it when it is new, and gives up what was read for the key before. */
  async look(key: Key, what: string, stamp: string, inspect: Inspect): Promise<ModelObserved> {
    const id = `${key.workspace ?? ''}/${key.name}`
    const known = this.#readings.get(id)
    if (known?.what !== what) {
      known?.cancel.abort()
      this.#begin(id, key, what, inspect)
    }
    const reading = this.#readings.get(id)
    if (!reading?.result) return { kind: 'reading', bytes: reading?.bytes ?? 0, total: reading?.total ?? 0 }
    this.#readings.delete(id)
    if ('error' in reading.result) throw reading.result.error
    return { kind: 'read', stamp, inspection: reading.result.inspection }
  }

  #begin(id: string, key: Key, what: string, inspect: Inspect): void {
    const reading: Reading = { what, bytes: 0, total: 0, cancel: new AbortController() }
    this.#readings.set(id, reading)
    const progress = (bytes: number, total: number) => Object.assign(reading, { bytes, total })
    void inspect(progress, AbortSignal.any([this.#signal, reading.cancel.signal]))
      .then(
        inspection => ({ inspection }),
        (error: unknown) => ({ error }),
      )
      .then(result => {
        reading.result = result
        if (!reading.cancel.signal.aborted) this.#wakes.add(key)
      })
  }
}
