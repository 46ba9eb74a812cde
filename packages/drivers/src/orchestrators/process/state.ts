// What is remembered of a child beside it on disk. The token is written before the child is born, so that
// whatever moment we die at, the child is found again: by pid and start time, or by the token alone.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
  readonly log: readonly string[]
  readonly at: string
  readonly reason?: string
}

export interface State {
  readonly installation: string
  readonly workload: string
  readonly replica: string
  readonly ordinal: number
  /** Decimal. */
  readonly epoch: string
  /** Digest of binary, argv, env and probes. */
  readonly template: string
  readonly probes: { readonly alive: string; readonly metrics?: string }
  /** What its metrics mean; may change while it runs. */
  readonly signals?: readonly { readonly signal: string; readonly metric: string }[]
  /** In the environment of the child and of its children, new at each start. */
  readonly token: string
  readonly port: number
  /** Absent between the decision to start and the birth. */
  readonly process?: { readonly pid: number; readonly start: string }
  readonly startedAt: string
  readonly readyAt?: string
  readonly restarts: number
  /** Times of the newest ends, at most 10. */
  readonly exits: readonly string[]
  /** Present while no process runs. */
  readonly exit?: Exit
}

export class StateFiles {
  readonly #root: string

  readonly #broken: (replica: string, error: unknown) => void

  /** @param broken hears of a state that cannot be read; its process is then nobody's, and is ended. */
  constructor(directory: string, broken: (replica: string, error: unknown) => void) {
    this.#root = join(directory, 'replicas')
    this.#broken = broken
  }

  folder(replica: string): string {
    // An id is a uuid; anything else could name another folder.
    if (!/^[\w-]+$/.test(replica)) throw new TypeError(`not a replica id: ${replica}`)
    return join(this.#root, replica)
  }

  async open(): Promise<void> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 })
  }

  async write(state: State): Promise<void> {
    const folder = this.folder(state.replica)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const part = join(folder, `state.${process.pid}.part`)
    await writeFile(part, JSON.stringify(state), { mode: 0o600 })
    await rename(part, join(folder, 'state.json'))
  }

  /** Undefined when there is none; a folder without state never had a child. */
  async read(replica: string): Promise<State | undefined> {
    try {
      // Written by `write` alone, whole or not at all.
      return JSON.parse(await readFile(join(this.folder(replica), 'state.json'), 'utf8')) as State
    } catch (error) {
      if (error instanceof SyntaxError) {
        this.#broken(replica, error)
        return undefined
      }
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    }
  }

  async all(): Promise<readonly State[]> {
    const names = (await readdir(this.#root, { withFileTypes: true })).filter(entry => entry.isDirectory())
    const states = await Promise.all(names.map(({ name }) => this.read(name)))
    return states.filter(state => state !== undefined)
  }

  async remove(replica: string): Promise<void> {
    await rm(this.folder(replica), { recursive: true, force: true })
  }
}
