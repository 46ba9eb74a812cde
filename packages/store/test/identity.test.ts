// What signing in remembers: a token family ends when one of its tokens is used twice.
import { randomUUID } from 'node:crypto'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

let db: TestDatabase
let owner: Client
beforeAll(async () => {
  db = await testDatabase()
  owner = new Client({ connectionString: db.url })
  await owner.connect()
})
afterAll(async () => {
  await owner.end()
  await db.close()
})

const next = (hash: string) => ({ hash, idleSeconds: 60 })

async function open(more: { idleSeconds?: number; totalSeconds?: number } = {}) {
  const id = randomUUID()
  const given = { id, user: 'ann', method: 'password', refreshHash: `${id}-0` } as const
  const lives = { idleSeconds: 60, totalSeconds: 3600, ...more }
  return db.identity.openSession({ ...given, ...lives })
}

test('each refresh token is used once and gives the next', async () => {
  const { id } = await open()
  for (let n = 0; n < 3; n++)
    expect(await db.identity.refresh(`${id}-${n}`, next(`${id}-${n + 1}`))).toMatchObject({
      outcome: 'rotated',
      session: { id, user: 'ann' },
    })
  expect(await db.identity.refresh('never-made', next('x'))).toEqual({ outcome: 'unknown' })
})

test('the same token again within ten seconds is recent; later it ends the whole family', async () => {
  const { id } = await open()
  await db.identity.refresh(`${id}-0`, next(`${id}-1`))
  expect(await db.identity.refresh(`${id}-0`, next(`${id}-x`))).toMatchObject({ outcome: 'recent' })
  await owner.query(
    "update switchyard.refresh_tokens set used_at = used_at - interval '11 seconds' where hash = $1",
    [`${id}-0`],
  )
  const reused = await db.identity.refresh(`${id}-0`, next(`${id}-y`))
  expect(reused).toMatchObject({ outcome: 'reused', session: { id } })
  // The thief's or the owner's newest token: neither works any more.
  expect(await db.identity.refresh(`${id}-1`, next(`${id}-2`))).toEqual({ outcome: 'unknown' })
  expect((await db.identity.session(id))?.endedAt).toBeDefined()
})

test('two uses of one token at once rotate it once', async () => {
  const { id } = await open()
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, (_, n) => db.identity.refresh(`${id}-0`, next(`${id}-1-${n}`))),
  )
  expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
    ...Array<string>(7).fill('recent'),
    'rotated',
  ])
})

test('an idle token, an ended session and a session past its end are unknown', async () => {
  const idle = await open({ idleSeconds: 0 })
  expect(await db.identity.refresh(`${idle.id}-0`, next('a'))).toEqual({ outcome: 'unknown' })
  const ended = await open()
  await db.identity.endSession(ended.id)
  expect(await db.identity.refresh(`${ended.id}-0`, next('b'))).toEqual({ outcome: 'unknown' })
  const over = await open({ totalSeconds: 0 })
  expect(await db.identity.refresh(`${over.id}-0`, next('c'))).toEqual({ outcome: 'unknown' })
})

test('of two processes that add a first signing key at once, one does; a month later another is added', async () => {
  const key = (kid: string, createdAt: string) => ({ kid, privateJwk: '{}', publicJwk: '{}', createdAt })
  const at = '2026-01-01T00:00:00.000Z'
  const [a, b] = await Promise.all([
    db.identity.addSigningKey(key('a', at)),
    db.identity.addSigningKey(key('b', '2026-01-01T00:00:01.000Z')),
  ])
  expect(a).toEqual(b)
  expect(a).toHaveLength(1)
  const later = await db.identity.addSigningKey(key('c', '2026-02-01T00:00:00.000Z'))
  expect(later.map(({ kid }) => kid)).toEqual([a?.[0]?.kid, 'c'])
  const retired = await db.identity.addSigningKey({ ...key('c', '2026-02-01T00:00:00.000Z'), retiredAt: at })
  expect(retired.at(-1)).toMatchObject({ kid: 'c', retiredAt: at })
})

test('a setup link is taken at most once and not after its end', async () => {
  await db.identity.putSetupLink('link', new Date(Date.now() + 60_000).toISOString())
  const taken = await Promise.all(Array.from({ length: 5 }, () => db.identity.takeSetupLink('link')))
  expect(taken.filter(Boolean)).toHaveLength(1)
  await db.identity.putSetupLink('late', new Date(Date.now() - 1).toISOString())
  expect(await db.identity.takeSetupLink('late')).toBe(false)
})

test('a new operator token replaces the old', async () => {
  await db.identity.putOperatorToken('one')
  await db.identity.putOperatorToken('two')
  expect(await db.identity.isOperatorToken('one')).toBe(false)
  expect(await db.identity.isOperatorToken('two')).toBe(true)
})

test('failures are counted for each subject and cleared', async () => {
  for (let n = 0; n < 3; n++) await db.identity.recordFailure('account:ann')
  expect(await db.identity.failures('account:ann')).toMatchObject({ count: 3 })
  expect(await db.identity.failures('account:bob')).toEqual({ count: 0 })
  await db.identity.clearFailures('account:ann')
  expect(await db.identity.failures('account:ann')).toEqual({ count: 0 })
})

test('every session of a person ends at once, and nobody else’s', async () => {
  const mine = [await open(), await open()]
  const other = await db.identity.openSession({
    id: randomUUID(),
    user: 'bob',
    method: 'password',
    refreshHash: randomUUID(),
    idleSeconds: 60,
    totalSeconds: 60,
  })
  await db.identity.endSessionsOf('ann')
  for (const { id } of mine) {
    expect((await db.identity.session(id))?.endedAt).toBeDefined()
    expect(await db.identity.refresh(`${id}-0`, next(randomUUID()))).toEqual({ outcome: 'unknown' })
  }
  expect((await db.identity.session(other.id))?.endedAt).toBeUndefined()
})
