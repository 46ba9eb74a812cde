import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type SealedFileOptions, sealedFile } from '@switchyard/store/sealed-file'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sealed-'))
  path = join(folder, 'kept.sealed')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const key = randomBytes(32)
const file = (more: Partial<SealedFileOptions> = {}) =>
  sealedFile({ path, keys: [key], place: 'here', format: 1, ...more })

/** Any line without the end of one. */
const line = fc.string({ unit: 'grapheme' }).map(text => text.replaceAll('\n', ' '))

describe('a sealed file', () => {
  test('gives back the lines that were written, and what stands about them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 20 }), async lines => {
        await file().write({ version: '7' }, lines)
        expect(await file().read()).toEqual({ about: { version: '7' }, lines })
        expect(await file().about()).toEqual({ version: '7' })
      }),
      { numRuns: 50 },
    )
  })

  test('is in the clear in nothing but its head, and its owner alone reads it', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `{"canary":"${i} of many words"}`)
    const bytes = await file().write({ at: 'noon' }, lines)
    expect(statSync(path)).toMatchObject({ size: bytes, mode: 0o100600 })
    expect(readFileSync(path, 'latin1')).toMatch(/^\{"format":1,"place":"here","about":\{"at":"noon"\},/)
    expect(readFileSync(path, 'latin1')).not.toContain('canary')
    expect((await file().read())?.lines).toEqual(lines)
  })

  test('that is not there is undefined', async () => {
    expect(await file().read()).toBeUndefined()
    expect(await file().about()).toBeUndefined()
  })

  test('E2: one that is cut off or altered at any byte is refused whole', async () => {
    await file().write({ version: '7' }, ['one', 'two'])
    const whole = readFileSync(path)
    const refusal = { code: 'unavailable' }
    for (let at = 0; at < whole.length; at++) {
      writeFileSync(path, whole.subarray(0, at))
      await expect(file().read(), `cut at ${at}`).rejects.toMatchObject(refusal)
      const bytes = Buffer.from(whole)
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
      writeFileSync(path, bytes)
      await expect(file().read(), `bit of ${at}`).rejects.toMatchObject(refusal)
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.from('x')]))
    await expect(file().read()).rejects.toMatchObject({ reason: 'sealed_file_damaged' })
  })

  test('E2: one of another place, of an unknown key or of a newer program is refused by what it is', async () => {
    const reading = (more: Partial<SealedFileOptions>) => expect(file(more).read()).rejects
    await file({ format: 2 }).write({}, ['a'])
    await reading({}).toMatchObject({
      reason: 'sealed_file_too_new',
      message: expect.stringContaining(
        'written by a newer Switchyard (format 2, this one reads up to 1)',
      ) as unknown,
    })
    await file({ place: 'there' }).write({}, ['a'])
    await reading({}).toMatchObject({
      reason: 'sealed_file_foreign',
      message: expect.stringContaining('is of there, and this is here') as unknown,
    })
    expect(await file().about()).toBeUndefined()
    await file({ keys: [randomBytes(32)] }).write({}, ['a'])
    await reading({}).toMatchObject({
      reason: 'sealed_file_key_missing',
      message: expect.stringMatching(
        /sealed under the master key [0-9a-f]{16}, which this server was not given/,
      ) as unknown,
    })
    writeFileSync(path, 'PNG of a cat')
    await reading({}).toMatchObject({ reason: 'sealed_file_damaged' })
  })

  test('opens with any of the keys, and is sealed with the first', async () => {
    const newer = randomBytes(32)
    await file().write({}, ['old'])
    expect((await file({ keys: [newer, key] }).read())?.lines).toEqual(['old'])
    await file({ keys: [newer, key] }).write({}, ['new'])
    expect((await file({ keys: [newer] }).read())?.lines).toEqual(['new'])
  })

  test('that cannot be written whole leaves the last one, and nothing beside it', async () => {
    await file().write({}, ['good'])
    function* broken() {
      yield 'x'.repeat(100_000)
      throw new Error('no more')
    }
    await expect(file().write({}, broken())).rejects.toThrow('no more')
    expect((await file().read())?.lines).toEqual(['good'])
    expect(readdirSync(folder)).toEqual(['kept.sealed'])
  })

  test('takes away what a killed process had half written', async () => {
    const part = `${path}.1.part`
    writeFileSync(part, 'half')
    const before = new Date(Date.now() - 120_000)
    utimesSync(part, before, before)
    await file().write({}, ['good'])
    expect(existsSync(part)).toBe(false)
  })
})
