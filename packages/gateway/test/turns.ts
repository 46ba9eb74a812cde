// How long one turn of the event loop takes.
import { setImmediate } from 'node:timers/promises'

/** The longest turn of the event loop while something runs, in milliseconds of this thread's own time: what other
 * processes take of the machine is not in it. */
export async function longestTurn(run: () => Promise<void>): Promise<number> {
  let longest = 0
  let before = ownTime()
  const over = new AbortController()
  const running = run().finally(() => over.abort())
  while (!over.signal.aborted) {
    await setImmediate()
    const now = ownTime()
    longest = Math.max(longest, now - before)
    before = now
  }
  await running
  return longest
}

function ownTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
