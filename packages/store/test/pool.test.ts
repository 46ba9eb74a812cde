// A transaction is opened and worked in at once: what follows an opening that failed does nothing.
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client, type PoolClient } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openPool } from '../src/postgres/pool.ts'

let db: TestDatabase
let eyes: Client
let database: Database
beforeAll(async () => {
  db = await testDatabase()
  eyes = new Client({ connectionString: db.url })
  await eyes.connect()
  await eyes.query('create table switchyard.open_to_all (value text)')
  await eyes.query('grant select, insert on switchyard.open_to_all to public')
  database = openPool(db.url, { connections: 1 })
})
afterAll(async () => {
  await database.close()
  await eyes.end()
  await db.close()
})

const add = (value: string) => (client: PoolClient) =>
  client.query('insert into open_to_all values ($1)', [value])
const held = async () =>
  (await eyes.query<{ value: string }>('select value from switchyard.open_to_all')).rows.map(
    ({ value }) => value,
  )

test('an opening that fails says so itself, and what was sent behind it leaves nothing', async () => {
  // Why `as`: no such role can be named in the code.
  const nobody = { role: 'nonsense' } as unknown as { readonly role: 'audit' }
  await expect(database.transaction(nobody, {}, add('lost'))).rejects.toMatchObject({
    cause: { message: 'role "switchyard_nonsense" does not exist' },
  })
  expect(await held()).toEqual([])
})

test('the same connection works on, in order, with several statements sent at once', async () => {
  const values = await database.transaction({ role: 'audit' }, {}, async client => {
    const [, , read] = await Promise.all([
      add('first')(client),
      add('second')(client),
      client.query<{ value: string }>('select value from open_to_all'),
    ])
    return read.rows.map(({ value }) => value)
  })
  expect(values).toEqual(['first', 'second'])
  expect(await held()).toEqual(['first', 'second'])
})

test('of several statements at once the one that failed is told, and none of them holds', async () => {
  await expect(
    database.transaction({ role: 'audit' }, {}, client =>
      Promise.all([add('third')(client), client.query('select from nothing_there'), add('fourth')(client)]),
    ),
  ).rejects.toMatchObject({ cause: { message: 'relation "nothing_there" does not exist' } })
  expect(await held()).toEqual(['first', 'second'])
})

test('work that throws before it asks anything leaves a connection that is of use', async () => {
  const mistake = new TypeError('a mistake of ours')
  await expect(
    database.transaction({ role: 'audit' }, {}, () => {
      throw mistake
    }),
  ).rejects.toBe(mistake)
  await database.transaction({ role: 'audit' }, {}, add('fifth'))
  expect(await held()).toContain('fifth')
})
