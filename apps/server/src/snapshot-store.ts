// The gateway's configuration as the store has it: listed whole once, then brought forward by the log of changes.
import { type CredentialSecret, type Document, type LimitsSpec, secretFrom } from '@switchyard/kinds'
import {
  type BookVersion,
  type Grant,
  type Observe,
  type PriceStore,
  Sealed,
  type SecretHash,
  type Secrets,
  type Store,
  type Vault,
} from '@switchyard/runtime'

const followed = [
  'Workspace',
  'Project',
  'User',
  'ServiceAccount',
  'ApiKey',
  'Role',
  'RoleAssignment',
  'Engine',
  'Endpoint',
  'Replica',
  'Credential',
  'Provider',
  'Guardrail',
  'McpServer',
  'Issuer',
  'IdentityProvider',
  'Route',
  'PriceBook',
] as const

/** Changes of these may change what a principal holds. */
const granting: ReadonlySet<string> = new Set([
  'User',
  'ServiceAccount',
  'Role',
  'RoleAssignment',
  'IdentityProvider',
])

/** Grants end by the clock too (RoleAssignment.expiresAt), which no change tells. */
const grantsAgeMilliseconds = 30_000
const pageOfChanges = 1000

export interface SnapshotInputs {
  readonly documents: readonly Document[]
  readonly keyHashes: readonly (SecretHash & { readonly id: string })[]
  readonly grants: readonly (Grant & { readonly principal: string })[]
  /** By the id of the Credential document. One that does not open is not among them. */
  readonly credentials: ReadonlyMap<string, Sealed<CredentialSecret>>
  /** Published price books. */
  readonly books: readonly BookVersion[]
  /** Of the whole platform. */
  readonly limits: LimitsSpec | undefined
}

/** Ids of Credentials whose secret does not open: it was damaged, or its master key is not known. */
export interface CredentialsFailed {
  readonly type: 'credentials_failed'
  readonly ids: readonly string[]
}

export interface StoreOptions {
  readonly store: Store
  readonly secrets: Secrets
  readonly prices: Pick<PriceStore, 'versions'>
  readonly vault: Vault
  readonly limits: LimitsSpec | undefined
  readonly observe: Observe<CredentialsFailed>
  readonly clock: () => number
}

export interface State {
  /** Everything up to this version is in it. */
  readonly version: string
  readonly documents: Map<string, Document>
  /** The same value as long as nothing changes. */
  readonly inputs: SnapshotInputs
  readonly grantsAt: number
}

const gateway = { role: 'gateway' } as const

export async function load(options: StoreOptions): Promise<State> {
  const { store, secrets, prices, clock, limits } = options
  // The version is read first: a change between it and a list is met again in the log, which does no harm.
  const version = await store.version(gateway)
  const documents = new Map<string, Document>()
  await store.read(gateway, async tx => {
    for (const kind of followed)
      for (const document of (await tx.list({ kind })).items) documents.set(document.metadata.id, document)
  })
  const inputs = {
    documents: [...documents.values()],
    keyHashes: await secrets.keyHashes(),
    grants: await secrets.allGrants(),
    credentials: await openCredentials(options),
    books: await prices.versions(gateway),
    limits,
  }
  return { version, documents, inputs, grantsAt: clock() }
}

/** Takes in every change since the state's version. */
export async function advance(options: StoreOptions, state: State): Promise<State> {
  const { store, secrets, prices, clock, limits } = options
  const touched = new Set<string>()
  let { version } = state
  for (let more = true; more; ) {
    const { changes, through } = await store.changes(gateway, version, pageOfChanges, followed)
    for (const { type, document } of changes) {
      touched.add(document.kind)
      if (type === 'DELETED') state.documents.delete(document.metadata.id)
      else state.documents.set(document.metadata.id, document)
    }
    more = changes.length === pageOfChanges
    version = through
  }
  const regrant =
    clock() - state.grantsAt > grantsAgeMilliseconds || [...touched].some(kind => granting.has(kind))
  if (touched.size === 0 && !regrant) return version === state.version ? state : { ...state, version }
  const inputs = {
    documents: [...state.documents.values()],
    keyHashes: touched.has('ApiKey') ? await secrets.keyHashes() : state.inputs.keyHashes,
    grants: regrant ? await secrets.allGrants() : state.inputs.grants,
    credentials: touched.has('Credential') ? await openCredentials(options) : state.inputs.credentials,
    books: touched.has('PriceBook') ? await prices.versions(gateway) : state.inputs.books,
    limits,
  }
  return { version, documents: state.documents, inputs, grantsAt: regrant ? clock() : state.grantsAt }
}

async function openCredentials({
  vault,
  observe,
}: Pick<StoreOptions, 'vault' | 'observe'>): Promise<SnapshotInputs['credentials']> {
  const { secrets, unreadable } = await vault.read('Credential', 'gateway')
  if (unreadable.length > 0) observe({ type: 'credentials_failed', ids: unreadable })
  return new Map([...secrets].map(([id, fields]) => [id, new Sealed(secretFrom(fields.reveal()))]))
}
