// The machine's processes, as far as they carry our mark. A pid alone proves nothing: numbers are reused,
// so a process is ours when its start time and the token in its environment say so too.
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

export const marks = { installation: 'SWITCHYARD_INSTALLATION', token: 'SWITCHYARD_TOKEN' } as const

export interface Found {
  readonly pid: number
  readonly group: number
  readonly start: string
  readonly token: string
}

export interface ProcessTable {
  /** When the process started, in words that only equality is asked of; undefined when it has ended. */
  start(pid: number): Promise<string | undefined>
  /** Whether the process carries the token; undefined when this platform cannot say. */
  carries(pid: number, token: string): Promise<boolean | undefined>
  /** Every process of the installation; empty where the platform shows no environments. */
  ofInstallation(installation: string): Promise<readonly Found[]>
}

const linux: ProcessTable = {
  start: async pid => (await stat(pid))?.start,
  carries: async (pid, token) => (await environment(pid))?.get(marks.token) === token,
  async ofInstallation(installation) {
    const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
    const found = await Promise.all(
      pids.map(async (pid): Promise<Found | undefined> => {
        const variables = await environment(pid)
        if (variables?.get(marks.installation) !== installation) return undefined
        const status = await stat(pid)
        const token = variables.get(marks.token)
        return status && token !== undefined ? { pid, token, ...status } : undefined
      }),
    )
    return found.filter(each => each !== undefined)
  },
}

/** proc_pid_stat(5): the command may hold spaces and brackets, the fields after the last one do not. */
async function stat(pid: number): Promise<{ readonly group: number; readonly start: string } | undefined> {
  const text = await optional(`/proc/${pid}/stat`)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  if (!fields || fields[0] === 'Z' || fields[0] === 'X') return undefined
  const [group, start] = [fields[2], fields[19]]
  return group !== undefined && start !== undefined ? { group: Number(group), start } : undefined
}

async function environment(pid: number): Promise<ReadonlyMap<string, string> | undefined> {
  const text = await optional(`/proc/${pid}/environ`)
  if (text === undefined) return undefined
  const pairs = text.split('\0').map(pair => {
    const equals = pair.indexOf('=')
    return [pair.slice(0, equals), pair.slice(equals + 1)] as const
  })
  return new Map(pairs)
}

async function optional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined // ended meanwhile, or a stranger's
  }
}

const run = promisify(execFile)

/** Elsewhere ps tells start times and no environments: children are adopted, unrecorded ones not found. */
const portable: ProcessTable = {
  async start(pid) {
    try {
      const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
        env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' },
      })
      return stdout.trim().startsWith('Z') ? undefined : stdout.trim().replace(/^\S+\s+/, '') || undefined
    } catch {
      return undefined // ps exits with 1 when there is no such process
    }
  },
  carries: () => Promise.resolve(undefined),
  ofInstallation: () => Promise.resolve([]),
}

export const processTable = (platform: NodeJS.Platform): ProcessTable =>
  platform === 'linux' ? linux : portable
