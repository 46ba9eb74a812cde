// Folders of usage journals: one for each gateway process, and what the dead left in theirs.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '@switchyard/kinds'
import { type ShipObservation, type ShipOptions, shipUsage } from '@switchyard/ledger'
import { type Clock, keepTurns, type Observe } from '@switchyard/runtime'
import { type FileJournal, type JournalOptions, openJournal } from '@switchyard/store/journal'

/** Folders that are tried: more processes than this share no data folder. */
const mostFolders = 1024
const lookEveryMilliseconds = 10_000

export type JournalsOptions = Pick<JournalOptions, 'clock' | 'observe' | 'sync'>

/**
 * Takes the first numbered folder below `root` that nobody holds: mostly the one of the process that this one
 * follows, whose last records it then ships.
 */
export async function claimJournal(root: string, options: JournalsOptions): Promise<FileJournal> {
  for (let number = 1; number <= mostFolders; number++) {
    const journal = await openUnlessHeld(join(root, String(number)), options)
    if (journal) return journal
  }
  throw new Fault(
    'conflict',
    `${mostFolders} processes hold journals in ${root}: stop those that are left over.`,
    {
      reason: 'locked',
    },
  )
}

interface LeftoverOptions extends JournalsOptions {
  /** Looked through with the numbered folders below it. */
  readonly root: string
  readonly store: ShipOptions['store']
  readonly observeShipping: Observe<
    ShipObservation | { readonly type: 'leftovers_failed'; readonly error: unknown }
  >
  readonly time: Clock
  readonly random: () => number
}

/** Ships what is left in journals that nobody holds, now and every few seconds; the new owner disposes of it. */
export function shipLeftovers(options: LeftoverOptions): AsyncDisposable {
  const { root, time, observeShipping } = options
  return keepTurns({
    async turn(signal) {
      for (const folder of await foldersIn(root)) await shipFolder(folder, options, signal)
    },
    failed: error => observeShipping({ type: 'leftovers_failed', error }),
    pause: lookEveryMilliseconds,
    clock: time,
  })
}

async function shipFolder(folder: string, options: LeftoverOptions, signal: AbortSignal): Promise<void> {
  if (signal.aborted || !(await hasSegments(folder))) return
  await using journal = await openUnlessHeld(folder, options)
  if (!journal) return
  const shipped = new AbortController()
  const shipping = shipUsage({
    reader: journal.reader,
    store: options.store,
    observe: options.observeShipping,
    clock: options.clock,
    random: options.random,
    signal: AbortSignal.any([signal, shipped.signal]),
  })
  while (!journal.drained && !signal.aborted) await options.time.sleep(50, signal)
  shipped.abort()
  await shipping
}

async function openUnlessHeld(folder: string, options: JournalsOptions): Promise<FileJournal | undefined> {
  const { clock, observe, sync } = options
  try {
    return await openJournal({ folder, clock, observe, ...(sync !== undefined && { sync }) })
  } catch (error) {
    if (error instanceof Fault && error.reason === 'locked') return undefined
    throw error
  }
}

async function foldersIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(absent)
  const numbered = entries.filter(entry => entry.isDirectory() && /^\d+$/.test(entry.name))
  return [root, ...numbered.map(({ name }) => join(root, name))]
}

const hasSegments = async (folder: string): Promise<boolean> =>
  (await readdir(folder).catch(absent)).some(name => name.endsWith('.seg'))

function absent(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOENT') return []
  throw error
}
