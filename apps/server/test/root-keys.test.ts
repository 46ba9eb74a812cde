// Root keys by the three ways in which they are given, each by the same cases, and what a server says of them.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandRootKey } from '@switchyard/drivers/root-keys/command'
import { cases, type Subject } from '@switchyard/drivers/root-keys/conformance'
import { Sealed } from '@switchyard/runtime'
import { testDatabase } from '@switchyard/store/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openKeys, prepareKeys, rootKeys } from '../src/root-keys.ts'
import { readSettings } from '../src/settings.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchyard-keys-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const base64 = (fill: number) => Buffer.alloc(32, fill).toString('base64')
const settingsOf = (environment: Readonly<Record<string, string>>) =>
  readSettings({ SWITCHYARD_DATA: folder, ...environment })
const first = (environment: Readonly<Record<string, string>>, place = join(folder, 'none')) => {
  const [root] = rootKeys(place, settingsOf(environment))
  if (!root) throw new Error('no root key')
  return root
}

/** A key service of a few lines: it keeps its key in a file, and takes nothing but what it is given on stdin. */
const service = new URL('kms.child.ts', import.meta.url).pathname
const command = (key: number) => {
  const file = join(folder, `kms-${key}`)
  writeFileSync(file, base64(key), { mode: 0o600 })
  return { SWITCHYARD_KMS_COMMAND: JSON.stringify([process.execPath, service, file]) }
}

const ways: Readonly<Record<string, () => Subject>> = {
  environment: () => ({
    one: first({ SWITCHYARD_SECRET_KEY: base64(1) }),
    again: first({ SWITCHYARD_SECRET_KEY: `${base64(1)},${base64(2)}` }),
    other: first({ SWITCHYARD_SECRET_KEY: base64(2) }),
  }),
  file() {
    const file = (key: number) => {
      const path = join(folder, `key-${key}`)
      writeFileSync(path, `${base64(key)}\n`, { mode: 0o600 })
      return { SWITCHYARD_SECRET_KEY_FILE: path }
    }
    return { one: first(file(1)), again: first(file(1)), other: first(file(2)) }
  },
  command: () => ({ one: first(command(1)), again: first(command(1)), other: first(command(2)) }),
}

describe.each(Object.entries(ways))('a root key of the %s', (_, subject) => {
  test.each(cases)('$name', ({ run }) => run(subject()))
})

describe('the command of a key service', () => {
  const program = (script: string) => {
    const path = join(folder, 'kms')
    writeFileSync(path, `#!/bin/sh\n${script}\n`)
    chmodSync(path, 0o700)
    return path
  }
  const key = new Sealed<Uint8Array>(Buffer.alloc(32, 7))
  const rootOf = (argv: readonly string[], timeoutSeconds = 5) =>
    commandRootKey({ argv, environment: { PATH: process.env.PATH ?? '' }, timeoutSeconds })

  test('is run as it is named, by no shell, and told what to do and for which key', async () => {
    const path = program(
      `printf '%s|' "$@" > ${folder}/asked; env > ${folder}/seen; head -c 32 | tr '\\007' '\\010'`,
    )
    await rootOf([path, '$(touch /tmp/never)', 'a b;c']).wrap(key, '0123456789abcdef')
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toBe(
      '$(touch /tmp/never)|a b;c|wrap|0123456789abcdef|',
    )
    const seen = readFileSync(join(folder, 'seen'), 'utf8')
    expect(seen.split('\n').filter(line => /^(PATH|PWD|_|SHLVL|)(=|$)/.test(line) === false)).toEqual([])
    expect(seen + readFileSync(join(folder, 'asked'), 'utf8')).not.toContain(Buffer.alloc(8, 7).toString())
  })

  test.each([
    ['exit 3', 'it ended with status 3'],
    ['true', 'it answered with nothing on its stdout'],
    ['cat', 'what it answered holds the key in clear'],
    ['head -c 70000 /dev/zero', 'it answered with more than 65536 bytes'],
    ['kill -TERM $$', 'SIGTERM ended it'],
  ])('that does `%s` is told of: %s', async (script, says) => {
    const path = program(script)
    await expect(rootOf([path]).wrap(key, 'k')).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'key_service',
      message: `The command of SWITCHYARD_KMS_COMMAND could not wrap a key: ${says}.`,
    })
  })

  test('that is not there, may not be run, or takes too long is told of', async () => {
    await expect(rootOf([join(folder, 'absent')]).wrap(key, 'k')).rejects.toThrow('there is no such program')
    const path = program('true')
    chmodSync(path, 0o600)
    if (process.getuid?.() !== 0)
      await expect(rootOf([path]).wrap(key, 'k')).rejects.toThrow('it may not be run')
    chmodSync(path, 0o700)
    writeFileSync(path, '#!/bin/sh\nsleep 60 & sleep 60\n')
    const began = performance.now()
    await expect(rootOf([path], 0.3).unwrap(Buffer.from('x'), 'k')).rejects.toThrow('longer than 0.3 seconds')
    expect(performance.now() - began).toBeLessThan(5000)
  })

  test('has words of its own that are no part of what callers are told', async () => {
    const path = program('echo "token=canary" >&2; exit 1')
    const fault = await rootOf([path])
      .unwrap(Buffer.from('x'), 'k')
      .catch((error: Error) => error)
    expect(String(fault)).not.toContain('canary')
    expect(fault).toMatchObject({ cause: { message: 'token=canary\n' } })
  })

  test('that answers with another length than a key is refused', async () => {
    const path = program('printf short')
    await expect(rootOf([path]).unwrap(Buffer.from('x'), 'k')).rejects.toThrow(
      'it answered with 5 bytes where a key of 32 was wrapped',
    )
  })
})

describe('a start', () => {
  test('makes a root key and the first version under it, once, and keeps the wrapped versions aside', async () => {
    await using db = await testDatabase()
    const settings = settingsOf({})
    expect(openKeys(db, folder, settings)).toBeUndefined()
    const { vault } = await prepareKeys(db, folder, undefined)
    const [version] = await vault.keys.list()
    expect(version).toMatchObject({ version: 1, opens: true })
    const again = await prepareKeys(db, folder, openKeys(db, folder, settings))
    expect(await again.vault.keys.list()).toEqual([version])
    const copy = readFileSync(join(folder, 'keys.json'), 'utf8')
    expect(copy).toContain(version?.id ?? '?')
    expect(copy).not.toContain(readFileSync(join(folder, 'secrets.key'), 'utf8').trim())
  })

  test('with a key service in front turns to it, and then needs no key in a file', async () => {
    await using db = await testDatabase()
    const before = await prepareKeys(db, folder, undefined)
    await before.vault.keep('name', new Sealed('value'))
    const settings = settingsOf(command(3))
    const turned = await prepareKeys(db, folder, openKeys(db, folder, settings))
    expect(await turned.vault.keys.rewrap()).toBe(1)
    rmSync(join(folder, 'secrets.key'))
    const after = await prepareKeys(db, folder, openKeys(db, folder, settings))
    expect((await after.vault.value('name'))?.reveal()).toBe('value')
    expect((await after.vault.keys.list()).map(({ root }) => root)).toEqual(['kms', 'kms'])
  })

  test('on sealed values without their key ends with what to do, and makes no key over the missing one', async () => {
    await using db = await testDatabase()
    const before = await prepareKeys(db, folder, undefined)
    await before.vault.keep('name', new Sealed('value'))
    const key = readFileSync(join(folder, 'secrets.key'))
    rmSync(join(folder, 'secrets.key'))
    await expect(prepareKeys(db, folder, undefined)).rejects.toThrow(
      /^1 secret in the database is sealed under the master key [0-9a-f]{16}, which this server was not given: put the file secrets\.key back,/,
    )
    expect(() => readFileSync(join(folder, 'secrets.key'))).toThrow('ENOENT')
    writeFileSync(join(folder, 'secrets.key'), key, { mode: 0o600 })
    const after = await prepareKeys(db, folder, openKeys(db, folder, settingsOf({})))
    expect((await after.vault.value('name'))?.reveal()).toBe('value')
  })
})

test('what is wrong with the settings of a key service is told by its name', () => {
  const wrong = (environment: Readonly<Record<string, string>>) => () => settingsOf(environment)
  expect(wrong({ SWITCHYARD_KMS_COMMAND: 'aws kms' })).toThrow(
    'SWITCHYARD_KMS_COMMAND: must be a JSON array such as',
  )
  expect(wrong({ SWITCHYARD_KMS_COMMAND: '[]' })).toThrow(
    'SWITCHYARD_KMS_COMMAND: must be a JSON array such as',
  )
  expect(wrong({ SWITCHYARD_KMS_ENVIRONMENT: 'A=b' })).toThrow(
    'SWITCHYARD_KMS_ENVIRONMENT: must be names of variables',
  )
  const { kms } = settingsOf({
    SWITCHYARD_KMS_COMMAND: '["kms"]',
    SWITCHYARD_KMS_ENVIRONMENT: 'VAULT_ADDR,ABSENT',
    VAULT_ADDR: 'https://vault',
    VAULT_TOKEN: 'canary',
    PATH: '/bin',
  })
  expect(kms).toEqual({
    argv: ['kms'],
    timeoutSeconds: 10,
    environment: { PATH: '/bin', VAULT_ADDR: 'https://vault' },
  })
})
