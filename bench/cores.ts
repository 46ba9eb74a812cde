// One core for the program that is measured, and the others for its callers and the upstream: what a request costs is
// asked on one core, where no other program of the bench takes turns with it. Where `taskset` cannot, all run anywhere.
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { tree } from './gauge.ts'

function allow(pid: number, cores: string): boolean {
  return tree(pid).every(
    one => spawnSync('taskset', ['-acp', cores, `${one}`], { stdio: 'ignore' }).status === 0,
  )
}

/** False, and nothing changed, where there is one core only or no `taskset`. */
export function setApart(measured: readonly number[], others: readonly number[]): boolean {
  const last = availableParallelism() - 1
  if (last === 0) return false
  const done =
    measured.every(pid => allow(pid, `${last}`)) && others.every(pid => allow(pid, `0-${last - 1}`))
  if (!done) letAnywhere([...measured, ...others])
  return done
}

/** Lets them run on every core again. */
export function letAnywhere(all: readonly number[]): void {
  for (const pid of all) allow(pid, `0-${availableParallelism() - 1}`)
}
