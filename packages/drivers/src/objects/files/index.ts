// Objects as files that nobody may write: a folder keeps the writer from a slip, and not a person with rights over it.
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { Fault } from '@switchyard/kinds'
import type { Objects } from '@switchyard/runtime'
import { checkPath, differs } from '../path.ts'

/** Objects below a folder, which is made when something is put there. */
export function filesObjects(folder: string): Objects {
  const at = (path: string) => join(folder, ...checkPath(path).split('/'))

  async function get(path: string): Promise<Uint8Array | undefined> {
    const file = at(path)
    try {
      return await readFile(file)
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR' || codeOf(error) === 'EISDIR')
        return undefined
      throw unusable(folder, error)
    }
  }

  /** Whole and on the disk under another name first: what has its own name is never half. */
  async function written(
    path: string,
    bytes: Uint8Array,
    place: (part: string, to: string) => Promise<void>,
  ) {
    const to = at(path)
    const part = `${to}.${randomUUID()}.part`
    try {
      await mkdir(dirname(to), { recursive: true, mode: 0o700 })
      await using file = await open(part, 'wx', 0o400)
      await file.writeFile(bytes)
      await file.sync()
      await place(part, to)
      await using parent = await open(dirname(to))
      await parent.sync()
    } catch (error) {
      if (error instanceof Fault) throw error
      throw unusable(folder, error)
    } finally {
      await rm(part, { force: true })
    }
  }

  return Object.freeze({
    protection: `read-only files in ${folder}, which whoever owns the folder can replace: it is not write-once`,
    writeOnce: false,
    get,
    async add(path: string, bytes: Uint8Array) {
      const standing = await get(path)
      if (standing) {
        if (!Buffer.from(standing).equals(bytes)) throw differs(path)
        return
      }
      await written(path, bytes, async (part, to) => {
        try {
          await link(part, to)
        } catch (error) {
          if (codeOf(error) !== 'EEXIST') throw error
          if (!Buffer.from(await readFile(to)).equals(bytes)) throw differs(path)
        }
      })
    },
    replace: (path: string, bytes: Uint8Array) => written(path, bytes, rename),
    async discard(path: string) {
      await rm(at(path), { force: true })
    },
    async list(prefix: string) {
      const base = checkPath(prefix.replace(/[^/]*$/, '') || '.')
      const found = await readdir(base === '.' ? folder : join(folder, base), {
        recursive: true,
        withFileTypes: true,
      }).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return []
        throw unusable(folder, error)
      })
      return found
        .filter(entry => entry.isFile() && !entry.name.endsWith('.part'))
        .map(entry => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .filter(path => path.startsWith(prefix))
        .sort()
    },
  })
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

function unusable(folder: string, cause: unknown): Fault {
  return new Fault(
    'unavailable',
    `The archive cannot be used: look at the rights and the space of ${folder}.`,
    {
      reason: 'archive_unusable',
      cause,
    },
  )
}
