// Three judges of the same rights: the function that decides, every route over HTTP, and the database's row-level
// security alone, asked by a role that forgets every WHERE. For each preset, given in a workspace and given everywhere.
import { randomUUID } from 'node:crypto'
import { type Document, type Kind, kinds, presets } from '@switchyard/kinds'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decide, holds, permits, writtenFrom } from '../src/authorize.ts'
import type { Row } from '../src/route.ts'
import { expectStatus, type Harness, type Person, start, workspaceDocument } from './harness.ts'
import { assignments, callerWith, placeOf, places } from './rights-page.ts'

interface Judged {
  readonly preset: string
  readonly assigned: string | null
  readonly person: Person
}

let h: Harness
let judged: readonly Judged[]
/** A superuser passes every policy. */
let eyes: Client

beforeAll(async () => {
  h = await start()
  for (const name of ['red', 'blue'])
    expectStatus(await h.call('POST', '/api/v1/workspaces', { body: workspaceDocument(name) }), 201)
  const all: Judged[] = []
  for (const preset of Object.keys(presets))
    for (const assigned of assignments) {
      const person = await h.person(`${preset}-${assigned ?? 'everywhere'}`, {
        [assigned ?? 'platform']: [preset],
      })
      all.push({ preset, assigned, person })
    }
  judged = all
  eyes = new Client({ connectionString: h.database.url, options: '-c search_path=switchyard' })
  await eyes.connect()
}, 60_000)
afterAll(async () => {
  await eyes.end()
  await h[Symbol.asyncDispose]()
})

const callerOf = ({ preset, assigned, person }: Judged) =>
  callerWith(preset, assigned, { principal: `user:${person.name}` })

/** Addresses of a row: one for each of these workspaces, and for the platform, that its path or its body can name. */
function addressesOf(
  row: Row,
  names: readonly string[],
): readonly { readonly path: string; readonly place: string | null | undefined; readonly body: unknown }[] {
  const kind = kinds.find(each => each.kind === row.kind)
  const inPath = row.path.includes('{w}') || (row.kind === 'Workspace' && row.path.includes('{name}'))
  if (inPath)
    return names.map(place => ({
      path: row.path.replace('{w}', place).replace('{name}', row.kind === 'Workspace' ? place : 'absent'),
      place: placeOf(row, place),
      body: {},
    }))
  const path = row.path.replaceAll(/\{[^}]+\}/g, 'absent')
  // A document that is sent to a flat collection says itself where it goes.
  if (kind && row.permission === `${kind.noun}:create` && kind.scope !== 'platform')
    return [...names, ...(kind.scope === 'either' ? [null] : [])].map(place => ({
      path,
      place: writtenFrom(kind, place),
      body: { metadata: { workspace: place } },
    }))
  return [{ path, place: placeOf(row, 'absent'), body: {} }]
}

test('CP6: every route lets in whom the function lets in, tells the others what is missing, and hides the rest', async () => {
  let calls = 0
  const ask = async (of: Judged) => {
    const caller = callerOf(of)
    // Whoever was given it everywhere meets no other workspace than their own.
    const asked = of.assigned === null ? [places.own] : [places.own, places.other]
    for (const row of h.api.routes) {
      const { permission, method } = row
      if (permission === undefined) continue
      for (const { path, place, body } of addressesOf(row, asked)) {
        const kept = method === 'DELETE' && row.kind !== undefined ? '?dryRun=true' : ''
        const reply = await h.call(method, path + kept, {
          token: of.person.token,
          ...(method === 'GET' || method === 'DELETE' ? {} : { body }),
        })
        const error = reply.text.startsWith('{"error"') ? reply.body.error : undefined
        const verdict =
          error?.reason === 'workspace_not_found'
            ? 'not_found'
            : error?.code === 'denied' && error.details.some(({ message }) => message === permission)
              ? 'denied'
              : 'allowed'
        // The address is judged before a body is read, which may name another place.
        const judgements = [placeOf(row, place ?? 'absent'), place].map(at => decide(caller, permission, at))
        const refusal = judgements.find(({ allowed }) => !allowed)
        const expected = refusal && 'code' in refusal ? refusal.code : 'allowed'
        expect([of.person.name, method, path, permission, verdict], reply.text).toEqual([
          of.person.name,
          method,
          path,
          permission,
          expected,
        ])
        calls++
      }
    }
  }
  await Promise.all(judged.map(ask))
  expect(calls).toBeGreaterThan(judged.length * h.api.routes.length)
}, 300_000)

/** A document of every kind in every place where one can be, of nobody who asks. */
async function furnish(): Promise<readonly { readonly kind: Kind; readonly document: Document }[]> {
  const made = []
  for (const kind of kinds)
    for (const workspace of Object.values(places)) {
      if (kind.scope === (workspace === null ? 'workspace' : 'platform')) continue
      const name = `x-${randomUUID().slice(0, 8)}`
      const spec = specOf(kind)
      const id = randomUUID()
      const document = {
        apiVersion: 'switchyard.dev/v1',
        kind: kind.kind,
        metadata: { id, name, workspace, labels: {}, annotations: {}, finalizers: [] },
        spec,
        status: {},
      } as unknown as Document
      await insert(document)
      made.push({ kind, document })
    }
  return made
}

const someone = { kind: 'User', name: 'someone-else' }

/** As little as the database asks of it. */
function specOf({ kind }: Kind, owner = someone): Readonly<Record<string, unknown>> {
  if (kind === 'Role') return { permissions: [] }
  if (kind === 'RoleAssignment') return { role: 'platform/nothing', subject: someone }
  if (kind === 'ApiKey') return { owner, scopes: [] }
  if (kind === 'User') return { email: `${randomUUID()}@example.org` }
  return {}
}

function insert({ kind, metadata, spec }: Document) {
  return eyes.query(
    `insert into resources (id, kind, workspace, name, created_at, metadata, spec, status)
     values ($1, $2, $3, $4, now(), $5, $6, '{}')`,
    [metadata.id, kind, metadata.workspace, metadata.name, metadata, spec],
  )
}

/** Whether a statement does something, within a transaction that keeps nothing of it. */
async function does(statement: () => Promise<{ readonly rowCount: number | null }>): Promise<boolean> {
  try {
    return ((await statement()).rowCount ?? 0) > 0
  } catch (error) {
    const state = error instanceof Error && 'code' in error ? error.code : undefined
    if (state === '42501' || state === 'SY403') return false
    if (state === '23505') return true // it was let in, and met the one that stands there
    throw error
  } finally {
    await eyes.query('rollback to savepoint judged')
  }
}

test('CP4.20: row-level security alone judges every preset, kind, verb and place as the function does', async () => {
  await eyes.query('begin')
  await insert({
    apiVersion: 'switchyard.dev/v1',
    kind: 'Role',
    metadata: {
      id: randomUUID(),
      name: 'nothing',
      workspace: null,
      labels: {},
      annotations: {},
      finalizers: [],
    },
    spec: { permissions: [] },
    status: {},
  } as unknown as Document)
  const furniture = await furnish()
  const verdicts = { function: [] as string[], database: [] as string[] }
  for (const of of judged) {
    const caller = callerOf(of)
    await eyes.query('set local role switchyard_user')
    await eyes.query(
      `select set_config('switchyard.principal', $1, true), set_config('switchyard.scopes', '*', true)`,
      [caller.principal],
    )
    await eyes.query('savepoint judged')
    for (const { kind, document } of furniture) {
      const { id, workspace } = document.metadata
      const fresh = (owner = someone): Document => {
        const metadata = { ...document.metadata, id: randomUUID(), name: `y-${randomUUID().slice(0, 8)}` }
        return { ...document, metadata, spec: specOf(kind, owner) }
      }
      const own = { kind: 'User', name: of.person.name }
      const asked: readonly (readonly [
        string,
        boolean,
        () => Promise<{ readonly rowCount: number | null }>,
      ])[] = [
        [
          'read',
          permits(caller, kind, 'read', document),
          () => eyes.query('select 1 from resources where id = $1', [id]),
        ],
        [
          'create',
          !kind.system && holds(caller, `${kind.noun}:create`, writtenFrom(kind, workspace)),
          () => insert(fresh(kind.kind === 'ApiKey' ? own : someone)),
        ],
        [
          'update',
          !kind.system && permits(caller, kind, 'update', document),
          () => eyes.query(`update resources set spec = spec || '{"x": 1}' where id = $1`, [id]),
        ],
        [
          'delete',
          permits(caller, kind, 'delete', document),
          () => eyes.query('delete from resources where id = $1', [id]),
        ],
      ]
      for (const [verb, may, statement] of asked) {
        const said = `${of.person.name} ${kind.noun}:${verb} ${workspace ?? 'platform'}`
        verdicts.function.push(`${said} ${may}`)
        verdicts.database.push(`${said} ${await does(statement)}`)
      }
    }
    await eyes.query('release savepoint judged')
    await eyes.query('reset role')
  }
  await eyes.query('rollback')
  expect(verdicts.database).toEqual(verdicts.function)
  expect(verdicts.function.length).toBeGreaterThan(judged.length * kinds.length * 4)
}, 300_000)
