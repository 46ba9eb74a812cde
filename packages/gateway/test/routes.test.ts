// Routes through the port: which one takes a request, who may call it, what it lets a caller lower, and where a refusal
// leads.
import type { CallerName } from '@switchyard/dialects'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed, document } from './bed.ts'
import { at, callers } from './callers.ts'
import { settle } from './fleet.ts'
import { expectTold } from './told.ts'
import { refusals } from './upstream/openai.ts'
import { model } from './upstream/speaker.ts'
import { type Name, ScriptedUpstream } from './upstream.ts'

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

const messages = [{ role: 'user', content: 'hi' }]

function chat(its: string, more: object, init: { readonly headers?: Record<string, string> } = {}) {
  return bed.chat(its, { messages, ...more }, init)
}

type Dialect = Parameters<typeof settle>[3]

/** A provider of its own; its name is that of the model that it is asked for. */
function provider(name: string, act?: Name, dialect: Dialect = 'openai') {
  settle(bed, engine, name, dialect, { act })
  return { provider: name, model: name }
}

/** A route of one provider of its own name. */
function lone(name: string, more: Partial<Parameters<Bed['route']>[1]> = {}, act?: Name): void {
  bed.route(name, { tiers: [{ targets: [provider(name, act)] }], ...more })
}

/** The model that the last request was for, as its upstream was asked. */
function served(): unknown {
  const { body, url } = engine.seen.at(-1) ?? { body: Buffer.from('{}'), url: '' }
  return at(JSON.parse(body.toString()), 'model') ?? /models\/([^:]+):/.exec(url)?.[1]
}

async function goes(name: string, more: object = {}, headers: Record<string, string> = {}): Promise<unknown> {
  const answer = await chat(key, { model: name, ...more }, { headers })
  await answer.arrayBuffer()
  return answer.status === 200 ? served() : answer.status
}

describe('a name', () => {
  test('is found as it is before any wildcard, and in the longest wildcard before a shorter', async () => {
    lone('exact', { names: ['gpt-5'] })
    lone('short', { names: ['gpt-*', 'claude'] })
    lone('long', { names: ['gpt-5-*'] })
    lone('rest', { names: ['*'] })
    expect(await goes('gpt-5')).toBe('exact')
    expect(await goes('gpt-5-mini')).toBe('long')
    expect(await goes('gpt-4')).toBe('short')
    expect(await goes('claude')).toBe('short')
    expect(await goes('llama')).toBe('rest')
  })

  test('of a wildcard passes to a provider as it was asked for, and comes back so', async () => {
    settle(bed, engine, 'p', 'anthropic')
    bed.route('any', { names: ['claude-*'], tiers: [{ targets: [{ provider: 'p' }] }] })
    const answer = await chat(key, { model: 'claude-x' })
    expect(served()).toBe('claude-x')
    expect(await answer.json()).toMatchObject({ model: 'claude-x' })
    expect(answer.headers.get('x-switchyard-model')).toBe('claude-x')
    expect(bed.journal.last.model).toBe('claude-x')
  })

  test('becomes the provider’s own, with its limit of tokens where the dialect demands one', async () => {
    bed.provider('p', {
      type: 'anthropic',
      baseUrl: engine.url(undefined, '/v1'),
      models: [{ name: 'sonnet', upstream: 'claude-sonnet-9', maxOutput: 777 }],
    })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model: 'sonnet' }] }] })
    expect(await goes('m')).toBe('claude-sonnet-9')
    expect(JSON.parse(engine.seen[0]?.body.toString() ?? '')).toMatchObject({ max_tokens: 777 })
  })

  test('of a route wins over that of an endpoint', async () => {
    bed.endpoint('tiny', [engine.address])
    expect(await goes('tiny')).toBe('tiny')
    lone('over', { names: ['tiny'] })
    expect(await goes('tiny')).toBe('over')
  })

  test('may be shown as the upstream’s, and the upstream be named, where the route says so', async () => {
    lone('hidden')
    lone('shown', { exposeModel: 'upstream', expose: 'upstream' })
    const hidden = await chat(key, { model: 'hidden' })
    expect(hidden.headers.get('x-switchyard-upstream')).toBeNull()
    expect(await hidden.json()).toMatchObject({ model: 'hidden' })
    const shown = await chat(key, { model: 'shown' })
    expect(shown.headers.get('x-switchyard-upstream')).toBe('shown')
    expect(await shown.json()).toMatchObject({ model })
  })
})

describe('a match', () => {
  beforeEach(() => {
    lone('usual', { names: ['m'] })
    lone('blue', { names: ['m'], priority: 5, match: { headers: { 'X-Team': 'blue*' } } })
    lone('tagged', { names: ['m'], priority: 4, match: { tags: ['eval', 'night'] } })
    lone('meta', { names: ['m'], priority: 3, match: { metadata: { tier: 'gold' } } })
    lone('all', {
      names: ['m'],
      priority: 9,
      match: { headers: { 'x-team': 'blue' }, tags: ['eval'], metadata: { tier: 'gold' } },
    })
  })

  test.each([
    ['nothing', {}, {}, 'usual'],
    ['a header by its start', {}, { 'x-team': 'blue-2' }, 'blue'],
    ['a header of another value', {}, { 'x-team': 'red' }, 'usual'],
    ['every tag', {}, { 'x-switchyard-tags': 'night, other, eval' }, 'tagged'],
    ['one tag of two', {}, { 'x-switchyard-tags': 'night' }, 'usual'],
    ['a member of the metadata', { metadata: { tier: 'gold' } }, {}, 'meta'],
    ['another member', { metadata: { tier: 'silver' } }, {}, 'usual'],
    ['metadata that is none', { metadata: 'gold' }, {}, 'usual'],
    ['all three', { metadata: { tier: 'gold' } }, { 'x-team': 'blue', 'x-switchyard-tags': 'eval' }, 'all'],
  ] as const)('by %s leads where it says', async (_, more, headers, wanted) => {
    expect(await goes('m', more, headers)).toBe(wanted)
  })
})

describe('a route with access', () => {
  test('is a model that does not exist to everybody else', async () => {
    bed.add(document('Project', 'default', 'lab', { archived: false }))
    lone('m', { access: { keys: ['key-1'], projects: ['lab'] } })
    const [named, inLab] = [bed.key(), bed.key({ project: 'lab' })]
    for (const its of [named, inLab]) expect((await chat(its, { model: 'm' })).status).toBe(200)
    for (const caller of ['openai', 'anthropic', 'gemini', 'ollama'] as const satisfies CallerName[])
      await expectTold(
        await bed.post(callers[caller].path('m', true), key, callers[caller].body('m', true)),
        caller,
        'model_not_found',
      )
    expect(engine.seen).toHaveLength(2)
  })

  test('leaves the next one of the same name to others', async () => {
    lone('closed', { names: ['m'], priority: 1, access: { keys: ['key-1'] } })
    lone('open', { names: ['m'] })
    expect(await goes('m')).toBe('open')
    key = bed.key()
    expect(await goes('m')).toBe('closed')
  })
})

describe('a strict route', () => {
  const more = { logit_bias: { '50256': -100 }, seed: 7 }

  test('refuses what the upstream cannot say, and names it', async () => {
    const targets = [provider('p', undefined, 'anthropic')]
    bed.route('strict', { strict: true, tiers: [{ targets }] })
    bed.route('lax', { tiers: [{ targets }] })
    const lax = await chat(key, { model: 'lax', ...more })
    expect(lax.status).toBe(200)
    expect(lax.headers.get('x-switchyard-warning')).toMatch(/dropped=(seed,logit_bias|logit_bias,seed)/)
    const strict = await chat(key, { model: 'strict', ...more })
    expect(at(await strict.clone().json(), 'error', 'param')).toMatch(/seed|logit_bias/)
    await expectTold(strict, 'openai', 'unsupported_parameter')
    expect(engine.seen).toHaveLength(1)
    expect((await chat(key, { model: 'strict' })).status).toBe(200)
  })

  test('takes the one of its upstreams that can say it', async () => {
    bed.route('m', {
      strict: true,
      tiers: [{ targets: [provider('claude', undefined, 'anthropic'), provider('gpt')] }],
    })
    for (let i = 0; i < 8; i++) expect(await goes('m', more)).toBe('gpt')
  })
})

describe('R10: a refusal', () => {
  beforeEach(() => {
    lone('long')
    lone('mild')
  })
  const fallback = { onContextLength: 'long', onContentFilter: 'mild' }
  const dialects = ['openai', 'anthropic', 'gemini', 'ollama'] as const

  test.each(dialects)(
    'of %s for its length, and one of its filter, lead to routes of their own',
    async dialect => {
      for (const [act, wanted] of [
        ['context length', 'long'],
        ['content filter', 'mild'],
      ] as const) {
        const name = act.replaceAll(' ', '-')
        bed.route(name, { fallback, tiers: [{ targets: [provider(name, act, dialect)] }] })
        for (const stream of [false, true]) {
          const before = bed.journal.events.length
          const answer = await chat(key, { model: name, stream })
          expect(await answer.text()).toContain('three')
          expect(served()).toBe(wanted)
          expect(answer.headers.get('x-switchyard-fallback')).toBe(
            { long: 'context_length_exceeded', mild: 'content_filter' }[wanted],
          )
          expect(answer.headers.get('x-switchyard-model')).toBe(name)
          expect(bed.journal.events.length - before).toBe(1)
          expect(bed.journal.last).toMatchObject({ end: 'done', model: name })
        }
      }
    },
  )

  test.each(dialects)('of %s for anything else leads nowhere', async dialect => {
    bed.route('m', { fallback, tiers: [{ targets: [provider('p', 'other', dialect)] }] })
    expect(await goes('m')).toBe(400)
    expect(engine.seen).toHaveLength(1)
  })

  test('that the other route gives too is the answer, and routes that lead to each other end', async () => {
    for (const [name, other] of [
      ['ping', 'pong'],
      ['pong', 'ping'],
    ] as const)
      lone(name, { fallback: { onContextLength: other } }, 'context length')
    const answer = await chat(key, { model: 'ping' })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toBe(refusals['context length'])
    expect(engine.seen).toHaveLength(2)
    expect(bed.journal.events).toHaveLength(1)
  })

  test('leads on though the caller’s key may not call the other route by its name', async () => {
    lone('inner', { access: { keys: ['nobody'] } })
    bed.route('m', {
      fallback: { onContextLength: 'inner' },
      tiers: [{ targets: [provider('p', 'context length')] }],
    })
    expect(await goes('m')).toBe('inner')
    expect(await goes('inner')).toBe(404)
  })
})

describe('a caller may lower', () => {
  test.each([
    ['0', 1],
    ['1', 2],
    ['9', 3],
    ['none', 3],
    ['-1', 3],
  ])('the retries, to %s: %d attempts', async (wish, attempts) => {
    lone('m', {}, 'status 500')
    const answer = await chat(key, { model: 'm' }, { headers: { 'x-switchyard-retries': wish } })
    expect(answer.headers.get('x-switchyard-attempts')).toBe(String(attempts))
    expect(engine.seen).toHaveLength(attempts)
  })

  test('the attempts of a route that has more or fewer', async () => {
    lone('five', { retries: { attempts: 5 } }, 'status 500')
    lone('one', { retries: { attempts: 1 } }, 'status 500')
    for (const [name, attempts] of [
      ['five', '5'],
      ['one', '1'],
    ])
      expect((await chat(key, { model: name })).headers.get('x-switchyard-attempts')).toBe(attempts)
  })

  test.each([
    ['x-switchyard-timeout-ms', 'total'],
    ['x-switchyard-first-token-ms', 'first_token'],
  ] as const)('its time, by %s', async (header, told) => {
    lone('m', {}, 'silence')
    const started = performance.now()
    const asks = (stream: boolean) =>
      chat(key, { model: 'm', stream }, { headers: { [header]: '100', 'x-switchyard-retries': '0' } })
    const [plain, streamed] = await Promise.all([asks(false), asks(true)])
    await expectTold(plain, 'openai', told)
    await expectTold(streamed, 'openai', told)
    expect(performance.now() - started).toBeLessThan(10_000)
    for (const { aborted } of engine.seen) await aborted
  })

  test('but not raise what the route has', async () => {
    lone('total', { timeouts: { totalMs: 100 } }, 'silence')
    lone('first', { timeouts: { firstContentMs: 100 }, retries: { attempts: 1 } }, 'silence')
    const headers = { 'x-switchyard-timeout-ms': '600000', 'x-switchyard-first-token-ms': '600000' }
    await Promise.all(
      (['total', 'first'] as const).map(async name =>
        expectTold(
          await chat(key, { model: name }, { headers }),
          'openai',
          name === 'first' ? 'first_token' : name,
        ),
      ),
    )
  })

  test('R10: its deadline below the pause before a retry: then there is one attempt', async () => {
    bed.random = () => 0.999
    lone('m', {}, 'status 500')
    const answer = await chat(key, { model: 'm' }, { headers: { 'x-switchyard-timeout-ms': '30' } })
    expect(answer.headers.get('x-switchyard-attempts')).toBe('1')
    await expectTold(answer, 'openai', 'upstream_error')
  })
})

test('a wrong key at one upstream leads to a later tier before its neighbours', async () => {
  const wrong = await ScriptedUpstream.start()
  const beside = await ScriptedUpstream.start()
  const later = await ScriptedUpstream.start()
  try {
    wrong.always('status 401')
    bed.endpoint('wrong', [wrong.address])
    bed.endpoint('beside', [beside.address])
    bed.endpoint('later', [later.address])
    const first = {
      strategy: 'weighted' as const,
      targets: [
        { endpoint: 'wrong', weight: 1000 },
        { endpoint: 'beside', weight: 1 },
      ],
    }
    bed.route('tiered', { tiers: [first, { targets: [{ endpoint: 'later' }] }] })
    bed.random = () => 0
    const answer = await bed.chat(key, { model: 'tiered' })
    expect([answer.status, answer.headers.get('x-switchyard-fallback')]).toEqual([200, '1'])
    expect([wrong.seen.length, beside.seen.length, later.seen.length]).toEqual([1, 0, 1])
  } finally {
    for (const one of [wrong, beside, later]) await one[Symbol.asyncDispose]()
  }
})
