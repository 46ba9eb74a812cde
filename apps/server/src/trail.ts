// Keeps the trail while the server runs: its keys, its archive, and the sequencer, by a lease.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openObjects } from '@switchyard/drivers/objects/open'
import { Fault } from '@switchyard/kinds'
import {
  type AuditObservation,
  keepLog,
  newSigner,
  readSigner,
  resumeLog,
  type SequencerOptions,
  type Signer,
  servedTrail,
  settleLog,
} from '@switchyard/ledger'
import {
  type AuditTrail,
  type Clock,
  type Fence,
  holdLease,
  type LeaseObservation,
  type Objects,
  type Persons,
} from '@switchyard/runtime'
import type { OpenedStore } from '@switchyard/store'
import type { Logger } from 'pino'
import type { AuditSettings } from './audit-settings.ts'
import { type Folder, readAuditKeys, writeAuditKey } from './folder.ts'
import { observer } from './log.ts'

const lease = 'audit'

export interface TrailOptions {
  readonly opened: Pick<OpenedStore, 'audit' | 'leases'>
  readonly persons: Persons
  readonly folder: Folder
  readonly settings: AuditSettings
  /** Unique for each process. */
  readonly holder: string
  readonly clock: Clock
  readonly log: Logger
}

export interface Trail extends AuditTrail, AsyncDisposable {
  /** Why the log is not gone on with, in words; undefined when it is. */
  problem(): string | undefined
}

/** Undefined while the store is away, which is told of by itself. */
function problemOf(error: unknown): string | undefined {
  if (!(error instanceof Fault)) return 'it failed: see the log of the server'
  return error.reason === 'database_away' ? undefined : error.message
}

/** Disposing numbers, signs and archives what stands. */
export async function openTrail({
  opened,
  persons,
  folder,
  settings,
  holder,
  clock,
  log,
}: TrailOptions): Promise<Trail> {
  const { audit, leases } = opened
  const retention = await audit.retain(settings.retentionDays)
  const archive = await openArchive(settings, retention.days, folder)
  const signers = signersOf(folder, settings)
  const tell = observer(log, 'audit')
  let problem: string | undefined
  const observe = (told: AuditObservation | LeaseObservation) => {
    if (told.type === 'audit_failed') problem = problemOf(told.error) ?? problem
    else if (told.type === 'audit_led' || told.type === 'lease_lost') problem = undefined
    tell(told)
  }
  if (retention.waiting) log.warn(retention, 'audit_retention_waits')
  log.info({ keys: signers.map(({ text }) => text), archive: archive.protection }, 'audit_opened')
  const { checkpointSeconds, archiveSeconds } = settings
  const hotDays = Math.min(settings.hotDays, retention.days)
  const pace = { checkpointSeconds, archiveSeconds, hotDays }
  const options: SequencerOptions = { audit, archive, persons, signers, clock, observe, ...pace }
  const ending = new AbortController()
  let fence: Fence | undefined
  const kept = holdLease(
    { leases, name: lease, holder, clock, signal: ending.signal, observe },
    async (held, signal) => {
      fence = held.fence
      await keepLog(options, held, signal)
      if (ending.signal.aborted) await settleLog(options, held.fence.epoch)
      fence = undefined
    },
  )
  const served = servedTrail({
    audit,
    archive,
    signers,
    persons,
    async resume() {
      if (!fence)
        throw new Fault('unavailable', 'Another process keeps the log: ask that one, or try again.', {
          reason: 'not_the_sequencer',
        })
      const entries = await resumeLog({ audit, archive, signers, epoch: fence.epoch })
      await audit.record({ workspace: null, action: 'audit.resume', count: entries })
      return entries
    },
  })
  return {
    ...served,
    problem: () => problem,
    async [Symbol.asyncDispose]() {
      ending.abort()
      await kept
    },
  }
}

function openArchive(
  { archive, credentials }: AuditSettings,
  retentionDays: number,
  folder: Folder,
): Promise<Objects> {
  const url = archive ?? pathToFileURL(join(folder.path, 'audit')).href
  return openObjects(url, { retentionDays, environment: credentials.reveal() })
}

/** The name of a key is the log's: it is in the key, and so stays when the folder does not. */
function signersOf(folder: Folder, { keyFile }: AuditSettings): readonly Signer[] {
  const known = readAuditKeys(folder.path, keyFile)
  if (known) return known.map(readSigner)
  const made = newSigner(`switchyard.dev/audit/${folder.installation}`, randomBytes(32))
  writeAuditKey(folder.path, made)
  return [readSigner(made)]
}
