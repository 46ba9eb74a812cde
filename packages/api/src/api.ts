// The control plane as one handler of node:http: every request is authenticated, authorized by its row, and
// answered in one shape.
import { createHmac } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { Fault } from '@switchyard/kinds'
import type {
  AuditStore,
  AuditTrail,
  CheckedRow,
  Discover,
  IdentityStore,
  Invoicing,
  KeyUses,
  LedgerStore,
  Mailer,
  Observe,
  PriceStore,
  Secrets,
  Store,
  UsageStore,
  Vault,
} from '@switchyard/runtime'
import { type Authenticate, createAuthenticate } from './authenticate.ts'
import { type Shipped, ship } from './bootstrap.ts'
import type { ConfigurationState } from './configuration-rows.ts'
import { type Configure, createConfigure } from './configure.ts'
import type { ConsoleFiles } from './console-rows.ts'
import { createCursors } from './cursor.ts'
import type { ExplainOptions } from './explain-row.ts'
import { fingerprints, renewFingerprints } from './fingerprints.ts'
import { createInvitations } from './invitations.ts'
import { type MintedKey, mintKey, mintOperatorToken, type Random } from './keys.ts'
import type { Logs } from './logs.ts'
import type { ApiObservation } from './observation.ts'
import { createPasswords } from './password.ts'
import { createPasswordChanges } from './password-changes.ts'
import { createPatience } from './patience.ts'
import { checkRoutes, type Row } from './route.ts'
import { routes } from './routes.ts'
import { serve } from './serve.ts'
import type { Readiness } from './server-rows.ts'
import { createTokens } from './session.ts'
import { createSessions } from './sessions.ts'
import { mintSetupToken } from './setup.ts'
import { createSso } from './sso.ts'
import { discoverWith } from './sso-discovery.ts'
import { createProviders, type OutsideFetch } from './sso-provider.ts'
import { clientSecretOf, noOutside } from './sso-secret.ts'
import { createSsoStates } from './sso-state.ts'
import { createDenials } from './trail.ts'
import { type WatchLimits, watchLimits } from './watch.ts'
import { createWriter } from './writing.ts'

export interface ApiOptions {
  readonly store: Store
  readonly secrets: Secrets
  /** Keeps the values of Credentials; without it they are `unsupported`. */
  readonly vault?: Vault | undefined
  readonly identity: IdentityStore
  readonly usage: UsageStore
  /** The trail of who did what. */
  readonly audit: AuditStore
  /** Its signed log; without it, what needs one is `unsupported`. */
  readonly trail?: AuditTrail | undefined
  /** Balances. */
  readonly ledger: LedgerStore
  readonly invoicing: Invoicing
  /** Published price books. */
  readonly prices: PriceStore
  /** Public address of this installation, such as http://127.0.0.1:8080: `iss` of the session tokens. */
  readonly issuer: string
  /** At least 32 random bytes, the same in every process of an installation: signs continue tokens and requests with an Idempotency-Key. */
  readonly cursorKey: Uint8Array
  /** Version of the server. */
  readonly version: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** UUIDv7. */
  readonly uuid: () => string
  readonly random: Random
  /** 0 to 1. */
  readonly chance: () => number
  readonly observe?: Observe<ApiObservation>
  /** Log lines of a replica by the id of its document; without it the logs are `unsupported`. */
  readonly logs?: Logs
  /** A gateway of this process, to ask where a request would go. */
  readonly explain?: ExplainOptions['explain']
  /** How the configuration file stands, where the server follows one. */
  readonly configuration?: () => ConfigurationState | undefined
  /** Looks whether all is in order, for GET /api/v1/doctor; without it that is `unsupported`. */
  readonly examine?: () => Promise<readonly CheckedRow[]>
  readonly keyUses: KeyUses
  /** Told the id of each ApiKey that calls here. */
  readonly keyUsed?: (id: string) => void
  /** Called when a version of the master key was added. */
  readonly keyAdded?: () => void
  /** How the gateway of this process stands, which does without the store; without one, readiness waits for the store. */
  readonly ready?: () => Promise<Readiness>
  /** Prometheus' text of this process, for GET /metrics; without it that is `unsupported`. */
  readonly metrics?: () => string
  /** Sends letters to people; without it links are shown to whoever makes them. */
  readonly mailer?: Mailer | undefined
  /** Speaks with identity providers, dialling only what it may; without it nobody signs in by one. */
  readonly outside?: OutsideFetch | undefined
  /** Address of the peer, for counting failed sign-ins; the socket's when absent. */
  readonly address?: (request: IncomingMessage) => string
  readonly watch?: Partial<WatchLimits>
  /** The built console; without it its page says how to build it. */
  readonly console?: ConsoleFiles | undefined
}

export interface Api {
  /** Serves everything under /api/v1, and /, /setup, /metrics, /.well-known/jwks.json, /healthz, /readyz, /version. */
  handle(request: IncomingMessage, response: ServerResponse): void
  readonly routes: readonly Row[]
  readonly authenticate: Authenticate
  /** Replaces the operator's token of this installation and answers the new one. */
  mintOperatorToken(): Promise<string>
  /** Token of a one-time set-up link: `<issuer>/setup?token=<token>`. */
  mintSetupToken(lifeSeconds?: number): Promise<string>
  mintKey(): MintedKey
  /** Makes or restores documents that come with Switchyard, in the given order. */
  ship(documents: readonly Shipped[]): ReturnType<typeof ship>
  /** Looks whether an IdentityProvider is where it is said to be. */
  readonly discover: Discover
  /** Brings the documents of the configuration file to what it says, all or none. */
  readonly configure: Configure
  /** Makes fingerprints of secrets anew that an older program made; answers how many that were. */
  renewFingerprints(): Promise<number>
  /** Ends every stream; running requests finish. Twice is the same. */
  close(): Promise<void>
}

/** Throws when the route table is not sound, and names the row. */
export async function createApi(options: ApiOptions): Promise<Api> {
  const { store, secrets, identity, usage, ledger, issuer, now, uuid, random, chance, prices } = options
  if (options.cursorKey.length < 32) throw new TypeError('cursorKey must be at least 32 random bytes.')
  const stopping = new AbortController()
  const limits = { ...watchLimits, ...options.watch }
  const { vault } = options
  const fingerprint = vault && (await fingerprints(vault))
  const tokens = createTokens({ identity, vault, issuer, now, uuid })
  const authenticate = createAuthenticate({
    store,
    secrets,
    identity,
    tokens,
    now,
    keyUsed: options.keyUsed,
  })
  const passwords = createPasswords()
  const patience = createPatience({ identity, now })
  const sessions = createSessions({
    store,
    secrets,
    identity,
    tokens,
    passwords,
    patience,
    now,
    uuid,
    random,
    issuer,
  })
  const writer = createWriter({ store, identity, passwords, now, uuid, random, vault, fingerprint, prices })
  const { mailer, observe = () => {} } = options
  const people = { store, identity, writer, mailer, observe, random, issuer }
  const invitations = createInvitations({ ...people, sessions, uuid })
  const passwordChanges = createPasswordChanges({ ...people, secrets, passwords, patience })
  const { outside = noOutside } = options
  const sso = createSso({
    ...people,
    sessions,
    now,
    providers: createProviders({
      now,
      fetch: outside,
      secretOf: provider => clientSecretOf(store, options.vault, provider),
    }),
    states: createSsoStates(
      createHmac('sha256', options.cursorKey).update('sso').digest(),
      now,
      issuer.startsWith('https:'),
    ),
  })
  const configure = createConfigure({
    store,
    secrets,
    identity,
    passwords,
    vault,
    writer,
    now,
  })
  const table = routes({
    audit: options.audit,
    trail: options.trail,
    configure,
    configuration: options.configuration,
    explain: options.explain,
    outside,
    monotonic: () => performance.now(),
    console: options.console,
    store,
    secrets,
    vault,
    fingerprint,
    patience,
    keyUses: options.keyUses,
    examine: options.examine,
    keyAdded: options.keyAdded,
    identity,
    usage,
    ledger,
    invoicing: options.invoicing,
    prices,
    tokens,
    sessions,
    passwords,
    invitations,
    passwordChanges,
    sso,
    authenticate,
    issuer,
    now,
    uuid,
    random,
    chance,
    limits,
    version: options.version,
    logs: options.logs,
    metrics: options.metrics,
    pollMilliseconds: limits.pollMilliseconds,
    cursors: createCursors(options.cursorKey, now),
    ready: async () => {
      if (!options.ready) return { waitingFor: await storeProblems(store), degraded: [] }
      const told = await options.ready()
      if (told.degraded.length > 0) return told
      return { ...told, degraded: await storeProblems(store) }
    },
  })
  checkRoutes(table)
  const sign = (text: string) =>
    createHmac('sha256', options.cursorKey).update(`request\0${text}`).digest('base64url')
  const denials = createDenials({ audit: options.audit, now, observe: options.observe ?? (() => {}) })
  const app = await serve(table, { ...options, authenticate, sign, denials, signal: stopping.signal })

  return {
    handle: (request, response) => app.routing(request, response),
    routes: table,
    authenticate,
    async mintOperatorToken() {
      const { secret, hash } = mintOperatorToken(random)
      await identity.putOperatorToken(hash)
      return secret
    },
    mintSetupToken: lifeSeconds => mintSetupToken({ identity, now, random }, lifeSeconds),
    mintKey: () => mintKey(random),
    discover: discoverWith(outside),
    configure,
    ship: documents => ship({ store, now, uuid }, documents),
    renewFingerprints: async () => (vault ? renewFingerprints(store, vault) : 0),
    async close() {
      stopping.abort()
      await app.close()
      await passwordChanges.settled()
      await denials[Symbol.asyncDispose]()
    },
  }
}

/** A probe does not wait as long as a connection may take. */
const probeMilliseconds = 1000

async function storeProblems(store: Store): Promise<readonly string[]> {
  try {
    const late = wait(probeMilliseconds, false, { ref: false })
    if ((await Promise.race([store.version({ role: 'control' }), late])) !== false) return []
    return ['the store: it does not answer']
  } catch (error) {
    // The answer of a readiness check is that it is not ready; the reason is in the database's own log.
    return [`the store: ${error instanceof Fault ? error.message : 'it does not answer'}`]
  }
}
