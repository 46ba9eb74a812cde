// Gathers what an endpoint depends on and what it owns; decide.ts does the rest.
import type { Document } from '@switchyard/kinds'
import {
  type Key,
  keyOf,
  type ReadTransaction,
  type Reconciler,
  reconciler,
  type Watch,
} from '@switchyard/runtime'
import {
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
import { decideEndpoint, type EndpointObserved } from './decide.ts'

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

export function endpointReconciler(): Reconciler {
  return reconciler<EndpointDocument, EndpointObserved>({
    name: 'endpoint',
    kind: 'Endpoint',
    watches: [
      { kind: 'Revision', keys: owner },
      { kind: 'Replica', keys: owner },
      { kind: 'Model', keys: naming('spec.model.name') },
      { kind: 'Engine', keys: naming('spec.engine.name') },
    ],
    decide: decideEndpoint,
    observe: (endpoint, { store }) => store.read({ role: 'control' }, tx => observe(endpoint, tx)),
  })
}

async function observe(endpoint: EndpointDocument, tx: ReadTransaction): Promise<EndpointObserved> {
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
  const mine = <D extends Document>(documents: readonly D[]) =>
    documents.filter(each => isOwnedBy(each, endpoint))
  return { model, engine, registry, revisions: mine(revisions), replicas: mine(replicas) }
}
