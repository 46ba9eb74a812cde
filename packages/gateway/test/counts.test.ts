// What engines say of their own load: it corrects the choice while they say it, and is seen to be missing when not.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { engines as rows } from '@switchyard/catalog'
import { engine as engineKind } from '@switchyard/kinds'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Bed, document } from './bed.ts'
import { metric } from './scrape.ts'
import { reply } from './upstream/openai.ts'

const patient = { timeout: 20_000, interval: 20 } as const

/** An engine that says how busy it is. */
class Engine {
  asked = 0
  counted = 0
  running = 0
  says: 'well' | 'nothing' | 'an error' | 'other things' = 'well'
  readonly #server: Server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      this.asked++
      response.setHeader('content-type', 'application/json')
      response.end(reply)
      return
    }
    this.counted++
    if (this.says === 'nothing') return
    response.statusCode = this.says === 'an error' ? 500 : 200
    response.end(
      this.says === 'other things'
        ? 'something_else 1\n'
        : `# TYPE x gauge\nllamacpp:requests_processing ${this.running}\nllamacpp:requests_deferred 2\n`,
    )
  })

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}` // it listens on TCP
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

let bed: Bed
let key: string
const engines = [new Engine(), new Engine()] as const
const [busy, free] = engines
beforeEach(async () => {
  bed = await Bed.start({}, {}, { countEvery: 200 })
  key = bed.key()
  bed.add(document('Engine', null, 'llama-cpp', engineKind.spec.parse(rows[0]?.spec)))
  const addresses = await Promise.all(engines.map(each => each.listen()))
  bed.endpoint('tiny', addresses, { spec: { engine: { name: 'platform/llama-cpp' } } })
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  for (const each of engines) await each.close()
})

async function ask(times: number): Promise<readonly number[]> {
  for (const each of engines) each.asked = 0
  for (let i = 0; i < times; i++) {
    const answer = await bed.chat(key)
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
  }
  return engines.map(({ asked }) => asked)
}

const stale = () =>
  ['tiny-1-0', 'tiny-1-1'].map(name => metric(bed, 'engine_metrics_stale', { upstream: `default/${name}` }))

async function told(): Promise<readonly string[]> {
  const { route } = await bed.gateway.explain({ workspace: 'default', model: 'tiny' })
  return route?.tiers.flatMap(({ targets }) => targets.map(({ health }) => health.metrics)) ?? []
}

test('R7: a dead source of metrics degrades to what is counted here, and is seen', async () => {
  expect(await told()).toEqual(['none', 'none'])
  await ask(20)
  busy.running = 5
  await expect.poll(told, patient).toEqual(['fresh', 'fresh'])
  const seen = busy.counted
  await expect.poll(() => busy.counted, patient).toBeGreaterThan(seen + 1)
  // Others keep the first one busy, which this gateway cannot count.
  expect(await ask(20)).toEqual([0, 20])

  for (const says of ['nothing', 'an error', 'other things'] as const) {
    busy.says = says
    await expect.poll(stale, patient).toEqual([1, 0])
    expect(await told()).toEqual(['stale', 'fresh'])
    // What is not known of it counts for nothing: it gets its share again, as the other one says that it has two.
    const [first = 0] = await ask(20)
    expect(first).toBeGreaterThan(10)
    busy.says = 'well'
    await expect.poll(stale, patient).toEqual([0, 0])
    await ask(1)
  }
  expect(free.counted).toBeGreaterThan(0)
})

test('engines are asked only while their endpoint is in use, and only where there is a choice', async () => {
  const lone = new Engine()
  bed.endpoint('lone', [await lone.listen()], { spec: { engine: { name: 'platform/llama-cpp' } } })
  await new Promise(resolve => setTimeout(resolve, 600))
  const before = engines.map(({ counted }) => counted)
  await new Promise(resolve => setTimeout(resolve, 600))
  expect(engines.map(({ counted }) => counted)).toEqual(before)
  await ask(1)
  await (await bed.chat(key, { model: 'lone' })).arrayBuffer()
  await expect.poll(() => engines.every(({ counted }, i) => counted > (before[i] ?? 0)), patient).toBe(true)
  expect([lone.asked, lone.counted]).toEqual([1, 0])
  await lone.close()
})
