// What a store of objects must do: every driver passes these.
import type { Objects } from '@switchyard/runtime'
import { describe, expect, test } from 'vitest'

export interface ObjectsUnderTest {
  /** A fresh, empty store. */
  open(): Promise<Objects>
}

const bytes = (text: string) => new TextEncoder().encode(text)
const text = async (objects: Objects, path: string) => {
  const found = await objects.get(path)
  return found && Buffer.from(found).toString()
}

export function objectsConformance(name: string, { open }: ObjectsUnderTest): void {
  describe(`objects in ${name}`, () => {
    test('are given back as they were put, of any bytes and of none', async () => {
      const objects = await open()
      const all = Uint8Array.from({ length: 70_000 }, (_, i) => i % 251)
      await objects.add('tile/0/x001/067', all)
      await objects.add('empty', new Uint8Array(0))
      expect(Buffer.from((await objects.get('tile/0/x001/067')) ?? []).equals(all)).toBe(true)
      expect((await objects.get('empty'))?.length).toBe(0)
      expect(await objects.get('tile/0/x001')).toBeUndefined()
      expect(await objects.get('nothing/here')).toBeUndefined()
    })

    test('are written once: the same again is fine, other bytes are refused and change nothing', async () => {
      const objects = await open()
      await objects.add('a/b', bytes('one'))
      await objects.add('a/b', bytes('one'))
      await expect(objects.add('a/b', bytes('two'))).rejects.toMatchObject({
        code: 'conflict',
        reason: 'object_differs',
      })
      expect(await text(objects, 'a/b')).toBe('one')
    })

    test('that are replaced are always whole, old or new', async () => {
      const objects = await open()
      const [old, young] = ['o'.repeat(50_000), 'y'.repeat(60_000)]
      await objects.replace('checkpoint', bytes(old))
      const replacing = objects.replace('checkpoint', bytes(young))
      for (let i = 0; i < 20; i++) expect([old, young]).toContain(await text(objects, 'checkpoint'))
      await replacing
      expect(await text(objects, 'checkpoint')).toBe(young)
    })

    test('are listed by the beginning of their names, in order', async () => {
      const objects = await open()
      for (const path of ['checkpoints/002', 'checkpoints/001', 'checkpoint', 'tile/0/000'])
        await objects.add(path, bytes(path))
      expect(await objects.list('checkpoints/')).toEqual(['checkpoints/001', 'checkpoints/002'])
      expect(await objects.list('none/')).toEqual([])
    })

    test('have no name that leads out of the store', async () => {
      const objects = await open()
      for (const path of ['../x', 'a/../../x', '/etc/passwd', 'a\\b', 'a\0'])
        await expect((async () => objects.add(path, bytes('x')))()).rejects.toBeInstanceOf(TypeError)
    })

    test('that are let go of are gone, unless they are kept until their time', async () => {
      const objects = await open()
      await objects.add('tile/0/000.p/1', bytes('x'))
      await objects.discard('tile/0/000.p/1')
      await objects.discard('never/there')
      expect(await text(objects, 'tile/0/000.p/1')).toBe(objects.writeOnce ? 'x' : undefined)
    })
  })
}
