// A provider of sign-in: can it be discovered. Signing in looks for itself; this tells before somebody tries.
import {
  type Decision,
  type Discover,
  type Discovery,
  type Reconciler,
  reconciler,
} from '@switchyard/runtime'
import { claim, type IdentityProviderDocument } from './documents.ts'

const settledMs = 300_000
const soonestMs = 10_000

/** Fails twice as late as before, because it waits as long as it has been failing. */
export function decideIdentityProvider(
  { status, metadata }: IdentityProviderDocument,
  observed: Discovery,
  now: number,
): Decision {
  const discovered = observed.found
    ? claim('Discovered', 'True', 'Discovered', '')
    : claim('Discovered', 'False', observed.reason, observed.message)
  const before = status.conditions?.find(({ type }) => type === 'Discovered')
  const same = before?.status === 'False' && status.observedGeneration === metadata.generation
  const failing = same ? now - Date.parse(before.lastTransitionTime) : 0
  return {
    actions: [],
    status: { conditions: [discovered] },
    again: observed.found ? settledMs : Math.min(settledMs, Math.max(soonestMs, failing)),
  }
}

export function identityProviderReconciler(discover: Discover): Reconciler {
  return reconciler<IdentityProviderDocument, Discovery>({
    name: 'identity-provider',
    kind: 'IdentityProvider',
    watches: [],
    observe: (document, { signal }) => discover(document, signal),
    decide: decideIdentityProvider,
  })
}
