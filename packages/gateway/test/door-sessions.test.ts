// People who are signed in call by their access tokens: where, with which rights, under which limits, and for how long.
import { Fault } from '@switchyard/kinds'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SessionSource } from '../src/index.ts'
import { Bed, document } from './bed.ts'
import { ScriptedUpstream } from './upstream.ts'

const issuer = 'https://ai.example.com'
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Sessions that a test opens and ends. */
class Desk implements SessionSource {
  readonly issuer = issuer
  readonly standing = new Set<string>()
  readonly minted = new Map<string, { user: string; session: string; expiresAt: string }>()
  away = false
  verified = 0
  asked = 0

  /** A token of that session, which is open from now on. */
  token(user: string, session = `of-${user}`, seconds = 600): string {
    this.standing.add(session)
    const text = `${part({ alg: 'EdDSA' })}.${part({ iss: issuer, jti: this.minted.size })}.${part(session)}`
    this.minted.set(text, {
      user,
      session,
      expiresAt: new Date(Date.now() + seconds * 1000).toISOString(),
    })
    return text
  }

  async claims(token: string) {
    this.verified++
    const known = this.minted.get(token)
    if (known) return known
    throw new Fault('unauthenticated', 'This session token is not valid any more.', {
      reason: 'session_invalid',
    })
  }

  async open(ids: readonly string[]) {
    this.asked++
    if (this.away) throw new Fault('unavailable', 'The database is away.', { reason: 'database_away' })
    return new Set(ids.filter(id => this.standing.has(id)))
  }
}

let desk: Desk
let bed: Bed
let engine: ScriptedUpstream
beforeEach(async () => {
  desk = new Desk()
  bed = await Bed.start({}, {}, { sessions: desk })
  engine = await ScriptedUpstream.start()
  bed.endpoint('tiny', [engine.address])
  bed.workspace('other')
  bed.endpoint('theirs', [engine.address], { workspace: 'other' })
  bed.add(document('User', null, 'eve', { email: 'eve@example.org', disabled: false }))
  bed.grants = [
    { principal: 'user:ada', workspace: 'default', permission: '*' },
    { principal: 'user:eve', workspace: 'default', permission: 'endpoint:read' },
  ]
  bed.swap()
})
afterEach(async () => {
  await bed[Symbol.asyncDispose]()
  await engine[Symbol.asyncDispose]()
})

const from = (workspace?: string, project?: string) => ({
  headers: {
    ...(workspace !== undefined && { 'x-switchyard-workspace': workspace }),
    ...(project !== undefined && { 'x-switchyard-project': project }),
  },
})
const here = from('default')

async function codeOf(answer: Response): Promise<readonly [number, string]> {
  const { error } = (await answer.json()) as { readonly error: { readonly code: string } } // OpenAI's shape
  return [answer.status, error.code]
}

describe('an access token of a session', () => {
  test('calls where its person may call, and is metered as them', async () => {
    const mine = desk.token('ada')
    expect((await bed.chat(mine, {}, here)).status).toBe(200)
    expect(bed.journal.last).toMatchObject({
      workspace: 'default',
      project: null,
      key: 'user/ada',
      keyName: 'user/ada',
    })
    const list = await fetch(`${bed.url}/v1/models`, {
      headers: { authorization: `Bearer ${mine}`, 'x-switchyard-workspace': 'default' },
    })
    expect(await list.json()).toMatchObject({ data: [{ id: 'tiny' }] })
    for (const { headers } of engine.seen) expect(JSON.stringify(headers)).not.toContain(mine)
    expect(bed.told).not.toContain(mine)
  })

  test('calls in the project that it names, and in none that is not there or closed', async () => {
    bed.add(document('Project', 'default', 'web', { archived: false }))
    bed.swap()
    const mine = desk.token('ada')
    expect((await bed.chat(mine, {}, from('default', 'web'))).status).toBe(200)
    expect(bed.journal.last).toMatchObject({ workspace: 'default', project: 'web' })
    const closed = [403, 'place_closed']
    expect(await codeOf(await bed.chat(mine, {}, from('default', 'app')))).toEqual(closed)
    bed.change('Project', 'web', { spec: { archived: true } })
    expect(await codeOf(await bed.chat(mine, {}, from('default', 'web')))).toEqual(closed)
  })

  test('says where it calls', async () => {
    const mine = desk.token('ada')
    expect(await codeOf(await bed.chat(mine))).toEqual([400, 'workspace_required'])
    expect(await codeOf(await bed.chat(mine, {}, from('')))).toEqual([400, 'workspace_required'])
  })

  test('calls in no workspace where its person may not, and that is audited', async () => {
    const refused = [403, 'permission_missing']
    expect(await codeOf(await bed.chat(desk.token('ada'), { model: 'theirs' }, from('other')))).toEqual(
      refused,
    )
    // Whether there is such a workspace is not told.
    for (const name of ['nowhere', 'default/web'])
      expect(await codeOf(await bed.chat(desk.token('ada'), {}, from(name)))).toEqual(refused)
    expect(await codeOf(await bed.chat(desk.token('eve'), {}, here))).toEqual(refused)
    expect(bed.journal.denied).toMatchObject(
      Array.from({ length: 4 }, () => ({ action: 'inference.call', reason: 'permission_missing' })),
    )
    expect(engine.seen).toHaveLength(0)
  })

  test('stands under the limits and the addresses of its workspace', async () => {
    const mine = desk.token('ada')
    bed.change('Workspace', 'default', { spec: { limits: { requests: { perMinute: 1, burst: 1 } } } })
    expect((await bed.chat(mine, {}, here)).status).toBe(200)
    const over = await bed.chat(desk.token('ada', 'another'), {}, here)
    expect(over.status).toBe(429)
    expect(await over.text()).toContain('workspace')
    bed.change('Workspace', 'default', { spec: { addresses: { allow: ['192.0.2.0/24'], deny: [] } } })
    expect(await codeOf(await bed.chat(mine, {}, here))).toEqual([403, 'ip_denied'])
  })

  test('is verified once, and its session is asked for while it is used', async () => {
    const mine = desk.token('ada')
    for (let i = 0; i < 5; i++) expect((await bed.chat(mine, {}, here)).status).toBe(200)
    expect([desk.verified, desk.asked <= 3]).toEqual([1, true])
  })

  test('is none where it was not made here, or nobody is signed in', async () => {
    const forged = `${part({ alg: 'EdDSA' })}.${part({ iss: issuer })}.${part('x')}`
    expect(await codeOf(await bed.chat(forged, {}, here))).toEqual([401, 'session_invalid'])
    const foreign = `${part({ alg: 'EdDSA' })}.${part({ iss: 'https://elsewhere' })}.${part('x')}`
    expect(await codeOf(await bed.chat(foreign, {}, here))).toEqual([401, 'invalid_api_key'])
    const late = desk.token('ada', 'late')
    desk.standing.delete('late')
    expect(await codeOf(await bed.chat(late, {}, here))).toEqual([401, 'session_ended'])
    bed.change('User', 'ada', { spec: { disabled: true } })
    expect(await codeOf(await bed.chat(desk.token('ada'), {}, here))).toEqual([401, 'account_disabled'])
  })
})

describe('what a session has begun', () => {
  const ways: readonly [string, () => void][] = [
    ['its session ends', () => desk.standing.clear()],
    ['its person is disabled', () => bed.change('User', 'ada', { spec: { disabled: true } })],
    [
      'the right to call is taken away',
      () => {
        bed.grants = []
        bed.swap()
      },
    ],
    ['its workspace is closed', () => bed.change('Workspace', 'default', { spec: { suspended: true } })],
  ]
  test.each(ways)('ends within a second when %s, and nothing is begun any more', async (_, act) => {
    bed.provider('endless', { type: 'deepseek', baseUrl: engine.url('slow events', '/v1'), models: [] })
    bed.route('endless', { tiers: [{ targets: [{ provider: 'endless', model: 'endless' }] }] })
    const mine = desk.token('ada')
    const stream = await bed.chat(mine, { model: 'endless', stream: true }, here)
    expect(stream.status).toBe(200)
    const text = stream.text()
    act()
    const at = performance.now()
    expect(await text).toMatch(/"error":/)
    expect(performance.now() - at).toBeLessThan(1000)
    expect((await bed.chat(mine, {}, here)).status).toBeGreaterThanOrEqual(401)
  })

  test('goes on beyond its token, by which nothing new is begun', async () => {
    bed.provider('slow', { type: 'deepseek', baseUrl: engine.url('slow events', '/v1'), models: [] })
    bed.route('slow', { tiers: [{ targets: [{ provider: 'slow', model: 'slow' }] }] })
    const short = desk.token('ada', 'short', 1)
    const ending = new AbortController()
    const stream = await bed.chat(short, { model: 'slow', stream: true }, { ...here, signal: ending.signal })
    let seen = ''
    const reading = (async () => {
      for await (const bytes of stream.body ?? []) seen += Buffer.from(bytes).toString()
    })()
    desk.minted.delete(short)
    await vi.waitFor(
      async () => expect(await codeOf(await bed.chat(short, {}, here))).toEqual([401, 'session_invalid']),
      { timeout: 5000, interval: 100 },
    )
    const before = seen.length
    await vi.waitFor(() => expect(seen.length).toBeGreaterThan(before), { timeout: 5000 })
    expect(seen).not.toContain('"error"')
    ending.abort()
    await expect(reading).rejects.toThrow('aborted')
  })

  test('stays while it cannot be asked, which is told once', async () => {
    const mine = desk.token('ada')
    expect((await bed.chat(mine, {}, here)).status).toBe(200)
    desk.away = true
    const before = desk.asked
    await vi.waitFor(() => expect(desk.asked).toBeGreaterThan(before + 1), { timeout: 5000 })
    expect((await bed.chat(mine, {}, here)).status).toBe(200)
    expect(bed.observed.filter(({ type }) => type === 'sessions_not_read')).toHaveLength(1)
    expect((await bed.chat(desk.token('ada', 'new'), {}, here)).status).toBe(503)
    desk.standing.clear()
    desk.away = false
    await vi.waitFor(async () => expect((await bed.chat(mine, {}, here)).status).toBe(401), {
      timeout: 5000,
    })
  })
})
