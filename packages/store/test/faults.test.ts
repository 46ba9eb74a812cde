// Every way in which the database fails has a code, and no message of a fault says what the database said.
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultOf } from '../src/postgres/faults.ts'

let db: TestDatabase
let eyes: Client
beforeAll(async () => {
  db = await testDatabase()
  eyes = new Client({ connectionString: db.url })
  await eyes.connect()
})
afterAll(async () => {
  await eyes.end()
  await db.close()
})

const raise = (state: string) =>
  eyes
    .query(`do $$ begin raise exception 'select secret from table' using errcode = '${state}'; end $$`)
    .catch((error: unknown) => faultOf(error))

test.each([
  ['55P03', 'unavailable', 'busy', 1],
  ['40P01', 'unavailable', 'busy', 1],
  ['40001', 'unavailable', 'busy', 1],
  ['57014', 'unavailable', 'too_slow', 1],
  ['57P01', 'unavailable', 'database_away', 1],
  ['53300', 'unavailable', 'database_full', 1],
  ['53100', 'unavailable', 'database_full', undefined],
  ['08006', 'unavailable', 'database_away', 1],
  ['22P05', 'invalid', 'bad_value', undefined],
  ['23514', 'invalid', 'bad_value', undefined],
  ['23505', 'conflict', 'taken', undefined],
  ['23503', 'conflict', 'in_use', undefined],
  ['42501', 'denied', 'denied', undefined],
  ['XX000', 'internal', 'database', undefined],
])('state %s is %s (%s)', async (state, code, reason, retryAfterSeconds) => {
  const fault = await raise(state)
  expect(fault).toMatchObject({ code, reason, retryAfterSeconds })
  expect(String(fault)).not.toContain('secret')
})

test('a sentence of our own triggers reaches the person', async () => {
  expect(await raise('SY403')).toMatchObject({ code: 'denied', message: 'select secret from table' })
})

test('what is not the database’s rises untouched', () => {
  const error = new TypeError('a mistake of ours')
  expect(faultOf(error)).toBe(error)
  expect(faultOf('text')).toBe('text')
})

test('a store that is closed says so', async () => {
  const other = await testDatabase()
  await other.close()
  await other.close()
  await expect(other.store.version({ role: 'control' })).rejects.toMatchObject({
    code: 'unavailable',
    reason: 'closed',
  })
})
