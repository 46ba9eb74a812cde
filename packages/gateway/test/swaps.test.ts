// Snapshots that are swapped while requests run: each request is served by one of them, whole.
import { setImmediate } from 'node:timers/promises'
import type { Document } from '@switchyard/kinds'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { settle } from './fleet.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string
beforeEach(async () => {
  bed = await Bed.start()
  engine = await ScriptedUpstream.start()
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

/** All that says which generation it is of: the credential, a header of the provider, the model of the route. */
function renew(generation: number): void {
  const gone = ['Credential', 'Provider', 'Route']
  const others: readonly Document[] = bed.documents.filter(({ kind }) => !gone.includes(kind))
  bed.documents.splice(0, bed.documents.length, ...others)
  bed.credentials.clear()
  bed.together(() => {
    bed.credential('k', `key-${generation}`)
    bed.provider('p', {
      type: 'deepseek',
      baseUrl: engine.url(undefined, '/v1'),
      credential: 'k',
      headers: { 'x-generation': String(generation) },
    })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model: `model-${generation}` }] }] })
  })
}

test('E2: 500 swaps under load fail no request and mix no two generations in one', async () => {
  for (let i = 0; i < 50; i++) settle(bed, engine, `other-${i}`, 'openai')
  renew(0)
  let over = false
  let asked = 0
  const caller = async (stream: boolean) => {
    while (!over) {
      const answer = await bed.chat(key, { model: 'm', stream })
      expect(answer.status).toBe(200)
      expect(await answer.text()).toContain('three')
      asked++
    }
  }
  const callers = [true, false, true, false, true, false].map(caller)
  for (let generation = 1; generation <= 500; generation++) {
    renew(generation)
    // At least one turn of the loop for the requests, and now and then as long as one takes.
    const before = asked
    do await setImmediate()
    while (generation % 5 === 0 && asked === before)
  }
  over = true
  await Promise.all(callers)
  expect(asked).toBeGreaterThan(100)
  expect(engine.seen).toHaveLength(asked)
  const generations = new Set<string>()
  for (const { headers, body } of engine.seen) {
    const generation = String(headers['x-generation'])
    generations.add(generation)
    expect(headers.authorization).toBe(`Bearer key-${generation}`)
    expect(body.toString()).toContain(`"model-${generation}"`)
  }
  expect(generations.size).toBeGreaterThan(50)
  expect(bed.journal.events).toHaveLength(asked)
})

test('a snapshot that is too old answers nobody, whatever the key, and answers again once it is fresh', async () => {
  renew(0)
  bed.stale = true
  for (const held of [key, `${key}x`]) {
    const refused = await bed.chat(held, { model: 'm' })
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(await refused.text()).toContain('"snapshot_stale"')
  }
  expect(engine.seen).toEqual([])
  bed.stale = false
  expect((await bed.chat(key, { model: 'm' })).status).toBe(200)
})
