// The postmaster that runs on a data folder, as its postmaster.pid and the process table tell.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Postmaster {
  readonly pid: number
  readonly port: number
  /** Folder of its unix socket; '' when it listens on loopback alone. */
  readonly socket: string
  readonly ready: boolean
}

/** The running postmaster of this data folder; undefined when none runs, whatever a stale file says. */
export function findPostmaster(data: string): Postmaster | undefined {
  let lines: string[]
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 1 || !isPostgres(pid)) return undefined
  return { pid, port: Number(lines[3]), socket: lines[4] ?? '', ready: lines[7]?.trim() === 'ready' }
}

/** Whether a process runs; one that has ended and waits for its parent does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  if (process.platform !== 'linux') return true
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false // It ended between the two looks.
  }
}

function isPostgres(pid: number): boolean {
  if (!isRunning(pid)) return false
  const command =
    process.platform === 'linux'
      ? readCommand(pid)
      : execFileSync('ps', ['-o', 'comm=', '-p', String(pid)], { encoding: 'utf8' })
  return command.includes('postgres')
}

function readCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? ''
  } catch {
    return '' // It ended between the two looks.
  }
}

/** Ends a postmaster: fast (sessions are cut, a checkpoint is written), then at once, then by force. */
export async function endPostmaster(pid: number, graceSeconds = 30): Promise<void> {
  const steps: readonly (readonly [NodeJS.Signals, number])[] = [
    ['SIGINT', graceSeconds],
    ['SIGQUIT', 5],
    ['SIGKILL', 5],
  ]
  for (const [signal, seconds] of steps) {
    if (!isRunning(pid)) return
    process.kill(pid, signal)
    const attempts = Math.ceil((seconds * 1000) / 20)
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (!isRunning(pid)) return
      await sleep(20)
    }
  }
}
