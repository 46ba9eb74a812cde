// The hands of the local cluster: revisions become workloads of the orchestrator, and what runs becomes the
// status of replicas. It writes as the agent of its cluster, never what control decides.
import {
  type Gather,
  type Key,
  keyOf,
  type ObservedReplica,
  type Orchestrator,
  type Prober,
  type Reconciler,
  reconciler,
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
  partName,
  type ReplicaDocument,
  type RevisionDocument,
} from '../documents.ts'
import { Wakes } from '../wakes.ts'
import { decideRealize, limitsOf, type RealizeObserved } from './decide.ts'
import { answered, follow, probeIn, type Vital } from './vitals.ts'

export interface RealizeOptions {
  readonly orchestrator: Orchestrator
  readonly prober: Prober
  /** Held together with the cluster's reconciler. */
  readonly lease: string
  /** Ends the probes under way. */
  readonly signal: AbortSignal
  readonly now: () => number
}

/** A generation probe waits so long at most. */
const probeTimeoutMs = 10_000

export function realizeReconciler(options: RealizeOptions): Reconciler {
  const hands = new Hands(options)
  return reconciler<RevisionDocument, RealizeObserved>({
    name: 'realize',
    kind: 'Revision',
    lease: options.lease,
    as: { role: 'agent' },
    watches: [
      { kind: 'Replica', keys: replica => revisionOf(replica as ReplicaDocument) }, // the kind was asked for
    ],
    wakes: signal => hands.wakes(signal),
    observe: (revision, gather) => hands.observe(revision, gather),
    decide: decideRealize,
  })
}

const revisionOf = ({ metadata, spec }: ReplicaDocument): readonly Key[] => [
  { kind: 'Revision', workspace: metadata.workspace, name: partName(spec.endpoint, spec.revision) },
]

/** What is remembered between runs: whose workload is whose, and how each replica fares. */
class Hands {
  readonly #options: RealizeOptions
  readonly #keys = new Map<string, Key>()
  readonly #vitals = new Map<string, Vital>()
  readonly #probing = new Set<string>()
  readonly #wakes = new Wakes()

  constructor(options: RealizeOptions) {
    this.#options = options
  }

  async *wakes(signal: AbortSignal): AsyncIterable<readonly Key[]> {
    const { orchestrator } = this.#options
    this.#hear(orchestrator, signal).catch(error => this.#wakes.fail(error))
    yield* this.#wakes.listen(signal)
  }

  async #hear(orchestrator: Orchestrator, signal: AbortSignal): Promise<void> {
    if (!orchestrator.hints) return
    let before: ReadonlySet<string> = new Set()
    for await (const _ of orchestrator.hints(signal)) {
      const { replicas } = await orchestrator.observe(signal)
      const present = new Set(replicas.map(({ workload }) => workload))
      // What is gone since the last hint concerns its revision too.
      const keys = [...present.union(before)].map(workload => this.#keys.get(workload))
      before = present
      this.#wakes.add(...keys.filter(key => key !== undefined))
    }
  }

  async observe(revision: RevisionDocument, { store, now, signal }: Gather): Promise<RealizeObserved> {
    const { id, workspace } = revision.metadata
    this.#keys.set(id, keyOf(revision))
    const seen = await this.#options.orchestrator.observe(signal)
    const running = seen.replicas.filter(({ workload }) => workload === id)
    const found = await store.read({ role: 'control' }, async tx => {
      const { endpoint: name, number, template } = revision.spec
      const fields = [
        { key: 'spec.endpoint', operator: 'in', values: [name] },
        { key: 'spec.revision', operator: 'in', values: [String(number)] },
      ] as const
      const all = await listed<ReplicaDocument>(tx, { kind: 'Replica', workspace, fields })
      const endpoint = await find<EndpointDocument>(tx, { kind: 'Endpoint', workspace, name })
      const owned = endpoint !== undefined && isOwnedBy(revision, endpoint)
      const local = owned ? await isLocal(endpoint) : true
      const replicas = all.filter(replica => local && sameOwner(replica, revision))
      if (replicas.length === 0) return { replicas, endpoint: undefined, engine: undefined, model: undefined }
      const engine = await find<EngineDocument>(tx, keyOfReference('Engine', template.engine.name, workspace))
      const model = await find<ModelDocument>(tx, keyOfReference('Model', template.model.name, workspace))
      return { replicas, endpoint: owned ? endpoint : undefined, engine, model }

      async function isLocal(owner: EndpointDocument): Promise<boolean> {
        const cluster = await find<ClusterDocument>(
          tx,
          keyOfReference('Cluster', owner.spec.cluster, workspace),
        )
        return cluster === undefined || cluster.spec.type === 'local'
      }
    })
    const { replicas, endpoint, engine, model } = found
    const task = model?.spec.task === 'embedding' ? 'embedding' : 'completion'
    const limits = limitsOf(endpoint?.spec)
    const waits: number[] = []
    for (const replica of running) {
      const vital = follow(this.#vitals.get(replica.id), replica, now)
      this.#vitals.set(replica.id, vital)
      const document = replicas.find(({ metadata }) => metadata.id === replica.id)
      if (!document || document.spec.drain) continue
      const wait = probeIn(vital, replica, limits, now)
      if (wait === 0) this.#probe(replica, revision, task, limits.generationSeconds)
      else if (wait !== undefined) waits.push(wait)
    }
    this.#forget(seen.replicas)
    return {
      replicas,
      running,
      complete: seen.complete,
      vitals: this.#vitals,
      endpoint: endpoint?.spec,
      engine: engine?.spec,
      ...(waits.length > 0 ? { probeIn: Math.min(...waits) } : {}),
    }
  }

  /** Asks for one token beside the run; the answer wakes the key. */
  #probe(
    replica: ObservedReplica,
    revision: RevisionDocument,
    task: 'completion' | 'embedding',
    generationSeconds: number,
  ): void {
    if (this.#probing.has(replica.id)) return
    this.#probing.add(replica.id)
    const { prober, signal, now } = this.#options
    const timeoutMs = Math.min(probeTimeoutMs, generationSeconds * 1000)
    const { address } = replica
    void prober({ address, task, model: revision.spec.endpoint, timeoutMs }, signal).then(
      answer => {
        this.#probing.delete(replica.id)
        const vital = this.#vitals.get(replica.id)
        if (signal.aborted || vital?.startedAt !== replica.startedAt) return
        const message = answer.good ? undefined : answer.message
        this.#vitals.set(replica.id, answered(vital, answer.good, message, now()))
        this.#wakes.add(keyOf(revision))
      },
      () => void this.#probing.delete(replica.id), // aborted: we are ending
    )
  }

  #forget(present: readonly ObservedReplica[]): void {
    if (this.#vitals.size <= present.length) return
    const ids = new Set(present.map(({ id }) => id))
    for (const id of this.#vitals.keys()) if (!ids.has(id)) this.#vitals.delete(id)
  }
}

const sameOwner = (a: ReplicaDocument, b: RevisionDocument) =>
  a.metadata.ownerReferences.some(({ id }) => b.metadata.ownerReferences.some(owner => owner.id === id))
