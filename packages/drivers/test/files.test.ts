// A folder of models: what its files say, and what may not be read through it.
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BadGguf, filesRegistry, NeedMore, readHeader } from '@switchyard/drivers/registries/files'
import { Fault } from '@switchyard/kinds'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { randomModel } from '../../../models/tiny/gguf.ts'

const signal = AbortSignal.timeout(60_000)
const model = randomModel(7)
let folder = ''
let url = ''
beforeAll(async () => {
  const base = await mkdtemp(join(tmpdir(), 'registry-'))
  folder = join(base, 'models')
  url = pathToFileURL(folder).href
  await mkdir(join(folder, 'sub'), { recursive: true })
  await writeFile(join(folder, 'tiny.gguf'), model)
  await writeFile(join(folder, 'sub', 'ünïcode 模型.gguf'), model)
  await writeFile(join(folder, 'notes.txt'), 'not a model')
  await writeFile(join(folder, 'cut.gguf'), model.subarray(0, model.length - 1000))
  await writeFile(join(base, 'outside.gguf'), model)
  await symlink(join(base, 'outside.gguf'), join(folder, 'link.gguf'))
  await symlink(join(folder, 'tiny.gguf'), join(folder, 'inner.gguf'))
})
afterAll(() => rm(join(folder, '..'), { recursive: true, force: true }))

const refusal = async (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    (error: unknown) => (error instanceof Fault ? `${error.code} ${error.reason}` : String(error)),
  )
const inspect = (path: string) => filesRegistry.inspect(url, path, () => {}, signal)

describe('a folder of models', () => {
  test('shows its model files, in subfolders too, and follows no link when listing', async () => {
    const paths = (await filesRegistry.files(url, 100, signal)).map(({ path }) => path)
    expect(paths.sort()).toEqual(['cut.gguf', 'sub/ünïcode 模型.gguf', 'tiny.gguf'])
    expect(await filesRegistry.check(url, signal)).toEqual({ models: 3 })
  })
  test('reads a range of a file', async () => {
    expect(await filesRegistry.read(url, 'tiny.gguf', { start: 0, end: 4 }, signal)).toEqual(
      Buffer.from('GGUF'),
    )
  })
  test('tells the facts and the digest of a model', async () => {
    const { facts, sha256, bytes, format } = await inspect('tiny.gguf')
    expect({ format, bytes, sha256 }).toEqual({
      format: 'gguf',
      bytes: model.length,
      sha256: createHash('sha256').update(model).digest('hex'),
    })
    expect(Object.fromEntries(Object.entries(facts).map(([name, { value }]) => [name, value]))).toMatchObject(
      {
        architecture: 'llama',
        context_length: 2048,
        block_count: 2,
        embedding_length: 64,
        head_count: 2,
        tokenizer: 'gpt2',
        chat_template: true,
        quantisation: 'F16',
      },
    )
    expect(facts.expert_count).toEqual({ unknown: 'the header has no llama.expert_count', source: 'header' })
  })
  test('a link inside of the folder may be read, one out of it may not', async () => {
    expect((await inspect('inner.gguf')).bytes).toBe(model.length)
    expect(await refusal(inspect('link.gguf'))).toBe('invalid path_leaves_folder')
  })
  test.each(['../outside.gguf', '/etc/passwd', 'sub/../../outside.gguf', 'a\0b', '.', 'sub\\..\\..\\x'])(
    'the path %j is refused',
    async path => expect(await refusal(inspect(path))).toMatch(/^invalid/),
  )
  test('a file that is not there is not found', async () => {
    expect(await refusal(inspect('gone.gguf'))).toBe('not_found not_found')
  })
  test('a file cut short is told apart from a good one', async () => {
    expect(await refusal(inspect('cut.gguf'))).toBe('invalid bad_header')
  })
  test('a file of another format is unknown', async () => {
    expect(await refusal(inspect('notes.txt'))).toBe('invalid unknown_format')
  })
  test('the stamp moves when bytes are changed and the modification time is put back', async () => {
    const path = join(folder, 'edited.gguf')
    await writeFile(path, model)
    await utimes(path, 1, 1)
    const before = await filesRegistry.file(url, 'edited.gguf', signal)
    await writeFile(
      path,
      model.map((byte, at) => (at === model.length - 1 ? byte ^ 1 : byte)),
    )
    await utimes(path, 1, 1)
    expect((await filesRegistry.file(url, 'edited.gguf', signal)).stamp).not.toBe(before.stamp)
    await rm(path)
  })
  test('a digest can be given up', async () => {
    const given = new AbortController()
    const work = filesRegistry.inspect(url, 'tiny.gguf', () => {}, given.signal)
    given.abort()
    expect(await refusal(work)).toMatch(/cancelled/)
  })
})

describe('the header of a hostile file', () => {
  const read = (bytes: Uint8Array) => {
    try {
      readHeader(bytes, bytes.length)
      return 'read'
    } catch (error) {
      if (error instanceof BadGguf || error instanceof NeedMore) return error.name
      throw error
    }
  }
  const head = model.subarray(0, 60_000)
  test('with any bytes changed is read or refused, quickly and without another error', () => {
    const edit = fc.tuple(fc.nat({ max: 8000 }), fc.nat({ max: 255 }))
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), edits => {
        const bytes = Uint8Array.from(head)
        for (const [at, byte] of edits) bytes[at] = byte
        expect(['read', 'BadGguf', 'NeedMore']).toContain(read(bytes))
      }),
      { numRuns: 5000 },
    )
  })
  test('of random bytes behind the magic is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), tail => {
        expect(read(Uint8Array.of(0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0, ...tail))).not.toBe('TypeError')
      }),
      { numRuns: 3000 },
    )
  })
  test('that counts more keys than the file has bytes is refused before anything is kept', () => {
    const bytes = Uint8Array.from(head)
    new DataView(bytes.buffer).setBigUint64(16, 60_000n, true)
    expect(read(bytes)).toBe('BadGguf')
  })
})
