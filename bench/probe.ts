// What a program under test tells of itself to the process that started it: its loop, heap, sockets and timers.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { queryObjects } from 'node:v8'

export type Probe = 'watch' | 'tell' | 'collect' | 'count'

export interface Reading {
  /** Milliseconds by which a timer of 1 ms came late since the last reading; 0 until `watch`. */
  readonly loopP50: number
  readonly loopP99: number
  readonly loopMax: number
  readonly heapBytes: number
  readonly residentBytes: number
  readonly sockets: number
  /** In the heap, set or not; only told by `count`, else 0. */
  readonly timers: number
  readonly inflight: number
}

/** Node does not export the class of its timers. */
const Timer = setTimeout(() => undefined, 0).constructor as new () => NodeJS.Timeout // it is their class
const everyMilliseconds = 1

/**
 * Answers the parent with a reading: `watch` begins to time the loop, which costs a little; `collect` drops the
 * garbage first, where node lets us; `count` does too and walks the heap for timers.
 */
export function answerProbes(inflight: () => number): void {
  const delay = monitorEventLoopDelay({ resolution: everyMilliseconds })
  const late = (nanoseconds: number) =>
    delay.count === 0 ? 0 : Math.max(0, nanoseconds / 1e6 - everyMilliseconds)
  process.on('message', (probe: Probe) => {
    if (probe === 'watch') delay.enable()
    if (probe === 'collect' || probe === 'count') globalThis.gc?.()
    const timers = probe === 'count' ? queryObjects(Timer, { format: 'count' }) : 0
    const resources = process.getActiveResourcesInfo()
    const { rss, heapUsed } = process.memoryUsage()
    const reading: Reading = {
      loopP50: late(delay.percentile(50)),
      loopP99: late(delay.percentile(99)),
      loopMax: late(delay.max),
      heapBytes: heapUsed,
      residentBytes: rss,
      sockets: resources.filter(name => name === 'TCPSocketWrap').length,
      timers,
      inflight: inflight(),
    }
    delay.reset()
    process.send?.(reading)
  })
  process.on('disconnect', () => process.exit())
}
