// The configuration file: read at the start and whenever it changes, checked whole, and written as one change. A bad
// one is refused with every reason, and what was in force stays so.
import { createHash } from 'node:crypto'
import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { ConfigurationState, Configure, Configured } from '@switchyard/api'
import { Fault } from '@switchyard/kinds'
import type { Clock, Observe } from '@switchyard/runtime'
import { type ConfigText, readConfig, readConfigText } from './config-file-read.ts'

export type ConfigFileObservation =
  | {
      readonly type: 'config_applied'
      readonly file: string
      readonly digest: string
      readonly created: number
      readonly configured: number
      readonly deleted: number
      readonly unchanged: number
      readonly milliseconds: number
    }
  /** What is in force stays so. */
  | { readonly type: 'config_failed'; readonly file: string; readonly problems: readonly string[] }
  | { readonly type: 'config_warned'; readonly file: string; readonly problems: readonly string[] }
  /** The file could not be tried for another reason than itself; it is tried again. */
  | { readonly type: 'config_unavailable'; readonly file: string; readonly error: unknown }

export interface ConfigFileOptions {
  readonly file: string
  /** Of the server's environment, for `${ENV:NAME}`. */
  readonly variable: (name: string) => string | undefined
  readonly configure: Configure
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'sleep'>
  readonly observe: Observe<ConfigFileObservation>
  /** Milliseconds between two looks at the file, default 1 000; a change that the system tells of is seen at once. */
  readonly pollMilliseconds?: number
  /** Milliseconds between two readings that must be alike, default 40: a file that is being written changes. */
  readonly settleMilliseconds?: number
  /** Milliseconds after which what others have changed is put back, default 60 000. */
  readonly restoreMilliseconds?: number
}

export interface ConfigFile extends AsyncDisposable {
  readonly state: ConfigurationState
}

/** What waits for others, to be gone or to let go, is tried again after so long. */
const againMilliseconds = 5000

/**
 * Resolves when the file is in force. A bad file is `invalid` with every reason where it has never been in force;
 * where it has, that stays, and the start goes on.
 */
export async function followConfigFile(options: ConfigFileOptions): Promise<ConfigFile> {
  const follower = new Follower(options)
  await follower.begin()
  return follower
}

class Follower implements ConfigFile {
  readonly #options: ConfigFileOptions
  readonly #ending = new AbortController()
  #state: ConfigurationState
  #done: Promise<void> = Promise.resolve()
  /** What was tried last: the file with all that it names. */
  #tried: string | undefined
  #triedAt = 0
  /** Something waits for others. */
  #waits = false
  #unavailable = false
  #waking: (() => void) | undefined

  constructor(options: ConfigFileOptions) {
    this.#options = options
    this.#state = Object.freeze({
      file: options.file,
      phase: 'none',
      appliedAt: undefined,
      digest: undefined,
      documents: 0,
      refusedAt: undefined,
      problems: [],
    })
  }

  get state(): ConfigurationState {
    return this.#state
  }

  async begin(): Promise<void> {
    const stood = await this.#try(this.#read())
    const { phase, problems } = this.#state
    if (phase === 'refused' && stood === 0) throw refused(problems)
    this.#done = this.#follow()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    this.#waking?.()
    await this.#done
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending
    const { clock, restoreMilliseconds: restore = 60_000 } = this.#options
    using _ = this.#watch()
    while (!signal.aborted) {
      await this.#wait()
      if (signal.aborted) return
      let text = this.#read()
      const changed = text.print !== this.#tried
      const due = this.#triedAt + (this.#waits ? Math.min(restore, againMilliseconds) : restore)
      if (!changed && clock.monotonic() < due) continue
      if (changed) {
        await clock.sleep(this.#options.settleMilliseconds ?? 40, signal)
        const again = this.#read()
        if (again.print !== text.print) continue
        text = again
      }
      await this.#try(text)
    }
  }

  /** Editors and orchestrators put another file in its place, so that its folder is what is watched. */
  #watch(): Disposable {
    const { file } = this.#options
    try {
      const watcher = watch(dirname(file), { persistent: false }, (_, name) => {
        // A mounted folder is swapped by a link beside the file: `..data`.
        if (name === null || name === basename(file) || name.startsWith('..')) this.#waking?.()
      })
      watcher.on('error', () => watcher.close()) // the poll sees what it would have told
      return { [Symbol.dispose]: () => watcher.close() }
    } catch {
      return { [Symbol.dispose]: () => undefined } // the same
    }
  }

  async #wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, this.#options.pollMilliseconds ?? 1000)
    this.#waking = resolve
    await promise
    clearTimeout(timer)
  }

  #read(): ConfigText {
    const { file, variable } = this.#options
    return readConfigText(file, variable)
  }

  /** How many documents the file had made before; undefined where nobody could say. */
  async #try(text: ConfigText): Promise<number | undefined> {
    const { file, configure, clock, observe } = this.#options
    const first = this.#tried !== text.print
    const began = clock.monotonic()
    this.#tried = text.print
    this.#triedAt = began
    const { entries, errors, warnings, wanted } = readConfig(text)
    if (first && warnings.length > 0) observe({ type: 'config_warned', file, problems: warnings })
    try {
      if (errors.length > 0) {
        this.#refuse(errors, first)
        // Nothing is wanted, and nothing is written: only what stands is counted.
        return (await configure([], { dryRun: true })).standing
      }
      const { documents, objections, standing } = await configure(wanted)
      this.#unavailable = false
      this.#waits = objections.length > 0 || documents.some(({ outcome }) => outcome === 'leaving')
      if (objections.length > 0) {
        this.#refuse(
          objections.flatMap(({ index, document, fault }) => text.objection(index, entries, document, fault)),
          first,
        )
        return standing
      }
      this.#applied(text.text, documents, Math.round(clock.monotonic() - began), first)
      return standing
    } catch (error) {
      if (!this.#unavailable) observe({ type: 'config_unavailable', file, error })
      this.#unavailable = true
      this.#tried = undefined
      if (this.#state.phase === 'none') throw error
      return undefined
    }
  }

  #refuse(problems: readonly string[], first: boolean): void {
    const { file, clock, observe } = this.#options
    const refusedAt = first ? new Date(clock.now()).toISOString() : this.#state.refusedAt
    this.#state = Object.freeze({ ...this.#state, phase: 'refused', refusedAt, problems })
    if (first) observe({ type: 'config_failed', file, problems })
  }

  #applied(text: string, documents: readonly Configured[], milliseconds: number, first: boolean): void {
    const { file, clock, observe } = this.#options
    const count = (...outcomes: readonly string[]) =>
      documents.filter(({ outcome }) => outcomes.includes(outcome)).length
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 12)
    const gone = count('deleted', 'leaving')
    const wrote = count('created', 'configured') + gone > 0
    this.#state = Object.freeze({
      file,
      phase: 'applied',
      appliedAt: first || wrote ? new Date(clock.now()).toISOString() : this.#state.appliedAt,
      digest,
      documents: documents.length - gone,
      refusedAt: undefined,
      problems: [],
    })
    if (!first && !wrote) return
    observe({
      type: 'config_applied',
      file,
      digest,
      created: count('created'),
      configured: count('configured'),
      deleted: gone,
      unchanged: count('unchanged'),
      milliseconds,
    })
  }
}

function refused(problems: readonly string[]): Fault {
  const count = problems.length === 1 ? 'One thing is' : `${problems.length} things are`
  return new Fault(
    'invalid',
    `${count} wrong with the configuration:\n${problems.map(line => `  ${line}`).join('\n')}`,
    {
      reason: 'bad_configuration',
    },
  )
}
