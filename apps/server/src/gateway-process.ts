// The gateway and what it stands on: a journal that is shipped, a snapshot that follows the store, and limits. It
// runs beside the control plane in one process, or alone in a worker.
import { createTokens } from '@switchyard/api'
import { openPostgresBalances } from '@switchyard/drivers/balances/postgres'
import {
  compileSnapshot,
  createGateway,
  emptySnapshot,
  type Gateway,
  type Snapshot,
} from '@switchyard/gateway'
import { compilePrices, shipUsage } from '@switchyard/ledger'
import { type Clock, type Random, type ResponseStore, systemClock, type Vault } from '@switchyard/runtime'
import type { OpenedStore } from '@switchyard/store'
import type { FileJournal } from '@switchyard/store/journal'
import type { Logger } from 'pino'
import { type KeyUseTeller, tellKeyUses } from './key-uses.ts'
import { openLimiter } from './limiter.ts'
import { observer } from './log.ts'
import type { Settings } from './settings.ts'
import { followSnapshot, type SnapshotStanding } from './snapshot.ts'
import type { SnapshotDisk } from './snapshot-disk.ts'
import { fineNow } from './telemetry-clock.ts'
import { observeGateway } from './telemetry-gateway.ts'
import { watchReader } from './telemetry-journal.ts'
import { version } from './version.ts'

/** Between two active checks of a replica. */
const checkMilliseconds = 5000

/** Between two questions to an engine how many requests it has: what it says is believed for 2 s. */
const countMilliseconds = 1000

/** What is shipped at a stop; the rest stays in the journal for the next start. */
const shipMilliseconds = 5000

export interface GatewayOptions {
  readonly settings: Settings
  readonly opened: Pick<
    OpenedStore,
    'store' | 'secrets' | 'identity' | 'usage' | 'prices' | 'demand' | 'keyUses'
  >
  /** For limits that are counted in the database. */
  readonly databaseUrl: string
  readonly vault: Vault
  /** Where the snapshot is kept for a start without the store. */
  readonly disk: SnapshotDisk | undefined
  /** Called when the store goes away and when it is back. */
  readonly standing?: (standing: SnapshotStanding) => void
  /** Undefined where no response is kept. */
  readonly responses: ResponseStore | undefined
  /** Takes the folder of the journal. */
  readonly journal: () => Promise<FileJournal>
  /** How many gateway processes live, this one included. */
  readonly gateways: () => number
  readonly log: Logger
  readonly clock: Clock
  readonly random: Random
}

export interface GatewayProcess extends AsyncDisposable {
  readonly gateway: Gateway
  readonly snapshot: SnapshotStanding
  /** Prometheus' text; `connections` of callers where their number is known. */
  metrics(connections?: number): string
}

/** Resolves once the first snapshot is in; disposing ships what was answered, and takes nothing down that runs. */
export async function openGateway(options: GatewayOptions): Promise<GatewayProcess> {
  const { settings, opened, databaseUrl, vault, responses, disk, standing, gateways, log, clock, random } =
    options
  await using stack = new AsyncDisposableStack()
  const journal = stack.use(await options.journal())
  const shipping = new AbortController()
  const reader = watchReader(journal.reader)
  const shipped = shipUsage({
    reader,
    store: opened.usage,
    observe: observer(log, 'usage'),
    clock: clock.now,
    random: random.fraction,
    signal: shipping.signal,
  })
  stack.defer(async () => {
    // What was just answered is shipped too; what is not shipped in time stays in the journal.
    await until(() => journal.drained, shipMilliseconds)
    shipping.abort()
    await shipped
  })
  const ending = new AbortController()
  let snapshot = emptySnapshot
  let generation = 0
  const keyUses = stack.use(
    tellKeyUses({
      uses: opened.keyUses,
      gather: note => gatherUses(snapshot, note),
      clock,
      observe: observer(log, 'keys'),
    }),
  )
  const following = await followSnapshot({
    store: opened.store,
    secrets: opened.secrets,
    prices: opened.prices,
    vault,
    limits: settings.limits,
    swap: inputs => {
      gatherUses(snapshot, keyUses.note)
      snapshot = compileSnapshot({ ...inputs, pricing: { compile: compilePrices, at: clock.now() } })
      generation++
    },
    ...(disk && { disk }),
    ...(standing && { changed: standing }),
    observe: observer(log, 'snapshot'),
    clock,
    random,
    signal: ending.signal,
  })
  stack.defer(() => {
    ending.abort()
    return following.done
  })
  const { limiter, degraded } = await openLimiter({
    place: settings.limiter,
    onLoss: settings.limiterLoss,
    databaseUrl,
    data: settings.data,
    gateways,
    clock,
    random,
    observe: observer(log, 'limits'),
  })
  stack.use(limiter)
  const balances = openPostgresBalances({
    url: databaseUrl,
    holder: journal.holder,
    observe: observer(log, 'balances'),
  })
  const { observe, follow } = stack.use(
    await observeGateway({ settings: settings.telemetry, data: settings.data, log, clock, random }),
  )
  const demandLog = observer(log, 'demand')
  const sessionKeys = await vault.derive('sessions of tools')
  const issuer = settings.baseUrl
  const { identity } = opened
  const tokens = createTokens({ identity, vault, issuer, now: clock.now, uuid: random.id })
  const age = () => Math.max(0, clock.now() - following.equalAt) / 1000
  const { maxStaleSeconds } = settings
  const gateway = stack.use(
    createGateway({
      snapshot: () => snapshot,
      ...(maxStaleSeconds !== undefined && { stale: () => age() > maxStaleSeconds }),
      journal,
      limiter,
      balances,
      responses,
      wanted: endpoints => {
        opened.demand
          .mark(endpoints)
          .catch((error: unknown) => demandLog({ type: 'demand_not_marked', error }))
      },
      door: settings.door,
      sessions: { issuer, claims: token => tokens.verify(token), open: ids => identity.openAmong(ids) },
      checkEvery: checkMilliseconds,
      countEvery: countMilliseconds,
      version,
      sessionKeys,
      clock: fineNow(clock),
      random: random.fraction,
      uuid: random.id,
      observe,
      ...(follow && { follow }),
    }),
  )
  const owned = stack.move()
  return {
    gateway,
    snapshot: following,
    metrics: connections =>
      gateway.metrics({
        limiterDegraded: degraded(),
        journalOldest: reader.oldest === undefined ? 0 : Math.max(0, clock.now() - reader.oldest) / 1000,
        snapshotGeneration: generation,
        snapshotAge: age(),
        ...(connections !== undefined && { connections }),
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Takes out of a snapshot what it was told of keys. */
function gatherUses({ keys }: Snapshot, note: KeyUseTeller['note']): void {
  for (const { use } of keys.values())
    if (use.at > 0) {
      note(use.id, use.at)
      use.at = 0
    }
}

async function until(done: () => boolean, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds
  while (!done() && performance.now() < deadline) await systemClock.sleep(20)
}
