// Versions of the master key and the doctor's report, by the API: who may, and what is told.
import { examine } from '@switchyard/runtime'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectStatus, type Harness, start, workspaceDocument } from './harness.ts'

let h: Harness
let woken = 0
beforeAll(async () => {
  h = await start({
    keyAdded: () => {
      woken += 1
    },
    examine: () =>
      examine(
        [
          {
            name: 'one',
            asserts: 'It is so.',
            todo: 'Nothing.',
            run: async () => ({ status: 'pass', found: '3' }),
          },
          {
            name: 'two',
            asserts: 'So is this.',
            todo: 'Mend it.',
            run: async () => ({ status: 'fail', found: '1 of 2' }),
          },
        ],
        () => 0,
      ),
  })
  expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument('red') }), 201)
})
afterAll(() => h[Symbol.asyncDispose]())

const keys = async () => expectStatus(await h.call('GET', '/api/v1/masterkeys'), 200).body as unknown as Keys
interface Keys {
  readonly items: readonly { readonly version: number; readonly uses: Readonly<Record<string, number>> }[]
  readonly rewrap: { readonly done: number; readonly total: number }
}

test('a version is added, listed with its uses, and dropped when nothing is under it', async () => {
  const value = { metadata: { name: 'c' }, spec: { value: 'canary' } }
  expectStatus(await h.call('POST', '/api/v1/credentials', { body: value }), 201)
  const before = await keys()
  expect(before.rewrap).toEqual({ done: before.rewrap.total, total: before.rewrap.total })
  const made = expectStatus(await h.call('POST', '/api/v1/masterkeys/actions/rotate'), 201)
  expect(made.body).toMatchObject({ version: 2, opens: true })
  expect(woken).toBe(1)
  expect((await keys()).rewrap.done).toBe(0)
  const inUse = await h.call('DELETE', '/api/v1/masterkeys/1')
  expect([inUse.status, inUse.body.error.reason]).toEqual([409, 'key_in_use'])
  const vault = h.database.openVault([h.masterKey])
  await vault.keys.rewrap()
  const eyes = new Client({ connectionString: h.database.url })
  await eyes.connect()
  await eyes.query("update switchyard.secret_keys set made_at = made_at - interval '2 minutes'")
  const left = expectStatus(await h.call('DELETE', '/api/v1/masterkeys/1'), 200)
  expect(left.body.items.map(item => (item as unknown as { version: number }).version)).toEqual([2])
  const { rows } = await eyes.query<{ entry: { action: string; actor: { on_behalf_of?: string } } }>(
    "select entry from switchyard.audit_pending where entry ->> 'action' like 'master_key.%' order by n",
  )
  await eyes.end()
  expect(rows.map(({ entry }) => [entry.action, entry.actor.on_behalf_of])).toEqual([
    ['master_key.create', undefined],
    ['master_key.create', 'system:operator'],
    ['master_key.delete', 'system:operator'],
  ])
  for (const version of ['0', 'x', '-1', '99999999999'])
    expect((await h.call('DELETE', `/api/v1/masterkeys/${version}`)).status, version).toBe(400)
  expect((await h.call('DELETE', '/api/v1/masterkeys/7')).status).toBe(404)
})

test('both are for who runs the installation alone', async () => {
  const { token } = await h.person('boss', { red: ['workspace-admin'], platform: ['operator'] })
  for (const [method, path] of [
    ['GET', '/api/v1/masterkeys'],
    ['POST', '/api/v1/masterkeys/actions/rotate'],
    ['DELETE', '/api/v1/masterkeys/1'],
    ['GET', '/api/v1/doctor'],
  ] as const)
    expect((await h.call(method, path, { token })).status, path).toBe(403)
})

test('the report has a row for every check, and says what to do of those that failed', async () => {
  const { body } = expectStatus(await h.call('GET', '/api/v1/doctor'), 200)
  expect(body).toMatchObject({
    kind: 'DoctorReport',
    passed: 1,
    warned: 0,
    failed: 1,
    checks: [
      { name: 'one', asserts: 'It is so.', status: 'pass', found: '3', milliseconds: 0 },
      {
        name: 'two',
        asserts: 'So is this.',
        status: 'fail',
        found: '1 of 2',
        todo: 'Mend it.',
        milliseconds: 0,
      },
    ],
  })
  await using other = await start()
  expect((await other.call('GET', '/api/v1/doctor')).status).toBe(501)
})
