// The cache of a route, and equal requests that share one upstream call, through the port.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed, document } from './bed.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string

beforeEach(async () => {
  bed = await Bed.start()
  engine = await ScriptedUpstream.start()
  bed.endpoint('tiny', [engine.address])
  key = bed.key()
  cached()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

function cached(workspace = 'default'): void {
  bed.route(
    'cached',
    { tiers: [{ targets: [{ endpoint: 'tiny' }] }], cache: { mode: 'exact' } },
    { workspace },
  )
}

const ask = { model: 'cached', temperature: 0 }
const flagging = (word: string) => ({
  stage: 'response',
  action: 'flag',
  kind: 'keyword',
  words: [word],
  onFailure: 'closed',
  share: 'all',
})
const served = (answer: Response) => answer.headers.get('x-switchyard-cache')
const ended = () => expect.poll(() => bed.gateway.inflight, { timeout: 15_000 }).toBe(0)

describe('an answer', () => {
  test.each([false, true])(
    'is given again to an equal request (stream %s), which is told of in the tier of the cache and makes nobody work',
    async stream => {
      const first = await bed.chat(key, { ...ask, stream })
      expect(served(first)).toBe('miss')
      const text = await first.text()
      const again = await bed.chat(key, { ...ask, stream })
      expect([served(again), again.headers.get('age')]).toEqual(['hit', '0'])
      expect(await again.text()).toBe(text)
      expect(engine.seen).toHaveLength(1)
      const quantities = { 'tok.in.uncached': '7', 'tok.out.text': '3' }
      const [made, kept] = bed.journal.events.map(({ data }) => data)
      expect(made).toMatchObject({ quantities, upstream: 'tiny-1-0' })
      expect(made?.tier).toBeUndefined()
      expect(kept).toMatchObject({ quantities, tier: 'cache', upstream: '', end: 'done', billable: 'caller' })
      const ends = bed.observed.filter(({ type }) => type === 'request_ended')
      expect(ends).toMatchObject([{ usage: {} }, { usage: undefined, cache: 'hit' }])
    },
  )

  test('is not asked for where chance draws it, unless the caller says so', async () => {
    const drawn = { model: 'cached' }
    expect(served(await bed.chat(key, drawn))).toBe('bypass')
    const use = { headers: { 'x-switchyard-cache': 'use' } }
    expect(served(await bed.chat(key, drawn, use))).toBe('miss')
    expect(served(await bed.chat(key, drawn, use))).toBe('hit')
    expect(served(await bed.chat(key, ask, { headers: { 'x-switchyard-cache': 'no-store' } }))).toBe('bypass')
    expect((await bed.chat(key, ask, { headers: { 'x-switchyard-cache': 'perhaps' } })).status).toBe(400)
  })

  test('L7: never crosses workspaces', async () => {
    bed.workspace('elsewhere')
    bed.endpoint('tiny', [engine.address], { workspace: 'elsewhere' })
    cached('elsewhere')
    const other = bed.key({ workspace: 'elsewhere' })
    await bed.chat(key, ask)
    expect(served(await bed.chat(other, ask))).toBe('miss')
    expect(engine.seen).toHaveLength(2)
  })

  test('L7: is not given for another revision of the model, another version of a guardrail or another beta', async () => {
    bed.add(document('Guardrail', 'default', 'rule', flagging('never said')))
    bed.route('guarded', {
      tiers: [{ targets: [{ endpoint: 'tiny' }] }],
      cache: { mode: 'exact' },
      guardrails: ['rule'],
    })
    const guarded = { ...ask, model: 'guarded', messages: [{ role: 'user', content: 'hi' }] }
    const asked = async (headers: Record<string, string> = {}) => {
      const answer = await bed.post('/v1/messages', key, { ...guarded, max_tokens: 5 }, { headers })
      await answer.arrayBuffer()
      return served(answer)
    }
    const beta = { 'anthropic-beta': 'context-1m' }
    expect([await asked(), await asked()]).toEqual(['miss', 'hit'])
    expect([await asked(beta), await asked(beta), await asked()]).toEqual(['miss', 'hit', 'hit'])
    const [rule] = bed.documents.filter(({ kind }) => kind === 'Guardrail')
    if (rule) Object.assign(rule.metadata, { resourceVersion: '2' })
    bed.change('Guardrail', 'rule', { spec: { words: ['other'] } })
    expect([await asked(), await asked()]).toEqual(['miss', 'hit'])
    bed.change('Replica', 'tiny-1-0', { spec: { revision: 2 } })
    expect([await asked(), await asked()]).toEqual(['miss', 'hit'])
  })

  test.each([
    ['was cut', 'cut after 3', true],
    ['is an error', 'error in mid-stream', true],
    ['no rule has let pass as it was', 'good', false],
  ] as const)('L7: that %s is never kept', async (_, act, stream) => {
    if (act === 'good') {
      bed.add(document('Guardrail', 'default', 'rule', flagging('two')))
      bed.change('Route', 'cached', { spec: { guardrails: ['rule'] } })
    }
    engine.will(act)
    await (await bed.chat(key, { ...ask, stream })).text().catch(() => undefined)
    expect(served(await bed.chat(key, { ...ask, stream }))).toBe('miss')
  })
})

describe('equal requests at one time', () => {
  test.each([false, true])(
    'L6: make one upstream call, and each gets all of it (stream %s)',
    async stream => {
      engine.will(stream ? 'one byte at a time' : 'slow reply')
      const answers = await Promise.all(
        Array.from({ length: 100 }, async () => {
          const answer = await bed.chat(key, { ...ask, stream })
          return [served(answer), await answer.text()] as const
        }),
      )
      expect(engine.seen).toHaveLength(1)
      expect(new Set(answers.map(([, text]) => text)).size).toBe(1)
      expect(answers.filter(([how]) => how === 'miss')).toHaveLength(1)
      await ended()
      const metered = bed.journal.events.filter(({ data }) => data.quantities['tok.out.text'] === '3')
      expect([bed.journal.events.length, metered.length]).toEqual([100, 1])
    },
  )

  test('L6: go on when the first caller leaves, and the call is cancelled when all have', async () => {
    engine.always('slow events')
    const stops = Array.from({ length: 5 }, () => new AbortController())
    const answers = await Promise.all(
      stops.map(({ signal }) => bed.chat(key, { ...ask, stream: true }, { signal })),
    )
    stops[0]?.abort()
    const reader = answers[4]?.body?.getReader()
    await reader?.read()
    await reader?.read()
    expect(engine.connections).toBe(1)
    for (const stop of stops) stop.abort()
    expect(await engine.seen[0]?.aborted).toBeGreaterThan(0)
    await ended()
    expect(bed.journal.events).toHaveLength(5)
    expect(bed.journal.events.filter(({ data }) => data.usageSource === 'counted')).toHaveLength(1)
  })

  test.each([
    ['a fault, after one of them has tried once more', 500, 502, 2],
    ['a refusal, at once', 400, 400, 1],
  ] as const)('L6: all hear of %s', async (_, upstream, status, calls) => {
    bed.change('Route', 'cached', { spec: { retries: { attempts: 1 } } })
    engine.always(`late status ${upstream}`)
    const asked = Array.from({ length: 5 }, () => bed.chat(key, ask))
    await expect.poll(() => bed.gateway.inflight, { timeout: 15_000 }).toBe(5)
    for (let call = 1; call <= calls; call++) {
      await expect.poll(() => engine.seen.length, { timeout: 15_000 }).toBe(call)
      engine.step()
    }
    const answers = await Promise.all(asked)
    expect(answers.map(answer => answer.status)).toEqual(Array(5).fill(status))
    expect(engine.seen).toHaveLength(calls)
    await ended()
    expect(bed.journal.events).toHaveLength(5)
  })
})

describe('a question that means the same', () => {
  const question = (content: string) => ({ ...ask, messages: [{ role: 'user', content }] })

  test('is answered from the cache, and its vector is billed to nobody', async () => {
    bed.endpoint('embedder', [engine.address])
    bed.route('vectors', { tiers: [{ targets: [{ endpoint: 'embedder' }] }] })
    bed.change('Route', 'cached', {
      spec: {
        cache: {
          mode: 'semantic',
          ttlSeconds: 600,
          scope: 'workspace',
          similarity: 0.97,
          embeddings: 'vectors',
        },
      },
    })
    expect(served(await bed.chat(key, question('how tall is it?')))).toBe('miss')
    // The scripted upstream gives every text the same vector.
    await expect
      .poll(async () => served(await bed.chat(key, question('what is its height?'))), { timeout: 10_000 })
      .toBe('hit')
    expect(served(await bed.chat(key, { ...question('what is its height?'), top_p: 0.5 }))).toBe('miss')
    const costs = bed.journal.events.filter(({ data }) => data.billable === 'cost')
    expect(costs.length).toBeGreaterThan(1)
    expect(costs[0]?.data).toMatchObject({ operation: 'embeddings', upstream: 'embedder-1-0' })
  })

  test('is asked as it is where it cannot be embedded', async () => {
    bed.change('Route', 'cached', {
      spec: { cache: { mode: 'semantic', similarity: 0.97, embeddings: 'nowhere' } },
    })
    const answer = await bed.chat(key, question('hi'))
    expect([answer.status, served(answer)]).toEqual([200, 'miss'])
    expect(bed.observed.some(({ type }) => type === 'cache_not_compared')).toBe(true)
  })
})
