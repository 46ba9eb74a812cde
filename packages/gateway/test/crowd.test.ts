// What callers cost who leave, all at once, and who stop reading: nothing that stays, little memory, nobody's time.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultLimits } from '../src/limits.ts'
import { Bed } from './bed.ts'
import { metric } from './scrape.ts'
import type { Name } from './upstream.ts'

const program = new URL('./upstream/main.ts', import.meta.url).pathname
const patient = { timeout: 30_000, interval: 20 } as const

let bed: Bed
/** A process of its own, so that what it holds does not count. */
let engine: ChildProcess
let address: string

async function starts(act: Name, limits = {}): Promise<void> {
  bed = await Bed.start(limits)
  engine = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [url] = (await once(createInterface(engine.stdout as NodeJS.ReadableStream), 'line')) as [string]
  address = new URL(url).host
  for (const [name, path] of [
    ['crowded', `/act/${encodeURIComponent(act)}`],
    ['tiny', ''],
  ] as const) {
    bed.provider(name, { type: 'deepseek', baseUrl: `${url}${path}/v1` })
    bed.route(name, { tiers: [{ targets: [{ provider: name, model: name }] }] })
  }
}

const sockets: Socket[] = []
beforeEach(() => {
  sockets.length = 0
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await bed[Symbol.asyncDispose]()
  engine.kill('SIGTERM')
  await once(engine, 'exit')
})

/** A caller of its own connection, which has asked for a stream and holds next to nothing of it. */
async function caller(key: string, reads = true): Promise<void> {
  const onread = { buffer: Buffer.alloc(1024), callback: () => reads }
  const socket = connect({ port: bed.port, host: '127.0.0.1', onread })
  sockets.push(socket)
  socket.on('error', () => undefined) // it may be reset, as that is what is tested
  await once(socket, 'connect')
  const body = '{"model":"crowded","stream":true}'
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\napi-key: ${key}\r\ncontent-type: application/json\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`,
  )
}

const live = () => process.getActiveResourcesInfo()
const count = (all: readonly string[], name: string) => all.filter(one => one === name).length

test('F7: a thousand callers that leave at once leave no socket, timer, lease or claim behind', async () => {
  await starts('content then silence')
  const crowd = 1000
  const limits = { concurrency: crowd, outputTokens: { perMinute: 10_000_000, burst: 10_000_000 } }
  const key = bed.key({ spec: { limits } })
  const before = live()
  for (let i = 0; i < crowd; i += 50) await Promise.all(Array.from({ length: 50 }, () => caller(key)))
  await expect.poll(() => metric(bed, 'streams_open'), patient).toBe(crowd)
  await expect
    .poll(() => metric(bed, 'upstream_inflight', { upstream: `http://${address}` }), patient)
    .toBe(crowd)
  // Every seat is taken.
  const late = await bed.chat(key)
  expect(late.status).toBe(429)
  await late.arrayBuffer()

  for (const socket of sockets) socket.resetAndDestroy()
  await expect.poll(() => bed.gateway.inflight, patient).toBe(0)
  await expect
    .poll(() => metric(bed, 'upstream_inflight', { upstream: `http://${address}` }), patient)
    .toBe(0)
  expect(metric(bed, 'streams_open')).toBe(0)
  // One usage record for each, of what was produced; the refused one has none.
  expect(bed.journal.events).toHaveLength(crowd)
  expect(new Set(bed.journal.events.map(({ data }) => data.request)).size).toBe(crowd)
  for (const { data } of bed.journal.events)
    expect(data).toMatchObject({ end: 'client_gone', status: 499, quantities: { 'tok.out.text': '1' } })
  await expect.poll(() => count(live(), 'TCPSocketWrap'), patient).toBeLessThan(20)
  await expect.poll(() => count(live(), 'Timeout') - count(before, 'Timeout'), patient).toBeLessThan(5)

  // Every seat is free again: as many can be taken once more, and what they had reserved is not spent.
  const again = await bed.chat(key)
  expect(again.status).toBe(200)
  await again.arrayBuffer()
  for (let i = 0; i < crowd; i += 50) await Promise.all(Array.from({ length: 50 }, () => caller(key)))
  await expect.poll(() => metric(bed, 'streams_open'), patient).toBe(crowd)
}, 120_000)

/** Bytes that are held, by V8 and outside of it: what is garbage goes now, or a little later. */
async function held(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void // the flag has just made it
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 6; i++) {
    collect()
    const { heapUsed, external } = process.memoryUsage()
    least = Math.min(least, heapUsed + external)
    await setTimeout(50)
  }
  return least
}

// Tried again, because what the garbage collector leaves on a busy machine may be more.
test('F8: callers that stop reading cost less than 256 KiB each, slow nobody, and are ended', {
  retry: 2,
  timeout: 120_000,
}, async () => {
  expect(defaultLimits.callerStall).toBe(60_000)
  await starts('deluge', { callerStall: 6000 })
  const key = bed.key()
  const quick = async () => {
    const begun = performance.now()
    expect((await bed.chat(key)).status).toBe(200)
    return performance.now() - begun
  }
  for (let i = 0; i < 20; i++) await quick()
  const stalled = 100
  const stall = async () => {
    for (let i = 0; i < stalled; i++) await caller(key, false)
    await expect.poll(() => metric(bed, 'streams_open'), patient).toBe(stalled)
  }
  // What is made once, at the first of them, does not count.
  await stall()
  for (const socket of sockets.splice(0)) socket.resetAndDestroy()
  await expect.poll(() => bed.gateway.inflight, patient).toBe(0)
  const before = await held()
  await stall()
  const times: number[] = []
  for (let i = 0; i < 30; i++) times.push(await quick())
  const each = ((await held()) - before) / stalled
  const median = times.toSorted((one, other) => one - other)[15] ?? 0
  console.info(
    `a stalled caller costs ${(each / 1024).toFixed(0)} KiB, one beside it waits ${median.toFixed(1)} ms`,
  )
  expect(each).toBeLessThan(256 * 1024)
  expect(median).toBeLessThan(1000)

  await expect.poll(() => bed.gateway.inflight, patient).toBe(0)
  const ends = bed.journal.events.filter(({ data }) => data.streamed).map(({ data }) => data)
  expect(ends).toHaveLength(2 * stalled)
  for (const end of ends) {
    expect(end.end).toBe('client_gone')
    // The upstream was paused: most of its 200 000 events were never taken.
    expect(Number(end.quantities['tok.out.text'] ?? 0)).toBeLessThan(150_000)
  }
  await expect
    .poll(() => metric(bed, 'upstream_inflight', { upstream: `http://${address}` }), patient)
    .toBe(0)
})
