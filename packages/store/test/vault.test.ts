import { randomBytes, randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { Sealed } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { masterKeys, open, rewrapped, seal } from '../src/envelope.ts'
import { document, operator, put } from './given.ts'

describe('an envelope', () => {
  const keys = masterKeys([randomBytes(32)])
  const place = { id: randomUUID(), field: 'value' }

  test('gives any text back, and never the same bytes twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), text => {
        const [one, two] = [seal(keys, randomBytes, place, text), seal(keys, randomBytes, place, text)]
        expect(open(keys, place, one)).toBe(Buffer.from(text).toString())
        expect(one.sealed.equals(two.sealed)).toBe(false)
        expect(one.wrapped.equals(two.wrapped)).toBe(false)
      }),
      { numRuns: 200 },
    )
  })

  test('does not open in the place of another document or field, nor with another data key', () => {
    const sealed = seal(keys, randomBytes, place, 'a')
    const damaged = { code: 'internal', reason: 'secret_damaged' }
    const opening = (at: typeof place, envelope = sealed) => {
      try {
        return open(keys, at, envelope)
      } catch (error) {
        return error
      }
    }
    expect(opening({ ...place, field: 'headers' })).toMatchObject(damaged)
    expect(opening({ ...place, id: randomUUID() })).toMatchObject(damaged)
    expect(opening(place, { ...sealed, wrapped: seal(keys, randomBytes, place, 'a').wrapped })).toMatchObject(
      damaged,
    )
    expect(opening(place)).toBe('a')
  })

  test('does not open when any one bit of it is another', () => {
    const sealed = seal(keys, randomBytes, place, 'secret')
    for (const part of ['wrapped', 'sealed'] as const)
      for (let at = 0; at < sealed[part].length; at++) {
        const bytes = Buffer.from(sealed[part])
        bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
        expect(() => open(keys, place, { ...sealed, [part]: bytes })).toThrow('was altered')
      }
  })

  test('is brought under a new master key without its value, and then needs the old one no more', () => {
    const [older, newer] = [randomBytes(32), randomBytes(32)]
    const sealed = seal(masterKeys([older]), randomBytes, place, 'kept')
    const both = masterKeys([newer, older])
    expect(open(both, place, sealed)).toBe('kept')
    const turned = { ...sealed, ...rewrapped(both, randomBytes, place, sealed) }
    expect(open(masterKeys([newer]), place, turned)).toBe('kept')
    expect(() => open(masterKeys([newer]), place, sealed)).toThrow(/sealed under the key [0-9a-f]{16}/)
  })

  test('takes no key of another length, and never none', () => {
    expect(() => masterKeys([randomBytes(16)])).toThrow('32 bytes')
    expect(() => masterKeys([])).toThrow('needs a master key')
  })
})

test('a sealed value shows itself to nobody who prints it', () => {
  const value = new Sealed('canary')
  const said = [String(value), JSON.stringify({ value }), inspect(value), inspect({ deep: [value] })]
  for (const text of said) {
    expect(text).not.toContain('canary')
    expect(text).toContain('[sealed]')
  }
  expect(Object.keys(value)).toEqual([])
  expect(structuredClone(value)).toEqual({})
  expect(value.reveal()).toBe('canary')
})

describe('the vault', () => {
  let db: TestDatabase
  let eyes: Client
  const key = randomBytes(32)
  const canary = `canary-${randomUUID()}`
  beforeAll(async () => {
    db = await testDatabase()
    eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
    await eyes.connect()
    await put(db.store, document('Workspace', null, 'red'))
  })
  afterAll(async () => {
    await eyes.end()
    await db.close()
  })

  const credential = async (name: string, fields: Readonly<Record<string, string>>) => {
    const made = await put(db.store, document('Credential', 'red', name, { share: 'none' }))
    await keep(made.metadata.id, fields)
    return made.metadata.id
  }
  const keep = (id: string, fields: Readonly<Record<string, string>>) =>
    db.store.write(operator, async tx => {
      for (const [field, value] of Object.entries(fields))
        await db.openVault([key]).put(tx, { kind: 'Credential', id, field }, new Sealed(value))
    })
  const read = async (keys = [key]) => {
    const { secrets, unreadable } = await db.openVault(keys).read('Credential')
    return { secrets: new Map([...secrets].map(([id, sealed]) => [id, sealed.reveal()])), unreadable }
  }

  /** As the next start does it. */
  const turn = async (keys: readonly Uint8Array[]) => {
    const { keys: versions } = db.openVault(keys)
    await versions.adopt()
    return versions.rewrap()
  }

  test('gives back what was put last, by document and field', async () => {
    const id = await credential('two', { value: 'first', headers: '{"x":"y"}' })
    await keep(id, { value: 'second' })
    expect((await read()).secrets.get(id)).toEqual({ value: 'second', headers: '{"x":"y"}' })
  })

  test('forgets a secret with its document, and keeps none of a transaction that failed', async () => {
    const id = await credential('gone', { value: 'x' })
    const kept = await db.store.read(operator, tx =>
      tx.get({ kind: 'Credential', workspace: 'red', name: 'gone' }),
    )
    await expect(
      db.store.write(operator, async tx => {
        await db.openVault([key]).put(tx, { kind: 'Credential', id, field: 'value' }, new Sealed('never'))
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect((await read()).secrets.get(id)).toEqual({ value: 'x' })
    await db.store.write(operator, async tx => tx.remove(kept ?? document('Credential', 'red', 'gone')))
    expect((await read()).secrets.has(id)).toBe(false)
  })

  test('leaves no clear text in any table', async () => {
    await credential('canary', { value: canary })
    const { rows } = await eyes.query<{ name: string }>(
      `select c.relname as name from pg_class c
       where c.relnamespace = 'switchyard'::regnamespace and c.relkind in ('r', 'p')`,
    )
    expect(rows.map(({ name }) => name)).toContain('sealed_secrets')
    for (const { name } of rows) {
      const { rows: whole } = await eyes.query<{ text: string }>(`select t::text as text from ${name} t`)
      const text = whole.map(row => row.text).join('\n')
      expect(text, name).not.toContain(canary)
      expect(text, name).not.toContain(Buffer.from(canary).toString('hex'))
    }
  })

  test('tells a missing master key in one sentence, and opens what it can', async () => {
    const id = await credential('kept', { value: 'mine' })
    await expect(db.openVault([key]).verify()).resolves.toBeUndefined()
    const stranger = db.openVault([randomBytes(32)])
    await expect(stranger.verify()).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'secret_key_missing',
    })
    await expect(stranger.verify()).rejects.toThrow(
      /^\d+ secrets in the database are sealed under the master key [0-9a-f]{16}, .*SWITCHYARD_SECRET_KEY/,
    )
    const { secrets, unreadable } = await stranger.read('Credential')
    expect(secrets.size).toBe(0)
    expect(unreadable).toContain(id)
  })

  test('a row that was copied to another document does not open there, and the rest does', async () => {
    const [from, to] = [await credential('from', { value: 'a' }), await credential('to', { value: 'b' })]
    await eyes.query(
      `update sealed_secrets t set (key_id, wrapped, sealed) = (
         select f.key_id, f.wrapped, f.sealed from sealed_secrets f where f.resource_id = $1)
       where t.resource_id = $2`,
      [from, to],
    )
    const { secrets, unreadable } = await read()
    expect(unreadable).toEqual([to])
    expect(secrets.get(from)).toEqual({ value: 'a' })
    await keep(to, { value: 'again' })
    expect((await read()).secrets.get(to)).toEqual({ value: 'again' })
  })

  test('turns to a new master key while secrets are written, until the old one has no use', async () => {
    const next = randomBytes(32)
    const ids = await Promise.all(
      Array.from({ length: 5 }, (_, n) => credential(`turn-${n}`, { value: `v${n}` })),
    )
    await Promise.all([turn([next, key]), turn([next, key])])
    await turn([next, key])
    await expect(db.openVault([next]).verify()).resolves.toBeUndefined()
    const { secrets } = await read([next])
    expect(ids.map(id => secrets.get(id))).toEqual(ids.map((_, n) => ({ value: `v${n}` })))
    expect(await turn([next, key])).toBe(0)
    // A damaged one is passed over; what stands behind it turns all the same.
    const again = randomBytes(32)
    await eyes.query(
      'update sealed_secrets set wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) where resource_id = $1',
      [ids[0]],
    )
    const before = await eyes.query('select 1 from sealed_secrets')
    expect(await turn([again, next])).toBe((before.rowCount ?? 0) - 1)
  })
})
