// Where manifests come from: files, folders and standard input.
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { Fault } from '@switchyard/kinds'
import type { Source } from '@switchyard/manifest'
import type { Terminal } from '../terminal.ts'

/** Most that standard input may hold, bytes. */
const most = 64 * 1024 * 1024

/** `cancelled` when the signal ends the wait for somebody who types. */
export async function readAll(stdin: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  const end = () => stdin.destroy(new Fault('cancelled', 'Cancelled.'))
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  using _ = { [Symbol.dispose]: () => signal.removeEventListener('abort', end) }
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const buffer = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    bytes += buffer.length
    if (bytes > most) throw new Fault('too_large', 'Standard input holds more than 64 MiB: give a file.')
    chunks.push(buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const isManifest = /\.(ya?ml|json)$/i
const causes: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
}

function unreadable(path: string, error: unknown): Fault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return new Fault('invalid', `Cannot read ${path}: ${causes[code] ?? (code || String(error))}.`, {
    cause: error,
  })
}

async function filesOf(path: string, cwd: string): Promise<string[]> {
  const absolute = resolve(cwd, path)
  if (!(await stat(absolute)).isDirectory()) return [path]
  const entries = await readdir(absolute, { recursive: true, withFileTypes: true })
  const files = entries
    .filter(entry => entry.isFile() && isManifest.test(entry.name))
    .map(entry => relative(absolute, join(entry.parentPath, entry.name)))
    .filter(file => !file.split('/').some(part => part.startsWith('.') || part === 'node_modules'))
    .sort()
  if (files.length === 0) throw new Fault('invalid', `${path} holds no .yaml, .yml or .json file.`)
  return files.map(file => join(path, file))
}

/** `-` is standard input; a folder gives its .yaml, .yml and .json files, also of the folders below. */
export async function readSources(
  paths: readonly string[],
  { cwd, stdin }: Pick<Terminal, 'cwd' | 'stdin'>,
  signal: AbortSignal,
): Promise<readonly Source[]> {
  const sources: Source[] = []
  for (const path of paths) {
    if (path === '-') {
      sources.push({ file: 'stdin', text: await readAll(stdin, signal) })
      continue
    }
    try {
      for (const file of await filesOf(path, cwd))
        sources.push({ file, text: await readFile(resolve(cwd, file), 'utf8') })
    } catch (error) {
      throw error instanceof Fault ? error : unreadable(path, error)
    }
  }
  return sources
}
