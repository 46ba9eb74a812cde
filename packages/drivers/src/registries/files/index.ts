// A folder of model files on this machine.
import { open, readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { Fault } from '@switchyard/kinds'
import type { Inspection, ModelFile, Registry } from '@switchyard/runtime'
import { digestOf } from './digest.ts'
import { factsOf } from './facts.ts'
import { BadGguf, type GgufHeader, NeedMore, readHeader } from './gguf.ts'
import { folderOf, locate, real, unreadable } from './path.ts'

export { BadGguf, type GgufHeader, NeedMore, readHeader } from './gguf.ts'

const prefix = { first: 1 << 20, most: 128 << 20 }
const modelFile = /\.gguf$/i
/** `check` counts no further than this: it proves that the folder answers, it is no inventory. */
const glance = 1000
/** A registry may be somebody's whole home: a listing looks at no more names than this. */
const mostNames = 20_000

export const filesRegistry: Registry = Object.freeze({
  async check(url: string, signal: AbortSignal) {
    return { models: (await list(url, glance, signal)).length }
  },

  async file(url: string, path: string) {
    return describe(await locate(url, path), path)
  },

  files: (url: string, limit: number, signal: AbortSignal) => list(url, limit, signal),

  async read(url: string, path: string, { start, end }: { readonly start: number; readonly end: number }) {
    const at = await locate(url, path)
    try {
      await using file = await open(at)
      return await readRange(file, start, end - start)
    } catch (error) {
      throw unreadable(at, 'file', error)
    }
  },

  async inspect(
    url: string,
    path: string,
    progress: (bytes: number, total: number) => void,
    signal: AbortSignal,
  ): Promise<Inspection> {
    const at = await locate(url, path)
    const { bytes } = await describe(at, path)
    const header = await headerOf(at, path, bytes)
    const sha256 = await digestOf(at, done => progress(done, bytes), signal)
    return { format: 'gguf', facts: factsOf(header, bytes), bytes, sha256 }
  },
})

async function describe(at: string, path: string): Promise<ModelFile> {
  try {
    const found = await stat(at, { bigint: true })
    if (!found.isFile())
      throw new Fault('invalid', `${JSON.stringify(path)} is not a file; name the .gguf file itself.`, {
        reason: 'unknown_format',
      })
    // The change time moves whenever the bytes may have: also when size and modification time are put back.
    return {
      path,
      bytes: Number(found.size),
      stamp: [found.size, found.mtimeNs, found.ctimeNs, found.ino].join(':'),
    }
  } catch (error) {
    throw error instanceof Fault ? error : unreadable(at, 'file', error)
  }
}

async function list(url: string, limit: number, signal: AbortSignal): Promise<readonly ModelFile[]> {
  const folder = await real(folderOf(url), 'folder')
  const found: ModelFile[] = []
  let names = 0
  const folders = [folder]
  for (let at = folders.pop(); at !== undefined && found.length < limit; at = folders.pop()) {
    const inside = at
    const entries = await readdir(inside, { withFileTypes: true }).catch((error: unknown) => {
      if (inside === folder) throw unreadable(inside, 'folder', error)
      return [] // a subfolder of somebody else hides nothing but itself
    })
    for (const entry of entries) {
      signal.throwIfAborted()
      if (found.length >= limit || ++names > mostNames) return found
      const path = join(inside, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile() && modelFile.test(entry.name))
        found.push(await describe(path, relative(folder, path).split(sep).join('/')))
    }
  }
  return found
}

/** Reads as long a prefix as the header needs, doubled each time. */
async function headerOf(at: string, path: string, size: number): Promise<GgufHeader> {
  await using file = await open(at).catch((error: unknown) => {
    throw unreadable(at, 'file', error)
  })
  const bad = (why: string, reason = 'bad_header') =>
    new Fault('invalid', `${path} cannot be served: ${why}. Fetch the file again or choose another.`, {
      reason,
    })
  for (let length = Math.min(size, prefix.first); ; length = Math.min(size, length * 2)) {
    try {
      const header = readHeader(await readRange(file, 0, length), size)
      if (header.needed !== undefined && header.needed > size)
        throw bad(`it is cut short, ${size} bytes of ${header.needed}`)
      return header
    } catch (error) {
      if (error instanceof BadGguf)
        throw bad(error.message, /begin with GGUF/.test(error.message) ? 'unknown_format' : 'bad_header')
      if (!(error instanceof NeedMore)) throw error
      if (length >= prefix.most) throw bad(`its header is larger than ${prefix.most} bytes`)
      if (length >= size) throw bad('its header reaches beyond the end of the file')
    }
  }
}

async function readRange(
  file: Awaited<ReturnType<typeof open>>,
  start: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = Buffer.alloc(Math.max(0, length))
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}
