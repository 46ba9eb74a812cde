// The trail from a request to an archive that somebody else checks: API, sequencer, folder.

import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Api, bootstrapDocuments, createApi } from '@switchyard/api'
import { filesObjects } from '@switchyard/drivers/objects/files'
import {
  invoicing,
  newSigner,
  numberEntries,
  readVerifier,
  verifyArchive,
  verifyProof,
} from '@switchyard/ledger'
import { type Persons, systemClock, systemRandom } from '@switchyard/runtime'
import { type TestDatabase, testDatabase, testPersons } from '@switchyard/store/testing'
import { Client } from 'pg'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFolder } from '../src/folder.ts'
import { readSettings } from '../src/settings.ts'
import { trailGauges, watchStanding } from '../src/standing-metrics.ts'
import { openTrail, type Trail } from '../src/trail.ts'

let db: TestDatabase
let persons: Persons
let trail: Trail
let api: Api
let url: string
let operator: string
let folder: ReturnType<typeof openFolder>
const server = createServer((request, response) => api.handle(request, response))
const settings = { ...readSettings({}).audit, checkpointSeconds: 0.1, archiveSeconds: 0.1 }
const log = pino({ level: 'silent' })
/** Machines that are shared stop for seconds. */
const patience = { timeout: 20_000 }
const open = (holder: string) =>
  openTrail({ opened: db, persons, folder, settings, holder, clock: systemClock, log })

beforeAll(async () => {
  db = await testDatabase()
  persons = testPersons(db)
  folder = openFolder(await mkdtemp(join(tmpdir(), 'switchyard-trail-')))
  trail = await open('one')
  api = await createApi({
    ...db,
    trail,
    invoicing: invoicing({ ...db, now: Date.now, observe: () => {} }),
    issuer: 'http://switchyard.test',
    cursorKey: randomBytes(32),
    version: '0',
    now: Date.now,
    uuid: systemRandom.id,
    random: randomBytes,
    chance: Math.random,
  })
  await api.ship(bootstrapDocuments())
  operator = await api.mintOperatorToken()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // an IP server has one
  for (const workspace of ['red', 'blue']) {
    await call('POST', '/api/v1/workspaces', { metadata: { name: workspace }, spec: {} })
    for (const name of ['a', 'b', 'c'])
      await call('POST', `/api/v1/workspaces/${workspace}/projects`, { metadata: { name }, spec: {} })
  }
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await api.close()
  await trail[Symbol.asyncDispose]()
  await db.close()
})

async function call(method: string, path: string, body?: unknown, token = operator): Promise<Response> {
  return fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined
        ? {}
        : { 'content-type': `application/${method === 'PATCH' ? 'merge-patch+' : ''}json` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

interface Page {
  readonly continue: string | null
  readonly items: readonly {
    readonly seq: number
    readonly id: string
    readonly after?: string
    readonly action: string
    readonly workspace: string | null
    readonly workspace_seq: number
  }[]
}
const page = async (query: string, token = operator): Promise<Page> =>
  (await call('GET', `/api/v1/${query}`, undefined, token)).json() as Promise<Page>

/** With how far back it was looked. */
const search = async (q: string, more = '') =>
  (await page(`audit?q=${encodeURIComponent(q)}${more}`)) as Page & {
    readonly searched: { readonly entries: number; readonly to: string | null }
  }

/** Signed in, with a role somewhere. */
async function person(
  name: string,
  role: string,
  workspace: string | null,
  as = `${name}-${role}`,
): Promise<string> {
  const [email, password] = [`${name}@example.org`, `a long password of ${name}`]
  await call('POST', '/api/v1/users', { metadata: { name }, spec: { email, password } })
  const at = workspace === null ? '/api/v1' : `/api/v1/workspaces/${workspace}`
  const spec = { subject: { kind: 'User', name }, role: `platform/${role}` }
  expect((await call('POST', `${at}/roleassignments`, { metadata: { name: as }, spec })).status).toBe(201)
  const session = (await (await call('POST', '/api/v1/sessions', { email, password })).json()) as {
    accessToken: string
  }
  return session.accessToken
}

async function looking(place = db.url) {
  const client = new Client({ connectionString: place })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}

/** Until all that was told is numbered and signed. */
async function signed(): Promise<void> {
  await using eyes = await looking()
  const waiting = async () => (await eyes.query('select from switchyard.audit_pending')).rowCount
  await expect.poll(waiting, patience).toBe(0)
  await expect
    .poll(async () => {
      const head = await db.audit.head()
      const note = await trail.checkpoint()
      return note !== undefined && Number(note.split('\n')[1]) === head.size && head.archived === head.size
    }, patience)
    .toBe(true)
}

describe('the trail', () => {
  test('is searched by who, what, where and when, page by page, newest first', async () => {
    await expect
      .poll(async () => (await page('audit?action=project.create&limit=500')).items.length, patience)
      .toBe(6)
    const first = await page('audit?action=project.*&actor=system:operator&limit=4')
    expect(first.items).toHaveLength(4)
    const second = await page(
      `audit?action=project.*&actor=system:operator&limit=4&continue=${first.continue}`,
    )
    expect(second).toMatchObject({ continue: null })
    const all = [...first.items, ...second.items].map(({ seq }) => seq)
    expect(all).toEqual(all.toSorted((a, b) => b - a))
    expect(new Set(all).size).toBe(6)
    expect((await page('workspaces/red/audit?kind=Project&name=b')).items).toMatchObject([
      { workspace: 'red' },
    ])
    expect((await page('audit?to=2020-01-01T00:00:00Z')).items).toEqual([])
    expect((await call('GET', '/api/v1/audit?action=x%27')).status).toBe(400)
  })

  test('is searched for words in what entries tell, so many entries a page, and says how far back it came', async () => {
    const changed = await call('PATCH', '/api/v1/workspaces/blue/projects/c', {
      metadata: { displayName: 'Zebra' },
      spec: { archived: true },
    })
    expect(await changed.json()).toMatchObject({ metadata: { displayName: 'Zebra' } })
    await signed()
    // In whatever case, in any order, in what changed too; every word.
    for (const q of ['zebra', 'ZEBRA project.Update', 'blue c zebra', 'archived system:operator'])
      expect((await search(q)).items, q).toMatchObject([{ action: 'project.update', workspace: 'blue' }])
    expect((await search('zebra red')).items).toEqual([])
    const [found] = (await search('zebra')).items
    // An id is found whole; a part of it or of a digest is not.
    expect((await search(found?.id ?? '')).items).toHaveLength(1)
    for (const part of [found?.id.slice(0, 8), found?.after?.slice(7, 20)])
      expect((await search(part ?? '')).items).toEqual([])
    const { size } = await db.audit.head()
    expect(await search('no such words')).toMatchObject({ continue: null, searched: { entries: size } })
    const first = await search('project.create', '&limit=4')
    expect(first.items).toHaveLength(4)
    const rest = await search('project.create', `&limit=4&continue=${first.continue}`)
    expect(rest).toMatchObject({ continue: null, items: [{}, {}] })
    expect(new Set([...first.items, ...rest.items].map(({ seq }) => seq)).size).toBe(6)
    // Beside the fields, in a workspace, and in what is taken away.
    expect((await search('operator', '&kind=Project&name=b')).items).toHaveLength(2)
    const taken = async (query: string) =>
      (await (await call('GET', `/api/v1/workspaces/blue/audit/export?q=zebra${query}`)).text())
        .trim()
        .split('\n')
    expect(await taken('')).toHaveLength(1)
    const [proven] = await taken('&proofs=true')
    const { entry, proof } = JSON.parse(proven ?? '') as { entry: string; proof: string }
    expect(verifyProof(proof, Buffer.from(entry), trail.keys.map(readVerifier))).toMatchObject({
      holds: true,
    })
    for (const bad of ['', '%20', 'x'.repeat(201)])
      expect((await call('GET', `/api/v1/audit?q=${bad}`)).status, bad).toBe(400)
  })

  test('shows an administrator of a workspace its own entries and no other, and a member none', async () => {
    const admin = await person('ann', 'workspace-admin', 'red')
    const member = await person('dev', 'developer', 'red')
    await signed()
    const mine = await page('audit?limit=500', admin)
    expect(new Set(mine.items.map(({ workspace }) => workspace))).toEqual(new Set(['red']))
    expect(mine.items.length).toBeGreaterThanOrEqual(3)
    expect((await call('GET', '/api/v1/workspaces/blue/audit', undefined, admin)).status).toBe(404)
    expect((await call('GET', '/api/v1/workspaces/red/audit', undefined, member)).status).toBe(403)
    for (const path of ['audit/log/checkpoint', 'audit/log/tile/0/000', 'workspaces/red/audit/export'])
      expect((await call('GET', `/api/v1/${path}`, undefined, admin)).status, path).toBe(403)
  })

  test('is exported by an auditor with proofs that hold under the public key, and no neighbour’s entry in it', async () => {
    const auditor = await person('aud', 'auditor', 'red')
    await signed()
    const reply = await call('GET', '/api/v1/workspaces/red/audit/export?proofs=true', undefined, auditor)
    expect(reply.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = (await reply.text())
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { entry: string; proof: string })
    const { items } = (await (await call('GET', '/api/v1/audit/keys')).json()) as { items: string[] }
    const verifiers = items.map(readVerifier)
    const entries = lines.map(({ entry }) => JSON.parse(entry) as Page['items'][number])
    expect(entries.map(({ workspace_seq }) => workspace_seq)).toEqual(entries.map((_, i) => i))
    expect(new Set(entries.map(({ workspace }) => workspace))).toEqual(new Set(['red']))
    for (const { entry, proof } of lines) {
      expect(verifyProof(proof, Buffer.from(entry), verifiers)).toMatchObject({ holds: true })
      expect(verifyProof(proof, Buffer.from(entry.replace('operator', 'operatar')), verifiers).holds).toBe(
        !entry.includes('operator'),
      )
    }
    await expect
      .poll(
        async () => (await page('workspaces/red/audit?action=audit.export&outcome=success')).items,
        patience,
      )
      .toMatchObject([{ actor: { id: 'user:aud' } }])
  })

  test('is exported in the words of OCSF and of CloudEvents', async () => {
    const lines = async (form: string) =>
      (
        await (
          await call('GET', `/api/v1/workspaces/red/audit/export?form=${form}&action=project.create`)
        ).text()
      )
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as unknown)
    expect((await lines('ocsf'))[0]).toMatchObject({
      class_uid: 6003,
      category_uid: 6,
      activity_id: 1,
      type_uid: 600_301,
      status_id: 1,
      metadata: { version: '1.3.0', product: { name: 'Switchyard' } },
      actor: { user: { uid: 'system:operator' } },
      api: { operation: 'project.create' },
      src_endpoint: { ip: '127.0.0.1' },
    })
    expect((await lines('cloudevents'))[0]).toMatchObject({
      specversion: '1.0',
      type: 'switchyard.audit.v1',
      source: '/audit',
      subject: 'red/Project/a',
      data: { action: 'project.create', workspace: 'red' },
    })
    expect((await call('GET', '/api/v1/audit/export?form=ocsf&proofs=true')).status).toBe(400)
  })

  test('is served as tiles that are those of the archive, which verifies with the public key', async () => {
    await signed()
    const at = async (path: string) => {
      const reply = await call('GET', `/api/v1/audit/log/${path}`)
      return reply.status === 200 ? Buffer.from(await reply.arrayBuffer()) : reply.status
    }
    const archive = filesObjects(join(folder.path, 'audit'))
    const note = String(await at('checkpoint'))
    const size = Number(note.split('\n')[1])
    expect(size).toBeLessThan(256)
    for (const path of [`tile/0/000.p/${size}`, `tile/entries/000.p/${size}`])
      expect(await at(path), path).toEqual(await archive.get(path))
    for (const path of [
      'tile/0/000',
      'tile/0/000.p/255',
      'tile/9/000',
      'tile/0/..',
      'tile/0/001',
      'tile/1/000.p/1',
    ])
      expect(await at(path), path).toBe(404)
    const verifiers = trail.keys.map(readVerifier)
    expect(await verifyArchive({ archive, verifiers, since: note })).toMatchObject({
      verdict: 'whole',
      warnings: [],
    })
  })

  test('goes on under the same key with the next server, which signs what the last one left', async () => {
    const key = join(folder.path, 'audit.key')
    expect((await stat(key)).mode & 0o777).toBe(0o600)
    const before = await readFile(key, 'utf8')
    await trail[Symbol.asyncDispose]()
    await call('POST', '/api/v1/workspaces/red/projects', { metadata: { name: 'late' }, spec: {} })
    const keys = trail.keys
    trail = await open('two')
    expect(trail.keys).toEqual(keys)
    await expect
      .poll(async () => (await db.audit.head()).archived === (await db.audit.head()).size, {
        timeout: 20_000,
      })
      .toBe(true)
    await trail[Symbol.asyncDispose]()
    trail = await open('three')
    expect(await readFile(key, 'utf8')).toBe(before)
    expect((await readdir(join(folder.path, 'audit', 'checkpoints'))).length).toBeGreaterThan(1)
    const archive = filesObjects(join(folder.path, 'audit'))
    expect(await verifyArchive({ archive, verifiers: keys.map(readVerifier) })).toMatchObject({
      verdict: 'whole',
    })
    await writeFile(join(folder.path, 'empty.key'), '# none\n', { mode: 0o600 })
    const keyFile = (name: string) => ({ ...settings, keyFile: join(folder.path, name) })
    for (const name of ['empty.key', 'absent.key'])
      await expect(
        openTrail({
          opened: db,
          persons,
          folder,
          settings: keyFile(name),
          holder: 'x',
          clock: systemClock,
          log,
        }),
      ).rejects.toMatchObject({ reason: 'audit_key_file' })
  })
})

test('a log that cannot be gone on with says why, for /readyz, and what changes waits for it', async () => {
  await trail[Symbol.asyncDispose]()
  const foreign = join(folder.path, 'foreign.key')
  await writeFile(foreign, newSigner('switchyard.test/other', randomBytes(32)), { mode: 0o600 })
  const stuck = await openTrail({
    opened: db,
    persons,
    folder,
    settings: { ...settings, keyFile: foreign },
    holder: 'four',
    clock: systemClock,
    log,
  })
  await expect.poll(() => stuck.problem(), patience).toContain('signed by a key that is not among those')
  const { size } = await db.audit.head()
  await call('POST', '/api/v1/workspaces/red/projects', { metadata: { name: 'waits' }, spec: {} })
  await stuck[Symbol.asyncDispose]()
  expect((await db.audit.head()).size).toBe(size)
  trail = await open('five')
  await expect.poll(async () => (await db.audit.head()).size > size, patience).toBe(true)
  expect(trail.problem()).toBeUndefined()
})

test('how far the log has come is told as seconds, of what waits too', async () => {
  await using database = await testDatabase()
  const { audit } = database
  const none = await audit.standing()
  expect(none.signedAt).toBeUndefined()
  await audit.record({ workspace: null, action: 'a.b' })
  await audit.claim(1n)
  await expect.poll(async () => (await audit.standing()).unnumbered, patience).toBeGreaterThan(0)
  await audit.sequence(1n, 1000, numberEntries)
  await expect.poll(async () => (await audit.standing()).unsigned, patience).toBeGreaterThan(0)
  expect(await audit.standing()).toMatchObject({ unnumbered: 0 })
  const lines: string[] = []
  const watched = watchStanding({
    gauges: trailGauges,
    read: () => audit.standing(),
    clock: systemClock,
    tell: (_, told) => lines.push(...told),
    observe: () => {},
  })
  await expect
    .poll(() => lines.join('\n'), patience)
    .toContain('# TYPE switchyard_audit_unarchived_seconds gauge')
  await signed()
  expect(await db.audit.standing()).toMatchObject({ unnumbered: 0, unsigned: 0, unarchived: 0 })
  expect(Math.abs(((await db.audit.standing()).signedAt ?? 0) - Date.now() / 1000)).toBeLessThan(600)
  await watched[Symbol.asyncDispose]()
})

describe('a person', () => {
  const sought = 'wilhelmina'
  const everywhere = async (text: string): Promise<readonly string[]> => {
    const found: string[] = []
    await using client = await looking()
    const { rows } = await client.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'switchyard' and table_name like 'audit%'",
    )
    for (const { name } of rows) {
      const { rowCount } = await client.query(
        `select from switchyard.${name} t where to_jsonb(t)::text ilike '%' || $1 || '%'`,
        [text],
      )
      if (rowCount) found.push(name)
    }
    const archive = join(folder.path, 'audit')
    for (const path of await readdir(archive, { recursive: true })) {
      const file = join(archive, path)
      if ((await stat(file)).isFile() && (await readFile(file, 'latin1')).toLowerCase().includes(text))
        found.push(path)
    }
    for (const query of ['', '?form=ocsf', '?form=cloudevents', '?proofs=true'])
      if ((await (await call('GET', `/api/v1/audit/export${query}`)).text()).toLowerCase().includes(text))
        found.push(`export${query}`)
    for (const workspace of ['', 'workspaces/red/'])
      if (
        JSON.stringify(await page(`${workspace}audit?limit=500`))
          .toLowerCase()
          .includes(text)
      )
        found.push(`${workspace}audit`)
    return found
  }
  const keys = () => trail.keys.map(readVerifier)
  const check = async () =>
    (await verifyArchive({ archive: filesObjects(join(folder.path, 'audit')), verifiers: keys() })).verdict

  test('MB5.47: is read by those who may, stands sealed in the log, and once erased is read by nobody while the log verifies', async () => {
    const email = `${sought}@example.org`
    const token = await person(sought, 'workspace-admin', 'red', 'the-one')
    await call('POST', '/api/v1/sessions', { email, password: 'not the right one' })
    const made = await call(
      'POST',
      '/api/v1/workspaces/red/projects',
      { metadata: { name: 'hers' }, spec: {} },
      token,
    )
    expect(made.status).toBe(201)
    await call('PATCH', `/api/v1/users/${sought}`, { spec: { disabled: true } })
    await signed()

    const acts = (await page(`audit?actor=user:${sought}`)).items
    expect(acts.find(({ action }) => action === 'project.create')).toMatchObject({
      actor: { id: `user:${sought}`, name: sought },
      origin: { ip: '127.0.0.1' },
    })
    expect(JSON.stringify(await page(`audit?kind=User&name=${sought}`))).toContain(email)
    expect(await everywhere(sought)).toEqual([
      'export',
      'export?form=ocsf',
      'export?form=cloudevents',
      'audit',
      'workspaces/red/audit',
    ])

    const reader = await person('reader', 'auditor', null)
    expect(
      (await call('POST', '/api/v1/audit/erase', { principals: [`user:${sought}`] }, reader)).status,
    ).toBe(403)
    const answer = await call('POST', '/api/v1/audit/erase', { principals: [`user:${sought}`] })
    const { items } = (await answer.json()) as {
      items: readonly { principal: string; person: string; known: boolean }[]
    }
    expect(items.map(({ principal, known }) => [principal, known])).toEqual([
      [`user:${sought}`, true],
      [`email:${email}`, true],
    ])
    await signed()
    expect(await everywhere(sought)).toEqual([])
    expect(await check()).toBe('whole')
    const erasure = (await page('audit?action=audit.erase')).items
    expect(erasure.map(item => (item as unknown as { resource: object }).resource)).toEqual(
      expect.arrayContaining(items.map(({ person }) => ({ kind: 'Person', name: person }))),
    )
    // The same acts go on being one person's.
    const mine = await page(`audit?actor=person:${items[0]?.person}&action=project.create`)
    expect(mine.items).toHaveLength(1)
    expect(mine.items[0]).toMatchObject({ actor: { id: `person:${items[0]?.person}` } })
    expect((await page(`audit?actor=user:${sought}`)).items).toEqual([])
  })

  test('who was erased and whose act comes late stays erased; another of the name is another', async () => {
    const whom = 'user:theodora'
    const [first] = await persons.erase({ role: 'caller', principal: 'system:operator', scopes: ['*'] }, [
      whom,
    ])
    expect(first).toMatchObject({ known: false })
    const keyAt = await persons.of(new Set([whom]))
    const then = keyAt(whom, '2026-01-01T00:00:00.000Z')
    expect([then?.id, then?.seal]).toEqual([first?.person, undefined])
    const now = keyAt(whom, '2999-01-01T00:00:00.000Z')
    expect(now?.seal).toBeDefined()
    expect(now?.id).not.toBe(first?.person)
  })
})

describe('retention', () => {
  test.each(['182', '0', '-1', '1.5', 'x'])('of %s days does not start the server, and is named', days => {
    expect(() => readSettings({ SWITCHYARD_AUDIT_RETENTION_DAYS: days })).toThrow(
      /SWITCHYARD_AUDIT_RETENTION_DAYS/,
    )
  })

  test('of 183 days does, and the database keeps no entry for longer than it says', () => {
    expect(
      readSettings({ SWITCHYARD_AUDIT_RETENTION_DAYS: '183', SWITCHYARD_AUDIT_HOT_DAYS: '365' }).audit,
    ).toMatchObject({
      retentionDays: 183,
      hotDays: 183,
    })
    expect(readSettings({}).audit).toMatchObject({ retentionDays: 1095, hotDays: 90 })
  })

  test('that is raised holds at once; one that is lowered is told in the trail and waits for a week', async () => {
    await using database = await testDatabase()
    const { audit } = database
    await using eyes = await looking(database.url)
    const told = async () =>
      (
        await eyes.query<{ reason: string; after: { days: number } }>(
          "select entry ->> 'reason' as reason, entry -> 'after' as after from switchyard.audit_pending where entry ->> 'action' = 'audit.retention' order by n",
        )
      ).rows.map(({ reason, after }) => [reason, after.days])
    const pass = (days: number) =>
      eyes.query(
        `update switchyard.audit_retention set asked_at = asked_at - $1 * interval '1 day', effective_at = effective_at - $1 * interval '1 day'`,
        [days],
      )
    expect(await audit.retain(1095)).toEqual({ days: 1095, waiting: undefined })
    expect(await told()).toEqual([])
    const asked = await audit.retain(365)
    expect(asked).toMatchObject({ days: 1095, waiting: { days: 365 } })
    const wait = Date.parse(asked.waiting?.from ?? '') - Date.now()
    expect(Math.round(wait / 86_400_000)).toBe(7)
    await pass(6)
    expect(await audit.retain(365)).toMatchObject({ days: 1095, waiting: { days: 365 } })
    await pass(1.01)
    expect(await audit.retain(365)).toEqual({ days: 365, waiting: undefined })
    expect(await audit.retain(730)).toEqual({ days: 730, waiting: undefined })
    // One that was taken back never holds, and neither does one that another has taken the place of.
    expect((await audit.retain(200)).days).toBe(730)
    await pass(3)
    expect((await audit.retain(400)).days).toBe(730)
    await pass(5)
    expect(await audit.retain(400)).toMatchObject({ days: 730, waiting: { days: 400 } })
    expect(await audit.retain(730)).toEqual({ days: 730, waiting: undefined })
    await pass(10)
    expect(await audit.retain(730)).toEqual({ days: 730, waiting: undefined })
    expect(await told()).toEqual([
      ['waits', 365],
      ['applied', 730],
      ['waits', 200],
      ['waits', 400],
      ['applied', 730],
    ])
  })
})

test('of more entries than a page looks through, an older one is found on the next page', async () => {
  await using eyes = await looking()
  await eyes.query(
    `insert into switchyard.audit_pending (entry) select jsonb_build_object('id', gen_random_uuid(),
       'time', '2026-11-20T08:00:00.000Z', 'workspace', null, 'action', 'project.update', 'actor', '{"id":"system:operator"}'::jsonb,
       'resource', jsonb_build_object('kind', 'Project', 'name', case i when 1 then 'needle' else 'p' || i end), 'outcome', 'success')
     from generate_series(1, 5100) i`,
  )
  await signed()
  const first = await search('needle')
  expect(first).toMatchObject({
    items: [],
    searched: { entries: 5000, to: '2026-11-20T08:00:00.000Z' },
  })
  expect(first.continue).not.toBeNull()
  expect((await search('needle', `&continue=${first.continue}`)).items).toMatchObject([
    { resource: { name: 'needle' } },
  ])
})
