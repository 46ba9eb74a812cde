// Inviting, resetting and signing out from the command line, against the real API.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Directory, outside, startDirectory } from '../../../packages/api/test/sso.bed.ts'
import { startYard, type Yard } from './yard.ts'

let yard: Yard
beforeAll(async () => {
  yard = await startYard()
})
afterAll(() => yard?.[Symbol.asyncDispose]())

const run = (argv: readonly string[], token = yard.operator, stdin?: string) =>
  yard.run(argv, {
    env: { SWITCHYARD_URL: yard.url, SWITCHYARD_TOKEN: token, SWITCHYARD_WORKSPACE: 'team' },
    ...(stdin === undefined ? {} : { stdin }),
  })

async function post(path: string, body: object): Promise<{ accessToken: string }> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(yard.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(answer.status).toBeLessThan(300)
  return (await answer.json()) as { accessToken: string }
}
const tokenIn = (url: string) => /#token=(\w{43})\n$/.exec(url)?.[1] ?? ''

test('an invitation is a link alone on stdout, listed and withdrawn; a reset is one too', async () => {
  const invite = () =>
    run(['user', 'invite', 'ann@example.org', '--role', 'platform/developer,platform/viewer@platform'])
  const first = await invite()
  expect(first.status, first.stderr).toBe(0)
  expect(first.stdout).toMatch(/^http:\/\/switchyard\.test\/invitation#token=\w{43}\n$/)
  expect(first.stderr).toContain('not shown again')
  const listed = await run(['user', 'invitations'])
  expect(listed.stdout).toMatch(/ann@example\.org {2}platform\/developer@team, platform\/viewer@platform/)
  expect((await run(['user', 'uninvite', 'Ann@example.org'])).stdout).toBe(
    'invitation/ann@example.org withdrawn\n',
  )
  expect((await run(['user', 'uninvite', 'ann@example.org'])).status).toBe(5)
  expect((await run(['user', 'invitations'])).stdout).toBe('')

  const token = tokenIn((await invite()).stdout)
  await post('/api/v1/invitations/accept', { token, password: 'a phrase of my own' })
  const reset = await run(['user', 'reset-password', 'ann'])
  expect(reset.stdout).toMatch(/\/reset#token=/)
  await post('/api/v1/password-resets/redeem', { token: tokenIn(reset.stdout), password: 'another phrase' })
  const again = await run(['user', 'invite', 'x@example.org', '--role', 'a@b@c'])
  expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('ROLE@WORKSPACE')])
})

test('sessions are listed and ended, one or all; a password is changed from two lines', async () => {
  const login = () => post('/api/v1/sessions', { email: 'ann@example.org', password: 'another phrase' })
  const { accessToken } = await login()
  await login()
  await login()
  const list = await run(['session', 'list'], accessToken)
  expect(list.status, list.stderr).toBe(0)
  const lines = list.stdout.trimEnd().split('\n')
  expect(lines).toHaveLength(4)
  expect(lines.filter(line => line.endsWith('*'))).toHaveLength(1)
  const other = lines.find(line => line.includes('password') && !line.endsWith('*'))?.split(' ')[0] ?? ''
  expect((await run(['session', 'revoke', other], accessToken)).stdout).toBe(`session/${other} ended\n`)
  expect((await run(['session', 'revoke'], accessToken)).status).toBe(2)
  expect((await run(['session', 'revoke', '--all'], accessToken)).stderr).toContain('--yes')
  expect((await run(['session', 'revoke', '--all', '--yes'], accessToken)).status).toBe(0)
  expect((await run(['session', 'list', '-o', 'json'], accessToken)).stdout).toContain('"current": true')

  const changed = await run(
    ['user', 'password', '--password-stdin'],
    accessToken,
    'another phrase\na third phrase\n',
  )
  expect(changed.status, changed.stderr).toBe(0)
  await post('/api/v1/sessions', { email: 'ann@example.org', password: 'a third phrase' })
  expect((await run(['session', 'list', '--user', 'ann'])).stdout.split('\n')).toHaveLength(4)
  expect((await run(['session', 'revoke', '--user', 'ann', '--all', '--yes'])).stdout).toBe(
    'sessions of ann ended\n',
  )
  expect((await run(['session', 'list'], accessToken)).status).toBe(3)
})

describe('login --sso', () => {
  let idp: Directory
  let sso: Yard
  beforeAll(async () => {
    sso = await startYard({ outside })
    idp = await startDirectory(sso, ['http://switchyard.test/api/v1/sso/corp/return'])
    const spec = {
      issuer: idp.origin,
      clientId: 'open',
      scopes: ['openid', 'email'],
      allowedDomains: ['example.org'],
      provision: 'on-login',
      allowCidrs: ['127.0.0.0/8'],
      ca: idp.ca,
    }
    await sso.client.create({ kind: 'IdentityProvider', metadata: { name: 'corp' }, spec })
  })
  afterAll(async () => {
    await idp?.[Symbol.asyncDispose]()
    await sso?.[Symbol.asyncDispose]()
  })

  test('waits for a browser, and keeps the session that it has signed in', async () => {
    idp.people.set('s-1', { email: 'sue@example.org', email_verified: true })
    let said = ''
    const { promise: asked, resolve } = Promise.withResolvers<string>()
    const login = sso.run(['login', sso.url, '--sso', '-W', 'team'], {
      onNote(text) {
        said += text
        const start = /(\/api\/v1\/sso\/corp\/start\?\S+)\n/.exec(said)?.[1]
        if (start !== undefined) resolve(start)
      },
    })
    const sent = await idp.signIn('s-1', await asked)
    const to = sent.headers.location ?? ''
    expect(to).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?code=/)
    const stranger = await fetch(to.replace(/state=.*/, 'state=another'))
    expect(stranger.status).toBe(404)
    expect(await (await fetch(to)).text()).toContain('signed in')
    const ran = await login
    expect(ran.status, ran.stderr).toBe(0)
    expect(ran.stderr).toContain('as user:sue')
    const listed = await sso.run(
      ['session', 'list', '--context', ran.stderr.match(/Context (\S+)/)?.[1] ?? ''],
      { env: {} },
    )
    expect(listed.stdout).toContain('sso')
  })

  test('names a provider when there are several, and says when there is none', async () => {
    const none = await run(['login', yard.url, '--sso'])
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('--email') as unknown])
    const both = await run(['login', yard.url, '--sso', '--token-stdin'])
    expect([both.status, both.stderr]).toEqual([2, expect.stringContaining('one of') as unknown])
  })
})
