import { randomBytes } from 'node:crypto'
import { type ResponseHere, type ResponseScope, type ResponseStore, Sealed } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { document, operator, put } from './given.ts'

let db: TestDatabase
let store: ResponseStore
let eyes: Client
const key = randomBytes(32)
const red: ResponseScope = { workspace: 'red', project: null }
const blue: ResponseScope = { workspace: 'blue', project: null }
const most = { bytes: 1_000_000, links: 100 }

beforeAll(async () => {
  db = await testDatabase()
  store = db.openResponses([key])
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  for (const workspace of ['red', 'blue']) await put(db.store, document('Workspace', null, workspace))
})
afterAll(async () => {
  await eyes.end()
  await db.close()
})

const here = (id: string, previous: string | null = null, content = `said ${id}`): ResponseHere => ({
  id,
  model: 'chat',
  previous,
  content: new Sealed(content),
})

const contents = (found: Awaited<ReturnType<ResponseStore['chain']>>) =>
  found?.map(one => (one.upstream === undefined ? one.content.reveal() : one.upstream))

async function expire(id: string, seconds = -1): Promise<void> {
  await eyes.query(
    'update responses set expires_at = clock_timestamp() + make_interval(secs => $2) where id = $1',
    [id, seconds],
  )
}

async function secondsLeft(id: string): Promise<number> {
  const { rows } = await eyes.query<{ left: string }>(
    'select extract(epoch from expires_at - clock_timestamp()) as left from responses where id = $1',
    [id],
  )
  return Number(rows[0]?.left)
}

describe('a response', () => {
  test('is found as it was kept, here or elsewhere', async () => {
    await store.keep(red, here('resp_a'))
    await store.keep(red, { id: 'resp_b', model: 'gpt', upstream: 'platform/openai' })
    const found = await store.find(red, 'resp_a')
    expect(found).toMatchObject({ id: 'resp_a', model: 'chat', previous: null })
    expect(found?.upstream === undefined && found?.content.reveal()).toBe('said resp_a')
    expect(await store.find(red, 'resp_b')).toEqual({
      id: 'resp_b',
      model: 'gpt',
      upstream: 'platform/openai',
    })
    expect(await store.find(red, 'resp_none')).toBeUndefined()
  })

  test('is of its workspace and its project alone', async () => {
    const one = { workspace: 'red', project: 'one' }
    await store.keep(one, here('resp_walled'))
    for (const scope of [red, blue, { workspace: 'red', project: 'two' }, { ...one, workspace: 'blue' }]) {
      expect(await store.find(scope, 'resp_walled')).toBeUndefined()
      expect(await store.chain(scope, 'resp_walled', most)).toBeUndefined()
      expect(await store.forget(scope, 'resp_walled')).toBe(false)
    }
    expect(await store.find(one, 'resp_walled')).toBeDefined()
  })

  test('is in the database only encrypted, and opens in no other place', async () => {
    await store.keep(red, here('resp_secret', null, 'the word is swordfish'))
    const { rows } = await eyes.query<{ text: string }>('select responses::text as text from responses')
    expect(rows.map(({ text }) => text).join()).not.toContain(Buffer.from('swordfish').toString('hex'))
    await eyes.query(`insert into responses (workspace, project, id, model, expires_at, key_id, wrapped, sealed)
      select 'blue', project, id, model, expires_at, key_id, wrapped, sealed from responses where id = 'resp_secret'`)
    await expect(store.find(blue, 'resp_secret')).rejects.toMatchObject({ reason: 'secret_damaged' })
    expect(JSON.stringify(await store.find(red, 'resp_secret'))).not.toContain('swordfish')
  })

  test('is gone for who does not know its master key any more', async () => {
    await store.keep(red, here('resp_turned'))
    const later = db.openResponses([randomBytes(32)])
    expect(await later.find(red, 'resp_turned')).toBeUndefined()
    expect(await later.chain(red, 'resp_turned', most)).toBeUndefined()
    expect(await db.openResponses([randomBytes(32), key]).find(red, 'resp_turned')).toBeDefined()
  })

  test('is gone once it is forgotten, and when its time is over', async () => {
    await store.keep(red, here('resp_gone'))
    expect(await store.forget(red, 'resp_gone')).toBe(true)
    expect(await store.forget(red, 'resp_gone')).toBe(false)
    expect(await store.find(red, 'resp_gone')).toBeUndefined()
    await store.keep(red, here('resp_old'))
    await expire('resp_old')
    expect(await store.find(red, 'resp_old')).toBeUndefined()
    expect(await store.chain(red, 'resp_old', most)).toBeUndefined()
    expect(await store.forget(red, 'resp_old')).toBe(false)
  })

  test('of an upstream takes the place of none that is kept here', async () => {
    await store.keep(red, here('resp_mine'))
    await store.keep(red, { id: 'resp_mine', model: 'gpt', upstream: 'red/evil' })
    expect((await store.find(red, 'resp_mine'))?.upstream).toBeUndefined()
  })

  test('is not kept in a workspace that is gone, and goes with the one it is of', async () => {
    const ghost = { workspace: 'ghost', project: null }
    await store.keep(ghost, here('resp_ghost'))
    expect(await store.find(ghost, 'resp_ghost')).toBeUndefined()
    const workspace = await put(db.store, document('Workspace', null, 'ghost'))
    const project = await put(db.store, document('Project', 'ghost', 'p'))
    const within = { workspace: 'ghost', project: 'p' }
    await store.keep(ghost, here('resp_ghost'))
    await store.keep(within, here('resp_within'))
    await db.store.write(operator, tx => tx.remove(project))
    expect(await store.find(within, 'resp_within')).toBeUndefined()
    expect(await store.find(ghost, 'resp_ghost')).toBeDefined()
    await db.store.write(operator, tx => tx.remove(workspace))
    await put(db.store, document('Workspace', null, 'ghost'))
    expect(await store.find(ghost, 'resp_ghost')).toBeUndefined()
  })
})

describe('a conversation', () => {
  test('comes back from its first response to its last', async () => {
    await store.keep(red, here('resp_1'))
    await store.keep(red, here('resp_2', 'resp_1'))
    await store.keep(red, here('resp_3', 'resp_2'))
    await store.keep(red, here('resp_3b', 'resp_2'))
    expect(contents(await store.chain(red, 'resp_3', most))).toEqual([
      'said resp_1',
      'said resp_2',
      'said resp_3',
    ])
    expect(contents(await store.chain(red, 'resp_3b', most))).toHaveLength(3)
    expect(contents(await store.chain(red, 'resp_1', most))).toEqual(['said resp_1'])
  })

  test('is gone when any of it is', async () => {
    await store.keep(red, here('resp_x1'))
    await store.keep(red, here('resp_x2', 'resp_x1'))
    await store.forget(red, 'resp_x1')
    expect(await store.chain(red, 'resp_x2', most)).toBeUndefined()
    expect(await store.find(red, 'resp_x2')).toBeDefined()
  })

  test('is kept as a whole for as long as its newest response', async () => {
    await store.keep(red, here('resp_t1'))
    await store.keep(red, here('resp_t2', 'resp_t1'))
    await expire('resp_t1', 60)
    await expire('resp_t2', 86_000)
    await store.keep(red, here('resp_t3', 'resp_t2'))
    expect(await secondsLeft('resp_t1')).toBeGreaterThan(86_300)
    // It has long enough still: it is not written anew.
    expect(await secondsLeft('resp_t2')).toBeLessThanOrEqual(86_000)
  })

  test('that is too long to be sent is refused with what to do', async () => {
    let previous: string | null = null
    for (const id of ['resp_l1', 'resp_l2', 'resp_l3', 'resp_l4']) {
      await store.keep(red, here(id, previous, 'x'.repeat(1000)))
      previous = id
    }
    expect(await store.chain(red, 'resp_l4', { bytes: 10_000, links: 4 })).toHaveLength(4)
    for (const bounds of [
      { bytes: 3000, links: 100 },
      { bytes: 10_000, links: 3 },
    ])
      await expect(store.chain(red, 'resp_l4', bounds)).rejects.toMatchObject({ code: 'too_large' })
  })
})

test('a sweep drops what is over, and the oldest of a workspace beyond its bytes', async () => {
  await eyes.query('delete from responses')
  for (const id of ['resp_p1', 'resp_p2', 'resp_p3']) await store.keep(red, here(id, null, 'x'.repeat(1000)))
  await store.keep(blue, here('resp_p4', null, 'x'.repeat(1000)))
  await store.keep(blue, here('resp_p5'))
  await expire('resp_p5')
  const ids = async () =>
    (await eyes.query<{ id: string }>('select id from responses order by id')).rows.map(({ id }) => id)
  await db.prune({ responseBytes: 3000 })
  expect(await ids()).toEqual(['resp_p2', 'resp_p3', 'resp_p4'])
  // Who writes much looks by itself, without waiting for a sweep.
  const tight = db.openResponses([key], { bytes: 3000 })
  for (const id of ['resp_p6', 'resp_p7']) await tight.keep(red, here(id, null, 'x'.repeat(1000)))
  expect(await ids()).toEqual(['resp_p4', 'resp_p6', 'resp_p7'])
})
