// The trail from the command line: seen, taken away, and checked without a server.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesObjects } from '@switchyard/drivers/objects/files'
import { newSigner, numberEntries, publish, readSigner, servedTrail } from '@switchyard/ledger'
import { testDatabase, testPersons } from '@switchyard/store/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cli } from './harness.ts'
import { startYard, type Yard } from './yard.ts'

let yard: Yard
let database: Awaited<ReturnType<typeof testDatabase>>
let folder: string
const signer = readSigner(newSigner('switchyard.test/log', new Uint8Array(32).fill(5)))
let kept: string

async function sign(): Promise<void> {
  while ((await database.audit.sequence(1n, 500, numberEntries)) === 500);
  await publish({ audit: database.audit, archive: filesObjects(folder), signers: [signer] }, true)
}

beforeAll(async () => {
  database = await testDatabase()
  folder = await mkdtemp(join(tmpdir(), 'switchyard-cli-audit-'))
  const archive = filesObjects(folder)
  const trail = servedTrail({
    audit: database.audit,
    archive,
    signers: [signer],
    persons: testPersons(database),
    resume: async () => 7,
  })
  yard = await startYard({ audit: database.audit, trail })
  await database.audit.claim(1n)
  const act = (name: string, outcome?: 'denied') =>
    database.audit.record({
      workspace: 'team',
      action: 'project.create',
      resource: { kind: 'Project', name },
      actor: 'user:ann',
      ...(outcome ? { outcome, code: 'denied', reason: 'permission_missing' } : {}),
    })
  await act('one')
  await sign()
  kept = join(folder, 'kept.checkpoint')
  await writeFile(kept, await readFile(join(folder, 'checkpoint')))
  await act('two', 'denied')
  await sign()
})
afterAll(async () => {
  await yard?.[Symbol.asyncDispose]()
  await database.close()
})

const run = (argv: readonly string[], stdin?: string) =>
  yard.run(['audit', ...argv], {
    env: { SWITCHYARD_URL: yard.url, SWITCHYARD_TOKEN: yard.operator, SWITCHYARD_WORKSPACE: 'team' },
    ...(stdin === undefined ? {} : { stdin }),
  })
const verify = (...argv: string[]) => cli(['audit', 'verify', '--key', signer.text, ...argv])

describe('switchyard audit', () => {
  test('list shows who did what to what, newest first, and why it was refused', async () => {
    const { stdout, status } = await run(['list'])
    expect(status).toBe(0)
    const [, newest, oldest] = stdout.split('\n')
    expect(newest).toMatch(/user:ann +project\.create +project\/two +denied +permission_missing/)
    expect(oldest).toMatch(/user:ann +project\.create +project\/one +success/)
    const denied = await run(['list', '--outcome', 'denied', '--for', 'project/two', '-o', 'json'])
    expect(JSON.parse(denied.stdout)).toMatchObject({ items: [{ seq: 1, outcome: 'denied' }] })
    const worded = await run(['list', '--search', 'TWO ann', '-o', 'json'])
    expect(JSON.parse(worded.stdout)).toMatchObject({ items: [{ seq: 1 }] })
    expect((await run(['list', '--search', 'two three'])).stderr).toContain('Nothing of that')
    expect((await run(['list', '--from', '2020-01-01', '--to', '2020-01-02'])).stderr).toContain(
      'Nothing of that',
    )
  })

  test('key prints the public key alone, and resume says what it read back', async () => {
    expect((await run(['key'])).stdout).toBe(`${signer.text}\n`)
    const another = readSigner((await run(['key', '--new'])).stdout)
    expect([another.name, another.text === signer.text]).toEqual([signer.name, false])
    expect((await run(['resume'])).stderr).toContain('7 entries were read back')
  })

  test('verify says that an archive is whole by its public key, without a server', async () => {
    const found = await verify('--from', folder, '--since', kept)
    expect([found.status, found.stderr]).toEqual([0, ''])
    expect(found.stdout).toMatch(
      /^whole: 2 entries of switchyard\.test\/log, 4 checkpoints, root [A-Za-z0-9+/]{43}=\n$/,
    )
    const without = await verify('--from', `file://${folder}`, '-o', 'json')
    expect(without.stderr).toContain('--since')
    expect(JSON.parse(without.stdout)).toMatchObject({ verdict: 'whole', size: 2 })
  })

  test('verify tells by its exit status what it found: 1 tampered with, 2 incomplete, 2 asked for wrongly', async () => {
    const broken = await mkdtemp(join(tmpdir(), 'switchyard-cli-audit-'))
    expect(await verify('--from', broken)).toMatchObject({
      status: 2,
      stdout: 'incomplete: checkpoint is not in the archive.\n',
    })
    const other = readSigner(newSigner('switchyard.test/log', new Uint8Array(32).fill(6)))
    const foreign = await cli(['audit', 'verify', '--key', other.text, '--from', folder])
    expect(foreign).toMatchObject({
      status: 1,
      stdout: 'tampered: checkpoint is not signed by the key that you gave.\n',
    })
    expect((await verify()).status).toBe(2)
    expect((await verify('--from', 'ftp://x')).status).toBe(2)
    expect((await cli(['audit', 'verify', '--key', 'no+key', '--from', folder])).stderr).toContain(
      'verifier key',
    )
    await rm(broken, { recursive: true })
  })

  test('an export with proofs is checked line by line, and one changed letter is found', async () => {
    const { stdout } = await run(['export', '--proofs'])
    expect(stdout.trim().split('\n')).toHaveLength(2)
    const check = (text: string) =>
      cli(['audit', 'verify', '--key', signer.text, '--proof', '-'], { stdin: text })
    expect(await check(stdout)).toMatchObject({ status: 0, stdout: 'whole: 2 entries, each in the log\n' })
    expect(await check(stdout.replace('user:ann', 'user:bob'))).toMatchObject({
      status: 1,
      stdout: 'tampered: line 1 is no entry of the log\n',
    })
    const plain = await run(['export', '--form', 'ocsf'])
    expect(JSON.parse(plain.stdout.split('\n')[0] ?? '')).toMatchObject({ class_uid: 6003 })
    expect((await check(plain.stdout)).stderr).toContain('--proofs')
    expect((await run(['export', '--form', 'xml'])).status).toBe(2)
  })
})
