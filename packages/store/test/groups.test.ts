// What groups hold, in SQL alone: by membership, at once, and never more than whoever gives it.
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allow, caller, document, named, operator, put } from './given.ts'

let db: TestDatabase
const people: Record<string, { readonly id: string; readonly name: string }> = {}

beforeAll(async () => {
  db = await testDatabase()
  await put(db.store, document('Workspace', null, 'red'))
  await put(db.store, document('Workspace', null, 'blue'))
  await put(db.store, document('Endpoint', 'red', 'e'))
  await put(db.store, document('Endpoint', 'blue', 'e'))
  await put(db.store, document('Role', null, 'looker', { permissions: ['endpoint:read', 'inference:call'] }))
  for (const name of ['ann', 'bob', 'eve']) {
    const { metadata } = await put(db.store, document('User', null, name, { email: `${name}@example.org` }))
    people[name] = { id: metadata.id, name }
  }
  const spec = { subject: { kind: 'Group', name: 'corp/ml/core' }, role: 'platform/looker' }
  await put(db.store, document('RoleAssignment', 'red', 'ml', spec))
})
afterAll(() => db.close())

const seen = async (name: string) =>
  named((await db.store.read(caller(name), tx => tx.list({ kind: 'Endpoint' }))).items)
const join = (name: string, groups: readonly string[], provider = 'corp') =>
  db.identity.setGroups(people[name]!, provider, groups)
const grantsOf = async (name: string) =>
  (await db.secrets.allGrants()).filter(({ principal }) => principal === `user:${name}`)

describe('a group', () => {
  test('holds for who is in it, from the moment that they are, and no longer', async () => {
    expect(await seen('ann')).toEqual([])
    await join('ann', ['ml/core', 'others'])
    expect(await seen('ann')).toEqual(['red/e'])
    expect(await seen('bob')).toEqual([])
    expect(await db.store.grants('user:ann')).toEqual([
      { workspace: 'red', permission: 'endpoint:read' },
      { workspace: 'red', permission: 'inference:call' },
    ])
    expect(await grantsOf('ann')).toEqual([
      { principal: 'user:ann', workspace: 'red', permission: 'endpoint:read' },
      { principal: 'user:ann', workspace: 'red', permission: 'inference:call' },
    ])
    expect((await db.secrets.allGrants()).some(({ principal }) => principal.startsWith('group:'))).toBe(false)
    await join('ann', ['others'])
    expect([await seen('ann'), await grantsOf('ann')]).toEqual([[], []])
  })

  test('is told apart by its provider, and left with its person', async () => {
    await join('bob', ['ml/core'], 'other')
    expect(await seen('bob')).toEqual([])
    await join('bob', ['ml/core'])
    expect(await seen('bob')).toEqual(['red/e'])
    await db.store.write(operator, async tx => {
      const bob = await tx.lock({ kind: 'User', workspace: null, name: 'bob' }, 'update')
      await tx.remove(bob!)
    })
    const { metadata } = await put(db.store, document('User', null, 'bob', { email: 'bob@example.org' }))
    people.bob = { id: metadata.id, name: 'bob' }
    expect(await seen('bob')).toEqual([])
  })

  test('follows its role and the mappings of its provider', async () => {
    const mapping = { group: 'ops', role: 'looker', workspace: 'blue' }
    const spec = { issuer: 'https://id.test', groupRoles: [mapping, { ...mapping, workspace: 'red' }] }
    const provider = await put(db.store, document('IdentityProvider', null, 'corp', spec))
    await join('eve', ['ops'])
    expect(await seen('eve')).toEqual(['blue/e', 'red/e'])
    const change = (groupRoles: object[]) =>
      db.store.write(operator, async tx => {
        const stored = await tx.lock({ kind: 'IdentityProvider', workspace: null, name: 'corp' }, 'update')
        return tx.update({ ...stored!, spec: { ...spec, groupRoles } }, null)
      })
    await change([mapping])
    expect(await seen('eve')).toEqual(['blue/e'])
    await change([{ group: 'ops', role: 'platform/looker' }])
    expect(await seen('eve')).toEqual(['blue/e', 'red/e'])
    await db.store.write(operator, async tx => {
      const role = await tx.lock({ kind: 'Role', workspace: null, name: 'looker' }, 'update')
      return tx.update({ ...role!, spec: { permissions: ['inference:call'] } }, null)
    })
    expect([await seen('eve'), await grantsOf('eve')]).toEqual([
      [],
      [{ principal: 'user:eve', workspace: null, permission: 'inference:call' }],
    ])
    await db.store.write(operator, async tx => {
      const stored = await tx.lock({ kind: 'IdentityProvider', workspace: null, name: 'corp' }, 'update')
      expect(stored?.metadata.id).toBe(provider.metadata.id)
      await tx.remove(stored!)
    })
    expect([await grantsOf('eve'), await db.identity.groups(people.eve!)]).toEqual([[], []])
  })

  test('CP6.32: is mapped by nobody to what they do not hold, whatever the API has let pass', async () => {
    await allow(db.store, 'ann', null, ['identity_provider:*', 'role:read'])
    await put(db.store, document('Role', null, 'all', { permissions: ['*'] }))
    const give = (role: string) =>
      put(
        db.store,
        document('IdentityProvider', null, 'mine', {
          issuer: 'https://id.test',
          groupRoles: [{ group: 'ml', role }],
        }),
        [],
        caller('ann'),
      )
    await expect(give('all')).rejects.toMatchObject({ code: 'denied' })
    await expect(give('nothing')).rejects.toMatchObject({ code: 'invalid' })
    await allow(db.store, 'eve', 'red', ['role_assignment:*', 'role:read'])
    const spec = { subject: { kind: 'Group', name: 'corp/ml' }, role: 'platform/all' }
    await expect(
      put(db.store, document('RoleAssignment', 'red', 'grab', spec), [], caller('eve')),
    ).rejects.toMatchObject({ code: 'denied' })
  })

  test('CP6.32: nobody may take over an account for what its groups hold', async () => {
    const spec = { subject: { kind: 'Group', name: 'corp/roots' }, role: 'all' }
    await put(db.store, document('RoleAssignment', null, 'roots', spec))
    await join('bob', ['roots'])
    await allow(db.store, 'ann', null, ['user:*'])
    const takeOver = db.store.write(caller('ann'), tx =>
      tx.putSecret(people.bob!.id, { field: 'password', hash: 'h' }),
    )
    await expect(takeOver).rejects.toMatchObject({ code: 'denied' })
  })
})

test('the trail tells what a provider says of a person, when that changes', async () => {
  const told = async () => {
    const client = new Client({ connectionString: db.url })
    await client.connect()
    const { rows } = await client.query<{ after: string[] }>(
      `select entry -> 'after' as after from switchyard.audit_pending
       where entry ->> 'action' = 'identity.groups' and entry #>> '{resource,uid}' = $1 order by n`,
      [people.eve?.id],
    )
    await client.end()
    return rows.map(({ after }) => after)
  }
  const before = (await told()).length
  await join('eve', ['one', 'two'])
  await join('eve', ['two', 'one'])
  await join('eve', ['two'])
  expect((await told()).slice(before)).toEqual([['one', 'two'], ['two']])
})

describe('a subject of a provider', () => {
  test('is one person’s, and a person one subject’s of each issuer', async () => {
    const [ann, eve] = [people.ann!, people.eve!]
    const link = (subject: string, person: typeof ann, issuer = 'https://id.test') =>
      db.identity.link(issuer, subject, person)
    expect(await Promise.all([link('1', ann), link('1', ann)])).toEqual([true, true])
    expect([await link('1', eve), await link('2', ann), await link('2', ann, 'https://other.test')]).toEqual([
      false,
      false,
      true,
    ])
    expect(await db.identity.linked('https://id.test', '1')).toEqual(ann)
    expect(await db.identity.linked('https://id.test', '2')).toBeUndefined()
  })
})
