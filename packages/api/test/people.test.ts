// How people come in and look after their accounts: invitations, new passwords, open sessions.
import { Fault } from '@switchyard/kinds'
import type { Mail } from '@switchyard/runtime'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectStatus, type Harness, type Person, type Reply, start, workspaceDocument } from './harness.ts'

let h: Harness
let admin: Person
/** What the mail server took; undefined where there is none. */
const mails: Mail[] = []
let mailServer: 'none' | 'up' | 'down' = 'none'

beforeAll(async () => {
  h = await start()
  expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('team') }), 201)
  admin = await h.person('ada', { platform: ['admin'] })
})
afterAll(() => h[Symbol.asyncDispose]())

interface Link {
  readonly id: string
  readonly url?: string
  readonly mailed: boolean
  readonly email: string
}

const post = (path: string, body: object, token: string | null = null) =>
  h.call('POST', path, { token, body })
const linkOf = ({ text }: Reply) => JSON.parse(text) as Link
const tokenIn = (url: string | undefined) => /#token=(\w{43})$/.exec(url ?? '')?.[1] ?? ''
const login = (email: string, password: string) => post('/api/v1/sessions', { email, password })
const whoami = (token: string) => h.call('GET', '/api/v1/whoami', { token })

async function sql(text: string): Promise<void> {
  const client = new Client({ connectionString: h.database.url })
  await client.connect()
  await client.query(`set role switchyard_owner; set search_path = switchyard; ${text}`)
  await client.end()
}

describe('an invitation', () => {
  const invite = (email: string, more: object = {}, token = admin.token) =>
    post('/api/v1/invitations', { email, ...more }, token)
  const accept = (token: string, more: object = {}) =>
    post('/api/v1/invitations/accept', { token, password: 'a phrase of my own', ...more })

  test('is spent once: the person chooses a password and holds what the inviter promised', async () => {
    const roles = [{ role: 'platform/developer', workspace: 'team' }]
    const made = expectStatus(await invite('New.One@example.org', { roles, displayName: 'New One' }), 201)
    const { url, mailed } = linkOf(made)
    expect([url?.startsWith('http://switchyard.test/invitation#token='), mailed]).toEqual([true, false])
    const listed = expectStatus(await h.call('GET', '/api/v1/invitations', { token: admin.token }), 200)
    expect(listed.body.items).toMatchObject([
      { email: 'new.one@example.org', roles, invitedBy: 'user:ada', displayName: 'New One' },
    ])
    expect(listed.text).not.toContain(tokenIn(url))
    expect((await h.call('GET', '/api/v1/users')).text).not.toContain('new.one@example.org')
    const weak = await accept(tokenIn(url), { password: 'new.one@example.org' })
    expect(weak.body.error.details).toMatchObject([{ path: 'password', rule: 'password_email' }])
    const session = expectStatus(await accept(tokenIn(url)), 201).body
    const held = await whoami(session.accessToken)
    expect(held.body.principal).toBe('user:new-one')
    expect(held.text).toContain('{"workspace":"team","permission":"endpoint:*"}')
    expect((await accept(tokenIn(url))).body.error.reason).toBe('invitation_invalid')
    expectStatus(await login('new.one@example.org', 'a phrase of my own'), 201)
    const person = await h.call('GET', '/api/v1/users/new-one')
    expect(person.body.metadata).toMatchObject({ createdBy: 'user:ada', displayName: 'New One' })
    expect((await invite('new.one@example.org')).body.error.reason).toBe('taken')
  })

  test('promises no more than the inviter holds, then or when it is accepted', async () => {
    const role = {
      metadata: { name: 'host' },
      spec: { permissions: ['user:create', 'role_assignment:create'] },
    }
    expectStatus(await post('/api/v1/roles', role, admin.token), 201)
    const host = await h.person('hal', { team: ['developer'] })
    const spec = { subject: { kind: 'User', name: 'hal' }, role: 'host' }
    const given = { metadata: { name: 'hal-hosts' }, spec }
    expectStatus(await post('/api/v1/roleassignments', given, admin.token), 201)
    const beyond = { roles: [{ role: 'platform/admin' }] }
    expect((await invite('x@example.org', beyond, host.token)).body.error.reason).toBe('grant_not_held')
    const within = { roles: [{ role: 'platform/developer', workspace: 'team' }] }
    const { url } = linkOf(expectStatus(await invite('x@example.org', within, host.token), 201))
    expectStatus(
      await h.call('DELETE', '/api/v1/workspaces/team/roleassignments/hal-developer', { token: admin.token }),
      200,
    )
    const refused = await accept(tokenIn(url))
    expect([refused.status, refused.body.error.reason]).toEqual([403, 'invitation_void'])
    expect((await h.call('GET', '/api/v1/users')).text).not.toContain('x@example.org')
    const other = linkOf(expectStatus(await invite('y@example.org', {}, host.token), 201))
    expectStatus(await h.call('PATCH', '/api/v1/users/hal', { body: { spec: { disabled: true } } }), 200)
    expect((await accept(tokenIn(other.url))).body.error.reason).toBe('invitation_void')
  })

  test('of one who may not make accounts is refused, and names an unknown role', async () => {
    const dev = await h.person('dev', { team: ['workspace-admin'] })
    expect((await invite('z@example.org', {}, dev.token)).status).toBe(403)
    expect((await h.call('GET', '/api/v1/invitations', { token: dev.token })).status).toBe(403)
    const unknown = await invite('z@example.org', { roles: [{ role: 'nonsense' }] })
    expect([unknown.status, unknown.body.error.reason]).toEqual([400, 'bad_reference'])
  })

  test('is replaced by a newer one, withdrawn, and ends by itself', async () => {
    const first = linkOf(expectStatus(await invite('again@example.org'), 201))
    const second = linkOf(expectStatus(await invite('again@example.org'), 201))
    expect((await accept(tokenIn(first.url))).body.error.reason).toBe('invitation_invalid')
    const gone = await h.call('DELETE', `/api/v1/invitations/${second.id}`, { token: admin.token })
    expectStatus(gone, 204)
    expect((await accept(tokenIn(second.url))).body.error.reason).toBe('invitation_invalid')
    const again = await h.call('DELETE', `/api/v1/invitations/${second.id}`, { token: admin.token })
    expect(again.body.error.reason).toBe('invitation_not_found')
    const third = linkOf(expectStatus(await invite('again@example.org'), 201))
    await sql("update invitations set expires_at = clock_timestamp() - interval '1 s'")
    expect((await accept(tokenIn(third.url))).body.error.reason).toBe('invitation_invalid')
  })

  test('that two spend at once makes one account', async () => {
    const { url } = linkOf(expectStatus(await invite('twice@example.org'), 201))
    const replies = await Promise.all(Array.from({ length: 4 }, () => accept(tokenIn(url))))
    expect(replies.map(({ status }) => status).filter(status => status === 201)).toEqual([201])
  })
})

describe('a new password', () => {
  const link = (name: string, token = admin.token) =>
    h.call('POST', `/api/v1/users/${name}/password-reset`, { token })
  const redeem = (token: string, password: string) =>
    post('/api/v1/password-resets/redeem', { token, password })

  test('is set by the link of an administrator, once, and ends every session', async () => {
    const bob = await h.person('bob')
    const old = linkOf(expectStatus(await link('bob'), 201))
    const fresh = linkOf(expectStatus(await link('bob'), 201))
    expect((await redeem(tokenIn(old.url), 'quite another phrase')).body.error.reason).toBe(
      'reset_link_invalid',
    )
    const token = tokenIn(fresh.url)
    expect((await redeem(token, 'bob@example.org')).body.error.reason).toBe('weak_password')
    expectStatus(await whoami(bob.token), 200)
    const done = expectStatus(await redeem(token, 'quite another phrase'), 200)
    expect(JSON.parse(done.text)).toEqual({
      kind: 'PasswordReset',
      user: { name: 'bob', email: 'bob@example.org' },
    })
    expect((await whoami(bob.token)).body.error.reason).toBe('session_ended')
    expect((await redeem(token, 'yet another phrase')).body.error.reason).toBe('reset_link_invalid')
    expect((await login(bob.email, bob.password)).status).toBe(401)
    expectStatus(await login(bob.email, 'quite another phrase'), 201)
    expect((await h.call('GET', '/api/v1/users/bob')).body.metadata.updatedBy).toBe('user:bob')
  })

  test('ends with its time, with its account, and for one who was disabled', async () => {
    await h.person('carl')
    const late = linkOf(expectStatus(await link('carl'), 201))
    await sql("update password_resets set expires_at = clock_timestamp() - interval '1 s'")
    expect((await redeem(tokenIn(late.url), 'quite another phrase')).body.error.reason).toBe(
      'reset_link_invalid',
    )
    const open = linkOf(expectStatus(await link('carl'), 201))
    expectStatus(await h.call('PATCH', '/api/v1/users/carl', { body: { spec: { disabled: true } } }), 200)
    expect((await redeem(tokenIn(open.url), 'quite another phrase')).body.error.reason).toBe(
      'reset_link_invalid',
    )
    expect((await link('carl')).body.error.reason).toBe('account_disabled')
    expectStatus(await h.call('DELETE', '/api/v1/users/carl'), 200)
    await h.person('carl')
    expect((await redeem(tokenIn(open.url), 'quite another phrase')).body.error.reason).toBe(
      'reset_link_invalid',
    )
  })

  test('is made for nobody who holds more than its maker', async () => {
    const role = { metadata: { name: 'helpdesk' }, spec: { permissions: ['user:read', 'user:update'] } }
    expectStatus(await post('/api/v1/roles', role, admin.token), 201)
    const desk = await h.person('desk')
    const spec = { subject: { kind: 'User', name: 'desk' }, role: 'helpdesk' }
    expectStatus(
      await post('/api/v1/roleassignments', { metadata: { name: 'desk' }, spec }, admin.token),
      201,
    )
    expect((await link('ada', desk.token)).body.error.reason).toBe('grant_not_held')
    await h.person('erin')
    expectStatus(await link('erin', desk.token), 201)
    expect((await link('erin', (await h.person('frank')).token)).status).toBe(403)
  })

  test('is changed by who knows the old one: their other sessions end, wrong guesses must wait', async () => {
    const gil = await h.person('gil')
    const other = expectStatus(await login(gil.email, gil.password), 201).body.accessToken
    const change = (current: string, password: string, token = gil.token) =>
      h.call('PUT', '/api/v1/password', { token, body: { current, password } })
    expect((await change('not this one', 'quite another phrase')).body.error.reason).toBe('password_wrong')
    expect((await change(gil.password, 'gil@example.org')).body.error.reason).toBe('weak_password')
    expectStatus(await change(gil.password, 'quite another phrase'), 204)
    expectStatus(await whoami(gil.token), 200)
    expect((await whoami(other)).body.error.reason).toBe('session_ended')
    expectStatus(await login(gil.email, 'quite another phrase'), 201)
    for (let round = 0; round < 5; round++) await change('not this one', 'quite another phrase')
    expect((await change('quite another phrase', 'one more phrase')).body.error.reason).toBe(
      'sign_in_backoff',
    )
    expect((await change('x', 'y', h.operator)).body.error.reason).toBe('session_needed')
    await sql('delete from login_failures')
  })
})

describe('with a mail server', () => {
  let m: Harness
  let boss: Person
  beforeAll(async () => {
    m = await start({
      mailer: {
        async send(mail) {
          if (mailServer === 'down') throw new Fault('unavailable', 'The mail server does not answer.')
          mails.push(mail)
        },
      },
    })
    boss = await m.person('ada', { platform: ['admin'] })
    await m.person('bob')
  })
  afterAll(() => m[Symbol.asyncDispose]())
  const ask = (email: string) => m.call('POST', '/api/v1/password-resets', { token: null, body: { email } })
  const mailed = async () => {
    for (let round = 0; round < 200 && mails.length === 0; round++)
      await new Promise(resolve => setTimeout(resolve, 10))
    return mails.splice(0)
  }

  test('an invitation goes to the person alone; while it is down the link is shown to who made it', async () => {
    mailServer = 'up'
    const invite = () =>
      m.call('POST', '/api/v1/invitations', { token: boss.token, body: { email: 'new@example.org' } })
    const { mailed: sent, url } = linkOf(expectStatus(await invite(), 201))
    expect([sent, url]).toEqual([true, undefined])
    const [letter] = await mailed()
    expect([letter?.to, letter?.subject]).toEqual([
      'new@example.org',
      'You are invited to Switchyard / 邀请您使用 Switchyard',
    ])
    const token = /\/invitation#token=(\w{43})\n/.exec(letter?.text ?? '')?.[1] ?? ''
    const body = { token, password: 'a phrase of my own' }
    expectStatus(await m.call('POST', '/api/v1/invitations/accept', { token: null, body }), 201)
    mailServer = 'down'
    const other = { email: 'other@example.org' }
    const shown = linkOf(await m.call('POST', '/api/v1/invitations', { token: boss.token, body: other }))
    expect([shown.mailed, tokenIn(shown.url).length]).toEqual([false, 43])
    expect(m.observations.filter(({ type }) => type === 'mail_failed')).toHaveLength(1)
    mailServer = 'up'
  })

  test('a lost password is asked for without telling whether there is such an account', async () => {
    const plain = ({ status, text }: Reply) => [status, text]
    const known = await ask('BOB@example.org')
    const unknown = await ask('nobody@example.org')
    expect(plain(known)).toEqual(plain(unknown))
    expect(known.status).toBe(202)
    const [letter] = await mailed()
    expect(letter?.to).toBe('bob@example.org')
    const token = /\/reset#token=(\w{43})\n/.exec(letter?.text ?? '')?.[1] ?? ''
    const body = { token, password: 'quite another phrase' }
    expectStatus(await m.call('POST', '/api/v1/password-resets/redeem', { token: null, body }), 200)
    expect(await mailed()).toEqual([])
    // Nobody is flooded with letters, nor asks for those of many.
    const answers = []
    for (let round = 0; round < 5; round++) answers.push((await ask('bob@example.org')).status)
    expect(answers).toContain(429)
    expect(mails.length).toBeLessThan(5)
  })

  test('without one, nobody is told whether there is such an account either', async () => {
    for (const email of ['ada@example.org', 'nobody@example.org'])
      expect((await post('/api/v1/password-resets', { email })).body.error.reason).toBe('no_mail')
  })
})

test('the trail tells who was invited, whose password was to be reset, and how each link ended', async () => {
  const client = new Client({ connectionString: h.database.url })
  await client.connect()
  const { rows } = await client.query<{ told: string }>(
    `select distinct (entry ->> 'action') || ' ' || (entry #>> '{actor,id}') || ' ' || (entry #>> '{resource,name}') as told
     from switchyard.audit_pending where entry #>> '{resource,kind}' in ('Invitation', 'PasswordReset')`,
  )
  await client.end()
  const told = rows.map(row => row.told)
  for (const line of [
    'invitation.create user:ada new.one@example.org',
    'invitation.accept system:link new.one@example.org',
    'invitation.withdraw user:ada again@example.org',
    'password_reset.create user:ada bob',
    'password_reset.redeem system:link bob',
  ])
    expect(told).toContain(line)
})

describe('open sessions', () => {
  interface Listed {
    readonly items: readonly {
      id: string
      current: boolean
      client?: string
      address?: string
      method: string
    }[]
  }
  const listed = ({ text }: Reply) => (JSON.parse(text) as Listed).items

  test('are listed by their person, and ended one by one', async () => {
    const ivy = await h.person('ivy')
    const headers = { 'user-agent': 'phone/1.0' }
    const body = { email: ivy.email, password: ivy.password }
    const phone = expectStatus(
      await h.call('POST', '/api/v1/sessions', { token: null, body, headers }),
      201,
    ).body
    const own = () => h.call('GET', '/api/v1/sessions', { token: ivy.token })
    const sessions = listed(expectStatus(await own(), 200))
    expect(sessions).toMatchObject([
      { client: 'phone/1.0', address: '127.0.0.1', method: 'password', current: false },
      { current: true },
    ])
    const stranger = await h.person('jack')
    const foreign = await h.call('DELETE', `/api/v1/sessions/${sessions[0]?.id}`, { token: stranger.token })
    expect(foreign.body.error.reason).toBe('session_not_found')
    expectStatus(await h.call('DELETE', `/api/v1/sessions/${sessions[0]?.id}`, { token: ivy.token }), 204)
    expect((await whoami(phone.accessToken)).body.error.reason).toBe('session_ended')
    expect(listed(await own())).toMatchObject([{ current: true }])
    expect((await h.call('GET', '/api/v1/sessions')).body.error.reason).toBe('session_needed')
  })

  test('of others are listed and ended by who may change accounts', async () => {
    const kit = await h.person('kit')
    const auditor = await h.person('aud', { platform: ['auditor'] })
    expectStatus(await login(kit.email, kit.password), 201)
    const path = '/api/v1/users/kit/sessions'
    const sessions = listed(expectStatus(await h.call('GET', path, { token: auditor.token }), 200))
    expect(sessions).toHaveLength(2)
    expect((await h.call('DELETE', path, { token: auditor.token })).status).toBe(403)
    expectStatus(await h.call('DELETE', `${path}/${sessions[0]?.id}`, { token: admin.token }), 204)
    expect(listed(await h.call('GET', path, { token: admin.token }))).toHaveLength(1)
    expectStatus(await h.call('DELETE', path, { token: admin.token }), 204)
    expect((await whoami(kit.token)).body.error.reason).toBe('session_ended')
    expect((await h.call('GET', '/api/v1/users/nobody-here/sessions', { token: admin.token })).status).toBe(
      404,
    )
  })
})

test('the pages of the links need nothing from outside, in English and Chinese', async () => {
  for (const [path, title] of [
    ['/invitation', '加入 Switchyard'],
    ['/reset', '设置新密码'],
  ] as const) {
    const page = expectStatus(await h.call('GET', path, { token: null }), 200)
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(page.headers.get('referrer-policy')).toBe('no-referrer')
    expect(page.text).toContain(title)
    expect(page.text).not.toMatch(/(src|href)=/)
  }
})
