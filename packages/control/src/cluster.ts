// The machine itself as a cluster: what it can do, and workloads on it that no revision owns any more.
import {
  type Action,
  type Capabilities,
  type Decision,
  type Orchestrator,
  type Reconciler,
  type Reservations,
  type Reserved,
  reconciler,
  timestamp,
} from '@switchyard/runtime'
import { devicesOf } from './devices.ts'
import {
  type ClusterDocument,
  claim,
  keyOfReference,
  listed,
  type ReplicaDocument,
  type RevisionDocument,
} from './documents.ts'

export interface ClusterObserved {
  /** Undefined when the orchestrator did not answer; `error` says why. */
  readonly capabilities?: Capabilities
  readonly error?: string
  /** What replicas hold of the machine. */
  readonly reserved?: Reserved
  /** Workloads that run and whose revision is gone. */
  readonly orphans: readonly string[]
}

const againMs = 60_000

export function decideCluster(document: ClusterDocument, observed: ClusterObserved, now: number): Decision {
  const { capabilities, error = 'it did not answer', orphans, reserved } = observed
  const before = document.status
  const { version, nodes, node, capacity, devices, lastSeenAt } = before
  if (!capabilities) {
    const wasConnected = before.conditions?.some(
      ({ type, status }) => type === 'Connected' && status === 'True',
    )
    const message = `The processes of this machine cannot be listed: ${error}. Running replicas go on; look into the server's log.`
    return {
      actions: [],
      status: {
        version,
        node,
        capacity,
        devices,
        nodes: { ready: 0, total: 1 },
        lastSeenAt: wasConnected ? timestamp(now) : lastSeenAt,
        conditions: [
          claim('Connected', 'False', 'Unreachable', message),
          claim('Ready', 'False', 'NotConnected', message),
        ],
      },
      again: 5000,
    }
  }
  const ended: readonly Action[] = orphans.map(workload => ({ do: 'end', workload, graceSeconds: 10 }))
  const events: readonly Action[] = orphans.map(workload => ({
    do: 'event',
    of: document,
    type: 'Warning',
    reason: 'OrphanEnded',
    message: `Replicas of the workload ${workload} ran without a revision and were ended.`,
  }))
  const told = devicesOf(document, capabilities.devices, reserved)
  return {
    actions: [...events, ...ended],
    status: {
      version: capabilities.version,
      node: capabilities.node,
      devices: told.devices,
      nodes: { ready: 1, total: 1 },
      capacity: { cpus: capabilities.cpus, memoryBytes: capabilities.memoryBytes },
      ...(nodes && lastSeenAt !== undefined ? { lastSeenAt } : {}),
      conditions: [
        claim('Connected', 'True', 'Connected', ''),
        claim('Ready', 'True', 'Connected', ''),
        told.claim,
      ],
    },
    again: againMs,
  }
}

/** The cluster that a replica holds something of. */
const holderOf = ({ metadata, spec }: ReplicaDocument) =>
  spec.assignment ? [keyOfReference('Cluster', spec.cluster, metadata.workspace)] : []

/** It shares the lease of `realize`: both hands touch the same processes. */
export function clusterReconciler(
  orchestrator: Orchestrator,
  reservations: Reservations,
  lease: string,
): Reconciler {
  return reconciler<ClusterDocument, ClusterObserved>({
    name: 'cluster',
    kind: 'Cluster',
    lease,
    watches: [{ kind: 'Replica', keys: document => holderOf(document as ReplicaDocument) }], // the kind was asked for
    decide: decideCluster,
    async observe(_document, { store, signal }) {
      try {
        const capabilities = await orchestrator.capabilities(signal)
        // In this order: a workload seen now had its revision before, and a revision's id never comes twice.
        const { complete, replicas } = await orchestrator.observe(signal)
        const revisions = await store.read({ role: 'control' }, tx =>
          listed<RevisionDocument>(tx, { kind: 'Revision' }),
        )
        const owned = new Set(revisions.map(({ metadata }) => metadata.id))
        const running = new Set(complete ? replicas.map(({ workload }) => workload) : [])
        const reserved = await reservations.on(capabilities.node)
        return { capabilities, reserved, orphans: [...running].filter(workload => !owned.has(workload)) }
      } catch (error) {
        if (signal.aborted) throw error
        return { error: error instanceof Error ? error.message : String(error), orphans: [] }
      }
    },
  })
}
