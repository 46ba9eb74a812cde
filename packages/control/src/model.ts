// A model: are its bytes there, what do they say, and are they still the same.
import { Fault } from '@switchyard/kinds'
import {
  type Decision,
  type Fact,
  type Inspection,
  type Key,
  keyOf,
  type Reconciler,
  reconciler,
} from '@switchyard/runtime'
import {
  claim,
  find,
  keyOfReference,
  listed,
  type ModelDocument,
  type ModelRegistryDocument,
  referencesTo,
} from './documents.ts'
import { Inspections } from './inspections.ts'
import type { Registries } from './registry.ts'

export type ModelObserved =
  | { readonly kind: 'no_registry'; readonly message: string }
  | { readonly kind: 'refused'; readonly fault: Fault }
  /** The file stands as it was when it was read last. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'reading'; readonly bytes: number; readonly total: number }
  | { readonly kind: 'read'; readonly stamp: string; readonly inspection: Inspection }

/** The fact that tells, cheaply, whether the file may have changed since it was read. */
const stampFact = 'stamp'
const recheckMs = 30_000

export const stampOf = ({ status, metadata }: ModelDocument): string | undefined => {
  const value = status.facts?.[stampFact]?.value
  return status.observedGeneration === metadata.generation && typeof value === 'string' ? value : undefined
}

const reasonOf = ({ code, reason }: Fault): string => {
  if (code === 'not_found') return 'ModelAbsent'
  if (reason === 'bad_header') return 'BadHeader'
  if (reason === 'unknown_format') return 'UnknownFormat'
  return 'Unreadable'
}

export function decideModel(document: ModelDocument, observed: ModelObserved): Decision {
  const { conditions = [], reading: _reading, observedGeneration: _, phase: __, ...before } = document.status
  const { path } = document.spec.source
  switch (observed.kind) {
    case 'unchanged': {
      const kept = conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message }))
      return { actions: [], status: { ...before, conditions: kept }, again: recheckMs }
    }
    case 'reading': {
      const share = observed.total > 0 ? Math.floor((100 * observed.bytes) / observed.total) : 0
      const message = `Reading ${path}: ${share} % of ${observed.total} bytes.`
      return {
        actions: [],
        status: {
          ...before,
          reading: { bytes: observed.bytes, total: observed.total },
          conditions: [claim('Validated', 'Unknown', 'Unreadable', message)],
        },
        again: 1000,
      }
    }
    case 'no_registry':
      return {
        actions: [],
        status: {
          ...before,
          conditions: [claim('Validated', 'Unknown', 'RegistryNotReady', observed.message)],
        },
        again: recheckMs,
      }
    case 'refused': {
      const reason = reasonOf(observed.fault)
      const { [stampFact]: _stamp, ...facts } = before.facts ?? {}
      return {
        actions: [],
        status: {
          ...before,
          facts,
          conditions: [claim('Validated', 'False', reason, observed.fault.message)],
        },
        again: recheckMs,
      }
    }
    case 'read': {
      const { format, facts, bytes, sha256 } = observed.inspection
      const stamp: Fact = { value: observed.stamp, source: 'derived' }
      const edited = before.digest !== undefined && before.digest !== sha256
      return {
        actions: edited
          ? [
              {
                do: 'event',
                of: document,
                type: 'Warning',
                reason: 'ModelChanged',
                message: `The bytes of ${path} have changed; running replicas go on, new revisions take the new bytes.`,
              },
            ]
          : [],
        status: {
          format,
          digest: sha256,
          files: [{ path, bytes, sha256 }],
          facts: { ...facts, [stampFact]: stamp },
          conditions: [claim('Validated', 'True', 'Validated', '')],
        },
        again: recheckMs,
      }
    }
  }
}

export function modelReconciler(registries: Registries, signal: AbortSignal): Reconciler {
  const inspections = new Inspections(signal)
  return reconciler<ModelDocument, ModelObserved>({
    name: 'model',
    kind: 'Model',
    watches: [
      {
        kind: 'ModelRegistry',
        keys: async (registry, tx): Promise<readonly Key[]> => {
          const { value, ...within } = referencesTo(registry)
          const models = await listed<ModelDocument>(tx, { kind: 'Model', ...within })
          return models.filter(({ spec }) => spec.source.registry === value).map(keyOf)
        },
      },
    ],
    wakes: signal => inspections.ended(signal),
    decide: decideModel,
    async observe(document, { store, signal }) {
      const { registry: reference, path } = document.spec.source
      const key = keyOfReference('ModelRegistry', reference, document.metadata.workspace)
      const registry = await store.read({ role: 'control' }, tx => find<ModelRegistryDocument>(tx, key))
      if (!registry)
        return {
          kind: 'no_registry',
          message: `There is no model registry ${reference}; create it, or name another.`,
        }
      const driver = registries[registry.spec.type]
      const { url } = registry.spec
      try {
        const { stamp } = await driver.file(url, path, signal)
        if (stampOf(document) === stamp) return { kind: 'unchanged' }
        return await inspections.look(
          keyOf(document),
          `${url}\n${path}\n${stamp}`,
          stamp,
          (progress, signal) => driver.inspect(url, path, progress, signal),
        )
      } catch (error) {
        if (error instanceof Fault && error.code !== 'cancelled') return { kind: 'refused', fault: error }
        throw error
      }
    },
  })
}
