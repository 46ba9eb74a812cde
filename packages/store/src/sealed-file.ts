// A file of lines that this installation alone can read, and only whole: sealed under a data key of its own, written
// beside its place and put there at once. What is cut off, altered, of another place or newer than this program is
// refused, never half read.
//
//   {"format":1,"place":"…","about":{…},"keyId":"…","wrapped":"…"}\n   in the clear, bound to what follows
//   nonce, AES-256-GCM of the lines, tag
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Fault } from '@switchyard/kinds'
import { dataKeyOf, decrypt, encrypting, newDataKey } from './envelope.ts'
import { type Keys, putBack, sealingKeys } from './keyring.ts'

export interface SealedFileOptions {
  readonly path: string
  /** Of the database, or 32 bytes each: the first seals, all of them open. */
  readonly keys: Keys
  /** What it is a file of: it is read nowhere else. Stands in it in the clear. */
  readonly place: string
  /** Version of what the lines say, from 1. */
  readonly format: number
}

/** What is told of the file without opening it. */
export type About = Readonly<Record<string, string>>

export interface SealedFile {
  readonly path: string
  /** Replaces it, and resolves with its bytes once it would survive a loss of power. Lines are taken as they are written. */
  write(about: About, lines: Iterable<string>): Promise<number>
  /** Undefined when there is none. */
  read(): Promise<{ readonly about: About; readonly lines: readonly string[] } | undefined>
  /** What its head claims, unproven; undefined when there is none of this place. */
  about(): Promise<About | undefined>
}

interface Head {
  readonly format: number
  readonly place: string
  readonly about: About
  readonly keyId: string
  /** Base64. */
  readonly wrapped: string
}

/** A piece that is sealed and written in one turn of the loop. */
const pieceLength = 32 * 1024
const mostHeadBytes = 4096
/** Of processes that were killed while they wrote. */
const partMilliseconds = 60_000

export function sealedFile({ path, keys: given, place, format }: SealedFileOptions): SealedFile {
  const keys = sealingKeys(given)
  const at = { id: 'file', field: place }
  let swept = false

  return {
    path,
    async write(about, lines) {
      if (!swept) await sweep(path)
      swept = true
      const { key, keyId, wrapped } = newDataKey(await keys.sealing(), randomBytes, at)
      const head = { format, place, about, keyId, wrapped: wrapped.toString('base64') } satisfies Head
      const first = Buffer.from(`${JSON.stringify(head)}\n`)
      const part = `${path}.${process.pid}.part`
      const file = await open(part, 'w', 0o600)
      try {
        const { nonce, add, end } = encrypting(key, randomBytes, first)
        let bytes = await append(file, Buffer.concat([first, nonce]))
        for (const piece of pieces(lines)) bytes += await append(file, add(piece))
        bytes += await append(file, end())
        await file.sync()
        await file.close()
        await rename(part, path)
        await syncFolder(dirname(path))
        return bytes
      } catch (error) {
        await file.close()
        await unlink(part).catch(absent)
        throw error
      }
    },

    async read() {
      const bytes = await readFile(path).catch(absent)
      if (!bytes) return undefined
      const end = bytes.indexOf('\n') + 1
      const head = headOf(bytes.subarray(0, end))
      if (!head) throw refused('damaged', `${path} is no file that Switchyard has sealed: delete it.`)
      if (head.format > format)
        throw refused(
          'too_new',
          `${path} was written by a newer Switchyard (format ${head.format}, this one reads up to ${format}): start the newer one, or delete the file.`,
        )
      if (head.place !== place)
        throw refused(
          'foreign',
          `${path} is of ${head.place}, and this is ${place}: put the right file back, or delete it.`,
        )
      return { about: head.about, lines: await linesOf(bytes, end, head) }
    },

    async about() {
      const file = await open(path, 'r').catch(absent)
      if (!file) return undefined
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(mostHeadBytes), 0, mostHeadBytes, 0)
        const head = headOf(buffer.subarray(0, buffer.subarray(0, bytesRead).indexOf('\n') + 1))
        return head?.format === format && head.place === place ? head.about : undefined
      } finally {
        await file.close()
      }
    },
  }

  async function linesOf(bytes: Buffer, end: number, { keyId, wrapped }: Head): Promise<readonly string[]> {
    const openers = await keys.opening([keyId])
    try {
      const key = dataKeyOf(openers, at, { keyId, wrapped: Buffer.from(wrapped, 'base64') })
      const text = decrypt(key, bytes.subarray(0, end), bytes.subarray(end)).toString()
      return text === '' ? [] : text.slice(0, -1).split('\n')
    } catch (cause) {
      if (cause instanceof Fault && cause.reason === 'secret_key_missing')
        throw refused(
          'key_missing',
          `${path} is sealed under the master key ${keyId}, which this server was not given: ${putBack}.`,
          cause,
        )
      throw refused('damaged', `${path} was cut off or altered: delete it.`, cause)
    }
  }
}

type Refused = 'damaged' | 'too_new' | 'foreign' | 'key_missing'

const refused = (reason: Refused, message: string, cause?: unknown) =>
  new Fault('unavailable', message, { reason: `sealed_file_${reason}`, cause })

/** Undefined when it is none. It may be anybody's: its members are looked at one by one. */
function headOf(line: Buffer): Head | undefined {
  if (line.length === 0 || line.length > mostHeadBytes) return undefined
  let head: unknown
  try {
    head = JSON.parse(line.toString())
  } catch {
    return undefined // not JSON is not ours
  }
  if (typeof head !== 'object' || head === null) return undefined
  const { format, place, about, keyId, wrapped } = head as Partial<Record<keyof Head, unknown>> // each is checked
  const texts = typeof place === 'string' && typeof keyId === 'string' && typeof wrapped === 'string'
  if (!texts || typeof format !== 'number' || typeof about !== 'object' || about === null) return undefined
  const told = Object.entries(about).filter((pair): pair is [string, string] => typeof pair[1] === 'string')
  return { format, place, keyId, wrapped, about: Object.fromEntries(told) }
}

function* pieces(lines: Iterable<string>): Generator<string> {
  let piece = ''
  for (const line of lines) {
    piece += `${line}\n`
    if (piece.length < pieceLength) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

async function append(file: FileHandle, bytes: Buffer): Promise<number> {
  await file.writeFile(bytes)
  return bytes.length
}

/** The name too is on disk from here on. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function sweep(path: string): Promise<void> {
  const before = Date.now() - partMilliseconds
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith('.part')) continue
    const part = join(dirname(path), name)
    const found = await stat(part).catch(absent)
    if (found && found.mtimeMs < before) await unlink(part).catch(absent)
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
