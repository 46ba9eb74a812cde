// A stream that comes all at once does not keep the process from everybody else.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { callerNames, callers } from './callers.ts'
import { send } from './raw.ts'
import { longestTurn } from './turns.ts'

const main = new URL('./upstream/main.ts', import.meta.url).pathname
/** In a process of its own: what it does must not count as the gateway's. */
let child: ChildProcess
let url = ''
beforeAll(async () => {
  child = spawn(process.execPath, [main], { stdio: ['ignore', 'pipe', 'inherit'] })
  if (!child.stdout) throw new TypeError('its output is a pipe')
  ;[url] = (await once(createInterface(child.stdout), 'line')) as [string]
})
afterAll(async () => {
  child.kill('SIGTERM')
  await once(child, 'exit')
})

const rest = new Int32Array(new SharedArrayBuffer(4))

test.each(callerNames)('F15: 20 000 events at once hold up nobody beside a caller of %s', async caller => {
  await using bed = await Bed.start()
  const key = bed.key()
  const { path, body, stream } = callers[caller]
  const said = { good: 1, burst: 20_000 }
  for (const act of ['good', 'burst'] as const) {
    bed.provider(act, { type: 'deepseek', baseUrl: `${url}/act/${act}/v1` })
    bed.route(act, { tiers: [{ targets: [{ provider: act, model: 'm' }] }] })
  }
  async function measured(act: 'good' | 'burst'): Promise<number> {
    let heard: Response | undefined
    const longest = await longestTurn(async () => {
      const asked = send(bed.port, {
        path: path(act, true),
        headers: ['content-type', 'application/json', 'api-key', key],
        body: JSON.stringify(body(act, true)),
      })
      const before = bed.journal.events.length
      while (bed.gateway.inflight === 0 && bed.journal.events.length === before) await setImmediate()
      // While this thread sleeps, which costs none of its time, all that the system holds of the answer comes.
      Atomics.wait(rest, 0, 0, 50)
      heard = await asked
    })
    const { text, whole } = stream((await heard?.text()) ?? '')
    expect(whole).toBe(true)
    expect(text).toBe(`${'one'.repeat(said[act])} two three`)
    return longest
  }
  await measured('burst') // It pays for the connection and for compilation.
  const took = { good: Infinity, burst: Infinity }
  for (let round = 0; round < 3; round++)
    for (const act of ['good', 'burst'] as const) took[act] = Math.min(took[act], await measured(act))
  expect(took.burst).toBeLessThanOrEqual(took.good + 20)
})
