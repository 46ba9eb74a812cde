// What a provider may say and is not believed in: tokens that are not for us, not of now, or not signed by its keys.
import { parseCidr } from '@switchyard/kinds'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectStatus, type Harness, start } from './harness.ts'
import { outside, type Secure, serveSecurely } from './sso.bed.ts'

let h: Harness
let rogue: Secure
/** The token that it answers with, made of what was asked. */
let forge: (asked: { nonce: string }) => Promise<string>
let metadata: Record<string, unknown>
let keys: { good: CryptoKey; other: CryptoKey; published: string }

const base = (): JWTPayload => ({
  iss: rogue.origin,
  aud: 'switchyard',
  sub: 'r-1',
  iat: Math.floor(Date.now() / 1000),
  exp: Math.floor(Date.now() / 1000) + 300,
  email: 'rita@example.org',
  email_verified: true,
})
const signed = (claims: JWTPayload, key = keys.good, alg = 'ES256') =>
  new SignJWT(claims).setProtectedHeader({ alg, kid: 'k' }).sign(key)

beforeAll(async () => {
  h = await start({ outside })
  rogue = await serveSecurely()
  const [good, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
  const jwk = { ...(await exportJWK(good.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }
  keys = { good: good.privateKey, other: other.privateKey, published: JSON.stringify({ keys: [jwk] }) }
  metadata = {
    issuer: rogue.origin,
    authorization_endpoint: `${rogue.origin}/auth`,
    token_endpoint: `${rogue.origin}/token`,
    jwks_uri: `${rogue.origin}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  }
  let nonce = ''
  rogue.handle = (asked, response) => {
    const send = (body: string) => response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    const { pathname, searchParams } = new URL(asked.url ?? '/', rogue.origin)
    if (pathname === '/.well-known/openid-configuration') send(JSON.stringify(metadata))
    else if (pathname === '/jwks') send(keys.published)
    else if (pathname === '/nonce') {
      nonce = searchParams.get('nonce') ?? ''
      send('{}')
    } else if (pathname === '/token')
      void forge({ nonce }).then(token =>
        send(JSON.stringify({ access_token: 'x', token_type: 'Bearer', id_token: token })),
      )
    else response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end()
  }
  const spec = {
    issuer: rogue.origin,
    clientId: 'switchyard',
    allowedDomains: ['example.org'],
    provision: 'on-login',
    allowCidrs: ['127.0.0.0/8'],
    ca: rogue.ca,
  }
  const body = { metadata: { name: 'rogue' }, spec }
  expectStatus(await h.call('POST', '/api/v1/identityproviders', { body }), 201)
})
afterAll(async () => {
  await rogue[Symbol.asyncDispose]()
  await h[Symbol.asyncDispose]()
})

async function signIn(): Promise<{ readonly status: number; readonly reason: string | undefined }> {
  const begun = await fetch(`${h.url}/api/v1/sso/rogue/start`, { redirect: 'manual' })
  if (begun.status !== 303) return { status: begun.status, reason: await reasonOf(begun) }
  const cookie = begun.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const asked = new URL(begun.headers.get('location') ?? '').searchParams
  const loopback = parseCidr('127.0.0.0/8')
  await outside({ allowed: loopback ? [loopback] : [], ca: rogue.ca })(
    `${rogue.origin}/nonce?nonce=${asked.get('nonce') ?? ''}`,
    { method: 'GET', headers: {} },
  )
  const query = new URLSearchParams({ code: 'c', state: asked.get('state') ?? '' }).toString()
  const done = await fetch(`${h.url}/api/v1/sso/rogue/return?${query}`, {
    redirect: 'manual',
    headers: { cookie },
  })
  return { status: done.status, reason: done.status === 303 ? undefined : await reasonOf(done) }
}
const reasonOf = async (response: Response) =>
  ((await response.json()) as { error: { reason: string } }).error.reason

describe('a token of a provider', () => {
  test('that is whole lets its person in', async () => {
    forge = ({ nonce }) => signed({ ...base(), nonce })
    expect(await signIn()).toEqual({ status: 303, reason: undefined })
  })

  test.each<[string, (nonce: string) => Promise<string> | string]>([
    ['without a nonce', () => signed(base())],
    ['of another sign-in', () => signed({ ...base(), nonce: 'another' })],
    ['for another audience', nonce => signed({ ...base(), nonce, aud: 'somebody-else' })],
    [
      'for several, made out to another',
      nonce => signed({ ...base(), nonce, aud: ['switchyard', 'b'], azp: 'b' }),
    ],
    ['of another issuer', nonce => signed({ ...base(), nonce, iss: 'https://evil.test' })],
    [
      'that has expired',
      nonce => signed({ ...base(), nonce, iat: base().iat! - 900, exp: base().exp! - 900 }),
    ],
    ['signed by another key', nonce => signed({ ...base(), nonce }, keys.other)],
    ['that is not signed', nonce => new UnsecuredJWT({ ...base(), nonce }).encode()],
    [
      'signed by HS256 with the public key',
      nonce =>
        new SignJWT({ ...base(), nonce })
          .setProtectedHeader({ alg: 'HS256', kid: 'k' })
          .sign(new TextEncoder().encode(keys.published)),
    ],
  ])('CP5.26: %s is refused', async (_, make) => {
    forge = async ({ nonce }) => make(nonce)
    expect(await signIn()).toEqual({ status: 403, reason: 'sso_refused' })
  })
})

describe('an issuer', () => {
  const make = (spec: object, name = 'other') =>
    h.call('POST', '/api/v1/identityproviders', {
      body: { metadata: { name }, spec: { issuer: 'https://id.example.com', clientId: 'x', ...spec } },
    })

  test.each([
    ['http://id.example.com', 'https'],
    ['https://127.0.0.1', 'loopback'],
    ['https://169.254.169.254/latest', 'metadata address'],
    ['https://id.example.com/?a=b', 'without'],
  ])('at %s is refused when it is written', async (issuer, word) => {
    const reply = await make({ issuer })
    expect([reply.status, reply.text.includes(word) || reply.text]).toEqual([400, true])
  })

  test('whose name leads to a private address, or who answers as another, is not signed in by', async () => {
    const spec = { issuer: rogue.origin, clientId: 'x', ca: rogue.ca }
    expectStatus(await make(spec, 'guarded'), 201)
    const guarded = await fetch(`${h.url}/api/v1/sso/guarded/start`, { redirect: 'manual' })
    expect([guarded.status, await reasonOf(guarded)]).toEqual([503, 'provider_unreachable'])
    const elsewhere = { ...spec, issuer: `${rogue.origin}/elsewhere`, allowCidrs: ['127.0.0.0/8'] }
    expectStatus(await make(elsewhere, 'redirected'), 201)
    const redirected = await fetch(`${h.url}/api/v1/sso/redirected/start`, { redirect: 'manual' })
    expect([redirected.status, await reasonOf(redirected)]).toEqual([503, 'provider_unreachable'])
    metadata.issuer = 'https://evil.test'
    const lying = { ...spec, allowCidrs: ['127.0.0.0/8'] }
    expectStatus(await make(lying, 'lying'), 201)
    const told = await fetch(`${h.url}/api/v1/sso/lying/start`, { redirect: 'manual' })
    expect([told.status, await reasonOf(told)]).toEqual([503, 'provider_unreachable'])
  })
})
