// What is told of a provider before anybody signs in there.
import { type Document, identityProvider } from '@switchyard/kinds'
import type { Discovery } from '@switchyard/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { discoverWith } from '../src/sso-discovery.ts'
import { outside, type Secure, serveSecurely } from './sso.bed.ts'

let secure: Secure
beforeAll(async () => {
  secure = await serveSecurely()
})
afterAll(() => secure[Symbol.asyncDispose]())

/** The provider answers these by their paths; whatever else is 404. */
async function look(pages: Readonly<Record<string, unknown>>): Promise<Discovery> {
  secure.handle = ({ url = '' }, response) => {
    const page = pages[url]
    response.writeHead(page === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(typeof page === 'string' ? page : JSON.stringify(page ?? {}))
  }
  const spec = identityProvider.spec.parse({
    issuer: secure.origin,
    clientId: 'switchyard',
    allowCidrs: ['127.0.0.0/8'],
    ca: secure.ca,
  })
  return discoverWith(outside)({ kind: 'IdentityProvider', spec } as Document, AbortSignal.timeout(20_000))
}

const configuration = '/.well-known/openid-configuration'
const described = (more: object = {}) => ({
  issuer: secure.origin,
  authorization_endpoint: `${secure.origin}/auth`,
  token_endpoint: `${secure.origin}/token`,
  jwks_uri: `${secure.origin}/keys`,
  response_types_supported: ['code'],
  ...more,
})
const keys = { keys: [{ kty: 'EC', use: 'sig', crv: 'P-256', x: 'a', y: 'b', kid: '1' }] }

describe('a provider', () => {
  test('that names itself and shows keys is found', async () => {
    expect(await look({ [configuration]: described(), '/keys': keys })).toEqual({ found: true })
  })

  test('that calls itself otherwise is another', async () => {
    const pages = { [configuration]: described({ issuer: `${secure.origin}/other` }), '/keys': keys }
    expect(await look(pages)).toMatchObject({ found: false, reason: 'IssuerMismatch' })
  })

  test.each([
    ['gives no page', undefined],
    ['gives a page of words', 'no keys today'],
    ['gives an empty set', { keys: [] }],
    ['has keys to encrypt alone', { keys: [{ kty: 'RSA', use: 'enc' }] }],
  ])('whose address of keys %s has bad keys', async (_, page) => {
    const pages = { [configuration]: described(), ...(page === undefined ? {} : { '/keys': page }) }
    expect(await look(pages)).toMatchObject({ found: false, reason: 'BadKeys' })
  })

  test('that names no address of keys has bad keys, and none is dialled that may not be', async () => {
    const { jwks_uri: _, ...keyless } = described()
    expect(await look({ [configuration]: keyless })).toMatchObject({ reason: 'BadKeys' })
    const inside = described({ jwks_uri: 'https://169.254.169.254/keys' })
    expect(await look({ [configuration]: inside })).toMatchObject({ reason: 'BadKeys' })
  })

  test.each([
    ['is not there', {}],
    ['gives a page of words', { [configuration]: 'hello' }],
  ])('that %s cannot be reached', async (_, pages) => {
    expect(await look(pages)).toMatchObject({ found: false, reason: 'Unreachable' })
  })
})
