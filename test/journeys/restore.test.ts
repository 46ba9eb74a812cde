// A backup is the data folder of a server that was stopped: put back elsewhere it is the same installation, and without its key
// it says what is missing.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort, startYard, switchyard, type Yard } from './yard.ts'

let yard: Yard
let place: string
beforeAll(async () => {
  yard = await startYard()
  place = mkdtempSync(join(tmpdir(), 'restored-'))
}, 170_000)
afterAll(async () => {
  await yard?.[Symbol.asyncDispose]()
  rmSync(place, { recursive: true, force: true })
})

test('a data folder that was copied while its server was stopped is the same installation in another place', async () => {
  const secret = 'value that only the key opens'
  await yard.api.create({
    kind: 'Credential',
    metadata: { name: 'kept', workspace: 'default' },
    spec: { value: secret },
  })
  const before = (await yard.run('get', 'credential', 'kept', '-o', 'json')).stdout
  const { status } = JSON.parse(before) as { status: object }
  expect((await yard.run('admin', 'keys', 'rotate')).code).toBe(0)
  expect((await yard.run('down')).code).toBe(0)
  const data = join(place, '.switchyard')
  execFileSync('cp', ['-a', join(yard.folder, '.switchyard'), data])

  const port = String(await freePort())
  const up = () => switchyard(place, ['up', '--detach', '--data', data, '--port', port])
  // Without the key nothing starts, and no new key takes the place of the old one.
  renameSync(join(data, 'secrets.key'), join(place, 'secrets.key'))
  const locked = await up()
  expect(locked.code).not.toBe(0)
  expect(locked.stderr).toMatch(
    /sealed under the master key [0-9a-f]{16}, which this server was not given: put the file secrets\.key back/,
  )
  expect(locked.stderr).not.toContain('    at ')
  renameSync(join(place, 'secrets.key'), join(data, 'secrets.key'))

  const started = await up()
  expect(started, started.stderr).toMatchObject({ code: 0 })
  const doctor = await switchyard(place, ['doctor'])
  expect(doctor, doctor.stdout).toMatchObject({ code: 0 })
  expect(doctor.stdout).toMatch(/^pass +sealed_values +1 documents with secrets$/m)
  const after = await switchyard(place, ['get', 'credential', 'kept', '-o', 'json'])
  expect(JSON.parse(after.stdout)).toMatchObject({ status })
  // Keys that were given out before go on working.
  const { apiKey } = JSON.parse(readFileSync(join(data, 'quickstart.json'), 'utf8')) as { apiKey: string }
  const models = await fetch(`http://127.0.0.1:${port}/v1/models`, {
    headers: { authorization: `Bearer ${apiKey}` },
  })
  expect(models.status).toBe(200)
  expect((await switchyard(place, ['down', '--data', data])).code).toBe(0)
}, 170_000)
