import { mkdtemp, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { objectsConformance } from '@switchyard/drivers/objects/conformance'
import { filesObjects } from '@switchyard/drivers/objects/files'
import { expect, test } from 'vitest'

const folder = () => mkdtemp(join(tmpdir(), 'switchyard-objects-'))

objectsConformance('files', { open: async () => filesObjects(await folder()) })

test('a file says that it is not to be written, and the store that it is not write-once', async () => {
  const at = await folder()
  const objects = filesObjects(at)
  await objects.add('a', new Uint8Array(1))
  expect((await stat(join(at, 'a'))).mode & 0o777).toBe(0o400)
  expect(objects.writeOnce).toBe(false)
  expect(objects.protection).toContain('not write-once')
})
