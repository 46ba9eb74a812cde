// One connection that listens for commits and wakes whoever waits. A wake is a hint: a lost one costs its
// waiter the poll interval and nothing else.
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { connectionOf } from './postgres/connection.ts'
import type { StoreObservation } from './postgres/pool.ts'

export interface Listener {
  wake(milliseconds: number, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export function openListener(url: string, observe: (observation: StoreObservation) => void): Listener {
  const stop = new AbortController()
  const waiting = new Set<() => void>()
  /** How many notices have come, and how many each waiter's signal has been woken for. */
  let notices = 0
  const seen = new WeakMap<AbortSignal, number>()
  let listening: Promise<void> | undefined

  const ring = () => {
    notices++
    for (const wake of waiting) wake()
  }

  const session = async (again: boolean) => {
    const client = new Client(connectionOf(url, 'switchyard-listener', '-c role=switchyard_nobody'))
    const over = new AbortController()
    const ended = new Promise<Error>(resolve => {
      client.on('error', resolve)
      client.once('end', () => resolve(new Error('the listening connection ended')))
      const closed = () => resolve(new Error('the store is closed'))
      stop.signal.addEventListener('abort', closed, { once: true, signal: over.signal })
    })
    try {
      await client.connect()
      client.on('notification', ring)
      await client.query('listen switchyard')
      if (again) observe({ type: 'listener_back' })
      ring() // whatever was committed while nobody listened
      const error = await ended
      if (!stop.signal.aborted) observe({ type: 'listener_lost', error })
    } catch (error) {
      if (!again && !stop.signal.aborted && error instanceof Error) observe({ type: 'listener_lost', error })
    } finally {
      over.abort()
      // It may be broken already: then there is nothing left to close.
      await client.end().catch(() => {})
    }
  }

  const run = async () => {
    for (let round = 0, wait = 100; !stop.signal.aborted; round++, wait = Math.min(wait * 2, 5000)) {
      const began = performance.now()
      await session(round > 0)
      if (performance.now() - began > 10_000) wait = 100
      await sleep(wait, undefined, { signal: stop.signal }).catch(() => {})
    }
  }

  return {
    wake(milliseconds, signal) {
      listening ??= run()
      // A notice that came while this waiter was reading counts: it is not waited for again.
      const before = seen.get(signal)
      seen.set(signal, notices)
      if (signal.aborted || stop.signal.aborted || (before !== undefined && before < notices))
        return Promise.resolve()
      // Many loops of one process wait under one signal: that is no leak.
      setMaxListeners(0, signal)
      return new Promise(resolve => {
        const done = () => {
          clearTimeout(timer)
          waiting.delete(done)
          signal.removeEventListener('abort', done)
          seen.set(signal, notices)
          resolve()
        }
        const timer = setTimeout(done, milliseconds)
        waiting.add(done)
        signal.addEventListener('abort', done, { once: true })
      })
    },
    async close() {
      stop.abort()
      for (const wake of waiting) wake()
      await listening
    },
  }
}
