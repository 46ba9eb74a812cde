// Where a file of a registry is on this machine; a path that leaves the folder, by name or by link, is refused.
import { realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '@switchyard/kinds'

/** The folder of a `file:///…` url. Throws `invalid`. */
export function folderOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch (cause) {
    throw new Fault('invalid', `${JSON.stringify(url)} is not a folder; use file:///absolute/folder.`, {
      cause,
    })
  }
}

/** The absolute path of a file below the folder, with links followed. */
export async function locate(url: string, path: string): Promise<string> {
  const leaves = () =>
    new Fault(
      'invalid',
      `${JSON.stringify(path)} leaves the folder of the registry; name a file inside of it.`,
      {
        reason: 'path_leaves_folder',
      },
    )
  if (path.includes('\0') || isAbsolute(path) || path.split(/[\\/]/).includes('..')) throw leaves()
  const folder = await real(folderOf(url), 'folder')
  const file = await real(resolve(folder, path), 'file')
  const inside = relative(folder, file)
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) throw leaves()
  return file
}

export async function real(path: string, what: 'folder' | 'file'): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    throw unreadable(path, what, error)
  }
}

/** What the operating system says about a path, as a fault that a person can act on. */
export function unreadable(path: string, what: 'folder' | 'file', cause: unknown): Fault {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new Fault('not_found', `There is no ${what} ${path}; put it there, or correct the path.`, {
      cause,
    })
  if (code === 'EACCES' || code === 'EPERM')
    return new Fault(
      'denied',
      `The ${what} ${path} may not be read; allow it for the user that runs Switchyard.`,
      { cause },
    )
  return new Fault('unavailable', `The ${what} ${path} cannot be read: ${String(cause)}.`, { cause })
}
