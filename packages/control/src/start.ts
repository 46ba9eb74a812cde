// Everything that control does, started together; each part is held by one process at a time.
import {
  type Clock,
  type ControllerObservation,
  type Controllers,
  type Demand,
  type Discover,
  type Leases,
  type Observe,
  type Orchestrator,
  type Prober,
  type Quotas,
  type Random,
  type Reservations,
  type Store,
  startControllers,
} from '@switchyard/runtime'
import { clusterReconciler } from './cluster.ts'
import { endpointReconciler } from './endpoint/index.ts'
import { identityProviderReconciler } from './identity-provider.ts'
import { modelReconciler } from './model.ts'
import { quotaReconciler } from './quota.ts'
import { realizeReconciler } from './realize/index.ts'
import { type Registries, registryReconciler } from './registry.ts'

export type ControlObservation = ControllerObservation

export interface ControlOptions {
  readonly store: Store
  readonly leases: Leases
  /** Which endpoints are asked for. */
  readonly demand: Demand
  /** How workspaces stand to their quotas. */
  readonly quotas: Quotas
  /** What replicas hold of machines. */
  readonly reservations: Reservations
  /** Of the local cluster. */
  readonly orchestrator: Orchestrator
  readonly registries: Registries
  /** Looks whether a provider of sign-in is there. */
  readonly discover: Discover
  /** Asks an engine for one token. */
  readonly prober: Prober
  /** Unique for each process, such as host, pid and start. */
  readonly holder: string
  readonly clock: Clock
  readonly random: Random
  readonly observe?: Observe<ControlObservation>
  readonly signal?: AbortSignal
  /** Workers of each reconciler; default 4. */
  readonly workers?: number
  /** Default 600. */
  readonly resyncSeconds?: number
  /** Default 15. */
  readonly leaseSeconds?: number
}

/** What is done to the processes of this machine is held together. */
const machine = 'local'

/** The new owner disposes of the result: that ends every run and gives the leases back. Replicas go on. */
export function startControl(options: ControlOptions): Controllers {
  const ending = new AbortController()
  const {
    orchestrator,
    registries,
    discover,
    prober,
    demand,
    quotas,
    reservations,
    clock,
    signal: outer,
    ...rest
  } = options
  const signal = outer ? AbortSignal.any([outer, ending.signal]) : ending.signal
  const controllers = startControllers(
    [
      clusterReconciler(orchestrator, reservations, machine),
      registryReconciler(registries),
      modelReconciler(registries, signal),
      identityProviderReconciler(discover),
      endpointReconciler({ ...rest, demand, quotas, reservations, clock }),
      quotaReconciler(quotas),
      realizeReconciler({ orchestrator, prober, lease: machine, signal, now: () => clock.now() }),
    ],
    { ...rest, clock, orchestrator, signal },
  )
  return {
    done: controllers.done,
    async [Symbol.asyncDispose]() {
      ending.abort()
      await controllers[Symbol.asyncDispose]()
    },
  }
}
