// Keeps the log: one process by a lease numbers what was committed, signs what it has numbered, and archives it.
import { Fault } from '@switchyard/kinds'
import {
  type AuditStore,
  type Clock,
  type Held,
  type Objects,
  type Observe,
  type Persons,
  takeTurns,
} from '@switchyard/runtime'
import { checkLog, publish } from './archive.ts'
import type { Signer } from './note.ts'
import { numberEntries, numbering } from './number.ts'

export type AuditObservation =
  /** The log is what was signed, and is gone on with. */
  | { readonly type: 'audit_led'; readonly size: number }
  | { readonly type: 'audit_sequenced'; readonly entries: number }
  | { readonly type: 'audit_signed'; readonly size: number; readonly archived: boolean }
  | { readonly type: 'audit_pruned'; readonly entries: number }
  /** The log is not gone on with; the message tells what a person must do. */
  | { readonly type: 'audit_failed'; readonly error: unknown }

export interface SequencerOptions {
  readonly audit: AuditStore
  readonly archive: Objects
  /** Whose keys seal what names a person; without them it stands in clear. */
  readonly persons?: Pick<Persons, 'of'> | undefined
  readonly signers: readonly Signer[]
  readonly clock: Clock
  readonly observe: Observe<AuditObservation>
  /** Entries of one transaction. Default 4000. */
  readonly batch?: number
  /** How long what was numbered waits for its signature. Default 10. */
  readonly checkpointSeconds?: number
  /** So many entries do not wait. Default 256. */
  readonly checkpointEntries?: number
  /** How often parts of tiles go into the archive. Default 10. */
  readonly archiveSeconds?: number
  /** Days that entries stay in the database. Default 90. */
  readonly hotDays?: number
}

/** Between two transactions the database and this process wait for each other: with 1,000 that was a sixth of the time. */
const batchEntries = 4000

const pollMilliseconds = 500
const retryMilliseconds = 5000
const pruneMilliseconds = 3_600_000

/** Runs while the lease is held; a failure is told and tried again. */
export function keepLog(options: SequencerOptions, held: Held, signal: AbortSignal): Promise<void> {
  const { observe, clock } = options
  const turn = async (stop: AbortSignal) => ((await lead(options, held, stop)) ? 'over' : undefined)
  const failed = (error: unknown) => observe({ type: 'audit_failed', error })
  return takeTurns({ turn, failed, pause: 0, retry: retryMilliseconds, clock }, signal, held)
}

const numberOf = ({ persons }: SequencerOptions) => (persons ? numbering(persons) : numberEntries)

/** True when a newer sequencer has the log. */
async function lead(options: SequencerOptions, held: Held, signal: AbortSignal): Promise<boolean> {
  const { audit, clock, observe, hotDays = 90 } = options
  const {
    batch = batchEntries,
    checkpointSeconds = 10,
    checkpointEntries = 256,
    archiveSeconds = 10,
  } = options
  const { epoch } = held.fence
  const number = numberOf(options)
  if (!(await audit.claim(epoch))) return true
  // Before a number is given: entries of a database that was restored would take those of entries that are signed.
  const { size } = await audit.head()
  await checkLog(options, size)
  observe({ type: 'audit_led', size })
  let signedAt = Number.NEGATIVE_INFINITY
  let archivedAt = Number.NEGATIVE_INFINITY
  let prunedAt = clock.monotonic()
  let unsigned = 0
  while (!signal.aborted && held.current()) {
    const numbered = await audit.sequence(epoch, batch, number)
    if (numbered === 'stale') return true
    if (numbered > 0) observe({ type: 'audit_sequenced', entries: numbered })
    unsigned += numbered
    const now = clock.monotonic()
    if (now - signedAt >= checkpointSeconds * 1000 || unsigned >= checkpointEntries) {
      const whole = now - archivedAt >= archiveSeconds * 1000
      const published = await publish(options, whole)
      if (published) observe({ type: 'audit_signed', ...published })
      if (published || unsigned === 0) signedAt = now
      if (whole) archivedAt = now
      unsigned = 0
    }
    if (now - prunedAt >= pruneMilliseconds) {
      prunedAt = now
      const entries = await audit.prune(hotDays)
      if (entries > 0) observe({ type: 'audit_pruned', entries })
    }
    if (numbered < batch) await clock.sleep(pollMilliseconds, signal)
  }
  return false
}

/** What stands at a stop is numbered, signed and archived, as far as nobody else has the log. */
export async function settleLog(options: SequencerOptions, epoch: bigint): Promise<void> {
  const { audit, batch = batchEntries, observe } = options
  try {
    await checkLog(options, (await audit.head()).size)
    let numbered: number | 'stale'
    const number = numberOf(options)
    do numbered = await audit.sequence(epoch, batch, number)
    while (numbered === batch)
    if (numbered === 'stale') return
    const published = await publish(options, true)
    if (published) observe({ type: 'audit_signed', ...published })
  } catch (error) {
    // It is in the database, and the next one goes on with it.
    observe({
      type: 'audit_failed',
      error: error instanceof Fault ? error : new Error('audit', { cause: error }),
    })
  }
}
