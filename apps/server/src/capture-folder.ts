// Captured requests on disk: one file each, in a folder for each day, which goes when its time is over.
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface CaptureFolderOptions {
  readonly folder: string
  /** Whole days for which a day's folder is kept after it. */
  readonly days: number
  /** Bytes of all files. */
  readonly mostBytes: number
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const dayForm = /^\d{4}-\d{2}-\d{2}$/
const dayMilliseconds = 86_400_000

export class CaptureFolder {
  readonly #options: CaptureFolderOptions
  /** Bytes of each day's files. */
  readonly #days = new Map<string, number>()

  constructor(options: CaptureFolderOptions) {
    this.#options = options
  }

  get bytes(): number {
    let all = 0
    for (const bytes of this.#days.values()) all += bytes
    return all
  }

  /** Nothing more is written until older days have gone. */
  get full(): boolean {
    return this.bytes >= this.#options.mostBytes
  }

  /** Only the owner of the folder can read it. */
  async write(name: string, text: string): Promise<void> {
    const { folder, now } = this.#options
    const day = dayOf(now())
    await mkdir(join(folder, day), { recursive: true, mode: 0o700 })
    await writeFile(join(folder, day, `${name}.json`), text, { mode: 0o600, flag: 'wx' })
    this.#days.set(day, (this.#days.get(day) ?? 0) + Buffer.byteLength(text))
  }

  /** Drops the days that are over, then the oldest ones until the rest is small enough; the days that went. */
  async sweep(): Promise<readonly string[]> {
    const { folder, days, mostBytes, now } = this.#options
    await mkdir(folder, { recursive: true, mode: 0o700 })
    this.#days.clear()
    for (const day of (await readdir(folder)).filter(name => dayForm.test(name)).sort())
      this.#days.set(day, await sizeOf(join(folder, day)))
    const first = dayOf(now() - days * dayMilliseconds)
    const today = dayOf(now())
    const gone: string[] = []
    for (const day of this.#days.keys()) {
      if (day >= first && (this.bytes < mostBytes || day === today)) break
      await rm(join(folder, day), { recursive: true, force: true })
      this.#days.delete(day)
      gone.push(day)
    }
    return gone
  }
}

const dayOf = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 10)

/** Another process may have dropped the day, or a file of it, in the meantime. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder).catch(goneIsEmpty))
    bytes += await stat(join(folder, name)).then(({ size }) => size, goneIsNothing)
  return bytes
}

const goneIsEmpty = (error: unknown): readonly string[] => {
  goneIsNothing(error)
  return []
}
const goneIsNothing = (error: unknown): number => {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
  throw error
}
