// Tokens of outside issuers in place of keys, through the port: who they speak for, how they end, how they are forged.
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { issuer as issuerKind } from '@switchyard/kinds'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Bed, document } from './bed.ts'
import { certificateFor } from './certificates.ts'
import { ScriptedUpstream } from './upstream.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
const { kty = '', n = '', e = '' } = rsa.publicKey.export({ format: 'jwk' })
const jwks = { keys: [{ kty, n, e, kid: 'one', alg: 'RS256', use: 'sig' }] }

let bed: Bed
let engine: ScriptedUpstream
let now = Date.now()

beforeEach(async () => {
  bed = await Bed.start()
  engine = await ScriptedUpstream.start()
  now = Date.now()
  bed.now = () => now
  bed.endpoint('tiny', [engine.address])
  bed.endpoint('grand', [engine.address])
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

type Spec = (typeof issuerKind.spec)['_zod']['input']

const signIn = {
  issuer: 'https://id.example.com',
  audiences: ['switchyard'],
  jwks,
  claims: { workspace: { claim: 'org', values: { acme: 'default', other: 'other' } } },
} satisfies Spec

function trust(change: Partial<Spec> = {}, name = 'sign-in'): void {
  bed.add(document('Issuer', null, name, issuerKind.spec.parse({ ...signIn, ...change })))
  bed.swap()
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const byKey = (key: KeyObject) => (text: string) => sign('sha256', Buffer.from(text), key)

function token(claims: object = {}, header: object = {}, signer = byKey(rsa.privateKey)): string {
  const exp = Math.floor(now / 1000) + 600
  const payload = { iss: signIn.issuer, aud: 'switchyard', sub: 'ada', org: 'acme', exp, ...claims }
  const text = `${part({ alg: 'RS256', kid: 'one', ...header })}.${part(payload)}`
  return `${text}.${signer(text).toString('base64url')}`
}

async function codeOf(answer: Response): Promise<readonly [number, string]> {
  const { error } = (await answer.json()) as { readonly error: { readonly code: string } } // OpenAI's shape
  return [answer.status, error.code]
}

describe('A5 a token of a trusted issuer', () => {
  test('calls for its workspace in every carrier, and its usage is told apart from keys', async () => {
    trust()
    const mine = token()
    expect((await bed.chat(mine)).status).toBe(200)
    const body = { model: 'tiny', max_tokens: 9, messages: [{ role: 'user', content: 'a' }] }
    const headers = { authorization: '', 'x-api-key': mine, 'anthropic-version': '2023-06-01' }
    const { authorization: _, ...carried } = headers
    const answer = await fetch(`${bed.url}/v1/messages`, {
      method: 'POST',
      headers: { ...carried, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(answer.status).toBe(200)
    expect(bed.journal.last).toMatchObject({
      workspace: 'default',
      project: null,
      key: 'issuer/sign-in',
      keyName: 'sign-in/ada',
    })
    for (const { headers: sent } of engine.seen) expect(JSON.stringify(sent)).not.toContain(mine)
  })

  test('calls the models of its roles, and none without one', async () => {
    const roles = { developer: { models: ['tiny'] }, lead: { models: ['gr*'] }, admin: {} }
    trust({ roles, claims: { ...signIn.claims, role: { claim: 'groups' } } })
    const statuses = async (groups: unknown) =>
      Promise.all(['tiny', 'grand'].map(async model => (await bed.chat(token({ groups }), { model })).status))
    expect(await statuses('developer')).toEqual([200, 403])
    expect(await statuses(['developer', 'lead', 'chess'])).toEqual([200, 200])
    expect(await statuses(['admin'])).toEqual([200, 200])
    expect(await codeOf(await bed.chat(token({ groups: ['__proto__', 'chess'] })))).toEqual([403, 'scope'])
    expect(await codeOf(await bed.chat(token()))).toEqual([403, 'scope'])
    const list = await fetch(`${bed.url}/v1/models`, {
      headers: { authorization: `Bearer ${token({ groups: ['developer'] })}` },
    })
    expect(await list.json()).toMatchObject({ data: [{ id: 'tiny' }] })
  })

  test('stands under the limits and the addresses of its workspace', async () => {
    trust()
    bed.change('Workspace', 'default', { spec: { limits: { requests: { perMinute: 1, burst: 1 } } } })
    expect((await bed.chat(token())).status).toBe(200)
    expect((await bed.chat(token({ sub: 'bob' }))).status).toBe(429)
    bed.change('Workspace', 'default', { spec: { addresses: { allow: ['192.0.2.0/24'], deny: [] } } })
    expect(await codeOf(await bed.chat(token()))).toEqual([403, 'ip_denied'])
  })

  test('is no key by whatever name it goes', async () => {
    trust()
    bed.route('only', { tiers: [{ targets: [{ endpoint: 'tiny' }] }], access: { keys: ['ada', 'sign-in'] } })
    expect((await bed.chat(token(), { model: 'only' })).status).toBe(404)
  })

  test('speaks for no workspace that is closed, unknown, or not the issuer’s to name', async () => {
    trust()
    bed.workspace('secret')
    for (const org of ['secret', 'other', 'default', undefined, ['acme', 'other'].slice(2)])
      expect(await codeOf(await bed.chat(token({ org })))).toEqual([401, 'invalid_token'])
    const mine = token()
    expect((await bed.chat(mine)).status).toBe(200)
    bed.change('Workspace', 'default', { spec: { suspended: true } })
    expect(await codeOf(await bed.chat(mine))).toEqual([401, 'invalid_token'])
  })

  test('calls in the project that it names, and in no other place by that name', async () => {
    trust({ claims: { workspace: { claim: 'org' }, project: { claim: 'team' } } })
    trust({ audiences: ['loose'], claims: { workspace: { claim: 'org' } } }, 'loose')
    bed.add(document('Project', 'default', 'web', { archived: false }))
    bed.swap()
    expect((await bed.chat(token({ org: 'default', team: 'web' }))).status).toBe(200)
    expect(bed.journal.last).toMatchObject({ workspace: 'default', project: 'web' })
    for (const claims of [
      { org: 'default' },
      { org: 'default', team: 'app' },
      { org: 'default/web', aud: 'loose' },
    ])
      expect(await codeOf(await bed.chat(token(claims)))).toEqual([401, 'invalid_token'])
    bed.change('Project', 'web', { spec: { archived: true } })
    expect((await bed.chat(token({ org: 'default', team: 'web' }))).status).toBe(401)
  })

  test('is signed with a shared secret where its issuer has one', async () => {
    const secret = 'a secret of more than thirty-two bytes'
    bed.credential('shared', secret, { workspace: null })
    const { jwks: _, ...rest } = signIn
    bed.add(
      document(
        'Issuer',
        null,
        'robots',
        issuerKind.spec.parse({ ...rest, algorithms: ['HS256'], credential: 'shared' }),
      ),
    )
    bed.swap()
    const hmac = (key: string) => (text: string) => createHmac('sha256', key).update(text).digest()
    expect((await bed.chat(token({}, { alg: 'HS256' }, hmac(secret)))).status).toBe(200)
    expect((await bed.chat(token({}, { alg: 'HS256' }, hmac(`${secret}.`)))).status).toBe(401)
    expect((await bed.chat(token())).status).toBe(401)
  })

  test('is an unknown key where no issuer is trusted', async () => {
    expect(await codeOf(await bed.chat(token()))).toEqual([401, 'invalid_api_key'])
  })
})

describe('A5 a token that is forged', () => {
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  test.each<[string, () => string]>([
    ['has expired', () => token({ exp: Math.floor(now / 1000) - 61 })],
    ['is not valid yet', () => token({ nbf: Math.floor(now / 1000) + 120 })],
    ['never expires', () => token({ exp: undefined })],
    ['was made for others', () => token({ aud: 'somebody' })],
    ['is of another issuer', () => token({ iss: 'https://evil.example.com' })],
    ['is signed by nobody', () => token({}, { alg: 'none' }, () => Buffer.alloc(0))],
    [
      'is signed with the public key as a secret',
      () => token({}, { alg: 'HS256' }, text => createHmac('sha256', pem).update(text).digest()),
    ],
    ['is signed with another key', () => token({}, {}, byKey(stranger.privateKey))],
    ['is changed after it was signed', () => token().replace(/\.[^.]+\./, `.${part({ org: 'acme' })}.`)],
  ])('and %s is refused, and nothing is sent or counted', async (_, forged) => {
    trust()
    expect(await codeOf(await bed.chat(forged()))).toEqual([401, 'invalid_token'])
    expect([engine.seen.length, bed.journal.records.length, bed.gateway.inflight]).toEqual([0, 0, 0])
  })
})

describe('A5 an open stream', () => {
  /** One that has begun and goes on until it is ended from here. */
  async function stream(mine: string) {
    engine.will('content then silence')
    const answer = await bed.chat(mine, { stream: true })
    expect(answer.status).toBe(200)
    return answer
  }

  test('ends with its token', async () => {
    trust()
    const answer = await stream(token({ exp: Math.floor(now / 1000) + 30 }))
    now += 91_000
    const text = await answer.text()
    expect(text).toContain('invalid_token')
    expect(text).not.toContain('[DONE]')
    expect(bed.journal.last).toMatchObject({ end: 'client_gone' })
  })

  test.each<[string, () => void]>([
    [
      'its issuer',
      () =>
        bed.documents.splice(
          bed.documents.findIndex(({ kind }) => kind === 'Issuer'),
          1,
        ),
    ],
    ['its workspace', () => bed.change('Workspace', 'default', { spec: { suspended: true } })],
  ])('ends when %s is no longer trusted', async (_, revoke) => {
    trust()
    const answer = await stream(token())
    revoke()
    bed.swap()
    expect(await answer.text()).toContain('invalid_token')
  })
})

describe('the keys of an issuer', () => {
  const pair = certificateFor('id.example.com')

  /** Publishes keys over TLS once `open` is called. */
  async function publish(set: () => unknown) {
    let asked = 0
    const { promise: opened, resolve: open } = Promise.withResolvers<void>()
    const server = createServer(pair, (_, response) => {
      asked++
      void opened.then(() => response.end(JSON.stringify(set())))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo // it listens on TCP
    return {
      url: `https://id.example.com:${port}/jwks`,
      open,
      get asked() {
        return asked
      },
      [Symbol.dispose]() {
        server.closeAllConnections()
        server.close()
      },
    }
  }

  const published = (url: string) => {
    const { jwks: _, ...rest } = signIn
    const spec = { ...rest, jwksUri: url, ca: pair.cert, allowCidrs: ['127.0.0.0/8'] }
    bed.add(document('Issuer', null, 'published', issuerKind.spec.parse(spec)))
    bed.swap()
  }

  test('are read over the guarded dial while the first calls wait, and then no more', async () => {
    using keys = await publish(() => jwks)
    bed.resolve = async () => ['127.0.0.1']
    published(keys.url)
    const waiting = [bed.chat(token()), bed.chat(token({ sub: 'bob' }))]
    await vi.waitUntil(() => keys.asked > 0)
    expect([engine.seen.length, bed.journal.records.length]).toEqual([0, 0])
    keys.open()
    for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(200)
    expect((await bed.chat(token({ sub: 'eve' }))).status).toBe(200)
    expect(keys.asked).toBe(1)
    expect(bed.observed).toContainEqual({ type: 'issuer_keys_read', issuer: signIn.issuer, keys: 1 })
  })

  test('F11 are not read from an address that may not be dialled', async () => {
    using keys = await publish(() => jwks)
    keys.open()
    bed.resolve = async () => ['10.0.0.1']
    published(keys.url)
    expect(await codeOf(await bed.chat(token()))).toEqual([503, 'issuer_unavailable'])
    expect(keys.asked).toBe(0)
    const key = bed.key()
    expect((await bed.chat(key)).status).toBe(200)
  })

  test('that cannot be used close the door for that issuer alone', async () => {
    trust()
    trust({ issuer: 'https://broken.example.com', jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }, 'broken')
    expect((await bed.chat(token())).status).toBe(200)
    expect((await bed.chat(token({ iss: 'https://broken.example.com' }))).status).toBe(401)
    expect(bed.observed).toContainEqual(expect.objectContaining({ type: 'issuer_refused', issuer: 'broken' }))
  })
})
