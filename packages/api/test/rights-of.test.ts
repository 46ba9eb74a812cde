// What somebody is said to be able to do is what the judge of their requests says.
import { kinds, permissions, presets } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { type Caller, holds, writtenFrom } from '../src/authorize.ts'
import type { rightsSchema } from '../src/rights.ts'
import { expectStatus, type Harness, type Person, start, workspaceDocument } from './harness.ts'
import { callerWith } from './rights-page.ts'

type Rights = z.output<typeof rightsSchema>

let h: Harness
let admin: Person
beforeAll(async () => {
  h = await start()
  for (const name of ['red', 'blue'])
    expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument(name) }), 201)
  admin = await h.person('ada', { platform: ['admin'] })
})
afterAll(() => h[Symbol.asyncDispose]())

const ask = (path: string, token = admin.token) => h.call('GET', `/api/v1/${path}`, { token })
const read = async (path: string, token = admin.token): Promise<Rights> =>
  JSON.parse(expectStatus(await ask(path, token), 200).text) as Rights

/** As the judge says it of one who reads, uses or writes there. */
function judged(caller: Caller, place: string | null): readonly string[] {
  return permissions.filter(permission => {
    const [noun, verb] = permission.split(':')
    const kind = kinds.find(each => each.noun === noun)
    return holds(caller, permission, verb === 'read' || verb === 'use' ? place : writtenFrom(kind, place))
  })
}
const heldAt = ({ places, elsewhere }: Rights, place: string | null) =>
  (places.find(({ workspace }) => workspace === place)?.held ?? elsewhere).map(({ permission }) => permission)

describe('what a person may do', () => {
  test.each(Object.keys(presets).flatMap(preset => [[preset, null] as const, [preset, 'red'] as const]))(
    'is what the judge says of %s in %s',
    async (preset, workspace) => {
      const name = `${preset}-${workspace ?? 'all'}`
      await h.person(name, { [workspace ?? 'platform']: [preset] })
      const rights = await read(`users/${name}/rights`)
      const caller = callerWith(preset, workspace)
      for (const place of [null, 'red', 'blue']) expect(heldAt(rights, place)).toEqual(judged(caller, place))
      expect(rights.sources).toMatchObject([
        { role: `platform/${preset}`, workspace, assignment: { workspace, name: `${name}-${preset}` } },
      ])
      expect(rights.places.flatMap(({ held }) => held).every(({ sources }) => sources.includes(0))).toBe(true)
    },
  )

  test('is asked for one permission, and answered with what gives it or what stands in the way', async () => {
    await h.person('vic', { red: ['viewer'], platform: ['billing'] })
    const decided = async (question: string) => {
      const { decision, sources } = await read(`users/vic/rights?${question}`)
      return [decision?.allowed, decision?.reason, decision?.sources.map(index => sources[index]?.role)]
    }
    expect(await decided('permission=endpoint:read&workspace=red')).toEqual([
      true,
      undefined,
      ['platform/billing', 'platform/viewer'],
    ])
    expect(await decided('permission=cluster:read&workspace=red')).toEqual([
      true,
      undefined,
      ['platform/viewer'],
    ])
    expect(await decided('permission=endpoint:create&workspace=red')).toEqual([false, 'role', []])
    expect(await decided('permission=cluster:read')).toEqual([false, 'role', []])
    expect((await ask('users/vic/rights?permission=endpoint:fly')).status).toBe(400)
    expectStatus(await h.call('PATCH', '/api/v1/users/vic', { body: { spec: { disabled: true } } }), 200)
    expect(await decided('permission=endpoint:read&workspace=red')).toEqual([
      false,
      'account_disabled',
      ['platform/billing', 'platform/viewer'],
    ])
  })

  test('comes by a group too, which an assignment or a provider gives it to', async () => {
    const { metadata } = expectStatus(await h.call('GET', '/api/v1/users/ada'), 200).body
    const gus = await h.person('gus')
    const id = expectStatus(await h.call('GET', '/api/v1/users/gus'), 200).body.metadata.id
    expect(id).not.toBe(metadata.id)
    const spec = { subject: { kind: 'Group', name: 'corp/ml' }, role: 'platform/operator' }
    const assigned = await h.call('POST', '/api/v1/workspaces/blue/roleassignments', {
      body: { metadata: { name: 'ml' }, spec },
    })
    expectStatus(assigned, 201)
    const groupRoles = [{ group: 'ml', role: 'platform/viewer', workspace: 'red' }]
    const provider = { issuer: 'https://id.example.org', clientId: 'switchyard', groupRoles }
    expectStatus(
      await h.call('POST', '/api/v1/identityproviders', {
        body: { metadata: { name: 'corp' }, spec: provider },
      }),
      201,
    )
    await h.database.identity.setGroups({ id, name: 'gus' }, 'corp', ['ml'])
    const { sources } = await read('rights', gus.token)
    expect(sources).toMatchObject([
      { group: 'corp/ml', workspace: 'blue', role: 'platform/operator', assignment: { name: 'ml' } },
      { group: 'corp/ml', workspace: 'red', role: 'platform/viewer', provider: 'corp' },
    ])
  })

  test('is told to themselves, and to those who read people and assignments', async () => {
    const lea = await h.person('lea', { red: ['workspace-admin'] })
    expect((await read('rights', lea.token)).principal).toBe('user:lea')
    expect((await ask('users/ada/rights', lea.token)).status).toBe(403)
    expect((await ask('users/nobody/rights')).status).toBe(404)
    expectStatus(
      await h.call('POST', '/api/v1/workspaces/red/serviceaccounts', {
        body: { metadata: { name: 'ci' }, spec: {} },
      }),
      201,
    )
    const ofMachine = await read('workspaces/red/serviceaccounts/ci/rights', lea.token)
    expect([ofMachine.principal, ofMachine.sources]).toEqual(['serviceaccount:red/ci', []])
    expect((await ask('workspaces/blue/serviceaccounts/ci/rights', lea.token)).status).toBe(404)
  })
})
