// Nobody becomes more than they are, and the platform keeps an administrator: in SQL alone, whoever forgets to ask.
import type { Document } from '@switchyard/kinds'
import { presets } from '@switchyard/kinds'
import type { Identity } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import fc from 'fast-check'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { allow, caller, deleted, document, operator, put } from './given.ts'

let db: TestDatabase
beforeEach(async () => {
  db = await testDatabase()
  await put(db.store, document('Workspace', null, 'red'))
})
afterEach(() => db.close())

const person = (name: string) =>
  put(db.store, document('User', null, name, { email: `${name}@example.org`, disabled: false }))
const key = (owner: string, scopes: readonly string[], name = `of-${owner}`) =>
  document('ApiKey', 'red', name, { owner: { kind: 'User', name: owner }, scopes })
const update = (as: Identity, next: Document) => db.store.write(as, tx => tx.update(next, null))
const refused = { code: 'denied', message: expect.stringContaining('You cannot') as string }

describe('CP6.32: a caller in SQL alone', () => {
  test('gives a key no scope that they do not hold or that the key they use leaves out', async () => {
    await allow(db.store, 'lea', 'red', presets['workspace-admin'] ?? [])
    const lea = caller('lea')
    const narrow = caller('lea', { scopes: ['api_key:*', 'endpoint:read'], workspace: 'red' })
    await expect(put(db.store, key('ada', ['*']), [], lea)).rejects.toMatchObject(refused)
    await expect(put(db.store, key('ada', ['user:read']), [], lea)).rejects.toMatchObject(refused)
    await put(db.store, key('ada', ['endpoint:read']), [], lea)
    await put(db.store, key('lea', ['*']), [], lea)
    await expect(put(db.store, key('lea', ['*'], 'wide'), [], narrow)).rejects.toMatchObject(refused)
    const own = await put(db.store, key('lea', ['endpoint:read'], 'narrow'), [], narrow)
    const wider = { ...own, spec: { ...(own.spec as object), scopes: ['endpoint:*'] } }
    await expect(update(narrow, wider)).rejects.toMatchObject(refused)
    const handed = { ...own, spec: { ...(own.spec as object), owner: { kind: 'User', name: 'ada' } } }
    await expect(update(lea, handed)).rejects.toMatchObject({ code: 'invalid' })
  })

  test('chooses no secret of a key or of a person who may do more', async () => {
    await allow(db.store, 'lea', 'red', presets['workspace-admin'] ?? [])
    await allow(db.store, 'kim', null, ['user:*'])
    await allow(db.store, 'ada', null, ['*'])
    const [ada, vic] = [await person('ada'), await person('vic')]
    const strong = await put(db.store, key('ada', ['*']))
    const secret = (as: Identity, { metadata: { id } }: Document) =>
      db.store.write(as, tx => tx.putSecret(id, { field: 'key', hash: 'x' }))
    await expect(secret(caller('lea'), strong)).rejects.toMatchObject(refused)
    await expect(secret(caller('kim'), ada)).rejects.toMatchObject(refused)
    await secret(caller('kim'), vic)
    await secret(caller('ada'), ada)
    const moved = (of: Document) => ({ ...of, spec: { email: 'kim-too@example.org', disabled: false } })
    await expect(update(caller('kim'), moved(ada))).rejects.toMatchObject(refused)
    await update(caller('kim'), moved(vic))
  })

  test('assigns no role that is not there, for it to be made wide later', async () => {
    await allow(db.store, 'lea', 'red', presets['workspace-admin'] ?? [])
    const spec = { subject: { kind: 'User', name: 'lea' }, role: 'later' }
    await expect(
      put(db.store, document('RoleAssignment', 'red', 'early', spec), [], caller('lea')),
    ).rejects.toMatchObject({ code: 'invalid' })
  })

  test('changes nothing that comes with Switchyard, nor passes off as such', async () => {
    await allow(db.store, 'ada', null, ['*'])
    const labels = { 'switchyard.dev/builtin': 'true' }
    const preset = await put(db.store, document('Role', null, 'preset', { permissions: ['a:b'] }, { labels }))
    const ada = caller('ada')
    const attempts = [
      () => update(ada, { ...preset, spec: { permissions: ['*'] } }),
      () => update(ada, { ...preset, metadata: { ...preset.metadata, labels: {} } }),
      () => update(ada, deleted(preset)),
      () => db.store.write(ada, tx => tx.remove(preset)),
      () => put(db.store, document('Role', null, 'forged', { permissions: [] }, { labels }), [], ada),
    ]
    for (const attempt of attempts)
      await expect(attempt()).rejects.toMatchObject({
        code: 'denied',
        message: expect.stringContaining('comes with Switchyard') as string,
      })
    await update(operator, { ...preset, spec: { permissions: ['c:d'] } })
  })
})

describe('CP5: the last administrator', () => {
  const last = { code: 'conflict', reason: 'last_admin' }

  /** A person who may do everything everywhere, by the role `admin`. */
  async function admin(name: string, spec: object = {}) {
    const subject = { kind: 'User', name }
    const user = await person(name)
    const assignment = await put(
      db.store,
      document('RoleAssignment', null, `${name}-admin`, { subject, role: 'platform/admin', ...spec }),
    )
    return { user, assignment }
  }

  const ways: Readonly<Record<string, (of: Awaited<ReturnType<typeof admin>>) => Promise<unknown>>> = {
    disabled: ({ user }) => update(operator, { ...user, spec: { ...(user.spec as object), disabled: true } }),
    'marked for deletion': ({ user }) => update(operator, deleted(user)),
    deleted: ({ user }) => db.store.write(operator, tx => tx.remove(user)),
    unassigned: ({ assignment }) => db.store.write(operator, tx => tx.remove(assignment)),
    'marked as unassigned': ({ assignment }) => update(operator, deleted(assignment)),
    'given an end': ({ assignment }) =>
      update(operator, {
        ...assignment,
        spec: { ...(assignment.spec as object), expiresAt: '2099-01-01T00:00:00Z' },
      }),
  }

  test.each(Object.keys(ways))('is not %s', async way => {
    await put(db.store, document('Role', null, 'admin', { permissions: ['*'] }))
    const ada = await admin('ada')
    await expect(ways[way]?.(ada)).rejects.toMatchObject(last)
    // One whose rights end does not count, one who stays does.
    await admin('bob', { expiresAt: '2099-01-01T00:00:00Z' })
    await expect(ways[way]?.(ada)).rejects.toMatchObject(last)
    await admin('cyd')
    await ways[way]?.(ada)
  })

  test('loses nothing by a change of their role, nor by one statement that takes all of it', async () => {
    const role = await put(db.store, document('Role', null, 'everything', { permissions: ['*:*'] }))
    await person('ada')
    const spec = { subject: { kind: 'User', name: 'ada' }, role: 'everything' }
    await put(db.store, document('RoleAssignment', null, 'ada-all', spec))
    await expect(update(operator, { ...role, spec: { permissions: ['*:read'] } })).rejects.toMatchObject(last)
    await using eyes = await connect()
    for (const verb of ['delete from', 'update'])
      for (const kinds of ["('User', 'RoleAssignment')", "('Role')", "('User', 'Role', 'RoleAssignment')"]) {
        const set = verb === 'update' ? `set spec = '{"permissions": [], "disabled": true}'` : ''
        await expect(
          eyes.client.query(`${verb} switchyard.resources ${set} where kind in ${kinds}`),
        ).rejects.toMatchObject({ code: 'SYADM' })
      }
  })

  test('is nobody before there is one: people come and go', async () => {
    const user = await person('vic')
    await allow(db.store, 'vic', 'red', ['endpoint:read'])
    await update(operator, { ...user, spec: { ...(user.spec as object), disabled: true } })
  })

  async function connect() {
    const client = new Client({ connectionString: db.url })
    await client.connect()
    return { client, [Symbol.asyncDispose]: () => client.end() }
  }

  test('takes no rights away in a transaction that looks at an older state', async () => {
    await put(db.store, document('Role', null, 'admin', { permissions: ['*'] }))
    await admin('ada')
    await admin('bob')
    await using eyes = await connect()
    await eyes.client.query('begin isolation level repeatable read')
    await expect(
      eyes.client.query(`delete from switchyard.resources where name = 'ada-admin'`),
    ).rejects.toMatchObject({ code: '40001' })
  })

  test('stays, whoever races to take the rights of whom', async () => {
    await put(db.store, document('Role', null, 'admin', { permissions: ['*'] }))
    let round = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(ways)), { minLength: 2, maxLength: 6 }),
        async chosen => {
          round += 1
          const admins = await Promise.all(chosen.map((_, place) => admin(`a${round}-${place}`)))
          // Those of the round before go, now that others are there.
          await using eyes = await connect()
          await eyes.client.query(
            `delete from switchyard.resources where kind in ('User', 'RoleAssignment') and name not like 'a${round}-%'`,
          )
          const done = await Promise.allSettled(
            chosen.map(async (way, place) => ways[way]?.(admins[place] as (typeof admins)[number])),
          )
          const failed = done.flatMap(one => (one.status === 'rejected' ? [one.reason as unknown] : []))
          expect(failed).toEqual([expect.objectContaining(last)])
          const { rows } = await eyes.client.query<{ stands: boolean }>(
            'select switchyard.has_admin() as stands',
          )
          expect(rows).toEqual([{ stands: true }])
        },
      ),
      { numRuns: 25 },
    )
  }, 60_000)
})
