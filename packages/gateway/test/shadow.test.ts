// Copies of requests at another upstream: they cost something, and nobody notices them.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let first: ScriptedUpstream
let shadow: ScriptedUpstream
let key: string

beforeEach(async () => {
  bed = await Bed.start()
  first = await ScriptedUpstream.start()
  shadow = await ScriptedUpstream.start()
  bed.endpoint('first', [first.address])
  bed.endpoint('second', [shadow.address])
  key = bed.key()
  bed.route('copied', {
    tiers: [{ targets: [{ endpoint: 'first' }] }],
    shadow: { target: { endpoint: 'second' }, percent: 100 },
  })
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
  await shadow[Symbol.asyncDispose]()
})

const ask = { model: 'copied', messages: [{ role: 'user', content: 'hi' }] }
const billed = () => bed.journal.events.map(({ data }) => [data.upstream, data.billable, data.end])
const records = (count: number) =>
  expect.poll(() => bed.journal.events.length, { timeout: 10_000 }).toBe(count)

describe('a shadow', () => {
  test.each([false, true])('R8: is sent a copy, whose cost is recorded apart (stream %s)', async stream => {
    const answer = await bed.chat(key, { ...ask, stream })
    expect(await answer.text()).toContain('three')
    await records(2)
    expect(shadow.seen).toHaveLength(1)
    expect(billed().toSorted(([one = ''], [other = '']) => (one < other ? -1 : 1))).toEqual([
      ['first-1-0', 'caller', 'done'],
      ['second-1-0', 'cost', 'done'],
    ])
    const requests = new Set(bed.journal.events.map(({ data }) => data.request))
    expect(requests.size).toBe(2)
  })

  test('R8: that fails, or is slow, is not noticed', async () => {
    shadow.will('reset', 'silence')
    for (let i = 0; i < 2; i++) {
      const started = performance.now()
      expect((await bed.chat(key, ask)).status).toBe(200)
      expect(performance.now() - started).toBeLessThan(2000)
    }
    await records(3)
    expect(billed().filter(([, billable]) => billable === 'cost')).toEqual([
      ['second-1-0', 'cost', 'upstream_error'],
    ])
  })
})
