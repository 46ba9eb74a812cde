// Keys of the installation in the database: sealed, also those that stood there in clear before.
import { Sealed } from '@switchyard/runtime'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { signingKeysOn } from '../src/signing-keys.ts'
import { expectStatus, type Harness, start } from './harness.ts'

let h: Harness
let eyes: Client
beforeAll(async () => {
  h = await start()
  eyes = new Client({ connectionString: h.database.url, options: '-c search_path=switchyard' })
  await eyes.connect()
})
afterAll(async () => {
  await eyes.end()
  await h[Symbol.asyncDispose]()
})

const credential = (name: string, value: string) =>
  h.call('POST', '/api/v1/credentials', { body: { metadata: { name }, spec: { value } } })

test('two credentials have one fingerprint when they hold one value, which no plain hash gives', async () => {
  const [a, b, c] = [
    await credential('a', 'same'),
    await credential('b', 'same'),
    await credential('c', 'other'),
  ]
  for (const reply of [a, b, c]) expectStatus(reply, 201)
  expect(a.body.status.fingerprint).toMatch(/^[0-9a-f]{16}$/)
  expect(b.body.status.fingerprint).toBe(a.body.status.fingerprint)
  expect(c.body.status.fingerprint).not.toBe(a.body.status.fingerprint)
  await using other = await start()
  const there = await other.call('POST', '/api/v1/credentials', {
    body: { metadata: { name: 'a' }, spec: { value: 'same' } },
  })
  expect(there.body.status.fingerprint).not.toBe(a.body.status.fingerprint)
})

test('plain hashes of an older program are made anew, once, and nothing else is', async () => {
  const made = expectStatus(await credential('old', 'from before'), 201).body
  const body = { status: { ...made.status, fingerprint: 'deadbeef' } }
  const headers = { 'if-match': `"${made.metadata.resourceVersion}"` }
  expectStatus(await h.call('PUT', '/api/v1/credentials/old/status', { body, headers }), 200)
  const others = await h.call('GET', '/api/v1/credentials/a')
  expect(await h.api.renewFingerprints()).toBe(1)
  expect(await h.api.renewFingerprints()).toBe(0)
  const now = await h.call('GET', '/api/v1/credentials/old')
  expect(now.body.status).toEqual(made.status)
  expect((await h.call('GET', '/api/v1/credentials/a')).text).toBe(others.text)
})

test('CP5.30: a copy of the database holds no key that signs sessions, and one that it held is sealed', async () => {
  const person = await h.person('ann')
  const clear = async () =>
    (await eyes.query<{ kid: string }>("select kid from signing_keys where private_jwk <> ''")).rows
  expect(await clear()).toEqual([])
  const { identity } = h.database
  const [key] = await identity.signingKeys()
  const vault = h.database.openVault([h.masterKey])
  const kid = key?.kid ?? ''
  const half = (await vault.value(`signing key ${kid}`))?.reveal() ?? ''
  expect(JSON.parse(half)).toMatchObject({ kty: 'OKP', crv: 'Ed25519' })

  // As it stood before, and read by the next process.
  await eyes.query('update signing_keys set private_jwk = $1', [half])
  await vault.forget(`signing key ${kid}`)
  const signing = signingKeysOn(identity, vault)
  const [hidden] = await signing.read()
  expect(hidden?.privateJwk).toBe('')
  expect(await clear()).toEqual([])
  expect(hidden && (await signing.privateHalf(hidden)).reveal()).toBe(half)
  expect((await h.call('GET', '/api/v1/whoami', { token: person.token })).status).toBe(200)
})

test('a signing key whose private half is gone is told in a sentence', async () => {
  const vault = h.database.openVault([h.masterKey])
  const signing = signingKeysOn(h.database.identity, vault)
  const gone = { kid: 'gone', privateJwk: '', publicJwk: '{}', createdAt: new Date().toISOString() }
  await expect(signing.privateHalf(gone)).rejects.toMatchObject({ reason: 'signing_key_missing' })
  await vault.keep('signing key there', new Sealed('{}'))
  expect((await signing.privateHalf({ ...gone, kid: 'there' })).reveal()).toBe('{}')
})
