// The database: the one that comes with the package, or an external one by its URL.
import { Fault } from '@switchyard/kinds'
import { compilePrices } from '@switchyard/ledger'
import { systemClock } from '@switchyard/runtime'
import { migrate, type OpenedStore, openStore, type StoreObservation } from '@switchyard/store'
import { startEmbedded } from '@switchyard/store/embedded'
import type { Logger } from 'pino'
import { place } from './database-place.ts'
import type { Folder } from './folder.ts'
import { observer } from './log.ts'
import { type Report, step } from './progress.ts'

/** Between two tries to reach a database that is away. */
const againMilliseconds = 500

export interface Database extends AsyncDisposable {
  readonly url: string
  readonly opened: OpenedStore
}

/** Starts the embedded one, or names the one of the URL, which connects with its first use; opens the store. */
export async function openDatabase(
  folder: Folder,
  url: string | undefined,
  report: Report,
  log: Logger,
  hear: (observation: StoreObservation) => void,
): Promise<Database> {
  await using stack = new AsyncDisposableStack()
  const reached = await step(
    report,
    'database',
    async () => {
      if (url !== undefined) return { url, words: `external, ${place(url)}` }
      const embedded = stack.use(
        await startEmbedded({ directory: folder.postgres, observe: observer(log, 'database') }),
      )
      return { url: embedded.url, words: `embedded, process ${embedded.pid}` }
    },
    ({ words }) => words,
  )
  const say = observer(log, 'store')
  const observe = (observation: StoreObservation) => {
    say(observation)
    hear(observation)
  }
  const opened = stack.use(openStore({ url: reached.url, prices: compilePrices, observe }))
  const owned = stack.move()
  return { url: reached.url, opened, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

interface SchemaOptions {
  readonly url: string
  /** Whether it is waited for while it cannot be reached: an external one. */
  readonly external: boolean
  readonly report: Report
  readonly signal: AbortSignal
  /** Called once when it cannot be reached: does without it until it can, or throws why not. */
  readonly away: (fault: Fault) => Promise<void>
}

/** Brings its schema up to date. */
export function prepareSchema(options: SchemaOptions): Promise<readonly string[]> {
  return step(
    options.report,
    'schema',
    () => schema(options),
    applied => (applied.length === 0 ? 'up to date' : `${applied.length} migrations`),
  )
}

async function schema({ url, external, report, signal, away }: SchemaOptions): Promise<readonly string[]> {
  let told = false
  for (;;)
    try {
      return await migrate(url)
    } catch (error) {
      signal.throwIfAborted()
      if (!external || !(error instanceof Fault) || error.reason !== 'database_away') throw error
      if (!told) {
        await away(error)
        report({ type: 'started', step: 'schema', detail: `waiting for ${place(url)}; the gateway serves` })
      }
      told = true
      await systemClock.sleep(againMilliseconds, signal)
      signal.throwIfAborted()
    }
}
