// The gateway's whole configuration as one frozen value, compiled aside from the requests and swapped whole.
import type { CredentialSecret, Document, LimitsSpec } from '@switchyard/kinds'
import type { Prices } from '@switchyard/ledger'
import type { BookVersion, Grant, Sealed, SecretHash } from '@switchyard/runtime'
import type { Counted } from './counts.ts'
import type { AddressRules } from './door/addresses.ts'
import type { Limited } from './limited.ts'
import type { McpServers } from './mcp/server.ts'
import type { Route, Upstream } from './route.ts'
import { countedOf } from './snapshot/counted.ts'
import { find } from './snapshot/found.ts'
import { compileIssuers, type TrustedIssuer } from './snapshot/issuers.ts'
import { compileMcpServers } from './snapshot/mcp-servers.ts'
import { nappingOf } from './snapshot/napping.ts'
import { type Callers, callersOf, compilePrincipal, compileTenants, peopleOf } from './snapshot/principals.ts'
import { compileRoutes } from './snapshot/routes.ts'
import type { Napping } from './use.ts'
import type { Billing } from './wallet/billing.ts'

/** Who calls. */
export interface Principal {
  /** Id of the ApiKey document; `issuer/NAME/SUBJECT` by a token of an outside issuer, `user/NAME` by one of a session. */
  readonly id: string
  readonly workspace: string
  readonly project: string | null
  /** ISO 4217 code of its workspace. */
  readonly currency: string
  /** Public id of the key, the only part of it that is ever written down; `issuer/NAME` or `user/NAME` by a token. */
  readonly key: string
  /** `user:NAME` or `serviceaccount:WORKSPACE/NAME` of the key; `issuer:NAME/SUBJECT` by a token. */
  readonly owner: string
  /** Name of the ApiKey document; `NAME/SUBJECT` or `user/NAME` by a token, which is the name of none. */
  readonly keyName: string
  /** Model names it may call, `*` as wildcard; undefined is any. */
  readonly models: readonly RegExp[] | undefined
  /** Milliseconds since 1970; Infinity is never. */
  readonly expiresAt: number
  readonly refusal: Refusal | undefined
  /** The limits above it. */
  readonly limited: Limited
  /** Out of which account it pays; undefined where nothing is billed. */
  readonly billing: Billing | undefined
  /** Where it may be called from: all of them must let the caller in. */
  readonly addresses: readonly AddressRules[]
}

/** What holds in a workspace or a project for whoever calls there by a token. */
export interface Tenant extends Pick<Principal, 'currency' | 'limited' | 'billing' | 'addresses'> {
  readonly refusal: 'workspace_suspended' | 'project_archived' | undefined
}

/** Why a key that is known is not accepted. */
export type Refusal =
  | 'disabled'
  | 'expired'
  | 'owner_disabled'
  | 'workspace_suspended'
  | 'project_archived'
  | 'not_permitted'

/** A hash under which a principal is known, for as long as it is accepted. */
export interface KeyEntry {
  readonly principal: Principal
  /** Milliseconds since 1970 until which this secret is accepted: the previous one of a rotated key ends. */
  readonly until: number
  /** Of the key, whichever of its secrets was shown. */
  readonly use: KeyUse
}

/** Written by every call that is accepted, read now and then by who tells of it. */
export interface KeyUse {
  /** Of the ApiKey. */
  readonly id: string
  /** Milliseconds since 1970 of the newest use by this snapshot; 0 is none. */
  at: number
}

/** The routes of one workspace. */
export interface Routes {
  /** By public name, in the order of the names; of each name the one that is asked first stands first. */
  readonly named: ReadonlyMap<string, readonly Route[]>
  /** Those whose name ends in `*`, the longest first. */
  readonly wildcards: readonly Route[]
  /** Route documents by their own name. */
  readonly byId: ReadonlyMap<string, Route>
}

export interface Snapshot {
  /** By lower-case hex SHA-256 of the key. */
  readonly keys: ReadonlyMap<string, KeyEntry>
  /** Outside issuers whose tokens are taken, by name. */
  readonly issuers: ReadonlyMap<string, TrustedIssuer>
  /** By `workspace` and `workspace/project`. */
  readonly tenants: ReadonlyMap<string, Tenant>
  /** Names of the people who may be signed in. */
  readonly people: ReadonlySet<string>
  readonly callers: Callers
  /** By workspace. */
  readonly routes: ReadonlyMap<string, Routes>
  /** What models cost; undefined while there is no price book. */
  readonly prices: Prices | undefined
  readonly mcp: McpServers
  /** Keys of every upstream's origin. */
  readonly origins: ReadonlySet<string>
  /** Keys of every upstream. */
  readonly upstreams: ReadonlySet<string>
  /** Replicas, each once. */
  readonly replicas: readonly Upstream[]
  /** Replicas of endpoints that may sleep. */
  readonly napping: readonly Napping[]
  /** Replicas whose engines say how many requests they have. */
  readonly counted: readonly Counted[]
}

export interface SnapshotInputs {
  /** Of the kinds that are followed for the gateway; others are ignored. */
  readonly documents: readonly Document[]
  readonly keyHashes: readonly (SecretHash & { readonly id: string })[]
  readonly grants: readonly (Grant & { readonly principal: string })[]
  /** What Credential documents hold, by their id. */
  readonly credentials?: ReadonlyMap<string, Sealed<CredentialSecret>>
  /** Of the platform: above those of every workspace. */
  readonly limits?: LimitsSpec | undefined
  /** Published price books. */
  readonly books?: readonly BookVersion[]
  readonly pricing?: Pricing
}

/** What price books are made ready with. */
export interface Pricing {
  /** `compilePrices` of the ledger. */
  readonly compile: (books: readonly BookVersion[]) => Prices
  /** Milliseconds since 1970 at which upstreams are compared by their costs. */
  readonly at: number
}

export const emptySnapshot: Snapshot = Object.freeze({
  keys: new Map(),
  issuers: new Map(),
  tenants: new Map(),
  people: new Set<string>(),
  callers: new Set<string>(),
  routes: new Map(),
  prices: undefined,
  mcp: new Map(),
  origins: new Set<string>(),
  upstreams: new Set<string>(),
  replicas: [],
  napping: [],
  counted: [],
})

/** Pure: the same inputs make an equal snapshot. */
export function compileSnapshot(inputs: SnapshotInputs): Snapshot {
  const { documents, keyHashes, grants, credentials, limits, books = [], pricing } = inputs
  const found = find(documents)
  const prices = pricing && books.length > 0 ? pricing.compile(books) : undefined
  const costs = prices && pricing ? { prices, at: pricing.at } : undefined
  const routes = compileRoutes(found, credentials ?? new Map(), costs)
  const issuers = compileIssuers(found, credentials ?? new Map())
  const mcp = compileMcpServers(found, credentials ?? new Map())
  const callers = callersOf(grants)
  const principals = new Map(
    found.keys.map(key => [key.metadata.id, compilePrincipal(key, found, callers, limits)]),
  )
  const keys = new Map<string, KeyEntry>()
  for (const { id, field, hash, previous } of keyHashes) {
    const principal = principals.get(id)
    if (!principal || field === 'password') continue
    const use = { id, at: 0 }
    keys.set(hash, Object.freeze({ principal, use, until: Number.POSITIVE_INFINITY }))
    if (previous)
      keys.set(previous.hash, Object.freeze({ principal, use, until: Date.parse(previous.until) }))
  }
  const upstreams = [...routes.values()].flatMap(({ named, wildcards }) =>
    [...[...named.values()].flat(), ...wildcards].flatMap(({ tiers, shadow }) => [
      ...tiers.flatMap(tier => tier.upstreams),
      ...(shadow ? [shadow.upstream] : []),
    ]),
  )
  const places = [...mcp.values()].flatMap(servers =>
    [...servers.values()].flatMap(server => server.upstreams),
  )
  return Object.freeze({
    keys,
    issuers,
    tenants: compileTenants(found, limits),
    people: peopleOf(found),
    callers,
    routes,
    prices,
    mcp,
    origins: new Set([
      ...upstreams.map(({ origin }) => origin.key),
      ...places.flatMap(({ origin, listening }) => [origin.key, listening.key]),
    ]),
    upstreams: new Set([...upstreams, ...places].map(({ key }) => key)),
    replicas: [
      ...new Map(upstreams.filter(({ endpoint }) => endpoint !== '').map(one => [one.key, one])).values(),
    ],
    napping: nappingOf(found),
    counted: countedOf(found),
  })
}
