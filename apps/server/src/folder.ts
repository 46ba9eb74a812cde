// The data folder: who runs on it, and the facts left there for people and programs.
import { randomBytes, randomUUID } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@switchyard/kinds'
import { Sealed } from '@switchyard/runtime'
import type { Quickstart } from './progress.ts'
import { secretKeyPattern } from './settings.ts'
import type { WorkerState } from './workers-messages.ts'

export interface Folder {
  readonly path: string
  readonly postgres: string
  readonly journal: string
  readonly replicas: string
  readonly serverLog: string
  /** Random, made once: signs what is handed out to be given back, such as the place in a list. */
  readonly cursorKey: Buffer
  /** Random, made once: engines of this installation carry it, so that no other's are touched. */
  readonly installation: string
}

/** Opens (or makes) the data folder, mode 0700. */
export function openFolder(path: string): Folder {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw new Fault('denied', `Cannot write in ${path}: choose a folder that you own with --data DIR.`, {
      reason: 'folder_unwritable',
      cause,
    })
  }
  const once = (name: string, make: () => string) => {
    const known = readText(join(path, name))
    const value = known ?? make()
    if (known === undefined) replaceFile(join(path, name), value)
    return value
  }
  return Object.freeze({
    path,
    postgres: join(path, 'postgres'),
    journal: join(path, 'journal'),
    replicas: join(path, 'replicas'),
    serverLog: join(path, 'server.log'),
    installation: once('installation', () => randomUUID()),
    cursorKey: Buffer.from(
      once('cursor.key', () => randomBytes(32).toString('hex')),
      'hex',
    ),
  })
}

const secretKeyFile = 'secrets.key'

/** Master keys of the data folder; none before the first start has made one. */
export function readSecretKeys(folder: string): readonly Sealed<Uint8Array>[] {
  const path = join(folder, secretKeyFile)
  const text = readText(path)
  return text === undefined ? [] : secretKeysOf(path, text)
}

/** Master keys of a file that was named, one a line, the one that seals first. */
export function readSecretKeyFile(path: string): readonly Sealed<Uint8Array>[] {
  const text = readText(path)
  if (text !== undefined) return secretKeysOf(path, text)
  throw new Fault('not_found', `There is no file ${path}: correct SWITCHYARD_SECRET_KEY_FILE.`, {
    reason: 'secret_key_file',
  })
}

/** Keeps a new master key in the data folder, mode 0600. An older one is never written over. */
export function writeSecretKey(folder: string, key: Sealed<Uint8Array>): void {
  writeOnce(join(folder, secretKeyFile), Buffer.from(key.reveal()).toString('base64'))
}

const auditKeyFile = 'audit.key'

/** Keys that sign the log of the trail, of the named file or of the data folder; undefined before the first start. */
export function readAuditKeys(folder: string, named: string | undefined): readonly string[] | undefined {
  const path = named ?? join(folder, auditKeyFile)
  const text = readText(path)
  if (text === undefined) {
    if (named === undefined) return undefined
    throw new Fault('not_found', `There is no file ${path}: correct SWITCHYARD_AUDIT_KEY_FILE.`, {
      reason: 'audit_key_file',
    })
  }
  const open = openToOthers(path)
  if (open !== undefined)
    throw new Fault(
      'denied',
      `${path} can be read or written by others (${open}): run \`chmod 600 ${path}\`, and add a new key beside it if others may have read it.`,
      { reason: 'audit_key_file' },
    )
  const keys = linesOf(text)
  if (keys.length > 0) return keys
  throw new Fault('invalid', `${path} holds no key that signs the log: put the file back as it was.`, {
    reason: 'audit_key_file',
  })
}

/** Keeps a new key in the data folder, mode 0600. An older one is never written over. */
export function writeAuditKey(folder: string, key: string): void {
  writeOnce(join(folder, auditKeyFile), key)
}

function writeOnce(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(file, `${text}\n`)
    // What is sealed or signed under it from now on is lost without it.
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

const linesOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))

/** What others may do with a file of keys; undefined when that is nothing. A group may read one that an orchestrator owns. */
export function openToOthers(path: string): string | undefined {
  const { mode, uid } = statSync(path)
  const refused = uid === process.getuid?.() ? 0o077 : 0o037
  if ((mode & refused) === 0) return undefined
  return `mode ${(mode & 0o777).toString(8).padStart(4, '0')}`
}

function secretKeysOf(path: string, text: string): readonly Sealed<Uint8Array>[] {
  const open = openToOthers(path)
  if (open !== undefined)
    throw new Fault(
      'denied',
      `${path} can be read or written by others (${open}): run \`chmod 600 ${path}\`, and turn to a new key if others may have read it.`,
      { reason: 'secret_key_file' },
    )
  const lines = linesOf(text)
  if (lines.length > 0 && lines.every(line => secretKeyPattern.test(line)))
    return lines.map(line => new Sealed<Uint8Array>(Buffer.from(line, 'base64')))
  throw new Fault(
    'invalid',
    `${path} must hold master keys, one a line, each base64 of 32 bytes: put the file back as it was.`,
    { reason: 'secret_key_file' },
  )
}

export interface Running {
  readonly pid: number
  /** Field 22 of /proc/PID/stat, so that a reused pid is not taken for the server. */
  readonly startTime: string
  readonly port: number
  /** Name under which the process holds leases. */
  readonly holder: string
}

/** The server that runs on this folder, if one does. */
export function running(folder: string): Running | undefined {
  const last = lastServer(folder)
  return last && startTime(last.pid) === last.startTime ? last : undefined
}

/** The newest server of this folder that has not stopped in order, alive or dead. */
function lastServer(folder: string): Running | undefined {
  const text = readText(join(folder, 'server.json'))
  return text === undefined ? undefined : (JSON.parse(text) as Running) // written by `claim` alone
}

/**
 * Makes this process the folder's server; `conflict` when another one is. Answers the holder name of a server
 * that died here without stopping in order.
 */
export function claim(folder: string, port: number, holder: string): string | undefined {
  const last = lastServer(folder)
  const other = running(folder)
  if (other && other.pid !== process.pid)
    throw new Fault(
      'conflict',
      `Switchyard already runs on ${folder} (process ${other.pid}, port ${other.port}): use it, or stop it with \`switchyard down --data ${folder}\`.`,
      { reason: 'already_running' },
    )
  replaceFile(
    join(folder, 'server.json'),
    JSON.stringify({
      pid: process.pid,
      startTime: startTime(process.pid) ?? '',
      port,
      holder,
    } satisfies Running),
  )
  return last?.holder
}

export function release(folder: string): void {
  for (const file of ['server.json', workersFile]) rmSync(join(folder, file), { force: true })
}

const workersFile = 'workers.json'

/** How the gateway's workers stand, for who looks at the folder. */
export function writeWorkers(folder: string, states: readonly WorkerState[]): void {
  replaceFile(join(folder, workersFile), `${JSON.stringify(states, null, 2)}\n`)
}

/** None where the server runs the gateway in its own process. */
export function readWorkers(folder: string): readonly WorkerState[] {
  const text = readText(join(folder, workersFile))
  return text === undefined ? [] : (JSON.parse(text) as readonly WorkerState[]) // written by `writeWorkers` alone
}

export function readQuickstart(folder: string): Partial<Quickstart> | undefined {
  const text = readText(join(folder, 'quickstart.json'))
  return text === undefined ? undefined : (JSON.parse(text) as Partial<Quickstart>) // written by `writeQuickstart` alone
}

export function writeQuickstart(folder: string, quickstart: Quickstart): void {
  replaceFile(join(folder, 'quickstart.json'), `${JSON.stringify(quickstart, null, 2)}\n`)
}

/** Whole or not at all, readable by its owner alone. */
function replaceFile(path: string, text: string): void {
  const part = `${path}.${process.pid}.part`
  writeFileSync(part, text, { mode: 0o600 })
  renameSync(part, path)
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException // fs throws nothing else
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}

/** Start time of a process in clock ticks since boot; undefined when there is no such process. */
export function startTime(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  // The second field is the command in parentheses and may hold anything; fields count from behind it.
  if (stat) {
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended and waits for a parent that may never look.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  }
  try {
    process.kill(pid, 0)
    return 'unknown'
  } catch {
    return undefined
  }
}
