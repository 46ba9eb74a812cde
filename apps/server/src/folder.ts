// The data folder: who runs on it, and the facts left there for people and programs.
import { randomUUID } from 'node:crypto'
import { accessSync, constants, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@switchyard/kinds'
import type { Quickstart } from './progress.ts'

export interface Folder {
  readonly path: string
  readonly postgres: string
  readonly journal: string
  readonly replicas: string
  readonly serverLog: string
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
  const file = join(path, 'installation')
  const installation = readText(file) ?? randomUUID()
  writeFileSync(file, installation, { mode: 0o600 })
  return Object.freeze({
    path,
    postgres: join(path, 'postgres'),
    journal: join(path, 'journal'),
    replicas: join(path, 'replicas'),
    serverLog: join(path, 'server.log'),
    installation,
  })
}

export interface Running {
  readonly pid: number
  /** Field 22 of /proc/PID/stat, so that a reused pid is not taken for the server. */
  readonly startTime: string
  readonly port: number
}

/** The server that runs on this folder, if one does. */
export function running(folder: string): Running | undefined {
  const text = readText(join(folder, 'server.json'))
  if (!text) return undefined
  const state = JSON.parse(text) as Running // written by `claim` alone
  return startTime(state.pid) === state.startTime ? state : undefined
}

/** Makes this process the folder's server; `conflict` when another one is. */
export function claim(folder: string, port: number): void {
  const other = running(folder)
  if (other && other.pid !== process.pid)
    throw new Fault(
      'conflict',
      `Switchyard already runs on ${folder} (process ${other.pid}, port ${other.port}): use it, or stop it with \`switchyard down --data ${folder}\`.`,
      { reason: 'already_running' },
    )
  replaceFile(
    join(folder, 'server.json'),
    JSON.stringify({ pid: process.pid, startTime: startTime(process.pid) ?? '', port }),
  )
}

export function release(folder: string): void {
  rmSync(join(folder, 'server.json'), { force: true })
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
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Start time of a process in clock ticks since boot; undefined when there is no such process. */
export function startTime(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  // The second field is the command in parentheses and may hold anything; fields count from behind it.
  if (stat) return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  try {
    process.kill(pid, 0)
    return 'unknown'
  } catch {
    return undefined
  }
}
