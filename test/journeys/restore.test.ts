// What was backed up is the same installation in another place: the database while everything ran, or the data folder of a server
// that was stopped. Without its key it says what is missing.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, freePort, startYard, switchyard, type Yard } from './yard.ts'

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

test('a backup made while everything runs is restored elsewhere: usage, secrets, keys and a trail that can be verified', async () => {
  const secret = 'CanaryThatOnlyTheKeyOpens'
  await yard.api.create({
    kind: 'Credential',
    metadata: { name: 'sealed', workspace: 'default' },
    spec: { value: secret },
  })
  const made = await yard.run('keys', 'create', 'given', '--owner', 'serviceaccount/quickstart')
  const key = made.stdout.trim()
  expect(made.code, made.stderr).toBe(0)
  const client = yard.openai(key)
  const ask = () =>
    client.chat.completions.create({
      model: yard.facts.model,
      messages: [{ role: 'user', content: 'Hello!' }],
      max_tokens: 4,
    })
  await ask()
  const data = join(yard.folder, '.switchyard')
  const count = async (folder: string, server: string) => {
    const ran = await switchyard(folder, ['usage', '--by', 'model', '-o', 'json'], {
      env: { SWITCHYARD_URL: server },
    })
    return ran.stdout
  }
  await eventually('usage in the database', 30, async () =>
    (await count(yard.folder, yard.facts.baseUrl)).includes(yard.facts.model) ? true : undefined,
  )
  const backup = join(place, 'backup')
  // Calls go on meanwhile.
  const [taken] = await Promise.all([yard.run('admin', 'backup', backup), ask(), ask()])
  expect(taken, taken.stderr).toMatchObject({ code: 0, stdout: `${backup}\n` })
  expect(taken.stderr).toMatch(/^Writing \w+: \d+ of \d+ rows/m)
  expect(taken.stderr).toMatch(/It opens with the root key [0-9a-f]{16}, which is not part of it/)
  for (const file of readdirSync(join(backup, 'tables'))) {
    const text = gunzipSync(readFileSync(join(backup, 'tables', file))).toString()
    for (const form of ['utf8', 'hex', 'base64'] as const)
      expect([file, text.includes(Buffer.from(secret).toString(form).slice(0, -4))]).toEqual([file, false])
    expect([file, text.includes(key)]).toEqual([file, false])
  }
  expect(await yard.run('admin', 'backup', backup)).toMatchObject({ code: 6 })
  expect(await yard.run('admin', 'restore', backup)).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('A server runs on') as string,
  })

  // What the archive has signed since, the copy does not know.
  await yard.api.create({ kind: 'Project', metadata: { name: 'later', workspace: 'default' }, spec: {} })
  const sizeOf = (checkpoint: string) => Number(checkpoint.split('\n')[1])
  const checkpoint = join(data, 'audit/checkpoint')
  const before = sizeOf(readFileSync(checkpoint, 'utf8'))
  await eventually('the next checkpoint', 40, () =>
    sizeOf(readFileSync(checkpoint, 'utf8')) > before ? true : undefined,
  )

  const other = join(place, 'other')
  mkdirSync(other, { mode: 0o711 })
  const home = join(other, '.switchyard')
  const restored = await switchyard(other, ['admin', 'restore', backup, '--data', home])
  expect(restored, restored.stderr).toMatchObject({ code: 0 })
  expect(restored.stderr).toMatch(/The server starts on it with the root key [0-9a-f]{16}/)
  for (const file of ['secrets.key', 'audit.key']) copyFileSync(join(data, file), join(home, file))
  cpSync(join(data, 'audit'), join(home, 'audit'), { recursive: true })
  const port = String(await freePort())
  const started = await switchyard(other, ['up', '--detach', '--data', home, '--port', port])
  expect(started, started.stderr).toMatchObject({ code: 0 })
  const server = `http://127.0.0.1:${port}`
  try {
    const kept = await switchyard(other, ['get', 'credential', 'sealed', '-o', 'json'])
    const standing = await yard.run('get', 'credential', 'sealed', '-o', 'json')
    const { status } = JSON.parse(standing.stdout) as { status: object }
    expect(JSON.parse(kept.stdout)).toMatchObject({ status })
    expect((await switchyard(other, ['get', 'project', 'later'])).code).not.toBe(0)
    expect((await switchyard(other, ['usage', '--by', 'model', '-o', 'json'])).stdout).toContain(
      yard.facts.model,
    )
    const models = await fetch(`${server}/v1/models`, {
      headers: { authorization: `Bearer ${key}` },
    })
    expect(models.status).toBe(200)
    const ready = async () => (await fetch(`${server}/readyz`)).text()
    await eventually('the trail to say that it is behind', 30, async () =>
      (await ready()).includes('the trail') ? true : undefined,
    )
    const resumed = await switchyard(other, ['audit', 'resume', '--yes'])
    expect(resumed, resumed.stderr).toMatchObject({ code: 0 })
    await eventually('the trail to go on', 30, async () =>
      (await ready()).includes('the trail') ? undefined : true,
    )
    const doctor = await switchyard(other, ['doctor'])
    expect(doctor, doctor.stdout).toMatchObject({ code: 0 })
    expect(doctor.stdout).toMatch(/^pass +sealed_values/m)
    const signer = await switchyard(other, ['audit', 'key'])
    const keyFile = join(other, 'log.vkey')
    writeFileSync(keyFile, signer.stdout)
    const last = sizeOf(readFileSync(join(home, 'audit/checkpoint'), 'utf8'))
    await eventually('a checkpoint of what was told since', 40, () =>
      sizeOf(readFileSync(join(home, 'audit/checkpoint'), 'utf8')) > last ? true : undefined,
    )
    const verified = await switchyard(other, [
      'audit',
      'verify',
      '--from',
      join(home, 'audit'),
      '--key',
      keyFile,
    ])
    expect(verified, verified.stderr + verified.stdout).toMatchObject({ code: 0 })
  } finally {
    expect((await switchyard(other, ['down', '--data', home])).code).toBe(0)
  }
}, 240_000)

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
  expect(doctor.stdout).toMatch(/^pass +sealed_values +2 documents with secrets$/m)
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
