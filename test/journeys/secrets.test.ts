// Secrets that can be told from everything else, put in by every way that takes one, used, turned to a new key, and then looked
// for in all that a Switchyard says, writes and keeps.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { kinds } from '@switchyard/kinds'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certificateFor } from '../../packages/gateway/test/certificates.ts'
import { engines, eventually, freePort, startYard, switchyard, type Yard } from './yard.ts'

/** Every one by what it is; found again in any encoding that a program would put it in. */
const planted = new Map<string, string>()
function plant(what: string, value = `Canary${crypto.randomUUID().replaceAll('-', '')}`): string {
  if (value.length < 16) throw new TypeError(`${what} is too short to be told apart`)
  planted.set(what, value)
  return value
}

/** The value as it is, in hex, and in base64 at each of the three places that it can begin at. */
function formsOf(value: string): readonly string[] {
  const inner = [0, 1, 2].map(at => {
    const text = Buffer.from(`${'x'.repeat(at)}${value}`).toString('base64')
    return text.slice(at === 0 ? 0 : 4, -4)
  })
  return [
    value,
    Buffer.from(value).toString('hex'),
    ...inner,
    ...inner.map(text => text.replaceAll('+', '-').replaceAll('/', '_')),
  ]
}

interface Said {
  readonly where: string
  readonly text: string
}
const said: Said[] = []

/** What is planted and stands in it, by what it is. */
function found(text: string, allowed: ReadonlySet<string> = new Set()): readonly string[] {
  return [...planted]
    .filter(([what, value]) => !allowed.has(what) && formsOf(value).some(form => text.includes(form)))
    .map(([what]) => what)
}

const secret = {
  bearer: plant('value of a bearer Credential'),
  header: plant('value of a header Credential'),
  query: plant('value of a query Credential'),
  basic: plant('value of a basic Credential'),
  headers: plant('header of a Credential'),
  file: plant('Credential of the configuration file'),
  guard: plant('Credential of a guardrail'),
  tools: plant('Credential of a server of tools'),
  replaced: plant('value of a Credential that was replaced'),
  password: plant('password of a User'),
  administrator: plant('password of the first administrator'),
  wrong: plant('password that was wrong'),
  key: plant('API key that nobody has made'),
  smtp: plant('password of the mail server'),
  otlp: plant('header of the collector'),
  redis: plant('password of the Redis that counts limits'),
  bucket: plant('secret key of the bucket of the trail'),
  token: plant('session token of the bucket of the trail'),
  client: plant('client secret of single sign-on'),
  root: plant('root key', Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')),
}

let yard: Yard
let data: string
let upstream: string
let provider: string
/** Of the TLS port, and of the provider of sign-in. */
const pair = certificateFor('localhost')
plant('private key of the TLS port', pair.key.split('\n')[1])
const seen = new Set<string>()
const servers: { close(): unknown }[] = []

/** Tells what it was sent, as outside services do in their errors. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const told = JSON.stringify([request.url, request.headers])
    for (const [what, value] of planted) if (formsOf(value).some(form => told.includes(form))) seen.add(what)
    response.setHeader('content-type', 'application/json')
    if (request.url?.includes('/fails')) response.writeHead(401)
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
    const message = { role: 'assistant', content: 'fine' }
    response.end(
      JSON.stringify(
        request.url?.includes('/fails')
          ? {
              error: {
                message: `Incorrect API key provided: ${told}`,
                type: 'invalid_request_error',
                code: 'invalid_api_key',
              },
            }
          : {
              id: 'x',
              object: 'chat.completion',
              created: 1,
              model: 'm',
              choices: [{ index: 0, message, finish_reason: 'stop' }],
              usage,
            },
      ),
    )
  })
}

/** A mail server that takes no password. */
function mailServer(): Promise<number> {
  const server = createTcpServer(socket => {
    socket.on('error', () => undefined)
    socket.write('220 mail\r\n')
    socket.on('data', (chunk: Buffer) => {
      const line = chunk.toString()
      if (line.startsWith('EHLO')) socket.write('250-mail\r\n250 AUTH PLAIN LOGIN\r\n')
      else if (line.startsWith('AUTH')) socket.write('535 5.7.8 no\r\n')
      else socket.end('221 bye\r\n')
    })
  })
  servers.push(server)
  return listening(server)
}

/** A Redis that knows no password. */
function redisServer(): Promise<number> {
  const server = createTcpServer(socket => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      if (chunk.includes(secret.redis)) seen.add('password of the Redis that counts limits')
      socket.write('-WRONGPASS invalid username-password pair or user is disabled.\r\n'.repeat(4))
    })
  })
  servers.push(server)
  return listening(server)
}

/** A bucket that lets nobody in, and repeats whatever it was told. */
function bucket(request: IncomingMessage, response: ServerResponse): void {
  const told = JSON.stringify(request.headers)
  if (told.includes(secret.token)) seen.add('session token of the bucket of the trail')
  request.resume()
  response.writeHead(403, { 'content-type': 'application/xml' })
  response.end(`<Error><Code>AccessDenied</Code><Message>${told.replaceAll('<', '')}</Message></Error>`)
}

/** A provider of sign-in that takes no code, and repeats whatever it was told. */
function directory(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const told = `${JSON.stringify(request.headers)} ${Buffer.concat(chunks).toString()}`
    if (formsOf(secret.client).some(form => told.includes(form))) seen.add('client secret of single sign-on')
    response.setHeader('content-type', 'application/json')
    if (request.url === '/.well-known/openid-configuration')
      response.end(
        JSON.stringify({
          issuer: provider,
          authorization_endpoint: `${provider}/auth`,
          token_endpoint: `${provider}/token`,
          jwks_uri: `${provider}/keys`,
          response_types_supported: ['code'],
        }),
      )
    else if (request.url === '/keys')
      response.end('{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","use":"sig"}]}')
    else
      response.writeHead(401).end(
        JSON.stringify({
          error: 'invalid_client',
          error_description: told.replace(/[^\x20-\x7e]|["\\]/g, ''),
        }),
      )
  })
}

function listening(server: {
  listen(port: number, host: string, then: () => void): unknown
  address(): unknown
}): Promise<number> {
  return new Promise(done => {
    server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port)) // a TCP server has one
  })
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly body: Record<string, unknown>
}

/** A call whose answer is kept to be looked through. */
async function call(
  method: string,
  path: string,
  body?: unknown,
  { token = yard.facts.adminToken, headers = {} }: { token?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(yard.facts.baseUrl + path, {
    method,
    headers: {
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined
        ? {}
        : { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const answer = await response.text()
  const text = `${JSON.stringify([...response.headers])}\n${answer}`
  said.push({ where: `${method} ${path}`, text })
  const isJson = response.headers.get('content-type')?.includes('application/json') === true
  const told: unknown = isJson ? JSON.parse(answer) : {}
  return { status: response.status, text, body: told as Answer['body'] } // every JSON answer of ours is an object
}

/** What a watch says in its first second. */
async function watched(path: string, accept: string): Promise<Said> {
  const response = await fetch(`${yard.facts.baseUrl}${path}?watch=true`, {
    headers: { authorization: `Bearer ${yard.facts.adminToken}`, accept },
    signal: AbortSignal.timeout(1500),
  })
  let text = ''
  try {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk as Uint8Array).toString()
  } catch {
    // its time is over
  }
  return { where: `watch ${path}`, text }
}

const at = '/api/v1/workspaces/default'
const made = async (path: string, name: string, spec: object) => {
  const { status, text } = await call('POST', path, { metadata: { name }, spec })
  expect(status, text).toBe(201)
}
const chat = (key: string, model: string) =>
  call('POST', '/v1/chat/completions', { model, messages: [{ role: 'user', content: 'hi' }] }, { token: key })

beforeAll(async () => {
  const outside = createServer(echo)
  const collector = createServer((request, response) => {
    const told = JSON.stringify(request.headers)
    if (told.includes(secret.otlp)) seen.add('header of the collector')
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      said.push({ where: `collector ${request.url}`, text: Buffer.concat(chunks).toString() })
      response.end('{}')
    })
  })
  const store = createServer(bucket)
  const idp = createSecureServer({ cert: pair.cert, key: pair.key }, directory)
  servers.push(outside, collector, store, idp)
  provider = `https://localhost:${await listening(idp)}`
  const files = mkdtempSync(join(tmpdir(), 'canary-tls-'))
  writeFileSync(join(files, 'cert'), pair.cert)
  writeFileSync(join(files, 'key'), pair.key, { mode: 0o600 })
  upstream = `http://127.0.0.1:${await listening(outside)}`
  const otlp = await listening(collector)
  const config = join(tmpdir(), `canary-${process.pid}.yaml`)
  writeFileSync(
    config,
    `- apiVersion: switchyard.dev/v1
  kind: Credential
  metadata: { name: of-file, workspace: default }
  spec: { value: '\${ENV:OF_FILE}' }
`,
  )
  yard = await startYard({
    argv: ['--config', config],
    env: {
      SWITCHYARD_LOG_LEVEL: 'trace',
      SWITCHYARD_ACCESS_LOG: 'on',
      SWITCHYARD_CAPTURE: '{"routes":["*"]}',
      SWITCHYARD_SECRET_KEY: secret.root,
      SWITCHYARD_SMTP_URL: `smtp://post:${secret.smtp}@127.0.0.1:${await mailServer()}`,
      SWITCHYARD_SMTP_FROM: 'Switchyard <switchyard@example.org>',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${otlp}`,
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=${secret.otlp}`,
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      SWITCHYARD_LIMITER: `redis://counter:${secret.redis}@127.0.0.1:${await redisServer()}/0`,
      SWITCHYARD_AUDIT_ARCHIVE: `s3://trail/log?endpoint=http://127.0.0.1:${await listening(store)}`,
      SWITCHYARD_AUDIT_ARCHIVE_SECONDS: '2',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: secret.bucket,
      AWS_SESSION_TOKEN: secret.token,
      SWITCHYARD_TLS_CERT: join(files, 'cert'),
      SWITCHYARD_TLS_KEY: join(files, 'key'),
      SWITCHYARD_TLS_PORT: String(await freePort()),
      OF_FILE: secret.file,
    },
  })
  data = join(yard.folder, '.switchyard')
  plant('token of the operator', yard.facts.adminToken)
  plant('password of the database', readFileSync(join(data, 'postgres/password'), 'utf8').trim())
  plant(
    'key that signs the trail',
    readFileSync(join(data, 'audit.key'), 'utf8').trim().split('+').slice(4).join('+'),
  )
  plant('API key of the quickstart', yard.facts.apiKey)
  plant('token of the set-up link', new URL(yard.facts.setupUrl ?? '').searchParams.get('token') ?? '')
}, 170_000)
afterAll(async () => {
  await yard?.[Symbol.asyncDispose]()
  for (const server of servers) server.close()
})

test('a secret is found in plain text, in hex, and in base64 wherever it begins', () => {
  for (const before of ['', 'a:', 'a:b', 'abc:'])
    for (const code of ['utf8', 'hex', 'base64', 'base64url'] as const)
      expect(found(Buffer.from(`${before}${secret.basic}!`).toString(code))).toEqual([
        'value of a basic Credential',
      ])
  expect(found('Canary')).toEqual([])
})

test('every field of a kind that takes a secret is planted below', () => {
  expect(kinds.flatMap(({ kind, secrets }) => secrets.map(path => `${kind} ${path}`))).toEqual([
    'User spec.password',
    'Credential spec.value',
    'Credential spec.headers',
  ])
})

test('CP7.38: no secret stands in an array, so that no order of items can move one', async () => {
  expect(kinds.flatMap(({ secrets }) => secrets).filter(path => /\[|\.\d/.test(path))).toEqual([])
  // Merge patch replaces arrays whole, and keeps the secret that stands beside them.
  const name = 'shared'
  await made('/api/v1/credentials', name, {
    value: plant('Credential with an array beside it'),
    share: ['a', 'b'],
  })
  const before = await call('GET', `/api/v1/credentials/${name}`)
  for (const share of [['b', 'a'], ['c'], []]) {
    const { status, body } = await call('PATCH', `/api/v1/credentials/${name}`, { spec: { share } })
    expect(status).toBe(200)
    expect(body.status).toMatchObject({
      fingerprint: (before.body.status as { fingerprint: string }).fingerprint,
    })
  }
})

describe('CP7.35: secrets', () => {
  test('are planted by every way that takes one, and used', async () => {
    const credentials: Readonly<Record<string, object>> = {
      bearer: { value: secret.bearer, headers: { 'x-secret': secret.headers } },
      header: { type: 'header', name: 'x-api-key', value: secret.header },
      query: { type: 'query', name: 'key', value: secret.query },
      basic: { type: 'basic', username: 'someone', value: secret.basic },
      guard: { value: secret.guard },
      tools: { value: secret.tools },
    }
    for (const [name, spec] of Object.entries(credentials)) await made(`${at}/credentials`, name, spec)
    await made(`${at}/credentials`, 'replaced', { value: secret.replaced })
    expect(
      (
        await call('PATCH', `${at}/credentials/replaced`, {
          spec: { value: plant('value that replaced it') },
        })
      ).status,
    ).toBe(200)
    const allowCidrs = ['127.0.0.0/8']
    for (const credential of ['bearer', 'header', 'query', 'basic'])
      for (const way of ['fine', 'fails']) {
        const provider = `${credential}-${way}`
        await made(`${at}/providers`, provider, {
          type: 'openai-compatible',
          baseUrl: `${upstream}/${way}/v1`,
          credential,
          allowCidrs,
        })
        await made(`${at}/routes`, provider, {
          names: [provider],
          tiers: [{ targets: [{ provider, model: 'm' }] }],
        })
      }
    await made(`${at}/mcpservers`, 'tools', {
      urls: [`${upstream}/fails/mcp`],
      credential: 'tools',
      allowCidrs,
    })

    // A sign-in by a provider that takes the client secret, and no code.
    await made('/api/v1/credentials', 'sso', { value: secret.client })
    await made('/api/v1/identityproviders', 'corp', {
      issuer: provider,
      clientId: 'switchyard',
      credential: 'sso',
      allowCidrs: ['127.0.0.0/8', '::1/128'],
      ca: pair.cert,
    })
    const begun = await fetch(`${yard.facts.baseUrl}/api/v1/sso/corp/start`, { redirect: 'manual' })
    const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? ''
    const cookie = begun.headers
      .getSetCookie()
      .map(line => line.split(';')[0])
      .join('; ')
    await call(
      'GET',
      `/api/v1/sso/corp/return?code=none&state=${encodeURIComponent(state)}&iss=${provider}`,
      undefined,
      {
        token: '',
        headers: { cookie },
      },
    )
    await eventually('the provider to have been looked at', 30, async () => {
      const { body } = await call('GET', '/api/v1/identityproviders/corp')
      return JSON.stringify(body.status).includes('Discovered') ? true : undefined
    })

    // The first administrator, by the link; a person; their sessions, and what ends them.
    const link = planted.get('token of the set-up link')
    const boss = { email: 'boss@example.org', name: 'Boss', password: secret.administrator }
    const setup = await call('POST', '/api/v1/setup', { token: link, ...boss }, { token: '' })
    expect(setup.status, setup.text).toBeLessThan(300)
    await made('/api/v1/users', 'ann', { email: 'ann@example.org', password: secret.password })
    const signIn = await fetch(`${yard.facts.baseUrl}/api/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ann@example.org', password: secret.password }),
    })
    const session = (await signIn.json()) as { accessToken: string; refreshToken: string }
    plant('access token', session.accessToken)
    plant('refresh token', session.refreshToken)
    await call('GET', '/api/v1/whoami', undefined, { token: session.accessToken })
    expect(
      (
        await call(
          'POST',
          '/api/v1/sessions',
          { email: 'ann@example.org', password: secret.wrong },
          { token: '' },
        )
      ).status,
    ).toBe(401)
    expect(
      (await call('POST', '/api/v1/sessions/refresh', { refreshToken: secret.wrong }, { token: '' })).status,
    ).toBe(401)
    await call('POST', '/api/v1/password-resets', { email: 'ann@example.org' }, { token: '' })
    await call(
      'POST',
      '/api/v1/password-resets/redeem',
      { token: secret.wrong, password: secret.wrong },
      { token: '' },
    )
    await call(
      'POST',
      '/api/v1/invitations/accept',
      { token: secret.wrong, password: secret.wrong },
      { token: '' },
    )

    await made(`${at}/serviceaccounts`, 'caller', {})
    await made(`${at}/roleassignments`, 'caller', {
      subject: { kind: 'ServiceAccount', name: 'caller' },
      role: 'platform/developer',
    })
    const created = await yard.run('keys', 'create', 'canary', '--owner', 'serviceaccount/caller')
    const key = created.stdout.trim()
    expect(created.stderr).not.toContain('sk-sy-')
    expect(key).toMatch(/^sk-sy-/)
    plant('API key', key)
    for (const credential of ['bearer', 'header', 'query', 'basic']) {
      await eventually(`${credential} to be served`, 20, async () =>
        (await chat(key, `${credential}-fine`)).status === 200 ? true : undefined,
      )
      expect((await chat(key, `${credential}-fails`)).status).toBeGreaterThanOrEqual(400)
    }
    await call('POST', '/mcp/tools', { jsonrpc: '2.0', id: 1, method: 'ping' }, { token: key })
    await eventually('everything to have been sent', 10, () => {
      const wanted = ['bearer', 'header', 'query', 'basic'].map(type => `value of a ${type} Credential`)
      const settings = [
        'header of the collector',
        'password of the Redis that counts limits',
        'session token of the bucket of the trail',
        'client secret of single sign-on',
      ]
      return [...wanted, 'header of a Credential', ...settings].every(what => seen.has(what))
        ? true
        : undefined
    })
  }, 120_000)

  test('provoke errors that do not repeat them', async () => {
    const value = secret.replaced
    for (const [method, path, body] of [
      ['POST', `${at}/credentials`, { metadata: { name: 'bad' }, spec: { value: [value] } }],
      ['POST', `${at}/credentials`, { metadata: { name: 'bad' }, spec: { value: `${value}\n` } }],
      ['POST', `${at}/credentials`, { metadata: { name: 'bad' }, spec: { value, type: 'basic' } }],
      [
        'POST',
        `${at}/credentials`,
        { metadata: { name: 'bad' }, spec: { headers: { 'bad header': value } } },
      ],
      ['POST', `${at}/credentials`, { metadata: { name: 'bad' }, spec: { valeu: value } }],
      ['POST', `${at}/credentials`, { metadata: { name: 'bearer' }, spec: { value } }],
      ['POST', `${at}/credentials?dryRun=true`, { metadata: { name: 'dry' }, spec: { value } }],
      ['PUT', `${at}/credentials/bearer`, { metadata: { name: 'bearer' }, spec: { value } }],
      ['PATCH', `${at}/credentials/bearer`, { spec: { value: { deep: value } } }],
      ['PATCH', `${at}/credentials/absent`, { spec: { value } }],
      ['POST', '/api/v1/users', { metadata: { name: 'bad' }, spec: { email: 'bad', password: value } }],
      [
        'POST',
        '/api/v1/users',
        { metadata: { name: 'bad' }, spec: { email: 'b@example.org', password: value.slice(0, 11) } },
      ],
      [
        'POST',
        '/api/v1/configuration/check',
        {
          documents: [
            {
              kind: 'Credential',
              metadata: { name: 'c', workspace: 'default' },
              spec: { value: 1, headers: { x: value } },
            },
          ],
        },
      ],
    ] as const)
      await call(method, path, body)
    for (const token of [
      secret.key,
      `sk-sy-abcdefghijkl-${secret.key}`,
      `eyJhbGciOiJub25lIn0.${secret.key}.x`,
    ]) {
      for (const path of ['/api/v1/whoami', '/v1/models', '/api/v1/credentials'])
        expect((await call('GET', path, undefined, { token })).status, path).toBe(401)
      await call('GET', '/v1/models', undefined, { token: '', headers: { 'x-api-key': token } })
      await call('GET', `/v1beta/models?key=${token}`, undefined, { token: '' })
    }
    const bad = join(yard.folder, 'bad.yaml')
    writeFileSync(
      bad,
      `kind: Credential\nmetadata: { name: bad, workspace: default }\nspec: { value: ["${value}"], typ: basic }\n`,
    )
    const ran = await yard.run('apply', '-f', bad, '-v')
    expect(ran.code).not.toBe(0)
    said.push({ where: 'switchyard apply', text: ran.stdout + ran.stderr })
  }, 60_000)

  test('stay sealed over a turn to a new master key by the command line, and the doctor finds all in order', async () => {
    const rotated = await yard.run('admin', 'keys', 'rotate')
    expect(rotated, rotated.stderr).toMatchObject({ code: 0 })
    expect(rotated.stderr).toContain('Version 2 seals from now on.')
    const listed = JSON.parse((await yard.run('admin', 'keys', 'list', '-o', 'json')).stdout) as {
      rewrap: object
      items: { uses: Record<string, number> }[]
    }
    expect(listed.items[1]?.uses).toEqual({ secrets: 0, values: 0, responses: 0, persons: 0 })
    const early = await yard.run('admin', 'keys', 'drop', '1', '--yes')
    expect([early.code, early.stderr]).toEqual([6, expect.stringContaining('try again in a minute')])
    const doctor = await yard.run('doctor')
    expect(doctor, doctor.stdout).toMatchObject({ code: 0 })
    expect(doctor.stdout).toMatch(/^pass +sealed_values +\d+ documents with secrets$/m)
    for (const ran of [rotated, early, doctor])
      said.push({ where: 'switchyard admin', text: ran.stdout + ran.stderr })
    expect((await chat(planted.get('API key') ?? '', 'bearer-fine')).status).toBe(200)
  }, 60_000)

  test('are in no answer: documents, lists, watches, events, usage, the trail, metrics, and whatever else can be read', async () => {
    const { paths } = (await call('GET', '/api/v1/openapi.json')).body as { paths: Record<string, object> }
    const names = new Map<string, readonly string[]>()
    const watches: Promise<Said>[] = []
    for (const path of Object.keys(paths).filter(
      path => 'get' in (paths[path] ?? {}) && !/\{(?!w\})/.test(path),
    )) {
      const real = path.replace('{w}', 'default')
      const { body } = await call('GET', real)
      const items = Array.isArray(body.items) ? (body.items as { metadata?: { name?: string } }[]) : []
      names.set(
        path,
        items.flatMap(({ metadata }) => metadata?.name ?? []),
      )
      if (!names.get(path)?.length) continue
      for (const accept of ['application/x-ndjson', 'text/event-stream']) watches.push(watched(real, accept))
    }
    said.push(...(await Promise.all(watches)))
    for (const path of Object.keys(paths).filter(
      path => 'get' in (paths[path] ?? {}) && path.endsWith('/{name}'),
    ))
      for (const name of names.get(path.slice(0, -'/{name}'.length)) ?? [])
        await call('GET', path.replace('{w}', 'default').replace('{name}', name))
    await call('POST', `${at}/actions/explain-route`, { model: 'bearer-fine' })
    expect(said.filter(({ where }) => where.startsWith('watch')).length).toBeGreaterThan(10)
    for (const argv of [
      ['get', 'credentials', '-o', 'yaml'],
      ['describe', 'credential', 'bearer'],
      ['events'],
      ['route', 'explain', 'bearer-fine'],
    ]) {
      const ran = await yard.run(...argv)
      said.push({ where: `switchyard ${argv.join(' ')}`, text: ran.stdout + ran.stderr })
    }
    for (const { where, text } of said) expect([where, found(text)]).toEqual([where, []])
  }, 120_000)

  test('CP5.30: are in no table of the database, so that a copy of it opens nothing', async () => {
    const password = readFileSync(join(data, 'postgres/password'), 'utf8').trim()
    const [, , , port, socket] = readFileSync(join(data, 'postgres/data/postmaster.pid'), 'utf8').split('\n')
    const eyes = new Client({
      host: socket?.trim(),
      port: Number(port),
      user: 'switchyard',
      password,
      database: 'switchyard',
    })
    await eyes.connect()
    const { rows } = await eyes.query<{ name: string }>(
      `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`,
    )
    expect(rows.length).toBeGreaterThan(30)
    for (const { name } of rows) {
      const { rows: whole } = await eyes.query<{ text: string }>(`select t::text as text from ${name} t`)
      const text = whole.map(row => row.text).join('\n')
      expect([name, found(text)]).toEqual([name, []])
      // Bytes are shown in hex: what stands in them in clear is there too.
      const clear = [...text.matchAll(/\\\\x([0-9a-f]{8,})/g)].map(([, hex = '']) =>
        Buffer.from(hex, 'hex').toString('latin1'),
      )
      expect([name, found(clear.join('\n'))]).toEqual([name, []])
    }
    await eyes.end()
  }, 60_000)

  test('are in no backup of it', async () => {
    const backup = join(yard.folder, 'backup')
    const ran = await yard.run('admin', 'backup', backup)
    expect(ran, ran.stderr).toMatchObject({ code: 0 })
    expect(['admin backup', found(ran.stdout + ran.stderr)]).toEqual(['admin backup', []])
    const files = readdirSync(backup, { recursive: true, encoding: 'utf8' }).filter(name => /\./.test(name))
    expect(files.length).toBeGreaterThan(40)
    for (const name of files) {
      const bytes = readFileSync(join(backup, name))
      const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
      const clear = [...text.matchAll(/\\\\x([0-9a-f]{8,})/g)].map(([, hex = '']) =>
        Buffer.from(hex, 'hex').toString('latin1'),
      )
      expect([name, found(`${text}\n${clear.join('\n')}`)]).toEqual([name, []])
    }
  }, 60_000)

  test('are not repeated by a server that does not start, whichever setting is wrong', async () => {
    const notKey = join(mkdtempSync(join(tmpdir(), 'canary-wrong-')), 'key')
    const pem = `-----BEGIN PRIVATE KEY-----\n${secret.replaced}\n-----END PRIVATE KEY-----\n`
    writeFileSync(notKey, pem, { mode: 0o600 })
    const wrong: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      'a database that is not there': {
        SWITCHYARD_DATABASE_URL: `postgres://switchyard:${secret.replaced}@127.0.0.1:1/none`,
      },
      'a database of another kind': { SWITCHYARD_DATABASE_URL: `mysql://root:${secret.replaced}@db/x` },
      'a limiter that is no URL': { SWITCHYARD_LIMITER: `redis:/${secret.redis}` },
      'a mail server that is no URL': { SWITCHYARD_SMTP_URL: `smtp//post:${secret.smtp}@mail` },
      'a root key that is none': { SWITCHYARD_SECRET_KEY: `${secret.root}${secret.replaced}` },
      'an archive that is no URL': { SWITCHYARD_AUDIT_ARCHIVE: `s3//${secret.bucket}` },
      'headers that are none': {
        OTEL_EXPORTER_OTLP_HEADERS: secret.otlp,
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http//',
      },
      'a key of TLS that is none': { SWITCHYARD_TLS_CERT: notKey, SWITCHYARD_TLS_KEY: notKey },
    }
    for (const [what, env] of Object.entries(wrong)) {
      const folder = mkdtempSync(join(tmpdir(), 'canary-wrong-'))
      // A server would wait for a database that is away.
      const argv = what.includes('not there')
        ? ['admin', 'backup', join(folder, 'backup')]
        : ['up', '--detach', '--port', String(await freePort())]
      const ran = await switchyard(folder, [...argv, '--data', join(folder, 'data')], { env })
      expect(ran.code, what).not.toBe(0)
      const log = join(folder, 'data/server.log')
      const text = ran.stdout + ran.stderr + (existsSync(log) ? readFileSync(log, 'utf8') : '')
      expect([what, found(text)]).toEqual([what, []])
      rmSync(folder, { recursive: true })
    }
  }, 120_000)

  test('are in no file: logs at their finest, captures, journals, snapshots, the database’s own', () => {
    const own: Readonly<Record<string, ReadonlySet<string>>> = {
      // What the first start hands to the person who began it, mode 0600.
      'quickstart.json': new Set([
        'token of the operator',
        'API key of the quickstart',
        'token of the set-up link',
      ]),
      'postgres/password': new Set(['password of the database']),
      'audit.key': new Set(['key that signs the trail']),
    }
    let files = 0
    for (const entry of readdirSync(data, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const text = readFileSync(path, 'latin1')
      const allowed = own[path.slice(data.length + 1)]
      if (allowed) expect(statSync(path).mode & 0o777).toBe(0o600)
      const what = found(text, allowed)
      expect([path, what]).toEqual([path, []])
      files += 1
    }
    expect(files).toBeGreaterThan(50)
    const log = readFileSync(join(data, 'server.log'), 'utf8')
    expect(log).toContain('"msg":"request"')
    expect(readdirSync(join(data, 'captures'), { recursive: true }).length).toBeGreaterThan(2)
  }, 60_000)

  test('are in the arguments and the name of no process, and in the environment of no engine and of no database', () => {
    for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
      const text = readProc(`/proc/${pid}/cmdline`) + readProc(`/proc/${pid}/comm`)
      expect([pid, found(text)]).toEqual([pid, []])
    }
    const running = [...engines(yard), ...databaseProcesses()]
    expect(running.length).toBeGreaterThan(0)
    for (const pid of running) expect([pid, found(readProc(`/proc/${pid}/environ`))]).toEqual([pid, []])
  })
})

/** The server of the database, and what it has started. */
function databaseProcesses(): readonly number[] {
  const [postmaster] = readFileSync(join(data, 'postgres/data/postmaster.pid'), 'utf8').split('\n')
  const own = readdirSync('/proc').filter(
    pid => /^\d+$/.test(pid) && readProc(`/proc/${pid}/stat`).split(') ')[1]?.split(' ')[1] === postmaster,
  )
  return [postmaster, ...own].map(Number)
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // it has ended
  }
}
