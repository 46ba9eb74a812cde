// Signing in by an identity provider, against a real one in this process.
import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectStatus, type Harness, type Person, start, workspaceDocument } from './harness.ts'
import { type Directory, outside, type Seen, startDirectory } from './sso.bed.ts'

let h: Harness
let admin: Person
let idp: Directory

const returns = (name: string) => `http://switchyard.test/api/v1/sso/${name}/return`

beforeAll(async () => {
  h = await start({ outside })
  expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('team') }), 201)
  admin = await h.person('ada', { platform: ['admin'] })
  idp = await startDirectory(h, ['corp', 'closed', 'lone'].map(returns))
  const credential = { metadata: { name: 'corp' }, spec: { value: 'a secret of the client' } }
  expectStatus(await post('/api/v1/credentials', credential), 201)
  expectStatus(
    await provider('corp', {
      credential: 'corp',
      provision: 'on-login',
      groupRoles: [
        { group: 'ml', role: 'platform/developer', workspace: 'team' },
        { group: 'eyes', role: 'auditor' },
      ],
    }),
    201,
  )
  expectStatus(await provider('closed', {}), 201)
})
afterAll(async () => {
  await idp[Symbol.asyncDispose]()
  await h[Symbol.asyncDispose]()
})

const post = (path: string, body: object, token: string | null = admin.token) =>
  h.call('POST', path, { token, body })
const providerSpec = (more: object = {}) => ({
  issuer: idp.origin,
  clientId: 'credential' in more ? 'switchyard' : 'open',
  scopes: ['openid', 'email', 'profile', 'groups'],
  allowedDomains: ['example.org'],
  allowCidrs: ['127.0.0.0/8'],
  ca: idp.ca,
  ...more,
})
const provider = (name: string, more: object) =>
  post('/api/v1/identityproviders', { metadata: { name }, spec: providerSpec(more) })

/** The access token that a browser is given for its cookie. */
async function tokenOf({ headers }: Seen): Promise<string> {
  const [cookie = ''] = (headers['set-cookie'] ?? []).flatMap(line =>
    line.startsWith('switchyard_refresh=') ? [line.split(';')[0]!] : [],
  )
  const refreshed = await h.call('POST', '/api/v1/sessions/refresh', {
    token: null,
    body: {},
    headers: { cookie, origin: 'http://switchyard.test' },
  })
  return expectStatus(refreshed, 200).body.accessToken
}
const whoami = (token: string) => h.call('GET', '/api/v1/whoami', { token })
const grantsOf = async (token: string) =>
  (JSON.parse((await whoami(token)).text) as { grants: { workspace: string | null; permission: string }[] })
    .grants

describe('signing in by a provider', () => {
  test('makes an account for who has none, holds what its groups are given, and forgets it with them', async () => {
    idp.people.set('s-1', {
      email: 'Nia.New@Example.org',
      email_verified: true,
      name: 'Nia 新',
      groups: ['ml', 'eyes', 'unknown'],
    })
    const seen = await idp.signIn('s-1', '/api/v1/sso/corp/start?return=/models')
    expect([seen.status, seen.headers.location]).toEqual([303, '/models'])
    const token = await tokenOf(seen)
    expect((await whoami(token)).body.principal).toBe('user:nia-new')
    const person = await h.call('GET', '/api/v1/users/nia-new')
    expect(person.body).toMatchObject({
      metadata: { displayName: 'Nia 新' },
      spec: { email: 'nia.new@example.org' },
      status: { identities: [{ issuer: idp.origin, subject: 's-1' }] },
    })
    const held = await grantsOf(token)
    expect(held).toContainEqual({ workspace: null, permission: '*:read' })
    expect(held).toContainEqual({ workspace: 'team', permission: 'endpoint:*' })
    expect((await h.call('GET', '/api/v1/workspaces/team/endpoints', { token })).status).toBe(200)
    expect((await h.call('GET', '/api/v1/users', { token })).status).toBe(200)
    const [session] = (
      JSON.parse((await h.call('GET', '/api/v1/sessions', { token })).text) as {
        items: { method: string; provider?: string }[]
      }
    ).items
    expect(session).toMatchObject({ method: 'sso', provider: 'corp' })

    idp.people.set('s-1', { email: 'nia.new@example.org', email_verified: true, groups: ['ml'] })
    const again = await tokenOf(await idp.signIn('s-1'))
    expect((await h.call('GET', '/api/v1/users', { token: again })).status).toBe(403)
    // The older session holds no more than the newer one.
    expect((await h.call('GET', '/api/v1/users', { token })).status).toBe(403)
    expect((await h.call('GET', '/api/v1/workspaces/team/endpoints', { token })).status).toBe(200)
    const listed = await h.call('GET', '/api/v1/users')
    expect(listed.body.items.filter(({ metadata }) => metadata.name.startsWith('nia'))).toHaveLength(1)
  })

  test('CP5.27: an unverified e-mail is not linked, nor one of another domain; a verified one is', async () => {
    const zoe = await h.person('zoe', { team: ['developer'] })
    const refused = async (subject: string, account: Parameters<typeof idp.people.set>[1]) => {
      idp.people.set(subject, account)
      const { status, text } = await idp.signIn(subject)
      return [status, /role="alert">([^<]*)/.exec(text)?.[1]]
    }
    const none = [403, 'There is no account for you here. Ask an administrator to invite you.']
    expect(await refused('z-1', { email: zoe.email })).toEqual(none)
    expect(await refused('z-1', { email: zoe.email, email_verified: false })).toEqual(none)
    await h.call('PATCH', '/api/v1/users/zoe', { body: { spec: { email: 'zoe@elsewhere.test' } } })
    expect(await refused('z-1', { email: 'zoe@elsewhere.test', email_verified: true })).toEqual(none)
    await h.call('PATCH', '/api/v1/users/zoe', { body: { spec: { email: zoe.email } } })

    idp.people.set('z-1', { email: zoe.email, email_verified: true })
    expect((await whoami(await tokenOf(await idp.signIn('z-1')))).body.principal).toBe('user:zoe')
    // From then on by the subject, whatever becomes of the e-mail.
    idp.people.set('z-1', { email: 'zoe.z@example.org', email_verified: true })
    expect((await whoami(await tokenOf(await idp.signIn('z-1')))).body.principal).toBe('user:zoe')
    // Whoever gets the address after her does not get the account.
    expect(await refused('z-2', { email: zoe.email, email_verified: true })).toEqual([
      403,
      expect.stringContaining('belongs to someone else') as unknown,
    ])
  })

  test('is for those who have an account where none are made, and not for a disabled one', async () => {
    idp.people.set('c-1', { email: 'cay@example.org', email_verified: true })
    expect((await idp.signIn('c-1', '/api/v1/sso/closed/start')).status).toBe(403)
    await h.person('cay')
    const seen = await idp.signIn('c-1', '/api/v1/sso/closed/start')
    const token = await tokenOf(seen)
    expect((await whoami(token)).body.principal).toBe('user:cay')
    expectStatus(await h.call('PATCH', '/api/v1/users/cay', { body: { spec: { disabled: true } } }), 200)
    expect((await whoami(token)).status).toBe(401)
    const refused = await idp.signIn('c-1', '/api/v1/sso/closed/start')
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('账户已被停用') as unknown])
  })

  test('is finished by the browser that began it, once', async () => {
    idp.people.set('f-1', { email: 'fay@example.org', email_verified: true })
    const cookies = new Map<string, string>()
    const begun = await idp.visit('http://switchyard.test/api/v1/sso/corp/start', cookies)
    const asked = new URL(begun.headers.location ?? '')
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: returns('corp'),
    })
    const state = asked.searchParams.get('state') ?? ''
    const back = (query: string, jar = cookies) => idp.visit(`${returns('corp')}?${query}`, jar)
    const iss = `iss=${encodeURIComponent(idp.origin)}`
    for (const [query, jar] of [
      [`code=made-up&state=${state}&${iss}`, cookies],
      [`code=made-up&state=another&${iss}`, cookies],
      [`error=access_denied&state=${state}&${iss}`, cookies],
      [`code=made-up&state=${state}&${iss}`, new Map<string, string>()],
      [`code=made-up&state=${state}&${iss}`, new Map([['switchyard_sso', 'made-up']])],
    ] as const) {
      const seen = await back(query, jar)
      expect([seen.status, seen.headers['set-cookie']]).toEqual([403, []])
    }
    // The cookie of one provider finishes nothing at another.
    expect((await idp.visit(`${returns('closed')}?code=x&state=${state}`, cookies)).status).toBe(403)
    h.clock.ahead = 601_000
    const late = await back(`code=made-up&state=${state}&${iss}`)
    h.clock.ahead = 0
    expect([late.status, late.text]).toEqual([403, expect.stringContaining('took too long') as unknown])
  })

  test('hands a program a code that is good once, with what it kept to itself', async () => {
    idp.people.set('p-1', { email: 'pip@example.org', email_verified: true })
    const verifier = randomBytes(32).toString('base64url')
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    const query = new URLSearchParams({ port: '4711', challenge, state: 'mine' }).toString()
    const code = async () => {
      const { headers } = await idp.signIn('p-1', `/api/v1/sso/corp/start?${query}`)
      const to = new URL(headers.location ?? '')
      expect([to.origin, to.searchParams.get('state'), headers['set-cookie']]).toEqual([
        'http://127.0.0.1:4711',
        'mine',
        [],
      ])
      return to.searchParams.get('code') ?? ''
    }
    const exchange = (given: object) => post('/api/v1/sso/exchange', given, null)
    const first = await code()
    const session = expectStatus(await exchange({ code: first, verifier }), 201).body
    expect((await whoami(session.accessToken)).body.principal).toBe('user:pip')
    expect((await exchange({ code: first, verifier })).body.error.reason).toBe('sso_code_invalid')
    const second = await code()
    const stolen = await exchange({ code: second, verifier: randomBytes(32).toString('base64url') })
    expect(stolen.body.error.reason).toBe('sso_code_invalid')
    expect((await exchange({ code: second, verifier })).body.error.reason).toBe('sso_code_invalid')
  })

  test('leads nowhere else, and says so of a provider that there is not', async () => {
    for (const to of ['https://evil.test/', '//evil.test/', '/\\evil.test', 'models'])
      expect(
        (await h.call('GET', `/api/v1/sso/corp/start?return=${encodeURIComponent(to)}`, { token: null }))
          .status,
      ).toBe(400)
    const lone = await h.call('GET', '/api/v1/sso/corp/start?port=4711', { token: null })
    expect(lone.body.error.reason).toBe('sso_program')
    const unknown = await h.call('GET', '/api/v1/sso/nobody/start', { token: null })
    expect(unknown.body.error.reason).toBe('provider_unknown')
    const list = await h.call('GET', '/api/v1/sso', { token: null })
    expect(JSON.parse(list.text)).toMatchObject({ items: [{ name: 'closed' }, { name: 'corp' }] })
  })
})

describe('a group', () => {
  test('is given a role where the assignment lives, for who is in it at that provider', async () => {
    const role = { subject: { kind: 'Group', name: 'corp/all hands' }, role: 'platform/viewer' }
    const assignment = { metadata: { name: 'hands' }, spec: role }
    expectStatus(await post('/api/v1/workspaces/team/roleassignments', assignment), 201)
    idp.people.set('g-1', { email: 'gus@example.org', email_verified: true, groups: ['all hands'] })
    const token = await tokenOf(await idp.signIn('g-1'))
    expect((await h.call('GET', '/api/v1/workspaces/team/endpoints', { token })).status).toBe(200)
    // Another provider that says the same name says another group.
    const lone = {
      metadata: { name: 'hands-elsewhere' },
      spec: { ...role, subject: { kind: 'Group', name: 'closed/all hands' } },
    }
    expectStatus(await post('/api/v1/workspaces/default/roleassignments', lone), 201)
    expect((await h.call('GET', '/api/v1/workspaces/default/endpoints', { token })).status).toBe(404)
    expectStatus(
      await h.call('DELETE', '/api/v1/workspaces/team/roleassignments/hands', { token: admin.token }),
      200,
    )
    expect((await h.call('GET', '/api/v1/workspaces/team/endpoints', { token })).status).toBe(404)
    const bad = {
      metadata: { name: 'bad' },
      spec: { ...role, subject: { kind: 'Group', name: 'no-provider' } },
    }
    expect((await post('/api/v1/workspaces/team/roleassignments', bad)).status).toBe(400)
  })

  test('is mapped to no more than the one who maps it holds', async () => {
    const names = ['identity_provider:*', 'role:read', 'workspace:read', 'provider:private']
    const role = { metadata: { name: 'sso-maker' }, spec: { permissions: names } }
    expectStatus(await post('/api/v1/roles', role), 201)
    const maker = await h.person('max')
    const spec = { subject: { kind: 'User', name: 'max' }, role: 'sso-maker' }
    expectStatus(await post('/api/v1/roleassignments', { metadata: { name: 'max' }, spec }), 201)
    const make = (groupRoles: object[], more: object = { allowedDomains: [] }) =>
      post(
        '/api/v1/identityproviders',
        { metadata: { name: 'rogue' }, spec: providerSpec({ groupRoles, ...more }) },
        maker.token,
      )
    // Nor may it speak for whom the maker may not become.
    const spoken = await make([], {})
    expect([spoken.status, spoken.body.error.reason]).toEqual([403, 'grant_not_held'])
    expect(spoken.body.error.message).toContain('The provider could speak for an account that holds')
    const beyond = await make([{ group: 'ml', role: 'platform/admin' }])
    expect([beyond.status, beyond.body.error.reason]).toEqual([403, 'grant_not_held'])
    expect(
      (await make([{ group: 'ml', role: 'platform/viewer', workspace: 'team' }])).body.error.reason,
    ).toBe('grant_not_held')
    expectStatus(await make([{ group: 'ml', role: 'sso-maker' }]), 201)
    const change = (spec: object, token = maker.token) =>
      h.call('PATCH', '/api/v1/identityproviders/rogue', { token, body: { spec } })
    expect((await change({ allowedDomains: ['example.org'] })).body.error.reason).toBe('grant_not_held')
    // A mapping that somebody else has made goes with all that says who is in its group.
    const ops = { group: 'ops', role: 'platform/admin' }
    expectStatus(await change({ groupRoles: [ops] }, admin.token), 200)
    expect((await change({ clientId: 'mine' })).body.error.reason).toBe('grant_not_held')
    expectStatus(await change({ groupRoles: [{ group: 'ml', role: 'sso-maker' }] }, admin.token), 200)
    expectStatus(await change({ scopes: ['openid', 'email'] }), 200)
    expect(
      (await h.call('DELETE', '/api/v1/roles/sso-maker', { token: admin.token })).body.error.reason,
    ).toBe('in_use')
    expectStatus(await h.call('DELETE', '/api/v1/identityproviders/rogue', { token: admin.token }), 200)
  })

  test('loses with its provider what it held, and its people their sessions', async () => {
    expectStatus(await provider('lone', { groupRoles: [{ group: 'ops', role: 'auditor' }] }), 201)
    const kay = await h.person('kay')
    idp.people.set('k-1', { email: kay.email, email_verified: true, groups: ['ops'] })
    const token = await tokenOf(await idp.signIn('k-1', '/api/v1/sso/lone/start'))
    expectStatus(await h.call('GET', '/api/v1/users', { token }), 200)
    expectStatus(await h.call('GET', '/api/v1/users', { token: kay.token }), 200)
    expectStatus(await h.call('DELETE', '/api/v1/identityproviders/lone', { token: admin.token }), 200)
    expect((await whoami(token)).body.error.reason).toBe('session_ended')
    expect((await h.call('GET', '/api/v1/users', { token: kay.token })).status).toBe(403)
  })
})
