// When keys were last used: to the minute, the newest that was told, and nothing of a key that is gone.
import { randomUUID } from 'node:crypto'
import type { Document } from '@switchyard/kinds'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { document, operator, put } from './given.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await testDatabase()
})
afterAll(() => db.close())

const key = (name: string, owner = 'ci'): Promise<Document> =>
  put(db.store, document('ApiKey', 'red', name, { owner: { kind: 'ServiceAccount', name: owner } }))
const at = (text: string) => Date.parse(`2026-03-04T${text}Z`)
const lastUsed = async ({ metadata: { id } }: Document) => (await db.keyUses.lastUsed([id])).get(id)

test('a use is kept to the minute, and an older one that comes later changes nothing', async () => {
  const one = await key('one')
  expect(await lastUsed(one)).toBeUndefined()
  for (const [text, kept] of [
    ['10:20:59.999', '10:20'],
    ['10:21:00.000', '10:21'],
    ['09:00:00.000', '10:21'],
  ] as const) {
    await db.keyUses.tell(new Map([[one.metadata.id, at(text)]]))
    expect(await lastUsed(one)).toBe(`2026-03-04T${kept}:00.000Z`)
  }
  await db.keyUses.tell(new Map())
})

test('a clock that runs ahead tells no future', async () => {
  const one = await key('ahead')
  await db.keyUses.tell(new Map([[one.metadata.id, Date.now() + 3_600_000]]))
  expect(Date.parse((await lastUsed(one)) ?? '')).toBeLessThanOrEqual(Date.now())
})

test('of many keys the one that is gone keeps nothing of the others back, and leaves no row', async () => {
  const [stays, goes] = [await key('stays', 'many'), await key('goes', 'many')]
  const use = (when: string) =>
    db.keyUses.tell(new Map([goes.metadata.id, randomUUID(), stays.metadata.id].map(id => [id, at(when)])))
  await use('10:00:00')
  await db.store.write(operator, tx => tx.remove(goes))
  await use('11:00:00')
  expect(await lastUsed(goes)).toBeUndefined()
  expect(await lastUsed(stays)).toBe('2026-03-04T11:00:00.000Z')
  const owner = 'serviceaccount:red/many'
  expect(await db.keyUses.lastUsedBy([owner, 'serviceaccount:blue/many'])).toEqual(
    new Map([[owner, '2026-03-04T11:00:00.000Z']]),
  )
})

test('using a key changes no document', async () => {
  const one = await key('quiet')
  const before = await db.store.version(operator)
  await db.keyUses.tell(new Map([[one.metadata.id, at('12:00:00')]]))
  expect(await db.store.version(operator)).toBe(before)
})
