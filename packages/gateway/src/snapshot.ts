// The gateway's whole configuration as one frozen value, compiled aside from the requests and swapped whole.

import { openaiEngineRow, type Speech } from '@switchyard/dialects'
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
import { Limited, type LimitScope } from './admission.ts'
import type { Route, Upstream } from './route.ts'

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
  /** The limits above it. */
  readonly limited: Limited
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

/** The routes of one workspace. */
export interface Routes {
  /** By public name, in the order of the names. */
  readonly named: ReadonlyMap<string, Route>
  /** Those whose name ends in `*`, the longest first. */
  readonly wildcards: readonly Route[]
  /** Route documents by their own name. */
  readonly byId: ReadonlyMap<string, Route>
}

export interface Snapshot {
  /** By lower-case hex SHA-256 of the key. */
  readonly keys: ReadonlyMap<string, KeyEntry>
  /** By workspace. */
  readonly routes: ReadonlyMap<string, Routes>
  /** URLs of every upstream's origin. */
  readonly origins: ReadonlySet<string>
  /** Keys of every upstream. */
  readonly upstreams: ReadonlySet<string>
}

export interface SnapshotInputs {
  /** Documents of Workspace, Project, User, ServiceAccount, ApiKey, Endpoint and Replica; others are ignored. */
  readonly documents: readonly Document[]
  readonly keyHashes: readonly (SecretHash & { readonly id: string })[]
  readonly grants: readonly (Grant & { readonly principal: string })[]
}

export const emptySnapshot: Snapshot = Object.freeze({
  keys: new Map(),
  routes: new Map(),
  origins: new Set<string>(),
  upstreams: new Set<string>(),
})

/** What reaches an upstream: nothing of the caller's but what is listed in `head.ts`. */
function headersFor(accept: string, more: readonly string[] = []): readonly string[] {
  const fixed = ['content-type', 'application/json', 'accept', accept]
  return Object.freeze([...fixed, 'accept-encoding', 'identity', 'user-agent', 'switchyard', ...more])
}

const engineHeaders = headersFor('application/json')
const engineStreamHeaders = headersFor('text/event-stream')
const engineSpeech: Speech = Object.freeze({ dialect: 'openai', row: openaiEngineRow })

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
  const routes = compileRoutes(found)
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
  const upstreams = [...routes.values()].flatMap(({ named, wildcards }) =>
    [...named.values(), ...wildcards].flatMap(({ tiers }) => tiers.flatMap(tier => tier.upstreams)),
  )
  return Object.freeze({
    keys,
    routes,
    origins: new Set(upstreams.map(({ origin }) => origin.url)),
    upstreams: new Set(upstreams.map(({ key }) => key)),
  })
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
    limited: new Limited(scopesOf(key, found)),
  })
}

/** Outermost first. */
function scopesOf({ metadata, spec }: ApiKey, { workspaces, projects }: Found): readonly LimitScope[] {
  const { workspace, project, id } = metadata
  const slice = project === null ? undefined : projects.get(within(workspace, project))
  const all = [
    ['workspace', workspace ?? '', workspaces.get(within(null, workspace ?? ''))?.spec.limits],
    ['project', `${workspace}/${project}`, slice?.spec.limits],
    ['key', id, spec.limits],
  ] as const
  return all.flatMap(([level, subject, limits]) => (limits ? [{ level, subject, limits }] : []))
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

function compileRoutes({ endpoints, replicas }: Found): ReadonlyMap<string, Routes> {
  const upstreams = Map.groupBy(
    replicas.filter(ready).toSorted((one, other) => (one.metadata.name < other.metadata.name ? -1 : 1)),
    ({ metadata, spec }) => within(metadata.workspace, spec.endpoint),
  )
  const routes = endpoints
    .filter(({ metadata, spec }) => spec.route === 'auto' && !metadata.deletionTimestamp)
    .map(endpoint => {
      const { workspace, name } = endpoint.metadata
      return endpointRoute(endpoint, upstreams.get(within(workspace, name)) ?? [])
    })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
  return new Map(
    [...Map.groupBy(routes, ({ workspace }) => workspace)].map(([workspace, all]) => [
      workspace,
      { named: new Map(all.map(route => [route.name, route])), wildcards: [], byId: new Map() },
    ]),
  )
}

/** The route that an endpoint has by its own name. */
function endpointRoute({ metadata, spec }: Endpoint, replicas: readonly Replica[]): Route {
  return Object.freeze({
    id: metadata.name,
    name: metadata.name,
    workspace: metadata.workspace ?? '',
    endpoint: metadata.name,
    paused: spec.paused,
    tiers: [{ strategy: 'least_load' as const, upstreams: replicas.map(replicaUpstream) }],
    attempts: undefined,
    times: undefined,
    strict: false,
    exposeModel: false,
    mixed: false,
    prefixed: false,
    created: Math.floor(Date.parse(metadata.creationTimestamp) / 1000),
  })
}

function ready({ metadata, spec, status }: Replica): boolean {
  return (
    status.state === 'Ready' && status.address !== undefined && !spec.drain && !metadata.deletionTimestamp
  )
}

/** Engines speak OpenAI's dialect and know the model by the name of the endpoint. */
function replicaUpstream({ metadata, spec, status }: Replica): Upstream {
  return Object.freeze({
    key: metadata.name,
    name: metadata.name,
    endpoint: spec.endpoint,
    provider: 'engine',
    origin: { url: `http://${status.address ?? ''}`, allowed: undefined },
    speech: engineSpeech,
    served: spec.endpoint,
    base: '',
    strip: '',
    headers: engineHeaders,
    streamHeaders: engineStreamHeaders,
    maxOutput: 4096,
    weight: 100,
    generation: undefined,
    cost: undefined,
  })
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
