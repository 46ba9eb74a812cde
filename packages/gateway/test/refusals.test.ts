// What the gateway refuses by itself, before and after it knows who calls, in every dialect; and the lists of models.
import type { CallerName } from '@switchyard/dialects'
import { openMemoryLimiter } from '@switchyard/drivers/limits/memory'
import { Fault } from '@switchyard/kinds'
import { type Limiter, systemClock } from '@switchyard/runtime'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Bed, document } from './bed.ts'
import { at, callerNames, callers, list } from './callers.ts'
import { settle } from './fleet.ts'
import { begun, send } from './raw.ts'
import { expectTold, type FaultName } from './told.ts'
import { model } from './upstream/speaker.ts'
import { ScriptedUpstream } from './upstream.ts'

let bed: Bed
let engine: ScriptedUpstream
let key: string
let limiter: Limiter
beforeEach(async () => {
  limiter = openMemoryLimiter({ clock: systemClock })
  bed = await Bed.start({ bodyBytes: 2000, bodyGap: 1000 }, {}, { limiter })
  engine = await ScriptedUpstream.start()
  settle(bed, engine, 'p', 'openai')
  bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
  key = bed.key()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

const json = ['content-type', 'application/json']
const bearer = (secret: string) => ['authorization', `Bearer ${secret}`]

interface Given {
  readonly path?: string
  readonly method?: string
  readonly headers?: readonly string[]
  readonly body?: string
}

/** A request of the caller that would be answered, but for what is given. */
function ask(caller: CallerName, { path, method, headers, body }: Given = {}, name = 'm'): Promise<Response> {
  const row = callers[caller]
  return send(bed.port, {
    path: path ?? row.path(name, true),
    method: method ?? 'POST',
    headers: headers ?? [...json, ...bearer(key)],
    body: body ?? JSON.stringify(row.body(name, true)),
  })
}

/** Paths of each dialect that are not there. */
const nowhere: Readonly<Record<CallerName, string>> = {
  openai: '/v1/nothing',
  responses: '/openai/v1/nothing',
  anthropic: '/v1/messages/nothing',
  gemini: '/v1beta/nothing',
  geminiArray: '/genai/v1beta/nothing',
  ollama: '/api/nothing',
  ollamaGenerate: '/ollama/api/nothing',
}

/** What is refused before the path is known is told in the plain form of the dialect. */
const plain: Partial<Record<CallerName, CallerName>> = { geminiArray: 'gemini' }

describe.each(callerNames)('A2: a caller of %s', caller => {
  const tells = async (answer: Promise<Response>, name: FaultName, as = caller) => {
    await expectTold(await answer, as, name)
    expect(engine.seen).toHaveLength(0)
    expect(bed.journal.records).toHaveLength(0)
  }

  test('is told of an unknown path, and of a wrong method, without any key', async () => {
    const as = plain[caller] ?? caller
    await tells(ask(caller, { path: nowhere[caller], headers: json }), 'unknown_path', as)
    const answer = await ask(caller, { method: 'DELETE', headers: [], body: '' })
    expect(answer.headers.get('allow')).toContain('POST')
    await tells(Promise.resolve(answer), 'method', as)
  })

  test('is told that its key is missing, unknown or contradicted', async () => {
    await tells(ask(caller, { headers: json }), 'invalid_api_key')
    await tells(ask(caller, { headers: [...json, ...bearer('sk-1234')] }), 'invalid_api_key')
    const two = [...json, ...bearer(key), 'x-api-key', bed.key()]
    await tells(ask(caller, { headers: two }), 'conflicting_credentials')
  })

  test('is told of a body that is no JSON, no object, too large, or of another type', async () => {
    await tells(ask(caller, { body: '{"model":' }), 'invalid_json')
    await tells(ask(caller, { body: '[1]' }), 'invalid_json')
    await tells(ask(caller, { body: `{"x":"${'x'.repeat(2000)}"}` }), 'body')
    if (caller.startsWith('ollama')) return
    await tells(ask(caller, { headers: ['content-type', 'text/plain', ...bearer(key)] }), 'media_type')
  })

  test('A3: is told the same of an unknown model and of one of another workspace', async () => {
    bed.workspace('elsewhere')
    bed.endpoint('theirs', [engine.address], { workspace: 'elsewhere' })
    await tells(ask(caller, {}, 'nobodys'), 'model_not_found')
    const [unknown, foreign] = await Promise.all(
      ['nobodys', 'theirs'].map(async name => (await ask(caller, {}, name)).text()),
    )
    const without = (text = '', name = '') => text.replace(name, '').replace(/"request_id":"[^"]*"/, '')
    expect(without(foreign, 'theirs')).toBe(without(unknown, 'nobodys'))
  })

  test('is told that its key may not call the model, that it is over its limit, and that nobody is ready', async () => {
    const narrow = bed.key({ spec: { models: ['other'] } })
    await tells(ask(caller, { headers: [...json, ...bearer(narrow)] }), 'model_not_allowed')
    bed.endpoint('asleep', [], { spec: { replicas: 0 } })
    await tells(ask(caller, {}, 'asleep'), 'no_upstream')
    const limited = bed.key({ spec: { limits: { requests: { perMinute: 1, burst: 1 } } } })
    const headers = [...json, ...bearer(limited)]
    expect((await ask(caller, { headers })).status).toBe(200)
    await expectTold(await ask(caller, { headers }), caller, 'rate_limit_exceeded')
    expect(engine.seen).toHaveLength(1)
  })
})

interface Circumstance {
  readonly fault: FaultName
  /** `x-should-retry`. */
  readonly retry?: 'true' | 'false'
  /** Told in the plain form of the dialect: which of its forms is asked for nobody knows yet. */
  readonly early?: true
  /** Callers that it cannot happen to. */
  readonly never?: readonly CallerName[]
  meet(caller: CallerName): Promise<Response>
}

const withKey = (caller: CallerName, spec: object) =>
  ask(caller, { headers: [...json, ...bearer(bed.key({ spec }))] })

/** What else a caller may run into before an upstream hears of it; the last of them ends the gateway. */
const circumstances: readonly Circumstance[] = [
  { fault: 'expired_api_key', meet: caller => withKey(caller, { expiresAt: '2020-01-01T00:00:00Z' }) },
  { fault: 'invalid_api_key', meet: caller => withKey(caller, { disabled: true }) },
  { fault: 'scope', meet: caller => withKey(caller, { scopes: ['usage:read'] }) },
  {
    fault: 'ip_denied',
    meet: caller => withKey(caller, { addresses: { allow: ['192.0.2.0/24'], deny: [] } }),
  },
  {
    fault: 'encoding',
    meet: caller => ask(caller, { headers: [...json, 'content-encoding', 'br', ...bearer(key)] }),
  },
  {
    fault: 'duplicate_member',
    never: ['gemini', 'geminiArray'],
    meet: caller => ask(caller, { body: `{"model":"m","model":"n",${bodyOf(caller).slice(1)}` }),
  },
  {
    fault: 'missing_field',
    never: ['gemini', 'geminiArray'],
    meet: caller => ask(caller, { body: bodyOf(caller).replace('"model":"m",', '') }),
  },
  {
    fault: 'uri',
    early: true,
    meet: caller =>
      ask(caller, { path: `${callers[caller].path('m', true).split('?')[0]}?x=${'x'.repeat(9000)}` }),
  },
  {
    fault: 'headers',
    early: true,
    meet: caller => ask(caller, { headers: [...json, ...bearer(key), 'x-long', 'x'.repeat(33 * 1024)] }),
  },
  {
    fault: 'reservation_exceeds_limit',
    retry: 'false',
    meet: caller => withKey(caller, { limits: { tokens: { perMinute: 1 } } }),
  },
  {
    fault: 'limiter_unavailable',
    retry: 'true',
    async meet(caller) {
      const away = new Fault('unavailable', 'The limits cannot be asked.', {
        reason: 'limiter_unavailable',
        retryAfterSeconds: 1,
      })
      const admit = vi.spyOn(limiter, 'admit').mockRejectedValueOnce(away)
      try {
        return await withKey(caller, { limits: { requests: { perMinute: 100 } } })
      } finally {
        admit.mockRestore()
      }
    },
  },
  {
    fault: 'journal_full',
    async meet(caller) {
      bed.journal.full = true
      try {
        return await ask(caller)
      } finally {
        bed.journal.full = false
      }
    },
  },
  {
    fault: 'internal',
    async meet(caller) {
      bed.follow = () => {
        throw new Error('secret at place.ts:1')
      }
      try {
        return await ask(caller)
      } finally {
        bed.follow = undefined
      }
    },
  },
  {
    fault: 'caller_slow',
    async meet(caller) {
      const { path } = callers[caller]
      const headers = [...json, ...bearer(key), 'content-length', '100']
      return begun(bed.port, { path: path('m', true), headers, body: '{' })
    },
  },
  {
    fault: 'draining',
    retry: 'true',
    async meet(caller) {
      await bed.gateway.drain(0)
      return ask(caller)
    },
  },
]

const bodyOf = (caller: CallerName) => JSON.stringify(callers[caller].body('m', true))

test.each(callerNames)('A2: a caller of %s is told of whatever else stands in its way', async caller => {
  for (const { fault, retry, early, never, meet } of circumstances) {
    if (never?.includes(caller)) continue
    const answer = await meet(caller)
    expect(answer.headers.get('x-should-retry'), fault).toBe(retry ?? null)
    await expectTold(answer, early ? (plain[caller] ?? caller) : caller, fault)
  }
  expect(engine.seen).toHaveLength(0)
  expect(bed.journal.records).toHaveLength(0)
})

describe('A2: a seat that is taken', () => {
  test.each(callerNames)('is told to a caller of %s', async caller => {
    const headers = [...json, ...bearer(bed.key({ spec: { limits: { concurrency: 1 } } }))]
    engine.always('silence')
    const first = ask(caller, { headers })
    await expect.poll(() => engine.seen.length).toBe(1)
    await expectTold(await ask(caller, { headers }), caller, 'concurrency_exceeded')
    await bed.gateway.drain(0)
    await first
  })
})

describe('A1: a path', () => {
  test.each(callerNames)(
    'of %s is answered with and without its prefix and a slash at its end',
    async caller => {
      const prefix = { r: '/openai', a: '/anthropic', g: '/genai' }[
        caller === 'openai' ? 'r' : (caller[0] ?? '')
      ]
      const path = callers[caller].path('m', true)
      const [bare = '', query] = path.split('?')
      const slashed = query === undefined ? `${bare}/` : `${bare}/?${query}`
      for (const each of [path, `${prefix ?? '/ollama'}${path}`, slashed])
        expect((await ask(caller, { path: each })).status, each).toBe(200)
    },
  )

  test.each(callerNames)('of %s with .., // or %%2f in it is not found', async caller => {
    const path = callers[caller].path('m', true)
    const as = plain[caller] ?? (caller === 'responses' ? 'openai' : caller)
    for (const wrong of [
      path.replace(/^\/(\w+)\//, '/$1/x/../'),
      path.replace(/^\/(\w+)\//, '/$1//'),
      path.replace(/^\/(\w+)\//, '/$1%2f'),
      path.replace(/^\/(\w+)\//, '/$1/%2e/'),
    ])
      await expectTold(await ask(caller, { path: wrong }), dialectAt(wrong, as), 'unknown_path')
    expect(engine.seen).toHaveLength(0)
  })
})

/** Where the first part of the path is itself spoilt nobody can tell the dialect: it is OpenAI's. */
function dialectAt(path: string, caller: CallerName): CallerName {
  const told = [
    [/^\/api\//, 'ollama'],
    [/^\/v1beta/, 'gemini'],
    [/^\/v1\/messages/, 'anthropic'],
  ] as const
  return told.find(([start]) => start.test(path))?.[1] ?? (caller === 'responses' ? caller : 'openai')
}

describe('A4: a key', () => {
  const carriers: readonly (readonly [name: string, headers: (key: string) => readonly string[]])[] = [
    ['authorization', bearer],
    ['x-api-key', secret => ['x-api-key', secret]],
    ['api-key', secret => ['api-key', secret]],
    ['x-goog-api-key', secret => ['x-goog-api-key', secret]],
    ['?key=', () => []],
  ]
  const path = (name: string, secret: string) =>
    `/v1beta/models/m:generateContent${name === '?key=' ? `?key=${secret}` : ''}`
  const pairs = carriers.flatMap((one, i) =>
    carriers.slice(i + 1).map(other => [one[0], other[0], one[1], other[1]] as const),
  )

  test.each(carriers)('is taken from %s', async (name, headers) => {
    const answer = await ask('gemini', { path: path(name, key), headers: [...json, ...headers(key)] })
    expect(answer.status).toBe(200)
    expect(JSON.stringify(engine.seen)).not.toContain(key)
  })

  test.each(pairs)(
    'in both %s and %s passes when it is one, and is refused when not',
    async (one, other, a, b) => {
      const second = bed.key()
      const asked = (first: string, last: string) =>
        ask('gemini', {
          path: path(other, last),
          headers: [...json, ...a(first), ...b(last)],
        })
      expect((await asked(key, key)).status, one).toBe(200)
      const before = bed.journal.records.length
      await expectTold(await asked(key, second), 'gemini', 'conflicting_credentials')
      expect(bed.journal.records).toHaveLength(before)
      expect(engine.seen).toHaveLength(1)
    },
  )

  test('in the query is no key where the path is not Gemini’s', async () => {
    await expectTold(
      await ask('openai', { path: `/v1/chat/completions?key=${key}`, headers: json }),
      'openai',
      'invalid_api_key',
    )
  })
})

describe('A3: a list of models', () => {
  test.each([
    ['/v1/models', 'authorization', 'object'],
    ['/openai/v1/models', 'x-api-key', 'object'],
    ['/ollama/v1/models', 'authorization', 'object'],
    ['/anthropic/v1/models', 'x-api-key', 'has_more'],
    ['/genai/v1/models', 'authorization', 'models'],
    ['/v1/models', 'x-goog-api-key', 'models'],
    ['/v1beta/models', 'authorization', 'models'],
  ])('at %s with %s has the member %s of its dialect', async (path, carrier, member) => {
    const answer = await send(bed.port, { method: 'GET', path, headers: [carrier, key] })
    expect(Object.keys((await answer.json()) as object)).toContain(member) // it is one
    const unknown = await send(bed.port, { method: 'GET', path: `${path}/nobody`, headers: [carrier, key] })
    expect(unknown.status).toBe(404)
    const told = { object: 'code', has_more: 'type', models: 'status' }[member] ?? ''
    expect(at(await unknown.json(), 'error', told)).toMatch(/not_found/i)
  })

  const names = async (path: string, headers: readonly string[]) => {
    const answer: unknown = await (await send(bed.port, { method: 'GET', path, headers })).json()
    const all = list(at(answer, 'data') ?? at(answer, 'models'))
    return all.map(one => String(at(one, 'id') ?? at(one, 'name')).replace('models/', ''))
  }

  test('shows in each shape only what the key may call, in a stable order', async () => {
    bed.add(document('Project', 'default', 'lab', { archived: false }))
    const tiers = [{ targets: [{ provider: 'p', model }] }]
    bed.route('zebra', { tiers })
    bed.route('any', { names: ['any-*'], tiers })
    bed.route('lab', { names: ['lab-only'], tiers, access: { projects: ['lab'] } })
    bed.route('named', { names: ['two', 'another'], tiers, access: { keys: ['key-1'] } })
    bed.workspace('elsewhere')
    bed.endpoint('theirs', [engine.address], { workspace: 'elsewhere' })
    const second = bed.key()
    const inLab = bed.key({ project: 'lab', spec: { models: ['lab*', 'z*'] } })
    const shapes = [
      ['/v1/models', []],
      ['/v1/models', ['anthropic-version', '2023-06-01']],
      ['/anthropic/v1/models', []],
      ['/v1beta/models', []],
      ['/genai/v1/models', []],
      ['/ollama/v1/models', []],
      ['/api/tags', []],
    ] as const
    for (const [path, more] of shapes) {
      const asks = (secret: string) => names(path, [...bearer(secret), ...more])
      expect(await asks(key), path).toEqual(['m', 'zebra'])
      expect(await asks(second), path).toEqual(['another', 'm', 'two', 'zebra'])
      expect(await asks(inLab), path).toEqual(['lab-only', 'zebra'])
    }
  })
})
