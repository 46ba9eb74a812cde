// The gateway's whole configuration as one frozen value, compiled aside from the requests and swapped whole.

import { openai } from '@switchyard/dialects'
import {
  type apiKey,
  covers,
  type Document,
  type DocumentOf,
  type endpoint,
  type project,
  type replica,
  type serviceAccount,
  type user,
  type workspace,
} from '@switchyard/kinds'
import type { Grant, SecretHash } from '@switchyard/runtime'

/** Who calls. */
export interface Principal {
  /** Id of the ApiKey document. */
  readonly id: string
  readonly workspace: string
  readonly project: string | null
  /** Public id of the key: the only part of it that is ever written down. */
  readonly key: string
  /** Name of the ApiKey document. */
  readonly keyName: string
  /** Model names it may call, `*` as wildcard; undefined is any. */
  readonly models: readonly RegExp[] | undefined
  /** Milliseconds since 1970; Infinity is never. */
  readonly expiresAt: number
  readonly refusal: Refusal | undefined
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
}

export interface Upstream {
  /** Name of the Replica document. */
  readonly name: string
  /** host:port. */
  readonly address: string
}

/** What a public model name leads to. */
export interface Model {
  readonly name: string
  readonly workspace: string
  readonly endpoint: string
  /** The name that the upstreams know the model by. */
  readonly served: string
  /** The public name as JSON writes it. */
  readonly publicName: Buffer
  readonly paused: boolean
  readonly upstreams: readonly Upstream[]
  /** Seconds since 1970. */
  readonly created: number
}

export interface Snapshot {
  /** By lower-case hex SHA-256 of the key. */
  readonly keys: ReadonlyMap<string, KeyEntry>
  /** By workspace, then by public name, in the order of the names. */
  readonly models: ReadonlyMap<string, ReadonlyMap<string, Model>>
  /** Addresses of every upstream. */
  readonly addresses: ReadonlySet<string>
}

export interface SnapshotInputs {
  /** Documents of Workspace, Project, User, ServiceAccount, ApiKey, Endpoint and Replica; others are ignored. */
  readonly documents: readonly Document[]
  readonly keyHashes: readonly (SecretHash & { readonly id: string })[]
  readonly grants: readonly (Grant & { readonly principal: string })[]
}

export const emptySnapshot: Snapshot = Object.freeze({
  keys: new Map(),
  models: new Map(),
  addresses: new Set<string>(),
})

type ApiKey = DocumentOf<typeof apiKey>
type Endpoint = DocumentOf<typeof endpoint>
type Replica = DocumentOf<typeof replica>
type Workspace = DocumentOf<typeof workspace>
type Project = DocumentOf<typeof project>
type User = DocumentOf<typeof user>
type ServiceAccount = DocumentOf<typeof serviceAccount>

const call = 'inference:call'

/** Pure: the same inputs make an equal snapshot. */
export function compileSnapshot({ documents, keyHashes, grants }: SnapshotInputs): Snapshot {
  const found = sort(documents)
  const models = compileModels(found)
  const callers = new Set(
    grants
      .filter(({ permission }) => covers(permission, call))
      .map(({ principal, workspace }) => caller(principal, workspace)),
  )
  const principals = new Map(found.keys.map(key => [key.metadata.id, compilePrincipal(key, found, callers)]))
  const keys = new Map<string, KeyEntry>()
  for (const { id, field, hash, previous } of keyHashes) {
    const principal = principals.get(id)
    if (!principal || field === 'password') continue
    keys.set(hash, Object.freeze({ principal, until: Number.POSITIVE_INFINITY }))
    if (previous) keys.set(previous.hash, Object.freeze({ principal, until: Date.parse(previous.until) }))
  }
  const addresses = new Set(
    [...models.values()].flatMap(named =>
      [...named.values()].flatMap(({ upstreams }) => upstreams.map(u => u.address)),
    ),
  )
  return Object.freeze({ keys, models, addresses })
}

interface Found {
  readonly workspaces: ReadonlyMap<string, Workspace>
  readonly projects: ReadonlyMap<string, Project>
  readonly users: ReadonlyMap<string, User>
  readonly accounts: ReadonlyMap<string, ServiceAccount>
  readonly keys: readonly ApiKey[]
  readonly endpoints: readonly Endpoint[]
  readonly replicas: readonly Replica[]
}

const within = (workspace: string | null, name: string) => `${workspace}/${name}`
const caller = (principal: string, workspace: string | null) => `${principal} ${workspace ?? '*'}`

function sort(documents: readonly Document[]): Found {
  // What the store returns has been validated by the kind that it names.
  const of = <D extends Document>(kind: string) =>
    documents.filter(document => document.kind === kind) as readonly Document[] as readonly D[]
  const named = <D extends Document>(all: readonly D[]) =>
    new Map(all.map(document => [within(document.metadata.workspace, document.metadata.name), document]))
  return {
    workspaces: named(of<Workspace>('Workspace')),
    projects: named(of<Project>('Project')),
    users: named(of<User>('User')),
    accounts: named(of<ServiceAccount>('ServiceAccount')),
    keys: of<ApiKey>('ApiKey'),
    endpoints: of<Endpoint>('Endpoint'),
    replicas: of<Replica>('Replica'),
  }
}

function compilePrincipal(key: ApiKey, found: Found, callers: ReadonlySet<string>): Principal {
  const { metadata, spec, status } = key
  return Object.freeze({
    id: metadata.id,
    workspace: metadata.workspace ?? '',
    project: metadata.project,
    key: status.publicId ?? '',
    keyName: metadata.name,
    models: spec.models?.map(glob),
    expiresAt: spec.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(spec.expiresAt),
    refusal: refusalOf(key, found, callers),
  })
}

/** The first reason why a key is not accepted, whatever the time. */
function refusalOf(
  { metadata, spec }: ApiKey,
  { workspaces, projects, users, accounts }: Found,
  callers: ReadonlySet<string>,
): Refusal | undefined {
  const home = workspaces.get(within(null, metadata.workspace ?? ''))
  if (!home || home.spec.suspended || home.metadata.deletionTimestamp) return 'workspace_suspended'
  if (spec.disabled || metadata.deletionTimestamp) return 'disabled'
  if (metadata.project !== null) {
    const slice = projects.get(within(metadata.workspace, metadata.project))
    if (!slice || slice.spec.archived || slice.metadata.deletionTimestamp) return 'project_archived'
  }
  const { kind, name } = spec.owner
  const owner =
    kind === 'User' ? users.get(within(null, name)) : accounts.get(within(metadata.workspace, name))
  if (!owner || owner.spec.disabled || owner.metadata.deletionTimestamp) return 'owner_disabled'
  const principal = kind === 'User' ? `user:${name}` : `serviceaccount:${metadata.workspace}/${name}`
  const granted = callers.has(caller(principal, null)) || callers.has(caller(principal, metadata.workspace))
  if (!granted || !spec.scopes.some(scope => covers(scope, call))) return 'not_permitted'
  return undefined
}

function compileModels({ endpoints, replicas }: Found): ReadonlyMap<string, ReadonlyMap<string, Model>> {
  const upstreams = Map.groupBy(
    replicas.filter(ready).toSorted((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1)),
    ({ metadata, spec }) => within(metadata.workspace, spec.endpoint),
  )
  const callable = endpoints
    .filter(({ metadata, spec }) => spec.route === 'auto' && !metadata.deletionTimestamp)
    .toSorted((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1))
  const models = callable.map(({ metadata, spec }): Model => {
    const { name } = metadata
    const ready = upstreams.get(within(metadata.workspace, name)) ?? []
    return Object.freeze({
      name,
      workspace: metadata.workspace ?? '',
      endpoint: name,
      served: name,
      publicName: openai.publicName(name),
      paused: spec.paused,
      upstreams: Object.freeze(ready.map(upstreamOf)),
      created: Math.floor(Date.parse(metadata.creationTimestamp) / 1000),
    })
  })
  return new Map(
    [...Map.groupBy(models, ({ workspace }) => workspace)].map(([workspace, named]) => [
      workspace,
      new Map(named.map(model => [model.name, model])),
    ]),
  )
}

function ready({ metadata, spec, status }: Replica): boolean {
  return (
    status.state === 'Ready' && status.address !== undefined && !spec.drain && !metadata.deletionTimestamp
  )
}

function upstreamOf({ metadata, status }: Replica): Upstream {
  return Object.freeze({ name: metadata.name, address: status.address ?? '' })
}

/** `*` stands for any characters; everything else for itself. */
function glob(pattern: string): RegExp {
  return new RegExp(
    `^${pattern
      .split('*')
      .map(text => RegExp.escape(text))
      .join('.*')}$`,
    's',
  )
}
