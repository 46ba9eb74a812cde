// A model registry: does it answer, and as whom.
import { Fault } from '@switchyard/kinds'
import { type Decision, type Reconciler, type Registry, reconciler, timestamp } from '@switchyard/runtime'
import { claim, type ModelRegistryDocument } from './documents.ts'

/** One driver for each type of registry. */
export type Registries = Readonly<Record<ModelRegistryDocument['spec']['type'], Registry>>

export type RegistryObserved = { readonly models: number } | { readonly fault: Fault }

/** Reasons by what the driver refused with; whatever else it was, nobody was reached. */
const reasons: Readonly<Partial<Record<Fault['code'], string>>> = {
  not_found: 'NotFound',
  denied: 'Forbidden',
}

export function decideRegistry(
  document: ModelRegistryDocument,
  observed: RegistryObserved,
  now: number,
): Decision {
  const before = document.status
  const connected =
    'models' in observed
      ? claim('Connected', 'True', 'Connected', '')
      : claim('Connected', 'False', reasons[observed.fault.code] ?? 'Unreachable', observed.fault.message)
  const models = 'models' in observed ? observed.models : before.models
  const old = before.conditions?.find(({ type }) => type === 'Connected')
  const same =
    old?.status === connected.status && old.message === connected.message && before.models === models
  return {
    actions: [],
    status: {
      ...(models === undefined ? {} : { models }),
      // The moment of the newest check that found something new: a check that finds the same writes nothing.
      checkedAt: same ? before.checkedAt : timestamp(now),
      conditions: [connected],
    },
    again:
      ('models' in observed ? document.spec.checkSeconds : Math.min(30, document.spec.checkSeconds)) * 1000,
  }
}

export function registryReconciler(registries: Registries): Reconciler {
  return reconciler<ModelRegistryDocument, RegistryObserved>({
    name: 'registry',
    kind: 'ModelRegistry',
    watches: [],
    decide: decideRegistry,
    async observe({ spec }, { signal }) {
      try {
        return await registries[spec.type].check(spec.url, signal)
      } catch (error) {
        if (error instanceof Fault) return { fault: error }
        throw error
      }
    },
  })
}
