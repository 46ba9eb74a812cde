// What the kernel says of a program: the processor's time and the memory of its processes, threads included.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Program } from './programs.ts'

const tickMicroseconds = 10_000
const pageBytes = 4096

export interface Gauge {
  /** CPU used so far, user and system. */
  readonly cpuMicroseconds: () => number
  readonly residentBytes: () => number
}

/** The process and those that it has started. */
export function tree(pid: number): number[] {
  const children = spawnSync('ps', ['-o', 'pid=', '--ppid', `${pid}`], { encoding: 'utf8' }).stdout
  return [pid, ...children.split('\n').map(Number).filter(Boolean)]
}

/** CPU that a process has used so far, user and system, in microseconds. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * tickMicroseconds
}

export function gaugeOf({ process: { pid = 0 } }: Program): Gauge {
  const pids = tree(pid)
  return {
    cpuMicroseconds: () => pids.reduce((sum, one) => sum + cpuOf(one), 0),
    residentBytes: () =>
      pids.reduce((sum, one) => {
        const pages = readFileSync(`/proc/${one}/statm`, 'utf8').split(' ')[1]
        return sum + Number(pages) * pageBytes
      }, 0),
  }
}

/** The most files that a process may open here. */
export function mostFiles(): number {
  const line = /^Max open files +\d+ +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  return line?.[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line?.[1])
}

/** Milliseconds for which the host has given the machine's cores to others, all of them together; 0 where none is told. */
export function stolenMilliseconds(): number {
  const [, , , , , , , , steal = '0'] =
    /^cpu .*$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[0].split(/ +/) ?? []
  return (Number(steal) * tickMicroseconds) / 1000
}
