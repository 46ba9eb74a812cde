// Who runs PostgreSQL. It refuses to run as root, so root runs it as an unprivileged user, and that user
// may not be able to walk to the data folder (a home is often 0700).
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

export interface Runner {
  /** Set when another user than ours runs it. */
  readonly uid?: number
  readonly gid?: number
}

const nobody = 65534

/** Root hands over to the owner of the data, or to nobody; everyone else runs it as themselves. */
export function chooseRunner(data: string): Runner {
  if (process.getuid?.() !== 0) return {}
  const stands = statSync(data, { throwIfNoEntry: false })
  return stands && stands.uid !== 0 ? { uid: stands.uid, gid: stands.gid } : { uid: nobody, gid: nobody }
}

/** Whether the runner may walk to this folder. */
export function reachable(folder: string, runner: Runner): boolean {
  if (runner.uid === undefined) return true
  for (let at = resolve(folder); ; at = dirname(at)) {
    const stands = statSync(at, { throwIfNoEntry: false })
    if (stands && stands.uid !== runner.uid && (stands.mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

export async function give(path: string, { uid, gid }: Runner): Promise<void> {
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid)
}

/**
 * How to name the data folder to a program that is started inside it. A process may stand in a folder that
 * it could not walk to, and /proc/self/cwd names that folder without walking.
 */
export function nameOf(data: string, runner: Runner): string {
  return reachable(data, runner) ? data : '/proc/self/cwd'
}

export function spawnAs(
  runner: Runner,
  program: string,
  argv: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
  return spawn(program, [...argv], { env, ...options, ...runner })
}
