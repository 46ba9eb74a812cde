// Those who change things and those who number the trail are killed again and again: no change is without its entry, no
// entry without its change, and the log is whole to whoever has nothing but its key.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { filesObjects } from '@switchyard/drivers/objects/files'
import { newSigner, readSigner, readVerifier, verifyArchive } from '@switchyard/ledger'
import { testDatabase } from '@switchyard/store/testing'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { document, operator } from '../../store/test/given.ts'

const key = newSigner('switchyard.test/log', new Uint8Array(32).fill(1))
const verifier = readVerifier(readSigner(key).text)
const rounds = 6

const changed = `
select array_agg(version::text order by version) as versions from changes where kind = 'Project'`
const entered = `
select array_agg(entry #>> '{resource,version}' order by (entry #>> '{resource,version}')::bigint) as versions
from (
  select entry::jsonb as entry from audit_log union all select entry from audit_pending
) told
where entry #>> '{resource,kind}' = 'Project'`

test('MB5.I9: over kill -9 of writers and sequencers each committed change has one entry, and the log is whole', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-log-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const db = await testDatabase()
  stack.defer(() => db.close())
  const eyes = new Client({ connectionString: db.url, options: '-c search_path=switchyard' })
  await eyes.connect()
  stack.defer(() => eyes.end())
  await db.store.write(operator, tx => tx.insert(document('Workspace', null, 'default'), []))

  const program = (name: string) => new URL(name, import.meta.url).pathname
  const run = (name: string, ...args: readonly string[]) =>
    spawn(process.execPath, [program(name), db.url, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const running = new Map<string, ChildProcess>()
  stack.defer(() => {
    for (const one of running.values()) one.kill('SIGKILL')
  })
  const sequencer = (name: string) => running.set(name, run('./audit.child.ts', folder, key, name))
  const writer = async (name: string, round: number) => {
    const child = run('./change.child.ts', `${name}${round}`)
    running.set(name, child)
    let done = 0
    const enough = 3 + Math.floor(Math.random() * 4)
    for await (const _ of createInterface(child.stdout)) if (++done === enough) break
  }
  sequencer('s0')
  sequencer('s1')
  for (let round = 0; round < rounds; round++) {
    await Promise.all([writer('a', round), writer('b', round)])
    await sleep(Math.floor(Math.random() * 20))
    for (const name of ['a', 'b', `s${round % 2}`]) {
      const child = running.get(name)
      child?.kill('SIGKILL')
      if (child && child.signalCode === null) await once(child, 'exit')
    }
    sequencer(`s${round % 2}`)
  }
  const rows = async (sql: string) =>
    (await eyes.query<{ versions: readonly string[] }>(sql)).rows[0]?.versions
  // A transaction of whoever was killed may still be on its way out.
  await sleep(200)
  const changes = await rows(changed)
  expect(changes?.length).toBeGreaterThan(50)
  expect(await rows(entered)).toEqual(changes)
  const told = await eyes.query<{ count: number }>(
    'select ((select count(*) from audit_log) + (select count(*) from audit_pending))::integer as count',
  )
  const count = told.rows[0]?.count ?? 0
  await expect
    .poll(async () => (await db.audit.head()).archived, { timeout: 60_000, interval: 200 })
    .toBe(count)
  expect(await rows(entered)).toEqual(changes)
  const { rows: log } = await eyes.query(
    'select count(*)::integer as count, count(distinct id)::integer as ids, max(seq)::integer as last from audit_log',
  )
  expect(log).toEqual([{ count, ids: count, last: count - 1 }])
  const found = await verifyArchive({
    archive: filesObjects(folder),
    verifiers: [verifier],
    since: undefined,
  })
  expect(found).toMatchObject({ verdict: 'whole', checkpoint: { size: count } })
}, 180_000)
