// Gathers what an endpoint depends on, what it owns and who asks for it; decide.ts does the rest.
import type { Document } from '@switchyard/kinds'
import {
  backoffMs,
  type Clock,
  type ControllerObservation,
  type Demand,
  type Key,
  keyOf,
  type Observe,
  type Quotas,
  type Random,
  type ReadTransaction,
  type Reconciler,
  type Reservations,
  reconciler,
  type Store,
  type Watch,
} from '@switchyard/runtime'
import {
  type ClusterDocument,
  type EndpointDocument,
  type EngineDocument,
  find,
  isOwnedBy,
  keyOfReference,
  listed,
  type ModelDocument,
  type ModelRegistryDocument,
  type ReplicaDocument,
  type RevisionDocument,
  referencesTo,
} from '../documents.ts'
import { concerned } from '../quota.ts'
import { decideEndpoint, type EndpointObserved } from './decide.ts'
import type { Ground } from './place.ts'

/** The endpoint that owns a revision or replica. */
const owner = ({ metadata }: Document): readonly Key[] =>
  metadata.ownerReferences
    .filter(({ kind, controller }) => kind === 'Endpoint' && controller)
    .map(({ kind, name }) => ({ kind, workspace: metadata.workspace, name }))

/** The endpoints that name a document at a path of their spec. */
const naming =
  (path: string): Watch['keys'] =>
  async (document: Document, tx: ReadTransaction) => {
    const { value, ...within } = referencesTo(document)
    const fields = [{ key: path, operator: 'in', values: [value] }] as const
    return (await listed<EndpointDocument>(tx, { kind: 'Endpoint', ...within, fields })).map(keyOf)
  }

/** Those that wait for a place on a cluster: it has told anew what it has. */
const waiting: Watch['keys'] = async (document, tx) => {
  const { value, ...within } = referencesTo(document)
  const fields = [{ key: 'spec.cluster', operator: 'in', values: [value] }] as const
  const all = await listed<EndpointDocument>(tx, { kind: 'Endpoint', ...within, fields })
  const waits = ({ status }: EndpointDocument) =>
    status.conditions?.some(({ type, status: is }) => type === 'Placed' && is === 'False') ?? false
  return all.filter(waits).map(keyOf)
}

export interface EndpointOptions {
  readonly store: Store
  readonly demand: Demand
  readonly quotas: Quotas
  readonly reservations: Reservations
  readonly clock: Clock
  readonly random: Random
  readonly observe?: Observe<ControllerObservation>
}

/** Between two looks at who is asked for, however much is written. */
const lookMs = 100
/** A lost wake costs at most this. */
const pollMs = 1000

/** Endpoints that were asked for: one that sleeps is woken, the others look when they would fall asleep. */
async function* asked(
  { store, demand, clock, random, observe }: EndpointOptions,
  signal: AbortSignal,
): AsyncIterable<readonly Key[]> {
  let after: string | undefined
  let failures = 0
  while (!signal.aborted)
    try {
      const { wanted, through } = await demand.since(after)
      after = through
      failures = 0
      if (wanted.length > 0) yield wanted.map(each => ({ kind: 'Endpoint', ...each }))
      await clock.sleep(lookMs, signal)
      await store.wake(pollMs, signal)
    } catch (error) {
      if (signal.aborted) return
      failures += 1
      observe?.({ type: 'run_failed', controller: 'endpoint', key: '*', failures, error })
      await clock.sleep(Math.min(5000, backoffMs(failures, random.fraction())), signal)
    }
}

export function endpointReconciler(options: EndpointOptions): Reconciler {
  const { demand, quotas, reservations } = options
  return reconciler<EndpointDocument, EndpointObserved>({
    name: 'endpoint',
    kind: 'Endpoint',
    watches: [
      { kind: 'Revision', keys: owner },
      { kind: 'Replica', keys: owner },
      { kind: 'Model', keys: naming('spec.model.name') },
      { kind: 'Engine', keys: naming('spec.engine.name') },
      { kind: 'Cluster', keys: waiting },
      { kind: 'Quota', keys: concerned },
    ],
    wakes: signal => asked(options, signal),
    decide: decideEndpoint,
    observe: async (endpoint, { store }) => {
      const { hasQuota, cluster, ...seen } = await store.read({ role: 'control' }, tx =>
        observe(endpoint, tx),
      )
      return {
        ...seen,
        quietMs: endpoint.spec.idleSeconds === undefined ? 0 : await demand.quiet(endpoint),
        ground: needs(endpoint, seen.revisions) ? await groundOf(endpoint, cluster, reservations) : undefined,
        allowance: hasQuota ? await quotas.allowance(endpoint.metadata.workspace ?? '') : undefined,
      }
    },
  })
}

interface Found {
  readonly hasQuota: boolean
  readonly cluster: ClusterDocument | undefined
}

async function groundOf(
  { spec }: EndpointDocument,
  cluster: ClusterDocument | undefined,
  reservations: Reservations,
): Promise<Ground> {
  const node = cluster?.status.node
  const reserved = node === undefined ? undefined : await reservations.on(node)
  return { name: spec.cluster, cluster, reserved }
}

/** Whether some replica of it is to have something of its own. */
const needs = ({ spec }: EndpointDocument, revisions: readonly RevisionDocument[]) =>
  spec.resources.devices !== undefined ||
  spec.resources.memory !== undefined ||
  revisions.some(({ spec: { template } }) => template.resources !== undefined)

async function observe(
  endpoint: EndpointDocument,
  tx: ReadTransaction,
): Promise<Omit<EndpointObserved, 'quietMs' | 'allowance' | 'ground'> & Found> {
  const { workspace, name } = endpoint.metadata
  const { spec } = endpoint
  const within = { workspace, fields: [{ key: 'spec.endpoint', operator: 'in', values: [name] }] } as const
  const revisions = await listed<RevisionDocument>(tx, { kind: 'Revision', ...within })
  const replicas = await listed<ReplicaDocument>(tx, { kind: 'Replica', ...within })
  const model = await find<ModelDocument>(tx, keyOfReference('Model', spec.model.name, workspace))
  const engine = await find<EngineDocument>(tx, keyOfReference('Engine', spec.engine.name, workspace))
  const registry =
    model &&
    (await find<ModelRegistryDocument>(
      tx,
      keyOfReference('ModelRegistry', model.spec.source.registry, model.metadata.workspace),
    ))
  const cluster = await find<ClusterDocument>(tx, keyOfReference('Cluster', spec.cluster, workspace))
  const mine = <D extends Document>(documents: readonly D[]) =>
    documents.filter(each => isOwnedBy(each, endpoint))
  const hasQuota = (await tx.list({ kind: 'Quota', workspace, limit: 1 })).items.length > 0
  return {
    model,
    engine,
    registry,
    cluster,
    revisions: mine(revisions),
    replicas: mine(replicas),
    hasQuota,
  }
}
