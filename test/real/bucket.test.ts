// The archive of the trail in a bucket of somebody else's server, under a lock that it keeps itself. What is asked of it
// beside the product is asked by curl, which signs by itself.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { objectsConformance } from '@switchyard/drivers/objects/conformance'
import { openObjects } from '@switchyard/drivers/objects/open'
import { newSigner, publish, readSigner, resumeLog, verifyArchive } from '@switchyard/ledger'
import type { Objects } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { grow } from './grown.ts'
import { curl, minio, run, suite } from './tools.ts'

const environment = { AWS_ACCESS_KEY_ID: 'switchyard', AWS_SECRET_ACCESS_KEY: 'a-secret-of-the-test' }
const signer = readSigner(newSigner('switchyard.test/log', new Uint8Array(32).fill(9)))
const curls = curl()

suite('an archive in MinIO', 'path' in curls ? await minio() : curls, program => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-real-bucket-'))
  let server: ChildProcess
  let endpoint: string
  let number = 0

  beforeAll(async () => {
    const port = await freePort()
    endpoint = `http://127.0.0.1:${port}`
    server = spawn(program, ['server', folder, '--address', `127.0.0.1:${port}`, '--quiet'], {
      stdio: 'ignore',
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        MINIO_ROOT_USER: environment.AWS_ACCESS_KEY_ID,
        MINIO_ROOT_PASSWORD: environment.AWS_SECRET_ACCESS_KEY,
        MINIO_BROWSER: 'off',
      },
    })
    const live = () =>
      fetch(`${endpoint}/minio/health/live`).then(
        ({ ok }) => ok,
        () => false,
      )
    await vi.waitUntil(live, { timeout: 60_000, interval: 100 })
  })
  afterAll(async () => {
    server.kill()
    if (server.exitCode === null) await once(server, 'exit')
    rmSync(folder, { recursive: true, force: true })
  })

  /** Status and body of what anybody with the keys of the account asks. */
  async function ask(method: string, path: string, ...headers: string[]) {
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = environment
    const signing = ['--silent', '--aws-sigv4', 'aws:amz:us-east-1:s3', '--user', `${id}:${secret}`]
    const sent = headers.flatMap(header => ['--header', header])
    const answered = ['--write-out', '\n%{http_code}', `${endpoint}/${path}`]
    const told = await run('curl', [...signing, '--request', method, ...sent, ...answered])
    const end = told.lastIndexOf('\n')
    return { status: Number(told.slice(end + 1)), body: told.slice(0, end) }
  }

  async function bucket(lock: boolean): Promise<string> {
    const name = `archive-${++number}`
    const made = await ask('PUT', name, ...(lock ? ['x-amz-bucket-object-lock-enabled: true'] : []))
    expect(made.status).toBe(200)
    return name
  }

  const open = (name: string, lock: string): Promise<Objects> =>
    openObjects(`s3://${name}/prod/log?endpoint=${endpoint}${lock === '' ? '' : `&lock=${lock}`}`, {
      retentionDays: 183,
      environment,
    })

  objectsConformance('a bucket', { open: async () => open(await bucket(false), '') })
  objectsConformance('a bucket under a lock', { open: async () => open(await bucket(true), 'compliance') })

  test('a bucket without locks is refused where one is asked for', async () => {
    await expect(open(await bucket(false), 'compliance')).rejects.toMatchObject({
      reason: 'archive_not_locked',
    })
  })

  test('the owner of the account takes nothing back before its time, and the log is verified out of the bucket', async () => {
    await using database = await testDatabase()
    const name = await bucket(true)
    const archive = await open(name, 'compliance')
    await grow(database, archive, signer, [1, 255, 300])
    const check = async () => (await verifyArchive({ archive, verifiers: [signer] })).verdict
    expect(await check()).toBe('whole')

    const versions = async (path: string): Promise<readonly string[]> => {
      const { body } = await ask('GET', `${name}?prefix=prod%2Flog%2F${encodeURIComponent(path)}&versions=`)
      return [...body.matchAll(/<(Version|DeleteMarker)>.*?<Key>([^<]*)<\/Key>.*?<VersionId>([^<]*)</gs)]
        .filter(([, , key]) => key === `prod/log/${path}`)
        .map(([, kind, , id]) => `${kind} ${id}`)
    }
    const bundle = 'tile/entries/000'
    const [first = '', ...more] = await versions(bundle)
    expect(more).toEqual([])
    const id = first.split(' ')[1]
    const held = await ask('GET', `${name}/prod/log/${bundle}?retention=`)
    expect(held.body).toContain('<Mode>COMPLIANCE</Mode>')
    const until = Date.parse(/<RetainUntilDate>([^<]+)</.exec(held.body)?.[1] ?? '')
    expect(Math.round((until - Date.now()) / 86_400_000)).toBe(183)

    // Not the version itself, and not with any right there is.
    for (const headers of [[], ['x-amz-bypass-governance-retention: true']]) {
      const gone = await ask('DELETE', `${name}/prod/log/${bundle}?versionId=${id}`, ...headers)
      expect(gone.status).toBeGreaterThanOrEqual(400)
    }
    expect(await versions(bundle)).toEqual([first])
    await expect(archive.add(bundle, new Uint8Array(1))).rejects.toMatchObject({ reason: 'object_differs' })

    // A mark over it hides it, which is seen, and taking the mark away brings it back.
    expect((await ask('DELETE', `${name}/prod/log/${bundle}`)).status).toBe(204)
    expect(await check()).toBe('incomplete')
    const [mark = ''] = await versions(bundle)
    expect(mark).toMatch(/^DeleteMarker /)
    expect((await ask('DELETE', `${name}/prod/log/${bundle}?versionId=${mark.split(' ')[1]}`)).status).toBe(
      204,
    )
    expect(await check()).toBe('whole')

    // What is replaced keeps what it was.
    expect((await versions('checkpoint')).length).toBe(3)
    // A database that has lost all is read back from it.
    await using empty = await testDatabase()
    expect(await resumeLog({ audit: empty.audit, archive, signers: [signer], epoch: 1n })).toBe(556)
    expect(await publish({ audit: empty.audit, archive, signers: [signer] }, true)).toMatchObject({
      size: 556,
    })
    expect(await check()).toBe('whole')
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new TypeError('an IP server has a port')
  return address.port
}
