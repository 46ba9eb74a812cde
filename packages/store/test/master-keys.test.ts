// Versions of the master key over a real database: added, turned to, dropped, and read by others while that happens.
import { fork } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { Sealed } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { masterKeys, seal } from '../src/envelope.ts'
import { migrate, readMigrations, rootKeyOf } from '../src/index.ts'
import { document, operator, put } from './given.ts'

let db: TestDatabase
let eyes: Client
const root = randomBytes(32)
/** The schema that knew no versions. */
const before = (await readMigrations()).findIndex(({ name }) => name.endsWith('_keys'))

beforeEach(async () => {
  db = await testDatabase()
  eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
})
afterEach(async () => {
  await eyes.end()
  await db.close()
})

const vault = (keys: readonly Uint8Array[] = [root]) => db.openVault(keys)
const write = (id: string, fields: Readonly<Record<string, string>>, by = vault()) =>
  db.store.write(operator, async tx => {
    for (const [field, value] of Object.entries(fields))
      await by.put(tx, { kind: 'Credential', id, field }, new Sealed(value))
  })
const credential = async (name: string, fields: Readonly<Record<string, string>>, by = vault()) => {
  const { metadata } = await put(db.store, document('Credential', null, name, { share: 'none' }))
  await write(metadata.id, fields, by)
  return metadata.id
}
const read = async (by = vault()) => {
  const { secrets, unreadable } = await by.read('Credential')
  return { unreadable, secrets: new Map([...secrets].map(([id, one]) => [id, one.reveal()])) }
}
/** Makes the newest version as old as that. */
const settle = () => eyes.query("update secret_keys set made_at = made_at - interval '2 minutes'")
const usesOf = async (by = vault()) =>
  (await by.keys.list()).map(({ version, uses }) => [version, uses.secrets])

describe('versions of the master key', () => {
  test('seal by the newest as soon as it is there, in processes too that have not read of it', async () => {
    const [one, two] = [vault(), vault()]
    const id = await credential('a', { value: 'first' }, one)
    await two.read('Credential')
    const { version, root: by } = await one.keys.add()
    expect({ version, by }).toEqual({ version: 2, by: rootKeyOf(root).id })
    await write(id, { headers: '{"x":"second"}' }, two)
    expect(await usesOf()).toEqual([
      [2, 1],
      [1, 1],
    ])
    // The first process has read the ring before, and this one never.
    for (const by of [one, two, vault()])
      expect((await read(by)).secrets.get(id)).toEqual({ value: 'first', headers: '{"x":"second"}' })
  })

  test('are one when several processes make the first at once', async () => {
    await Promise.all([1, 2, 3, 4].map(n => credential(`c${n}`, { value: 'v' }, vault())))
    expect(await usesOf()).toEqual([[1, 4]])
  })

  test('go when nothing is under them, and not before', async () => {
    const by = vault()
    await credential('a', { value: 'v' }, by)
    await db
      .openResponses([root])
      .keep({ workspace: 'w', project: null }, { id: 'r', model: 'm', upstream: 'u' })
    await by.keys.add()
    await expect(by.keys.drop(3)).rejects.toMatchObject({ code: 'not_found', reason: 'no_such_version' })
    await expect(by.keys.drop(2)).rejects.toMatchObject({ code: 'conflict', reason: 'newest_key' })
    await expect(by.keys.drop(1)).rejects.toMatchObject({ code: 'conflict', reason: 'key_in_use' })
    // Not even past the server: the table itself holds on to it.
    await expect(eyes.query('delete from secret_keys where version = 1')).rejects.toMatchObject({
      code: '23503',
    })
    // What the refused delete still holds is passed over, and turned the next time.
    await expect.poll(() => by.keys.rewrap()).toBe(1)
    await expect(by.keys.drop(1)).rejects.toMatchObject({ code: 'conflict', reason: 'key_unsettled' })
    await settle()
    await by.keys.drop(1)
    expect(await usesOf()).toEqual([[2, 1]])
    expect((await read(by)).unreadable).toEqual([])
  })

  test('count and turn kept responses, values of the installation, and keys of persons', async () => {
    const by = vault()
    await put(db.store, document('Workspace', null, 'w'))
    const responses = db.openResponses([root])
    const scope = { workspace: 'w', project: null }
    await responses.keep(scope, { id: 'r', model: 'm', previous: null, content: new Sealed('said') })
    await by.keep('name', new Sealed('kept'))
    expect((await by.keep('name', new Sealed('another'))).reveal()).toBe('kept')
    const personsBy = (at: ReturnType<typeof vault>) => db.openPersons([root], at)
    const sealed = (await personsBy(by).of(new Set(['user:ann'])))('user:ann', '')?.seal?.('her', 'one') ?? ''
    await by.forget('persons of the trail')
    await by.keys.add()
    const uses = { secrets: 0, values: 1, persons: 1, responses: 1 }
    expect((await by.keys.list())[1]?.uses).toEqual(uses)
    expect(await by.keys.rewrap()).toBe(3)
    expect((await by.keys.list()).map(one => one.uses)).toEqual([
      uses,
      { secrets: 0, values: 0, persons: 0, responses: 0 },
    ])
    const [row] = (await eyes.query<{ id: string }>('select id from audit_persons')).rows
    const id = row?.id ?? ''
    expect((await personsBy(by).opening([id])).get(id)?.open(sealed, 'one')).toBe('her')
    expect((await by.value('name'))?.reveal()).toBe('kept')
    const found = await responses.find(scope, 'r')
    expect(found && 'content' in found && found.content.reveal()).toBe('said')
    await by.forget('name')
    expect(await by.value('name')).toBeUndefined()
  })

  test('turn to another root key, which then needs the old one no more', async () => {
    const next = randomBytes(32)
    const id = await credential('a', { value: 'v' })
    const turned = vault([next, root])
    await turned.keys.adopt()
    await turned.keys.adopt()
    expect(await turned.keys.rewrap()).toBe(1)
    expect((await turned.keys.list()).map(one => one.root)).toEqual(Array(2).fill(rootKeyOf(next).id))
    expect((await read(vault([next]))).secrets.get(id)).toEqual({ value: 'v' })
    await expect(write(id, { value: 'no' }, vault())).rejects.toMatchObject({ reason: 'secret_key_missing' })
  })

  test('that were put in each other’s rows do not open', async () => {
    const by = vault()
    const id = await credential('a', { value: 'v' }, by)
    await by.keys.add()
    await eyes.query(
      `update secret_keys k set wrapped = (select o.wrapped from secret_keys o where o.id <> k.id)`,
    )
    expect((await vault().keys.list()).map(one => one.opens)).toEqual([false, false])
    expect((await read()).unreadable).toEqual([id])
  })

  test('stand in no table in clear', async () => {
    const by = vault()
    await credential('a', { value: 'v' }, by)
    const { rows } = await eyes.query<{ row: string }>('select k::text as row from secret_keys k')
    expect(rows).toHaveLength(1)
    expect(rows[0]?.row).not.toContain(Buffer.from(root).toString('hex'))
  })
})

describe('a ring with a copy', () => {
  test('opens what is sealed while the database is away, and holds no key in clear', async () => {
    const texts: string[] = []
    const copy = { read: async () => texts.at(-1), write: async (text: string) => void texts.push(text) }
    const by = db.openVault(db.openKeys([rootKeyOf(root)], copy))
    const id = await credential('a', { value: 'v' }, by)
    await by.read('Credential')
    await by.keys.refresh()
    expect(texts.at(-1)).toMatch(/^\[\{"id":"[0-9a-f]{16}","version":1,/)
    await using away = await testDatabase()
    const ring = away.openKeys([rootKeyOf(root)], copy)
    await away.close()
    const [{ key_id }] = (await eyes.query<{ key_id: string }>('select key_id from sealed_secrets')).rows as [
      { key_id: string },
    ]
    expect((await ring.opening([key_id])).byId.has(key_id)).toBe(true)
    expect(id).toBeTruthy()
  })
})

describe('what is bound into a sealed value', () => {
  test('CP7.36: a ciphertext does not open in another row, another field, or as another writing of its own', async () => {
    const by = vault()
    const [from, to] = [
      await credential('from', { value: 'a', headers: '{"b":"c"}' }, by),
      await credential('to', { value: 'd' }, by),
    ]
    const put = (id: string, field: string, from: string, fromField: string, version = 'version') =>
      eyes.query(
        `update sealed_secrets t set (key_id, wrapped, sealed, version) = (
           select f.key_id, f.wrapped, f.sealed, ${version} from sealed_secrets f where f.resource_id = $3 and f.field = $4)
         where t.resource_id = $1 and t.field = $2`,
        [id, field, from, fromField],
      )
    await put(to, 'value', from, 'value')
    expect((await read()).unreadable).toEqual([to])
    await write(to, { value: 'd' })
    await put(from, 'headers', from, 'value')
    expect((await read()).unreadable).toEqual([from])
    await write(from, { headers: '{}' })
    // The old writing, put back as if it were the newest; and the newest told to be of another format.
    for (const version of ['version + 1', 'null::integer']) {
      await put(from, 'value', from, 'value', version)
      expect((await read()).unreadable, version).toEqual([from])
      await write(from, { value: 'a' })
    }
    expect((await read()).unreadable).toEqual([])
  })

  test('CP7.36: a row is of the kind that its document is', async () => {
    const id = await credential('a', { value: 'v' })
    await eyes.query('alter table sealed_secrets disable trigger place_beside')
    await eyes.query("update sealed_secrets set kind = 'User' where resource_id = $1", [id])
    expect((await vault().read('User')).unreadable).toEqual([id])
  })
})

describe('rows from before there were versions', () => {
  test('go on opening, are turned like others, and let their key go', async () => {
    const { metadata } = await put(db.store, document('Credential', null, 'old', { share: 'none' }))
    await migrate(db.url, before)
    const place = { id: metadata.id, field: 'value' }
    const { keyId, wrapped, sealed } = seal(masterKeys([root]), randomBytes, place, 'from before')
    await eyes.query(
      `insert into sealed_secrets (resource_id, field, key_id, wrapped, sealed) values ($1, 'value', $2, $3, $4)`,
      [metadata.id, keyId, wrapped, sealed],
    )
    await migrate(db.url)
    const by = vault()
    await by.verify()
    await by.keys.adopt()
    expect(await by.keys.list()).toMatchObject([
      { version: 1, id: keyId, root: keyId, opens: true, uses: { secrets: 1 } },
    ])
    expect((await read(by)).secrets.get(metadata.id)).toEqual({ value: 'from before' })
    await by.keys.add()
    expect(await by.keys.rewrap()).toBe(1)
    expect((await read(by)).secrets.get(metadata.id)).toEqual({ value: 'from before' })
    await settle()
    await by.keys.drop(1)
    await write(metadata.id, { value: 'anew' }, by)
    expect((await read(by)).secrets.get(metadata.id)).toEqual({ value: 'anew' })
    await expect(vault([randomBytes(32)]).verify()).rejects.toThrow(
      `under the master key ${keyId}, which this`,
    )
  })

  test('that several keys seal are under the first of them in the end', async () => {
    const next = randomBytes(32)
    const ids: string[] = []
    for (const n of [0, 1, 2]) {
      const { metadata } = await put(db.store, document('Credential', null, `old-${n}`, { share: 'none' }))
      ids.push(metadata.id)
    }
    await migrate(db.url, before)
    for (const [n, id] of ids.entries()) {
      const keys = masterKeys([n === 1 ? next : root])
      const { keyId, wrapped, sealed } = seal(keys, randomBytes, { id, field: 'value' }, `v${n}`)
      await eyes.query(
        `insert into sealed_secrets (resource_id, field, key_id, wrapped, sealed) values ($1, 'value', $2, $3, $4)`,
        [id, keyId, wrapped, sealed],
      )
    }
    await migrate(db.url)
    const by = vault([next, root])
    await by.verify()
    await by.keys.adopt()
    await by.keys.rewrap()
    await expect(vault([next]).verify()).resolves.toBeUndefined()
    expect([...(await read(vault([next]))).secrets.values()]).toHaveLength(3)
  })
})

describe('CP7.37: turning to a new key under load', () => {
  test('ends with no use of the old one, however often whoever turns is killed, and loses nothing', async () => {
    const by = vault()
    const ids = await Promise.all(
      Array.from({ length: 30 }, (_, n) => credential(`c${n}`, { value: `first ${n}` }, by)),
    )
    // Many rows at once: a copy of each under fields of their own would not open, so they are sealed one by one.
    const many = Array.from({ length: 20 }, (_, n) => `f${n}`)
    for (const id of ids)
      await write(id, Object.fromEntries(many.map(field => [field, `${id} ${field}`])), by)
    const hashes = async () =>
      (await eyes.query<{ row: string }>('select s::text as row from secret_hashes s order by 1')).rows
    const hashed = await hashes()
    await by.keys.add()

    const latest = new Map<string, string>()
    let writing = true
    const writers = ids.slice(0, 4).map(async id => {
      const own = vault()
      for (let n = 0; writing; n++) {
        const value = `${randomUUID()} ${n}`
        await write(id, { value }, own)
        latest.set(id, value)
      }
    })
    // Somebody writes at one document all the while: its rows are passed over, so that there is always something left.
    await eyes.query('begin')
    await eyes.query('select from sealed_secrets where resource_id = $1 for update', [ids.at(-1)])
    const before = (await usesOf())[1]?.[1] ?? 0
    for (const milliseconds of [0, 40, 400]) {
      const child = fork(new URL('rewrap.child.ts', import.meta.url), [db.url, root.toString('hex')], {
        stdio: 'inherit',
      })
      await once(child, 'message')
      await setTimeout(milliseconds)
      child.kill('SIGKILL')
      await once(child, 'exit')
      expect((await usesOf())[1]?.[1], 'something is left for the next').toBeGreaterThan(0)
    }
    expect((await usesOf())[1]?.[1], 'those that were killed have brought it forward').toBeLessThan(before)
    await eyes.query('commit')
    await by.keys.rewrap()
    writing = false
    await Promise.all(writers)
    await by.keys.rewrap()
    expect(await usesOf()).toEqual([
      [2, ids.length * (1 + many.length)],
      [1, 0],
    ])
    const { secrets, unreadable } = await read()
    expect(unreadable).toEqual([])
    for (const [n, id] of ids.entries()) {
      const fields = secrets.get(id) ?? {}
      expect(fields.value).toBe(latest.get(id) ?? `first ${n}`)
      for (const field of many) expect(fields[field]).toBe(`${id} ${field}`)
    }
    expect(await hashes()).toEqual(hashed)
  }, 120_000)
})
