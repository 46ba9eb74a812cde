// The checks of a running server: its files, its disk, its journal and its gateway, before those of its database.
import { lstat, readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readiness } from '@switchyard/api'
import type { Check } from '@switchyard/runtime'
import type { Settings } from './settings.ts'

export interface ServerChecksOptions {
  readonly settings: Pick<Settings, 'data' | 'secretKeyFile'>
  readonly readiness: () => Readiness
  /** Prometheus' text, gathered anew. */
  readonly metrics: () => Promise<string>
}

/** Bytes that are left on the disk of the data folder. */
const room = { warns: 2 * 1024 ** 3, fails: 256 * 1024 ** 2 }
/** Age of the oldest record of usage that the database has not. */
const lag = { warns: 60, fails: 3600 }
/** Readable by their owner alone: whoever reads one of them is somebody, or reads what was said. */
const secretFiles = [
  'secrets.key',
  'keys.json',
  'audit.key',
  'quickstart.json',
  'cursor.key',
  'snapshot.sealed',
]
const mebibyte = 1024 ** 2

export function serverChecks({ settings, readiness, metrics }: ServerChecksOptions): readonly Check[] {
  const { data, secretKeyFile } = settings
  return [
    {
      name: 'files',
      asserts: 'The data folder and its secret files are open to nobody else.',
      todo: 'Run `chmod 700` on the folder and `chmod 600` on the files that are named; turn to new keys if others may have read them.',
      async run() {
        const paths = [
          data,
          ...secretFiles.map(name => join(data, name)),
          ...(secretKeyFile ? [secretKeyFile] : []),
        ]
        const found = await Promise.all(paths.map(async path => ({ path, open: await opennessOf(path) })))
        const there = found.filter(({ open }) => open !== undefined)
        const wrong = there.flatMap(({ path, open }) => (open === '' ? [] : `${path} (${open})`))
        if (wrong.length === 0) return { status: 'pass', found: `${there.length} files` }
        return { status: 'fail', found: wrong.join(', ') }
      },
    },
    {
      name: 'disk',
      asserts: 'The disk of the data folder has room: for the journal above all.',
      todo: 'Free some, or move the data folder: without room the gateway refuses what it cannot record.',
      async run() {
        const { bavail, bsize, blocks } = await statfs(data)
        const free = bavail * bsize
        const found = `${Math.floor(free / mebibyte)} MiB free of ${Math.floor((blocks * bsize) / mebibyte)}`
        return { status: free < room.fails ? 'fail' : free < room.warns ? 'warn' : 'pass', found }
      },
    },
    {
      name: 'journal',
      asserts: 'Usage is in the database within a minute.',
      todo: 'The log says `usage_not_shipped` and why. Nothing is lost while the disk has room.',
      async run() {
        const seconds = oldest(await metrics())
        const segments = await countFiles(join(data, 'journal'))
        const found = `oldest record waits ${seconds.toFixed(0)} s, ${segments} files`
        return { status: seconds > lag.fails ? 'fail' : seconds > lag.warns ? 'warn' : 'pass', found }
      },
    },
    {
      name: 'gateway',
      asserts: 'The gateway serves, and nothing of it is degraded.',
      todo: 'Each sentence says what is amiss; docs/operations.md says what to do when things break.',
      async run() {
        const { waitingFor, degraded } = readiness()
        if (waitingFor.length > 0) return { status: 'fail', found: waitingFor.join('; ') }
        if (degraded.length > 0) return { status: 'warn', found: degraded.join('; ') }
        return { status: 'pass', found: 'ready' }
      },
    },
  ]
}

/** '' when it is its owner's alone, undefined when it is not there. */
async function opennessOf(path: string): Promise<string | undefined> {
  const found = await lstat(path).catch(absent)
  if (!found) return undefined
  // A link, as an orchestrator mounts its secrets, is checked at the start, where it is read.
  if (found.isSymbolicLink() || (found.mode & 0o077) === 0) return ''
  return `mode ${(found.mode & 0o777).toString(8).padStart(4, '0')}`
}

async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(absent)
  return entries?.filter(entry => entry.isFile()).length ?? 0
}

/** The gauge of each gateway process, at its worst. */
function oldest(text: string): number {
  const values = [...text.matchAll(/^switchyard_gateway_journal_oldest_seconds(?:\{[^}]*\})? (\S+)$/gm)]
  return Math.max(0, ...values.map(([, value]) => Number(value)))
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw error
}
