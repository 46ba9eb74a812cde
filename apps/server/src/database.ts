// The database: the one that comes with the package, or an external one by its URL.
import { Fault } from '@switchyard/kinds'
import { migrate, type OpenedStore, openStore } from '@switchyard/store'
import { startEmbedded } from '@switchyard/store/embedded'
import type { Logger } from 'pino'
import type { Folder } from './folder.ts'
import { observer } from './log.ts'
import { type Report, step } from './progress.ts'

export interface Database extends AsyncDisposable {
  readonly url: string
  readonly opened: OpenedStore
}

/** Starts or reaches it, brings its schema up to date, and opens the store. */
export async function openDatabase(
  folder: Folder,
  url: string | undefined,
  report: Report,
  log: Logger,
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
  await step(
    report,
    'schema',
    () => migrate(reached.url),
    applied => (applied.length === 0 ? 'up to date' : `${applied.length} migrations`),
  )
  const opened = stack.use(openStore({ url: reached.url, observe: observer(log, 'store') }))
  const owned = stack.move()
  return { url: reached.url, opened, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Host and database of a URL, without what is secret in it. */
function place(url: string): string {
  const { host, pathname } = new URL(url)
  if (pathname.length < 2)
    throw new Fault('invalid', 'The database URL names no database: end it with /NAME.', {
      reason: 'database_url',
    })
  return `${host}${pathname}`
}
