// The server as a child process: its settings go by environment, its progress comes by messages.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Terminal } from '../terminal.ts'

const program = fileURLToPath(import.meta.resolve('@switchyard/server/main'))

/** The data folder that is meant: flag, environment, or `.switchyard` here. */
export function dataFolder({ env, cwd }: Terminal, given: string | undefined): string {
  return resolve(cwd, given ?? env.SWITCHYARD_DATA ?? '.switchyard')
}

/** In a group of its own, so that Ctrl-C reaches it through us alone. */
export function startServer(
  { env }: Terminal,
  verb: 'up' | 'down' | 'reset' | 'backup' | 'restore',
  settings: Readonly<Record<string, string | undefined>>,
  output: number | 'inherit' | 'ignore',
  ...more: readonly string[]
): ChildProcess {
  const chosen = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
  const child = spawn(process.execPath, [program, verb, ...more], {
    detached: true,
    env: { ...env, ...chosen },
    stdio: ['ignore', output, output, 'ipc'],
  })
  if (typeof output === 'number') closeSync(output)
  return child
}

/** Where the server writes its log. A folder that can't be made is the server's to refuse, with a sentence. */
export function logFile(folder: string): number | 'ignore' {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return openSync(join(folder, 'server.log'), 'a', 0o600)
  } catch {
    return 'ignore'
  }
}

export function exitOf(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode)
  return new Promise(resolve => child.once('exit', (code, signal) => resolve(code ?? (signal ? 10 : 0))))
}
