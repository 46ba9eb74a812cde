// What public names lead to: Route documents, and the route that each endpoint has by its own name.
import type { CredentialSecret, DocumentOf, route } from '@switchyard/kinds'
import type { Sealed } from '@switchyard/runtime'
import type { Route, Tier, Upstream } from '../route.ts'
import type { Routes } from '../snapshot.ts'
import { type Costs, withCosts } from './costs.ts'
import { type Endpoint, type Found, type RouteDocument, referred, within } from './found.ts'
import { guardsOf } from './guards.ts'
import { unreadyOf } from './unready.ts'
import { providerUpstream, replicaUpstream, type Unsealed } from './upstreams.ts'

/** By id of the Credential document. */
type Secrets = ReadonlyMap<string, Sealed<CredentialSecret>>

const noSecrets: Secrets = new Map()

type TargetSpec = Pick<
  DocumentOf<typeof route>['spec']['tiers'][number]['targets'][number],
  'endpoint' | 'provider' | 'model'
>

export function compileRoutes(found: Found, secrets: Secrets, costs?: Costs): ReadonlyMap<string, Routes> {
  const documents = found.routes.map(document => documentRoutes(document, found, secrets))
  const own = [...found.endpoints.values()]
    .filter(({ spec }) => spec.route === 'auto')
    .map(endpoint => endpointRoute(endpoint, found))
  const all = [...documents.flat(), ...own]
  const priced = costs ? all.map(route => withCosts(route, found, costs)) : all
  const byWorkspace = Map.groupBy(priced, ({ workspace }) => workspace)
  return new Map([...byWorkspace].map(([workspace, all]) => [workspace, routesOf(all)]))
}

/** Route documents before what endpoints have by themselves; among them by priority, then by name. */
function routesOf(all: readonly Route[]): Routes {
  const ranked = all.toSorted(
    (one, other) =>
      Number(one.endpoint !== '') - Number(other.endpoint !== '') ||
      other.priority - one.priority ||
      (one.id < other.id ? -1 : 1),
  )
  const wild = ({ name }: Route) => name.endsWith('*')
  const named = Map.groupBy(
    ranked.filter(route => !wild(route)),
    ({ name }) => name,
  )
  const names = [...named.keys()].toSorted()
  return {
    named: new Map(names.map(name => [name, named.get(name) ?? []])),
    wildcards: ranked.filter(wild).toSorted((one, other) => other.name.length - one.name.length),
    byId: new Map(ranked.filter(({ endpoint }) => endpoint === '').map(route => [route.id, route])),
  }
}

/** The route that an endpoint has by its own name. */
function endpointRoute({ metadata, spec }: Endpoint, found: Found): Route {
  const workspace = metadata.workspace ?? ''
  const replicas = found.replicas.get(within(workspace, metadata.name)) ?? []
  const upstreams = replicas.map(one => replicaUpstream(one, 100))
  return Object.freeze({
    id: metadata.name,
    name: metadata.name,
    workspace,
    endpoint: metadata.name,
    paused: spec.paused,
    priority: 0,
    match: undefined,
    access: undefined,
    tiers: [{ strategy: 'least_load' as const, upstreams }],
    unready: unreadyOf(workspace, [metadata.name], found),
    attempts: undefined,
    times: undefined,
    commitAfter: undefined,
    bodyBytes: undefined,
    strict: false,
    exposeModel: false,
    exposeUpstream: false,
    storeResponses: false,
    fetchImages: false,
    mixed: false,
    prefixed: false,
    guarding: guardsOf([], found, noSecrets),
    cache: undefined,
    generation: metadata.generation,
    created: Math.floor(Date.parse(metadata.creationTimestamp) / 1000),
  })
}

/** One route for each of its names. */
function documentRoutes({ metadata, spec }: RouteDocument, found: Found, secrets: Secrets): readonly Route[] {
  const workspace = metadata.workspace ?? ''
  const upstreams = (target: TargetSpec, weight: number) =>
    upstreamsOf(workspace, target, weight, found, secrets)
  const tiers = spec.tiers.map(
    ({ strategy, targets }): Tier => ({
      strategy,
      upstreams: distinct(targets.flatMap(target => upstreams(target, target.weight))),
    }),
  )
  const called = spec.tiers.flatMap(({ targets }) =>
    targets.flatMap(({ endpoint, weight }) => (endpoint === undefined || weight === 0 ? [] : [endpoint])),
  )
  const { timeouts, fallback, hedge, shadow, cache } = spec
  const [copy] = shadow ? upstreams(shadow.target, 100) : []
  const dialects = new Set(tiers.flatMap(tier => tier.upstreams.map(({ speech }) => speech.dialect)))
  const common = {
    id: metadata.name,
    workspace,
    endpoint: '',
    paused: false,
    priority: spec.priority,
    match: spec.match,
    access: spec.access,
    tiers,
    unready: unreadyOf(workspace, called, found),
    attempts: spec.retries.attempts,
    times: present({
      firstContent: timeouts.firstContentMs,
      idle: timeouts.idleMs,
      stall: timeouts.stallMs,
      total: timeouts.totalMs,
    }),
    commitAfter: spec.commitAfter,
    bodyBytes: spec.bodyBytes,
    strict: spec.strict,
    exposeModel: spec.exposeModel === 'upstream',
    exposeUpstream: spec.expose === 'upstream',
    storeResponses: spec.storeResponses,
    fetchImages: spec.fetchImages,
    mixed: dialects.size > 1,
    prefixed: tiers.some(({ strategy }) => strategy === 'prefix'),
    guarding: guardsOf(
      spec.guardrails.map(reference => referred(workspace, reference)),
      found,
      secrets,
    ),
    cache,
    generation: metadata.generation,
    created: Math.floor(Date.parse(metadata.creationTimestamp) / 1000),
    ...(fallback.onContextLength !== undefined && { onContextLength: fallback.onContextLength }),
    ...(fallback.onContentFilter !== undefined && { onContentFilter: fallback.onContentFilter }),
    ...(hedge && { hedge }),
    ...(shadow && copy && { shadow: { percent: shadow.percent, upstream: copy } }),
  }
  return spec.names.map(name => Object.freeze({ ...common, name }))
}

/** Of a target: its replicas, which share its weight, or the provider's model. */
function upstreamsOf(
  workspace: string,
  { endpoint, provider, model }: TargetSpec,
  weight: number,
  { replicas, providers, credentials }: Found,
  secrets: Secrets,
): readonly Upstream[] {
  if (endpoint !== undefined)
    return (replicas.get(within(workspace, endpoint)) ?? []).map(one => replicaUpstream(one, weight))
  const document = provider === undefined ? undefined : providers.get(referred(workspace, provider))
  if (!document) return []
  const { credential: reference } = document.spec
  let unsealed: Unsealed | undefined
  if (reference !== undefined) {
    const credential = credentials.get(referred(document.metadata.workspace, reference))
    const secret = credential && secrets.get(credential.metadata.id)
    // Without its credential it would only refuse: it is left out until the secret can be read.
    if (!credential || !secret) return []
    unsealed = { document: credential, secret: secret.reveal() }
  }
  const upstream = providerUpstream(document, model, weight, unsealed)
  return upstream ? [upstream] : []
}

/** An upstream that stands twice in a tier has both weights. */
function distinct(upstreams: readonly Upstream[]): readonly Upstream[] {
  const found = new Map<string, Upstream>()
  for (const upstream of upstreams) {
    const key = `${upstream.key} ${upstream.served ?? '*'}`
    const before = found.get(key)
    found.set(
      key,
      before ? { ...upstream, weight: Math.min(1000, before.weight + upstream.weight) } : upstream,
    )
  }
  return [...found.values()]
}

/** What was given; undefined when nothing was. */
function present(times: { readonly [name: string]: number | undefined }): Route['times'] {
  const given = Object.entries(times).filter(([, value]) => value !== undefined)
  return given.length === 0 ? undefined : Object.fromEntries(given)
}
