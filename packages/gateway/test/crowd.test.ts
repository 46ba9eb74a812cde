// What callers cost who leave, all at once, and who stop reading: nothing that stays, little memory, nobody's time.
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultLimits } from '../src/limits.ts'
import { Bed } from './bed.ts'
import type { Open, Order, Question, State } from './crowd.child.ts'
import { metric, sampleOf } from './scrape.ts'
import type { Name } from './upstream.ts'

const program = new URL('./upstream/main.ts', import.meta.url).pathname
const patient = { timeout: 60_000, interval: 50 } as const

/** A process of its own, so that what it holds does not count. */
let engine: ChildProcess

async function engineStarts(): Promise<string> {
  engine = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [url] = (await once(createInterface(engine.stdout as NodeJS.ReadableStream), 'line')) as [string]
  return url
}

const sockets: Socket[] = []
beforeEach(() => {
  sockets.length = 0
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  engine.kill('SIGTERM')
  await once(engine, 'exit')
})

/** A caller of its own connection, which has asked for a stream and holds next to nothing of it. */
async function caller(port: number, key: string, reads = true): Promise<void> {
  const onread = { buffer: Buffer.alloc(1024), callback: () => reads }
  const socket = connect({ port, host: '127.0.0.1', onread })
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
  const url = await engineStarts()
  await using bed = await Bed.start()
  for (const [name, path] of [
    ['crowded', `/act/${encodeURIComponent('content then silence' satisfies Name)}`],
    ['tiny', ''],
  ] as const) {
    bed.provider(name, { type: 'deepseek', baseUrl: `${url}${path}/v1` })
    bed.route(name, { tiers: [{ targets: [{ provider: name, model: name }] }] })
  }
  const upstream = { upstream: new URL(url).origin }
  const crowd = 1000
  const limits = { concurrency: crowd, outputTokens: { perMinute: 10_000_000, burst: 10_000_000 } }
  const key = bed.key({ spec: { limits } })
  const before = live()
  for (let i = 0; i < crowd; i += 50)
    await Promise.all(Array.from({ length: 50 }, () => caller(bed.port, key)))
  await expect.poll(() => metric(bed, 'streams_open'), patient).toBe(crowd)
  await expect.poll(() => metric(bed, 'upstream_inflight', upstream), patient).toBe(crowd)
  // Every seat is taken.
  const late = await bed.chat(key)
  expect(late.status).toBe(429)
  await late.arrayBuffer()

  for (const socket of sockets) socket.resetAndDestroy()
  await expect.poll(() => bed.gateway.inflight, patient).toBe(0)
  await expect.poll(() => metric(bed, 'upstream_inflight', upstream), patient).toBe(0)
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
  for (let i = 0; i < crowd; i += 50)
    await Promise.all(Array.from({ length: 50 }, () => caller(bed.port, key)))
  await expect.poll(() => metric(bed, 'streams_open'), patient).toBe(crowd)
}, 120_000)

/** Asks the gateway that runs in a process of its own; one question at a time. */
async function asked<T>(child: ChildProcess, question: Question): Promise<T> {
  child.send(question)
  const [answer] = (await once(child, 'message')) as [T] // the one answer
  return answer
}

test('F8: callers that stop reading cost less than 256 KiB each, slow nobody, and are ended', {
  timeout: 240_000,
}, async () => {
  expect(defaultLimits.callerStall).toBe(60_000)
  const url = await engineStarts()
  const child = fork(new URL('./crowd.child.ts', import.meta.url), [], { execArgv: ['--expose-gc'] })
  using _ = { [Symbol.dispose]: () => void child.kill('SIGKILL') }
  const models = { crowded: `${url}/act/deluge/v1`, tiny: `${url}/v1` }
  child.send({ limits: { callerStall: 15_000 }, models } satisfies Order)
  const [{ port, key }] = (await once(child, 'message')) as [Open] // what it tells first
  const state = () => asked<State>(child, 'state')
  const inflight = async () => (await state()).inflight
  const quick = async () => {
    const begun = performance.now()
    const answered = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: '{"model":"tiny","messages":[]}',
    })
    expect(answered.status).toBe(200)
    await answered.arrayBuffer()
    return performance.now() - begun
  }
  for (let i = 0; i < 20; i++) await quick()
  const stalled = 100
  const stall = async () => {
    for (let i = 0; i < stalled; i++) await caller(port, key, false)
    await expect.poll(async () => sampleOf((await state()).metrics, 'streams_open'), patient).toBe(stalled)
  }
  // What is made once, at the first of them, does not count.
  await stall()
  for (const socket of sockets.splice(0)) socket.resetAndDestroy()
  await expect.poll(inflight, patient).toBe(0)
  const before = await asked<number>(child, 'held')
  await stall()
  const times: number[] = []
  for (let i = 0; i < 30; i++) times.push(await quick())
  const each = ((await asked<number>(child, 'held')) - before) / stalled
  const median = times.toSorted((one, other) => one - other)[15] ?? 0
  console.info(
    `a stalled caller costs ${(each / 1024).toFixed(0)} KiB, one beside it waits ${median.toFixed(1)} ms`,
  )
  expect(each).toBeLessThan(256 * 1024)
  expect(median).toBeLessThan(1000)

  await expect.poll(inflight, patient).toBe(0)
  const { streams, metrics } = await state()
  expect(streams).toHaveLength(2 * stalled)
  for (const [end, tokens] of streams) {
    expect(end).toBe('client_gone')
    // The upstream was paused: most of its 200 000 events were never taken.
    expect(tokens).toBeLessThan(150_000)
  }
  expect(sampleOf(metrics, 'upstream_inflight', { upstream: new URL(url).origin })).toBe(0)
})
