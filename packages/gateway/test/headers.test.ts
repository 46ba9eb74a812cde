// What of a caller's headers reaches an upstream, and how a provider's own credential does.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Bed } from './bed.ts'
import { callers } from './callers.ts'
import { carrierOf, pairs, settle, upstreamDialects } from './fleet.ts'
import { send } from './raw.ts'
import { model } from './upstream/speaker.ts'
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

const ours = 'sk-upstream-4f9a'
const hostile = [
  ['connection', 'authorization, x-api-key, x-evil, content-type'],
  ['x-evil', '1'],
  ['x-forwarded-host', 'evil.example'],
  ['x-forwarded-for', '10.9.8.7'],
  ['forwarded', 'for=10.9.8.7;host=evil.example'],
  ['cookie', 'session=1'],
  ['proxy-authorization', 'Basic eDp5'],
  ['x-switchyard-Tags', 'blue'],
  ['X-SWITCHYARD-Upstream', 'evil'],
  ['x-litellm-timeout', '1'],
  ['te', 'trailers'],
  ['accept-encoding', 'gzip'],
  ['user-agent', 'evil/1'],
  ['anthropic-beta', 'tools-2024-04-04'],
  ['openai-beta', 'assistants=v2'],
].flat()

const plain = [
  'accept',
  'accept-encoding',
  'connection',
  'content-length',
  'content-type',
  'host',
  'user-agent',
]
/** What of the caller's own headers an upstream of the dialect understands. */
const understood: Readonly<Record<string, readonly string[]>> = {
  openai: ['openai-beta'],
  responses: ['openai-beta'],
  anthropic: ['anthropic-beta', 'anthropic-version'],
}

describe.each(pairs)('A7: of what a caller of %s sends, an upstream of %s', (caller, dialect) => {
  test.each([false, true])('sees the allowed headers alone, and our credential (stream %s)', async stream => {
    bed.credential('k', ours)
    settle(bed, engine, 'p', dialect, { credential: 'k' })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
    const row = callers[caller]
    const carriers = [
      ['authorization', `Bearer ${key}`],
      ['x-api-key', key, 'x-goog-api-key', key, 'api-key', key],
    ]
    for (const carried of carriers) {
      const query = row.path('m', stream).includes('?') ? '&' : '?'
      const answer = await send(bed.port, {
        path: `${row.path('m', stream)}${caller.startsWith('gemini') ? `${query}key=${key}` : ''}`,
        headers: ['content-type', 'application/json', ...carried, ...hostile],
        body: JSON.stringify(row.body('m', stream)),
      })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('set-cookie')).toBeNull()
      expect(answer.headers.get('server')).toBeNull()
    }
    expect(engine.seen).toHaveLength(2)
    for (const { url, headers, rawHeaders, body } of engine.seen) {
      const own = understood[dialect] ?? []
      expect(Object.keys(headers).sort()).toEqual([...plain, ...own, carrierOf(dialect)].sort())
      expect(headers[carrierOf(dialect)]).toBe(
        carrierOf(dialect) === 'authorization' ? `Bearer ${ours}` : ours,
      )
      expect(headers).toMatchObject({
        host: engine.address,
        'accept-encoding': 'identity',
        'user-agent': 'switchyard',
        'content-length': String(body.length),
      })
      const all = `${url} ${rawHeaders.join(' ')} ${body.toString()}`
      expect(all).not.toContain(key)
      expect(all).not.toContain('evil')
      expect(url).not.toContain('key=')
    }
  })
})

describe('a credential', () => {
  const asked = async () => {
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
    expect((await bed.chat(key, { model: 'm' })).status).toBe(200)
    const [seen] = engine.seen
    if (!seen) throw new Error('nothing was asked')
    return seen
  }

  test('of the type header goes under its name', async () => {
    bed.credential('k', ours, { type: 'header', name: 'X-Key' })
    settle(bed, engine, 'p', 'openai', { credential: 'k' })
    const { headers } = await asked()
    expect(headers['x-key']).toBe(ours)
    expect(headers.authorization).toBeUndefined()
  })

  test('of the type query goes into the query, and into nothing that is told', async () => {
    bed.credential('k', 'a b&c', { type: 'query', name: 'subscription' })
    settle(bed, engine, 'p', 'openai', { credential: 'k' })
    expect((await asked()).url).toBe('/v1/chat/completions?subscription=a%20b%26c')
    expect(bed.told).not.toContain('subscription')
  })

  test('of the type basic goes as user and password', async () => {
    bed.credential('k', 'pass', { type: 'basic', username: 'ada' })
    settle(bed, engine, 'p', 'openai', { credential: 'k' })
    expect((await asked()).headers.authorization).toBe(`Basic ${Buffer.from('ada:pass').toString('base64')}`)
  })

  test('of the type custom goes in its headers alone', async () => {
    bed.credential('k', 'unused', { type: 'custom', headers: { 'X-One': 'secret-1', 'X-Two': 'secret-2' } })
    settle(bed, engine, 'p', 'openai', { credential: 'k' })
    expect((await asked()).headers).toMatchObject({ 'x-one': 'secret-1', 'x-two': 'secret-2' })
  })

  test('that is rotated is used by the next request, and clears what the old one was blamed for', async () => {
    bed.credential('k', 'old')
    settle(bed, engine, 'p', 'openai', { credential: 'k' })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
    engine.will('status 401')
    expect((await bed.chat(key, { model: 'm' })).status).toBe(502)
    bed.credential('k', 'new')
    expect((await bed.chat(key, { model: 'm' })).status).toBe(200)
    expect(engine.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new'])
  })

  test.each(upstreamDialects)('that nobody has leaves the provider of %s out', async dialect => {
    settle(bed, engine, 'p', dialect, { credential: 'lost' })
    bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
    expect((await bed.chat(key, { model: 'm' })).status).toBe(503)
    expect(engine.seen).toHaveLength(0)
  })

  test('of a platform’s provider serves the workspaces that refer to it', async () => {
    bed.credential('k', ours, { workspace: null })
    bed.provider(
      'shared',
      { type: 'deepseek', baseUrl: engine.url(undefined, '/v1'), credential: 'k' },
      { workspace: null },
    )
    bed.route('m', { tiers: [{ targets: [{ provider: 'platform/shared', model }] }] })
    expect((await bed.chat(key, { model: 'm' })).status).toBe(200)
    expect(engine.seen[0]?.headers.authorization).toBe(`Bearer ${ours}`)
  })
})

test('a provider’s own headers go with every request, and no caller can change them', async () => {
  bed.provider('p', {
    type: 'deepseek',
    baseUrl: engine.url(undefined, '/v1'),
    headers: { 'X-Title': 'Switchyard' },
  })
  bed.route('m', { tiers: [{ targets: [{ provider: 'p', model }] }] })
  await bed.chat(key, { model: 'm' }, { headers: { 'x-title': 'evil' } })
  expect(engine.seen[0]?.headers['x-title']).toBe('Switchyard')
})
