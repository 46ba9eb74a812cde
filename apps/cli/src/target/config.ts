// The contexts that a person has signed in to: ~/.config/switchyard/config.yaml, readable by its owner alone.
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '@switchyard/kinds/fault'
import type { Terminal } from '../terminal.ts'

export interface SavedSession {
  readonly refreshToken: string
  readonly accessToken: string
  /** By this machine's clock, RFC 3339. */
  readonly expiresAt: string
}

export interface SavedContext {
  readonly url: string
  readonly workspace?: string
  readonly email?: string
  readonly session?: SavedSession
  /** A token that does not change: an operator's token or an API key. */
  readonly token?: string
  /** API key that `chat` calls with. */
  readonly apiKey?: string
}

export interface Config {
  readonly current?: string
  readonly contexts: Readonly<Record<string, SavedContext>>
}

export function configFile({ env, home }: Pick<Terminal, 'env' | 'home'>): string {
  return join(env.XDG_CONFIG_HOME || join(home, '.config'), 'switchyard', 'config.yaml')
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

/** Drops what is undefined, so that an absent field is absent. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T // fewer keys, same type
}

function readContext(value: unknown): SavedContext | undefined {
  if (!isRecord(value) || typeof value.url !== 'string') return undefined
  const { session } = value
  const refreshToken = isRecord(session) ? text(session.refreshToken) : undefined
  return compact({
    url: value.url,
    workspace: text(value.workspace),
    email: text(value.email),
    token: text(value.token),
    apiKey: text(value.apiKey),
    session:
      isRecord(session) && refreshToken !== undefined
        ? {
            refreshToken,
            accessToken: text(session.accessToken) ?? '',
            expiresAt: text(session.expiresAt) ?? '',
          }
        : undefined,
  }) as SavedContext // undefined fields are gone
}

export async function readConfig(file: string): Promise<Config> {
  let raw: string
  try {
    raw = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { contexts: {} }
    throw new Fault('invalid', `Cannot read ${file}: ${String(error)}.`, { cause: error })
  }
  const { parse } = await import('yaml')
  let value: unknown
  try {
    value = parse(raw)
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new Fault('invalid', `${file} is no YAML (${why}): mend it, or remove it and log in again.`, {
      cause: error,
    })
  }
  const given = isRecord(value) && isRecord(value.contexts) ? value.contexts : {}
  const contexts = Object.fromEntries(
    Object.entries(given).flatMap(([name, one]) => {
      const context = readContext(one)
      return context ? [[name, context]] : []
    }),
  )
  const current = isRecord(value) ? text(value.current) : undefined
  return current === undefined ? { contexts } : { current, contexts }
}

/** Longest that another `switchyard` may hold the file before its lock counts as left behind, ms. */
const staleAfterMs = 15_000

async function lock(file: string): Promise<AsyncDisposable> {
  const path = `${file}.lock`
  for (;;) {
    try {
      await (await open(path, 'wx', 0o600)).close()
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
        throw new Fault('invalid', `Cannot write ${dirname(file)}: ${String(error)}.`, { cause: error })
      const held = await stat(path).catch(() => undefined) // gone again: try at once
      if (held && Date.now() - held.mtimeMs > staleAfterMs) await rm(path, { force: true })
      else await sleep(50)
    }
  }
}

/** Reads, changes and writes the file with no other `switchyard` in between; mode 0600, replaced whole. */
export async function changeConfig(
  file: string,
  change: (config: Config) => Config | Promise<Config>,
): Promise<Config> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new Fault('invalid', `Cannot make ${dirname(file)}: ${String(error)}.`, { cause: error })
  })
  await using _ = await lock(file)
  const before = await readConfig(file)
  const after = await change(before)
  if (after === before) return before
  const { stringify } = await import('yaml')
  const draft = `${file}.${process.pid}.tmp`
  await writeFile(draft, stringify(after), { mode: 0o600 })
  await rename(draft, file)
  return after
}

export function withContext(config: Config, name: string, context: SavedContext | undefined): Config {
  const { [name]: _, ...others } = config.contexts
  return { ...config, contexts: context ? { ...others, [name]: compact(context) } : others }
}
