import { randomBytes } from 'node:crypto'
import { generateKeyPair, importJWK, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { Client, type QueryResultRow } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectStatus, type Harness, type Person, start, workspaceDocument } from './harness.ts'

let h: Harness
let ann: Person
beforeAll(async () => {
  h = await start()
  expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('team') }), 201)
  ann = await h.person('ann', { team: ['developer'] })
})
afterAll(() => h[Symbol.asyncDispose]())

const whoami = (token: string | null) => h.call('GET', '/api/v1/whoami', { token })
const login = (email: string, password: string) =>
  h.call('POST', '/api/v1/sessions', { token: null, body: { email, password } })
const refresh = (refreshToken: string) =>
  h.call('POST', '/api/v1/sessions/refresh', { token: null, body: { refreshToken } })

describe('a session', () => {
  test('says who one is, and ends when one signs out', async () => {
    const { body } = expectStatus(await login('ANN@example.org', ann.password), 201)
    expect(expectStatus(await whoami(body.accessToken), 200).body.principal).toBe('user:ann')
    expectStatus(await h.call('DELETE', '/api/v1/sessions', { token: body.accessToken }), 204)
    expect((await whoami(body.accessToken)).body.error.reason).toBe('session_ended')
    expect((await refresh(body.refreshToken)).status).toBe(401)
  })

  test('CP5.25: is refreshed once by each token; a stolen one that comes later ends its family', async () => {
    const first = expectStatus(await login(ann.email, ann.password), 201).body
    const second = expectStatus(await refresh(first.refreshToken), 200).body
    expect((await whoami(second.accessToken)).status).toBe(200)
    const soon = expectStatus(await refresh(first.refreshToken), 200).body
    expect(soon.refreshToken).toBeUndefined()
    await backdateUse()
    expect((await refresh(first.refreshToken)).status).toBe(401)
    expect((await refresh(second.refreshToken)).status).toBe(401)
    expect((await whoami(second.accessToken)).status).toBe(401)
  })

  test('can keep its refresh token in a cookie of its own path and origin', async () => {
    const body = { email: ann.email, password: ann.password, cookie: true }
    const made = expectStatus(await h.call('POST', '/api/v1/sessions', { token: null, body }), 201)
    expect(made.body.refreshToken).toBeUndefined()
    const cookie = made.headers.get('set-cookie')!
    expect(cookie).toContain('HttpOnly; SameSite=Strict; Path=/api/v1/sessions')
    const headers = { cookie: cookie.split(';')[0]! }
    const foreign = await h.call('POST', '/api/v1/sessions/refresh', {
      token: null,
      body: {},
      headers: { ...headers, origin: 'http://evil.test' },
    })
    expect(foreign.status).toBe(403)
    const own = await h.call('POST', '/api/v1/sessions/refresh', {
      token: null,
      body: {},
      headers: { ...headers, origin: 'http://switchyard.test' },
    })
    expect(own.status).toBe(200)
  })

  test('CP5.26: token with no signature, a shared secret, a foreign key, the past or the future is refused', async () => {
    const { keys } = JSON.parse((await h.call('GET', '/.well-known/jwks.json', { token: null })).text) as {
      keys: Record<string, string>[]
    }
    expect(keys.length).toBe(1)
    expect(keys[0]).not.toHaveProperty('d')
    const { kid = '', x = '' } = keys[0]!
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      sid: '01890a5d-ac96-774b-bcce-b302099a8057',
      sub: 'user:ann',
      iss: 'http://switchyard.test',
      aud: 'switchyard',
      iat: now,
      nbf: now,
      exp: now + 600,
      jti: 'j',
    }
    const foreign = await generateKeyPair('EdDSA', { extractable: true })
    const signed = (key: Parameters<SignJWT['sign']>[0], header: { alg: string; kid: string }) =>
      new SignJWT(claims).setProtectedHeader(header).sign(key)
    const published = await importJWK({ kty: 'oct', k: x }, 'HS256')
    const forged = [
      new UnsecuredJWT(claims).encode(),
      await signed(published, { alg: 'HS256', kid }),
      await signed(foreign.privateKey, { alg: 'EdDSA', kid }),
      await signed(foreign.privateKey, { alg: 'EdDSA', kid: 'foreign' }),
      'a.b.c',
      'nonsense',
    ]
    for (const token of forged)
      expect([token.slice(0, 20), (await whoami(token)).status]).toEqual([token.slice(0, 20), 401])
    // Signed by our own key, but of another time.
    const [own] = await h.database.identity.signingKeys()
    const half = await h.database.openVault([h.masterKey]).value(`signing key ${own!.kid}`)
    const ours = await importJWK(JSON.parse(half!.reveal()) as JWK, 'EdDSA')
    const timed = (times: object) =>
      new SignJWT({ ...claims, ...times }).setProtectedHeader({ alg: 'EdDSA', kid: own!.kid }).sign(ours)
    expect((await whoami(await timed({ exp: now - 60 }))).body.error.reason).toBe('session_invalid')
    expect((await whoami(await timed({ nbf: now + 600 }))).body.error.reason).toBe('session_invalid')
    expect((await whoami(await timed({ aud: 'other' }))).body.error.reason).toBe('session_invalid')
    expect((await whoami(await timed({ iss: 'other' }))).body.error.reason).toBe('session_invalid')
    expect((await whoami(await timed({}))).body.error.reason).toBe('session_ended')
  })

  test('of a disabled account ends', async () => {
    const eve = await h.person('eve')
    expectStatus(await h.call('PATCH', '/api/v1/users/eve', { body: { spec: { disabled: true } } }), 200)
    expect((await whoami(eve.token)).body.error.reason).toBe('account_disabled')
    expect((await refresh(eve.refreshToken)).status).toBe(401)
    expect((await login(eve.email, eve.password)).body.error.reason).toBe('sign_in_failed')
  })
})

describe('a wrong password', () => {
  test('reads and takes as long as an unknown account', async () => {
    const time = async (email: string) => {
      const begun = performance.now()
      const reply = await login(email, 'wrong password here')
      return {
        took: performance.now() - begun,
        text: reply.text.replace(/"requestId":"[^"]+"/, ''),
        status: reply.status,
      }
    }
    await clearFailures()
    const known: number[] = []
    const unknown: number[] = []
    for (let round = 0; round < 16; round++) {
      const stranger = `nobody${round}@example.org`
      // In turn one or the other comes first, so that neither is always the one that warms up.
      const first = await time(round % 2 ? ann.email : stranger)
      const second = await time(round % 2 ? stranger : ann.email)
      const [one, other] = round % 2 ? [first, second] : [second, first]
      expect([one.status, other.status]).toEqual([401, 401])
      expect(one.text).toBe(other.text)
      known.push(one.took)
      unknown.push(other.took)
      await clearFailures()
    }
    // The fastest of many is the one that a busy machine disturbs least. Both pay for one argon2id; without it
    // the unknown account would answer several times sooner.
    const ratio = Math.min(...unknown) / Math.min(...known)
    expect(ratio).toBeGreaterThan(0.6)
    expect(ratio).toBeLessThan(1.7)
  })

  test('five times makes that account wait, with the time to wait, and nobody at another address', async () => {
    await clearFailures()
    for (let round = 0; round < 5; round++) await login('victim@example.org', 'wrong password here')
    const waiting = await login('victim@example.org', 'wrong password here')
    expect([waiting.status, waiting.body.error.reason]).toEqual([429, 'sign_in_backoff'])
    expect(Number(waiting.headers.get('retry-after'))).toBeGreaterThan(0)
    await clearFailures()
    expectStatus(await login(ann.email, ann.password), 201)
  })

  test('locks the account, which its document tells, until the wait is over or an administrator unlocks it', async () => {
    await clearFailures()
    const lou = await h.person('lou')
    const read = async () => expectStatus(await h.call('GET', '/api/v1/users/lou'), 200)
    const before = await read()
    expect(before.body.status).toMatchObject({ phase: 'Active' })
    const guess = async (times: number) => {
      for (let round = 0; round < times; round++) await login(lou.email, 'wrong password here')
    }
    await guess(4)
    expect((await read()).body.status.phase).toBe('Active')
    await guess(1)
    const locked = await read()
    expect(locked.body.status.phase).toBe('Locked')
    expect(Date.parse(String(locked.body.status.lockedUntil))).toBeGreaterThan(Date.now())
    // It is told beside the document, which has not changed.
    expect(locked.headers.get('etag')).toBe(before.headers.get('etag'))
    const { items } = expectStatus(await h.call('GET', '/api/v1/users'), 200).body
    const phases = new Map(items.map(item => [item.metadata.name, item.status.phase]))
    expect([phases.get('lou'), phases.get('ann')]).toEqual(['Locked', 'Active'])

    const unlock = (token: string, more = '') =>
      h.call('POST', `/api/v1/users/lou/actions/unlock${more}`, { token, body: {} })
    expect([403, 404]).toContain((await unlock(lou.token)).status)
    expectStatus(await unlock(h.operator, '?dryRun=true'), 200)
    expect((await read()).body.status.phase).toBe('Locked')
    expectStatus(await unlock(h.operator), 200)
    const open = (await read()).body.status
    expect([open.phase, open.lockedUntil]).toEqual(['Active', undefined])
    await h.database.identity.clearFailures('address:127.0.0.1')
    expectStatus(await login(lou.email, lou.password), 201)
    // Of an account that was not locked there is nothing to tell.
    expectStatus(await unlock(h.operator), 200)
    const told = await sql(
      "select entry #>> '{actor,id}' as actor, entry #>> '{resource,name}' as name, entry -> 'count' as count from switchyard.audit_pending where entry ->> 'action' = 'user.unlock'",
    )
    expect(told).toEqual([{ actor: 'system:operator', name: 'lou', count: 5 }])
  })
})

describe('a password', () => {
  test('is never shown, may be left out of a replace, and works when it was changed', async () => {
    const bob = await h.person('bob')
    const read = expectStatus(await h.call('GET', '/api/v1/users/bob'), 200)
    expect(read.text).not.toContain(bob.password)
    expect(read.body.spec).not.toHaveProperty('password')
    const same = await h.call('PUT', '/api/v1/users/bob', {
      body: read.body,
      headers: { 'if-match': read.headers.get('etag')! },
    })
    expectStatus(same, 200)
    expectStatus(await login(bob.email, bob.password), 201)
    const weak = await h.call('PATCH', '/api/v1/users/bob', { body: { spec: { password: 'password1234' } } })
    expect(expectStatus(weak, 400).body.error.details).toMatchObject([
      { path: 'spec.password', rule: 'password_common' },
    ])
    const changed = expectStatus(
      await h.call('PATCH', '/api/v1/users/bob', { body: { spec: { password: 'another long phrase' } } }),
      200,
    )
    expect(changed.text).not.toContain('another long phrase')
    expect((await login(bob.email, bob.password)).status).toBe(401)
    expectStatus(await login(bob.email, 'another long phrase'), 201)
  })

  test('is taken away by null: nobody signs in with it, its sessions end, and the trail tells', async () => {
    const moe = await h.person('moe')
    const body = { spec: { password: null } }
    expect((await h.call('PATCH', '/api/v1/users/moe', { token: ann.token, body })).status).toBe(403)
    expectStatus(await h.call('PATCH', '/api/v1/users/moe', { body }), 200)
    expect((await whoami(moe.token)).body.error.reason).toBe('session_ended')
    expect((await login(moe.email, moe.password)).status).toBe(401)
    const told = await sql(
      "select entry -> 'diff' as diff from switchyard.audit_pending where entry ->> 'action' = 'user.secret_write' and entry #>> '{resource,name}' = 'moe' order by n desc limit 1",
    )
    expect(told).toEqual([{ diff: [{ op: 'remove', path: '/secrets/password' }] }])
  })

  test('that is changed ends every session of its person, and no one else’s', async () => {
    const [kim, lee] = [await h.person('kim'), await h.person('lee')]
    const second = expectStatus(await login(kim.email, kim.password), 201).body
    const dry = await h.call('PATCH', '/api/v1/users/kim?dryRun=true', {
      body: { spec: { password: 'a phrase that is not kept' } },
    })
    expectStatus(dry, 200)
    expectStatus(await whoami(kim.token), 200)
    const body = { spec: { password: 'quite another phrase' } }
    expectStatus(await h.call('PATCH', '/api/v1/users/kim', { body }), 200)
    for (const token of [kim.token, second.accessToken])
      expect((await whoami(token)).body.error.reason).toBe('session_ended')
    for (const token of [kim.refreshToken, second.refreshToken])
      expect((await refresh(token)).status).toBe(401)
    expectStatus(await whoami(lee.token), 200)
    expectStatus(await login(kim.email, 'quite another phrase'), 201)
  })
  test('given back to an account that was disabled, or a name to another person, revives no session', async () => {
    const max = await h.person('max')
    const disable = (disabled: boolean) =>
      h.call('PATCH', '/api/v1/users/max', { body: { spec: { disabled } } })
    expectStatus(await disable(true), 200)
    expectStatus(await disable(false), 200)
    expect((await whoami(max.token)).body.error.reason).toBe('session_ended')
    const before = expectStatus(await login(max.email, max.password), 201).body.accessToken
    expectStatus(await h.call('DELETE', '/api/v1/users/max'), 200)
    await h.person('max')
    expect((await whoami(before)).body.error.reason).toBe('session_ended')
  })
  test('belongs to one e-mail, whatever its case', async () => {
    const taken = await h.call('POST', '/api/v1/users', {
      body: { metadata: { name: 'ann2' }, spec: { email: 'Ann@Example.org' } },
    })
    expect([taken.status, taken.body.error.reason]).toEqual([409, 'taken'])
  })
})

describe('an API key', () => {
  const keys = '/api/v1/workspaces/team/apikeys'
  const make = async (name: string, spec: object = {}) =>
    expectStatus(
      await h.call('POST', keys, {
        token: ann.token,
        body: { metadata: { name }, spec: { owner: { kind: 'User', name: 'ann' }, scopes: ['*'], ...spec } },
      }),
      201,
    )

  test('is shown once, is stored only as a hash, and does its owner’s rights in its workspace', async () => {
    const made = await make('one')
    const secret = made.body.secret!
    expect(secret).toMatch(/^sk-sy-/)
    expect(made.body.status).toMatchObject({
      publicId: secret.slice(6, 18),
      last4: secret.slice(-4),
      phase: 'Active',
    })
    expect((await h.call('GET', `${keys}/one`, { token: ann.token })).text).not.toContain(secret.slice(20))
    expect((await whoami(secret)).body.principal).toBe('user:ann')
    expect((await h.call('GET', '/api/v1/workspaces/team/endpoints', { token: secret })).status).toBe(200)
    expect((await h.call('GET', '/api/v1/workspaces/default/endpoints', { token: secret })).status).toBe(404)
    expect(
      (await whoami(`${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}`)).body.error.reason,
    ).toBe('key_mistyped')
  })

  test('CP5.29: is rotated with an overlap in which both work, then one', async () => {
    const old = (await make('turning')).body.secret!
    const rotated = expectStatus(
      await h.call('POST', `${keys}/turning/actions/rotate`, {
        token: ann.token,
        body: { overlapSeconds: 60 },
      }),
      200,
    )
    const fresh = rotated.body.secret!
    expect(fresh).not.toBe(old)
    expect(fresh.slice(0, 18)).toBe(old.slice(0, 18))
    expect([(await whoami(old)).status, (await whoami(fresh)).status]).toEqual([200, 200])
    h.clock.ahead = 61_000
    expect([(await whoami(old)).status, (await whoami(fresh)).status]).toEqual([401, 200])
    h.clock.ahead = 0
    const last = expectStatus(
      await h.call('POST', `${keys}/turning/actions/rotate`, { token: ann.token, body: {} }),
      200,
    ).body.secret!
    expect([(await whoami(fresh)).status, (await whoami(last)).status]).toEqual([401, 200])
  })

  test('that is disabled, expired, deleted or of a disabled owner is refused', async () => {
    const secret = (await make('off')).body.secret!
    expectStatus(
      await h.call('PATCH', `${keys}/off`, { token: ann.token, body: { spec: { disabled: true } } }),
      200,
    )
    expect((await whoami(secret)).body.error.reason).toBe('key_disabled')
    const brief = (await make('brief', { expiresAt: new Date(Date.now() + 60_000).toISOString() })).body
      .secret!
    expect((await whoami(brief)).status).toBe(200)
    h.clock.ahead = 61_000
    expect((await whoami(brief)).body.error.reason).toBe('key_expired')
    h.clock.ahead = 0
    const gone = (await make('gone')).body.secret!
    expectStatus(await h.call('DELETE', `${keys}/gone`, { token: ann.token }), 200)
    expect((await whoami(gone)).body.error.reason).toBe('key_invalid')
    const robot = '/api/v1/workspaces/team/serviceaccounts'
    expectStatus(await h.call('POST', robot, { body: { metadata: { name: 'robot' }, spec: {} } }), 201)
    const owned = await h.call('POST', keys, {
      body: { metadata: { name: 'owned' }, spec: { owner: { kind: 'ServiceAccount', name: 'robot' } } },
    })
    const theirs = expectStatus(owned, 201).body.secret!
    const switchOff = (disabled: boolean) =>
      h.call('PATCH', `${robot}/robot`, { body: { spec: { disabled } } })
    expectStatus(await whoami(theirs), 200)
    expectStatus(await switchOff(true), 200)
    expect((await whoami(theirs)).body.error.reason).toBe('key_owner_disabled')
    expectStatus(await switchOff(false), 200)
    expectStatus(await whoami(theirs), 200)
    expect((await h.call('DELETE', `${robot}/robot`)).body.error.reason).toBe('in_use')
    const past = await h.call('POST', keys, {
      token: ann.token,
      body: {
        metadata: { name: 'past' },
        spec: { owner: { kind: 'User', name: 'ann' }, expiresAt: '2020-01-01T00:00:00Z' },
      },
    })
    expect(expectStatus(past, 400).body.error.details).toMatchObject([
      { path: 'spec.expiresAt', rule: 'future' },
    ])
    expect((await h.call('DELETE', '/api/v1/users/ann')).body.error.reason).toBe('in_use')
  })
})

describe('the first administrator', () => {
  test('is made by a link that works once, on a page that needs nothing from outside', async () => {
    const page = await h.call('GET', '/setup?token=x', { token: null })
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(page.text).toContain('设置 Switchyard')
    expect(page.text).not.toMatch(/(src|href)=/)
    const token = await h.api.mintSetupToken()
    const setUp = (given: object) =>
      h.call('POST', '/api/v1/setup', {
        token: null,
        body: { token, email: 'First.Admin@example.org', password: 'first of all admins', ...given },
      })
    expect((await setUp({ password: 'password1234' })).body.error.reason).toBe('weak_password')
    expect((await setUp({ token: 'wrong' })).status).toBe(401)
    const made = expectStatus(await setUp({ name: '管理员' }), 201)
    expect((await whoami(made.body.accessToken)).body.principal).toBe('user:first-admin')
    expectStatus(
      await h.call('POST', '/api/v1/workspaces', {
        token: made.body.accessToken,
        body: workspaceDocument('by-admin'),
      }),
      201,
    )
    expect((await setUp({ email: 'second@example.org' })).body.error.reason).toBe('setup_link_invalid')
    expectStatus(await login('first.admin@example.org', 'first of all admins'), 201)
  })
})

test('an operator token is replaced by the next', async () => {
  const next = await h.api.mintOperatorToken()
  expect((await whoami(h.operator)).status).toBe(401)
  expect((await whoami(next)).body.principal).toBe('system:operator')
  expect((await whoami(`sy-op-${randomBytes(8).toString('hex')}`)).status).toBe(401)
})

async function sql(text: string): Promise<readonly QueryResultRow[]> {
  const client = new Client({ connectionString: h.database.url })
  await client.connect()
  const { rows } = await client.query<QueryResultRow>(text)
  await client.end()
  return rows
}

/** The ten seconds in which a token may come twice are over. */
const backdateUse = () =>
  sql(
    "set role switchyard_owner; update switchyard.refresh_tokens set used_at = used_at - interval '1 minute' where used_at is not null",
  )
const clearFailures = () => sql('set role switchyard_owner; delete from switchyard.login_failures')

test('sixty requests at once with one key are all answered, though the store has ten connections', async () => {
  const keys = '/api/v1/workspaces/team/apikeys'
  const spec = { owner: { kind: 'User', name: 'ann' }, scopes: ['*'] }
  const made = await h.call('POST', keys, { token: ann.token, body: { metadata: { name: 'busy' }, spec } })
  const token = expectStatus(made, 201).body.secret!
  const replies = await Promise.all(
    Array.from({ length: 60 }, (_, number) =>
      number % 3 === 0
        ? h.call('POST', keys, { token, body: { metadata: { name: `busy-${number}` }, spec } })
        : h.call('GET', '/api/v1/workspaces/team/endpoints', { token }),
    ),
  )
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 201]))
})
