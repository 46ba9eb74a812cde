// PostgreSQL (15 or later) behind the ports of the runtime:
//
//   await migrate(url)                        // roles, schema and kinds, on a connection of its own
//   await using opened = openStore({ url })   // opened.store .secrets .leases .identity .usage .openVault(keys)
//   await opened.prune()                      // every few minutes, by one process
//
// One URL for both. Its user needs CREATEROLE once, or to be a member of the roles that `migrate` names, and
// CREATE on the database. Every connection of `openStore` starts as a role without any right.
//
// `./embedded` is the PostgreSQL that comes with the package, `./testing` a fresh migrated database for tests,
// `./journal` the gateway's journal of usage on disk, `./sealed-file` a file that this installation alone reads.
import { randomBytes } from 'node:crypto'
import type {
  AuditStore,
  BatchStore,
  Check,
  CompilePrices,
  Demand,
  IdentityStore,
  InvoiceStore,
  KeyUses,
  Leases,
  LedgerStore,
  Persons,
  PriceStore,
  Quotas,
  Reservations,
  ResponseStore,
  RootKey,
  Secrets,
  Store,
  UsageStore,
  Vault,
} from '@switchyard/runtime'
import type { Warnings } from './assertions.ts'
import { auditOn } from './audit/index.ts'
import { personsOn } from './audit/persons.ts'
import { batchesOn } from './batches.ts'
import { demandOn } from './demand.ts'
import { databaseChecks } from './doctor.ts'
import { rootKey } from './envelope.ts'
import { identityOn } from './identity.ts'
import type { Steps } from './ingest.ts'
import { invoicesOn } from './invoices.ts'
import { keyUsesOn } from './key-uses.ts'
import { isRing, type KeyCopy, type KeyRing, type Keys, keyRingOn } from './keyring.ts'
import { leasesOn } from './leases.ts'
import { ledgerOn } from './ledger.ts'
import { openListener } from './listener.ts'
import { type Database, openPool, type PoolOptions } from './postgres/pool.ts'
import { pricesOn } from './prices.ts'
import { type PruneOptions, prune } from './prune.ts'
import { quotasOn } from './quotas.ts'
import { rater, unrated } from './rate.ts'
import { reservationsOn } from './reservations.ts'
import { type ResponseOptions, responsesOn } from './responses.ts'
import { secretsOn } from './secrets.ts'
import { settle } from './settle.ts'
import { storeOn } from './store.ts'
import { usageOn } from './usage.ts'
import { vaultOn } from './vault.ts'

export type { KeyCopy, KeyRing } from './keyring.ts'
export { type Migration, migrate, readMigrations } from './migrate.ts'
export type { StoreObservation } from './postgres/pool.ts'
export type { PruneOptions } from './prune.ts'
export type { ResponseOptions } from './responses.ts'

export interface OpenOptions extends PoolOptions {
  /** `postgresql://user:password@host:port/database`; `?host=/folder` for a unix socket. */
  readonly url: string
  /** `compilePrices` of the ledger, for those who ingest usage. */
  readonly prices?: CompilePrices
  /** Milliseconds since 1970 by which usage is too old or ahead of time; the clock of the database when absent. */
  readonly clock?: () => number
}

export interface OpenedStore extends AsyncDisposable {
  readonly store: Store
  readonly secrets: Secrets
  readonly leases: Leases
  readonly identity: IdentityStore
  readonly usage: UsageStore
  /** In which its events are sealed. */
  readonly batches: BatchStore
  /** The trail of who did what. */
  readonly audit: AuditStore
  /** Balances and what has changed them. */
  readonly ledger: LedgerStore
  /** Published price books. */
  readonly prices: PriceStore
  /** Invoices, and what they are reckoned from. */
  readonly invoices: InvoiceStore
  /** Which endpoints are asked for. */
  readonly demand: Demand
  /** When API keys were last used. */
  readonly keyUses: KeyUses
  /** How workspaces stand to their quotas. */
  readonly quotas: Quotas
  /** What replicas hold of machines. */
  readonly reservations: Reservations
  /** The master keys that these root keys wrap: the first wraps new ones. `copy` serves while the database is away. */
  openKeys(roots: readonly RootKey[], copy?: KeyCopy): KeyRing
  /** Sealed secrets under those keys, or under some of its own, that root keys of 32 bytes each wrap. */
  openVault(keys: Keys): Vault
  /** What should be so in it, to be looked at on a live system. */
  checks(vault: Vault, now: () => number, warnings?: Warnings): readonly Check[]
  /** Keys of those whom the trail names, under the same keys. */
  openPersons(keys: Keys, vault: Vault): Persons
  /** Kept responses under the same keys, over connections of their own. */
  openResponses(keys: Keys, options?: ResponseOptions): ResponseStore
  /** Drops what nobody can need any more: old changes, events, tokens, failures. */
  prune(options?: PruneOptions): Promise<void>
  /** Waits for running transactions; twice is the same. */
  close(): Promise<void>
}

const responseConnections = 4
const keyConnections = 1

/** A root key of 32 bytes that are at hand. */
export const rootKeyOf = (bytes: Uint8Array): RootKey => rootKey(bytes, randomBytes)

/** Without prices usage is counted, and costs nothing. */
const counting: Steps = { rate: unrated, settle: async () => undefined }

/** Opens a migrated database. Connects with the first use. */
export function openStore(options: OpenOptions): OpenedStore {
  const { url, clock, observe = () => {} } = options
  const database = openPool(url, options)
  const listener = openListener(url, observe)
  let responses: Database | undefined
  let keyRows: Database | undefined
  const close = async () => {
    await Promise.all([listener.close(), database.close(), responses?.close(), keyRows?.close()])
  }
  const openKeys: OpenedStore['openKeys'] = (roots, copy) => {
    // They are read in the midst of writes that hold every connection of the others.
    keyRows ??= openPool(url, { ...options, connections: keyConnections })
    return keyRingOn(keyRows, roots, randomBytes, copy)
  }
  const ringOf = (keys: Keys) => (isRing(keys) ? keys : openKeys(keys.map(rootKeyOf)))
  return {
    store: storeOn(database, listener),
    secrets: secretsOn(database),
    leases: leasesOn(database),
    identity: identityOn(database),
    audit: auditOn(database),
    usage: usageOn(
      database,
      options.prices ? { rate: rater(options.prices), settle, clock } : { ...counting, clock },
    ),
    batches: batchesOn(database),
    ledger: ledgerOn(database),
    prices: pricesOn(database),
    invoices: invoicesOn(database),
    demand: demandOn(database),
    keyUses: keyUsesOn(database),
    quotas: quotasOn(database),
    reservations: reservationsOn(database),
    openResponses(keys, given) {
      // Whoever waits for a response must not hold up who follows the configuration or ships usage.
      responses ??= openPool(url, { ...options, connections: responseConnections })
      return responsesOn(responses, ringOf(keys), randomBytes, given)
    },
    openKeys,
    checks: (vault, now, warnings) => databaseChecks(database, vault, now, warnings),
    openPersons: (keys, vault) => personsOn(database, ringOf(keys), vault, randomBytes),
    openVault: keys => vaultOn(database, ringOf(keys), randomBytes),
    prune: given => prune(database, observe, given),
    close,
    [Symbol.asyncDispose]: close,
  }
}
