import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Sealed } from '@switchyard/runtime'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readSecretKeyFile, readSecretKeys, writeSecretKey } from '../src/folder.ts'
import { readSettings } from '../src/settings.ts'

const bytes = (fill: number) => new Uint8Array(32).fill(fill)
const base64 = (fill: number) => Buffer.from(bytes(fill)).toString('base64')

describe('master keys', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'switchyard-folder-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('of a data folder are readable by its owner alone, and found again', () => {
    expect(readSecretKeys(folder)).toEqual([])
    writeSecretKey(folder, new Sealed(bytes(7)))
    expect(statSync(join(folder, 'secrets.key')).mode & 0o777).toBe(0o600)
    expect(readSecretKeys(folder).map(key => Buffer.from(key.reveal()))).toEqual([Buffer.from(bytes(7))])
  })

  test('are never written over', () => {
    writeSecretKey(folder, new Sealed(bytes(7)))
    expect(() => writeSecretKey(folder, new Sealed(bytes(8)))).toThrow('EEXIST')
    expect(readFileSync(join(folder, 'secrets.key'), 'utf8')).toBe(`${base64(7)}\n`)
  })

  test('of a named file stand one a line, the one that seals first', () => {
    const file = join(folder, 'keys')
    writeFileSync(file, `# new\n${base64(1)}\n\n# old\n${base64(2)}\n`, { mode: 0o600 })
    expect(readSecretKeyFile(file).map(key => key.reveal()[0])).toEqual([1, 2])
    expect(() => readSecretKeyFile(join(folder, 'absent'))).toThrow('correct SWITCHYARD_SECRET_KEY_FILE')
  })

  test('that others may read are refused with what to do', () => {
    const file = join(folder, 'keys')
    writeFileSync(file, base64(1), { mode: 0o600 })
    for (const mode of [0o644, 0o640, 0o620, 0o604]) {
      chmodSync(file, mode)
      expect(() => readSecretKeyFile(file)).toThrow(`chmod 600 ${file}`)
    }
    chmodSync(file, 0o400)
    expect(readSecretKeyFile(file)).toHaveLength(1)
  })

  test('that are none are refused without being shown', () => {
    const file = join(folder, 'keys')
    for (const text of ['', 'canary', `${base64(1)}\ncanary`, base64(1).slice(4)]) {
      writeFileSync(file, text, { mode: 0o600 })
      expect(() => readSecretKeyFile(file)).toThrow(/must hold master keys(?!.*canary)/)
    }
    expect(() => readSettings({ SWITCHYARD_SECRET_KEY: 'canary' })).toThrow(
      /^SWITCHYARD_SECRET_KEY: must be base64 of 32 bytes$/,
    )
  })

  test('come by environment too, and settings do not show them', () => {
    const settings = readSettings({ SWITCHYARD_SECRET_KEY: `${base64(3)}, ${base64(4)}` })
    expect(settings.secretKeys.map(key => key.reveal()[0])).toEqual([3, 4])
    expect(JSON.stringify(settings) + inspect(settings, { depth: 9 })).not.toContain(base64(3))
    expect(inspect(settings, { depth: 9 })).toContain('[sealed]')
  })
})

describe('the limits of the platform', () => {
  test('are JSON like those of a workspace', () => {
    const limits = { requests: { perMinute: 60 }, models: { 'gpt-*': { concurrency: 2 } } }
    expect(readSettings({ SWITCHYARD_LIMITS: JSON.stringify(limits) }).limits).toEqual(limits)
    expect(readSettings({}).limits).toBeUndefined()
  })

  test('are refused with the place of what is wrong', () => {
    expect(() => readSettings({ SWITCHYARD_LIMITS: '60' })).toThrow('SWITCHYARD_LIMITS: limits: ')
    expect(() => readSettings({ SWITCHYARD_LIMITS: '{' })).toThrow('SWITCHYARD_LIMITS: must be JSON')
    expect(() => readSettings({ SWITCHYARD_LIMITS: '{"requests":{}}' })).toThrow(
      'SWITCHYARD_LIMITS: requests: set one of perMinute and perSecond',
    )
  })
})
