import { Validator } from '@seriousme/openapi-schema-validator'
import { kinds } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { guarded, nowhere, open, type Row, routeProblems } from '../src/route.ts'
import { expectStatus, type Harness, type Person, start } from './harness.ts'

/** As far as the tests look into it. */
interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          Readonly<Record<string, unknown>> & {
            requestBody?: { content: Record<string, { example?: unknown }> }
          }
        >
      >
    >
  >
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}

let h: Harness
let nobody: Person
beforeAll(async () => {
  h = await start()
  nobody = await h.person('nobody')
})
afterAll(() => h[Symbol.asyncDispose]())

const pathOf = ({ path }: Row) => path.replace('{w}', 'default').replace('{name}', 'something')
const isOpen = ({ public: reason }: Row) => reason !== undefined

describe('the route table', () => {
  test('lets nobody in without an identity, but at the rows of the golden list', async () => {
    const publicRows = h.api.routes.filter(isOpen).map(({ method, path }) => `${method} ${path}`)
    expect(publicRows).toEqual([
      'POST /api/v1/sessions',
      'POST /api/v1/sessions/refresh',
      'POST /api/v1/setup',
      'GET /setup',
      'POST /api/v1/invitations/accept',
      'GET /invitation',
      'POST /api/v1/password-resets',
      'POST /api/v1/password-resets/redeem',
      'GET /reset',
      'GET /api/v1/sso',
      'GET /api/v1/sso/{name}/start',
      'GET /api/v1/sso/{name}/return',
      'POST /api/v1/sso/exchange',
      'GET /',
      'GET /.well-known/jwks.json',
      'GET /healthz',
      'GET /readyz',
      'GET /version',
      'GET /console',
      'GET /console/{path*}',
      'GET /console/assets/{name}',
      'GET /api/v1/openapi.json',
    ])
    for (const row of h.api.routes.filter(row => !isOpen(row))) {
      const reply = await h.call(row.method, pathOf(row), { token: null })
      expect([row.method, row.path, reply.status]).toEqual([row.method, row.path, 401])
      expect(reply.body.error).toMatchObject({
        code: 'unauthenticated',
        requestId: reply.headers.get('x-request-id'),
      })
    }
  })

  test('answers an identity that holds nothing with 403 or 404 at every row that asks for a permission', async () => {
    for (const row of h.api.routes.filter(({ permission }) => permission !== undefined)) {
      const reply = await h.call(row.method, pathOf(row), { token: nobody.token })
      expect([403, 404], `${row.method} ${row.path}: ${reply.text}`).toContain(reply.status)
    }
    const selves = h.api.routes
      .filter(({ self }) => self !== undefined)
      .map(({ method, path }) => `${method} ${path}`)
    expect(selves).toEqual([
      'DELETE /api/v1/sessions',
      'GET /api/v1/whoami',
      'PUT /api/v1/password',
      'GET /api/v1/sessions',
      'DELETE /api/v1/sessions/{id}',
      'GET /api/v1/rights',
      'GET /api/v1/kinds',
      'GET /api/v1/watch',
    ])
  })

  const about = { method: 'GET', path: '/x/{name}', doc: '', output: [], locate: nowhere } as const
  const answer = async () => ({ status: 200 })
  test.each([
    [
      'no way in',
      { ...open('', { ...about, path: '/x' }, {}, answer), public: '' },
      'GET /x declares neither a permission nor a reason',
    ],
    [
      'an unknown permission',
      guarded({ permission: 'ship:sink' }, { ...about, path: '/x' }, {}, answer),
      'GET /x asks for ship:sink',
    ],
    [
      'an unused parameter',
      guarded({ permission: 'endpoint:read' }, about, {}, answer),
      'GET /x/{name} has {name}, which its locate does not use',
    ],
  ])('names a row with %s', (_what, row, sentence) => {
    expect(routeProblems([row])).toEqual([expect.stringContaining(sentence)])
  })

  test('has a row for every kind and verb', () => {
    for (const kind of kinds) {
      const methods = new Set(h.api.routes.filter(row => row.kind === kind.kind).map(({ method }) => method))
      expect([...methods]).toEqual(
        expect.arrayContaining(kind.system ? ['GET', 'DELETE'] : ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
      )
      if (kind.system) expect(methods).not.toContain('POST')
    }
  })
})

describe('the description', () => {
  test('is valid OpenAPI 3.1 by an independent validator, with the permission of every operation', async () => {
    const reply = await h.call('GET', '/api/v1/openapi.json', { token: null })
    const document = JSON.parse(reply.text) as OpenApi
    const result = await new Validator().validate(JSON.parse(reply.text) as Record<string, unknown>)
    expect(result.errors).toBeUndefined()
    expect(result.valid).toBe(true)
    for (const row of h.api.routes) {
      const operation = document.paths[row.path.replace('*}', '}')]?.[row.method.toLowerCase()]
      expect(operation, `${row.method} ${row.path}`).toBeDefined()
      expect(operation?.['x-permission'] ?? operation?.['x-public'] ?? operation?.['x-self']).toBeTruthy()
    }
    for (const { kind } of kinds) expect(document.components.schemas).toHaveProperty(kind)
    const text = JSON.stringify(document)
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      expect(document.components.schemas).toHaveProperty([name!])
  })

  test('gives examples that are accepted when they are sent', async () => {
    const reply = await h.call('GET', '/api/v1/openapi.json', { token: null })
    const document = JSON.parse(reply.text) as OpenApi
    let sent = 0
    for (const { path, permission, method, kind } of h.api.routes) {
      if (method !== 'POST' || !permission?.endsWith(':create')) continue
      const body = document.paths[path]?.post?.requestBody?.content['application/json']?.example
      expect(body, path).toBeDefined()
      const answered = await h.call('POST', `${path.replace('{w}', 'default')}?dryRun=true`, { body })
      // What an example refers to need not be there, but its form must hold.
      const rules = answered.status === 201 ? [] : (answered.body.error.details ?? []).map(({ rule }) => rule)
      expect([kind, answered.status, rules.filter(rule => rule !== 'reference')]).toEqual([
        kind,
        answered.status,
        [],
      ])
      expect([201, 400]).toContain(answered.status)
      sent++
    }
    expect(sent).toBeGreaterThan(10)
  })
})

describe('one shape for every refusal', () => {
  test.each([
    ['an unknown path', 'GET', '/api/v1/nothing', {}, 404, 'not_found'],
    ['a wrong method', 'PUT', '/api/v1/endpoints', {}, 405, 'unsupported'],
    ['bad JSON', 'POST', '/api/v1/workspaces', { body: '{"a":' }, 400, 'invalid'],
    [
      'an empty body',
      'POST',
      '/api/v1/workspaces',
      { headers: { 'content-type': 'application/json' } },
      400,
      'invalid',
    ],
    [
      'a wrong media type',
      'POST',
      '/api/v1/workspaces',
      { body: 'x', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported',
    ],
    [
      'a patch as a document',
      'PATCH',
      '/api/v1/workspaces/default',
      { body: {}, headers: { 'content-type': 'application/json' } },
      415,
      'unsupported',
    ],
    ['an unknown query field', 'GET', '/api/v1/endpoints?limt=1', {}, 400, 'invalid'],
    ['a poisoned prototype', 'POST', '/api/v1/workspaces', { body: '{"__proto__":{"a":1}}' }, 400, 'invalid'],
    [
      'a field that cannot be selected',
      'GET',
      '/api/v1/endpoints?fieldSelector=spec.secret%3D1',
      {},
      400,
      'invalid',
    ],
    ['a bad label selector', 'GET', '/api/v1/endpoints?labelSelector=a%20like%20b', {}, 400, 'invalid'],
    ['a broken escape', 'GET', '/api/v1/workspaces/%E0%A4%A', {}, 400, 'invalid'],
  ])('%s', async (_what, method, path, given, status, code) => {
    const reply = await h.call(method, path, given)
    expect([reply.status, reply.body?.error?.code]).toEqual([status, code])
    expect(Object.keys(reply.body.error)).toEqual(
      expect.arrayContaining(['code', 'reason', 'message', 'requestId', 'details']),
    )
    expect(reply.text).not.toMatch(/select |insert |\.ts:|at \w+ \(/i)
  })

  test('a wrong method names those that are allowed', async () => {
    const reply = await h.call('PUT', '/api/v1/endpoints')
    expect(reply.headers.get('allow')?.split(', ')).toEqual(expect.arrayContaining(['GET', 'POST']))
  })

  test('a body over 4 MiB is refused before it is read', async () => {
    const reply = await h.call('POST', '/api/v1/workspaces', {
      body: JSON.stringify({ a: 'x'.repeat(4 * 1024 * 1024) }),
    })
    expect([reply.status, reply.body.error.code]).toEqual([413, 'too_large'])
  })

  test('a request id comes back when it is well formed, and is made otherwise', async () => {
    const kept = await h.call('GET', '/healthz', { headers: { 'x-request-id': 'abc-1.2_3' } })
    expect(kept.headers.get('x-request-id')).toBe('abc-1.2_3')
    const made = await h.call('GET', '/healthz', { headers: { 'x-request-id': 'a b' } })
    expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('two different credentials are ambiguous', async () => {
    const reply = await h.call('GET', '/api/v1/whoami', { headers: { 'x-api-key': 'sk-other' } })
    expect([reply.status, reply.body.error.reason]).toEqual([400, 'ambiguous_credentials'])
  })

  test('health, readiness and version answer anyone', async () => {
    for (const path of ['/healthz', '/readyz', '/version'])
      expect((await h.call('GET', path, { token: null })).status).toBe(200)
  })
})

describe('a list', () => {
  test('comes in pages that together are the whole, and its tokens are bound to filter and caller', async () => {
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5'])
      await h.call('POST', '/api/v1/workspaces/default/projects', {
        body: { metadata: { name, labels: { n: name } }, spec: {} },
      })
    const base = '/api/v1/workspaces/default/projects?limit=2'
    const names: string[] = []
    const versions = new Set<string>()
    let next: string | undefined = ''
    while (next !== undefined) {
      const page = await h.call('GET', next === '' ? `${base}&count=true` : `${base}&continue=${next}`)
      if (next === '') expect(page.body.metadata.count).toBe(5)
      names.push(...page.body.items.map(({ metadata }) => metadata.name))
      versions.add(page.body.metadata.resourceVersion)
      next = page.body.metadata.continue
      if (names.length === 2) {
        const token = next!
        expect((await h.call('GET', `${base}&q=p&continue=${token}`)).body.error.reason).toBe('bad_continue')
        expect((await h.call('GET', `${base}&continue=x${token}`)).status).toBe(400)
        h.clock.ahead = 601_000
        expect((await h.call('GET', `${base}&continue=${token}`)).body.error.code).toBe('expired')
        h.clock.ahead = 0
      }
    }
    expect(names).toEqual(['p1', 'p2', 'p3', 'p4', 'p5'])
    expect(versions.size).toBe(1)
    const some = await h.call(
      'GET',
      `/api/v1/projects?labelSelector=${encodeURIComponent('n in (p2,p4),!x')}&view=metadata`,
    )
    expect(some.body.items.map(({ metadata }) => metadata.name)).toEqual(['p2', 'p4'])
    expect(some.body.items[0]).not.toHaveProperty('spec')
  })
})

describe('the front page', () => {
  test('is a page for a browser in its language, under a policy that lets nothing in, and JSON for others', async () => {
    const page = (headers: Record<string, string>) =>
      h.call('GET', '/', { token: null, headers: { accept: 'text/html,*/*;q=0.8', ...headers } })
    const english = expectStatus(await page({ 'accept-language': 'en-GB,zh;q=0.5' }), 200)
    expect(english.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(english.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    )
    expect(english.text).toContain('<html lang="en">')
    expect(english.text).toContain('href="/api/v1/openapi.json"')
    expect(english.text).toContain('set-up link')
    expect(english.text).not.toContain('<script')
    const chinese = expectStatus(await page({ 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.8' }), 200)
    expect(chinese.text).toContain('<html lang="zh-CN">')
    // The other language is one click away.
    for (const { text } of [english, chinese])
      for (const part of ['运行 AI 模型', 'meters every request', 'href="#zh"', 'href="#en"'])
        expect(text).toContain(part)
    expect(english.text.indexOf('id="en"')).toBeLessThan(english.text.indexOf('id="zh"'))
    expect(chinese.text.indexOf('id="zh"')).toBeLessThan(chinese.text.indexOf('id="en"'))
    const json = expectStatus(await h.call('GET', '/', { token: null }), 200)
    expect(json.body).toEqual({
      name: 'Switchyard',
      version: '0.0.0-test',
      openapi: '/api/v1/openapi.json',
    })
  })
})

describe('metrics', () => {
  test('are for those who hold metrics:read on the platform, as Prometheus reads them', async () => {
    await using counting = await start({ metrics: () => 'switchyard_requests_total 7\n' })
    const operator = await counting.person('op', { platform: ['operator'] })
    const auditor = await counting.person('aud', { platform: ['auditor'] })
    const local = await counting.person('local', { default: ['operator'] })
    for (const token of [operator.token, auditor.token, counting.operator]) {
      const reply = expectStatus(await counting.call('GET', '/metrics', { token }), 200)
      expect(reply.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
      expect(reply.text).toBe('switchyard_requests_total 7\n')
    }
    const denied = expectStatus(await counting.call('GET', '/metrics', { token: local.token }), 403)
    expect(denied.body.error.message).toContain('metrics:read on the platform')
    expectStatus(await counting.call('GET', '/metrics', { token: null }), 401)
    expect(expectStatus(await h.call('GET', '/metrics'), 501).body.error.reason).toBe('no_metrics')
  })
})
