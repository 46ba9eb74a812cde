// Documents for tables of decisions: as short as the sentence that they stand for.
import { engines } from '@switchyard/catalog'
import {
  apiVersion,
  cluster,
  endpoint,
  engine,
  identityProvider,
  type Metadata,
  model,
  modelRegistry,
  quota,
  replica,
  revision,
} from '@switchyard/kinds'
import { type Action, completed, type Decision, type Status } from '@switchyard/runtime'
import type {
  ClusterDocument,
  EndpointDocument,
  EngineDocument,
  IdentityProviderDocument,
  ModelDocument,
  ModelRegistryDocument,
  QuotaDocument,
  ReplicaDocument,
  RevisionDocument,
} from '../src/documents.ts'
import { inputsOf, resolve } from '../src/endpoint/template.ts'

export const now = Date.parse('2026-01-01T12:00:00.000Z')
export const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString()

const metadata = (kind: string, name: string, more: Partial<Metadata> = {}): Metadata => ({
  id: `${kind}-${name}`,
  name,
  workspace: 'default',
  project: null,
  labels: {},
  annotations: {},
  generation: 1,
  resourceVersion: '1',
  creationTimestamp: ago(3600),
  updateTimestamp: ago(3600),
  createdBy: 'user:test',
  updatedBy: 'user:test',
  ownerReferences: [],
  finalizers: [],
  ...more,
})

export const theEngine: EngineDocument = {
  apiVersion,
  kind: 'Engine',
  metadata: metadata('Engine', 'llama-cpp', { workspace: null }),
  spec: engine.spec.parse(engines[0]?.spec),
  status: {},
}

export const theRegistry = (status: ModelRegistryDocument['status'] = {}): ModelRegistryDocument => ({
  apiVersion,
  kind: 'ModelRegistry',
  metadata: metadata('ModelRegistry', 'files', { workspace: null }),
  spec: modelRegistry.spec.parse({ type: 'files', url: 'file:///models' }),
  status,
})

export const theIdentityProvider = (
  status: IdentityProviderDocument['status'] = {},
): IdentityProviderDocument => ({
  apiVersion,
  kind: 'IdentityProvider',
  metadata: metadata('IdentityProvider', 'corp', { workspace: null }),
  spec: identityProvider.spec.parse({ issuer: 'https://id.example.com', clientId: 'switchyard' }),
  status,
})

export const theCluster = (status: ClusterDocument['status'] = {}, spec: object = {}): ClusterDocument => ({
  apiVersion,
  kind: 'Cluster',
  metadata: metadata('Cluster', 'local', { workspace: null }),
  spec: cluster.spec.parse({ type: 'local', ...spec }),
  status,
})

export const theQuota = (spec: object = {}): QuotaDocument => ({
  apiVersion,
  kind: 'Quota',
  metadata: metadata('Quota', 'q'),
  spec: quota.spec.parse({ cohort: 'lab', replicas: { nominal: 2, borrow: 1 }, ...spec }),
  status: {},
})

const validated = {
  type: 'Validated',
  status: 'True',
  reason: 'Validated',
  message: '',
  observedGeneration: 1,
  lastTransitionTime: ago(60),
} as const

export const theModel = (status: ModelDocument['status'] = {}, spec: object = {}): ModelDocument => ({
  apiVersion,
  kind: 'Model',
  metadata: metadata('Model', 'tiny', { workspace: null }),
  spec: model.spec.parse({ source: { registry: 'platform/files', path: 'tiny.gguf' }, ...spec }),
  status: {
    observedGeneration: 1,
    format: 'gguf',
    digest: 'abc',
    facts: { context_length: { value: 2048, source: 'header' } },
    conditions: [validated],
    ...status,
  },
})

export const resolving = { model: theModel(), registry: theRegistry(), engine: theEngine }

export function anEndpoint(
  spec: object = {},
  status: EndpointDocument['status'] = {},
  more: Partial<Metadata> = {},
): EndpointDocument {
  return {
    apiVersion,
    kind: 'Endpoint',
    metadata: metadata('Endpoint', 'chat', { finalizers: ['switchyard.dev/endpoint'], ...more }),
    spec: endpoint.spec.parse({ model: { name: 'platform/tiny' }, ...spec }),
    status,
  }
}

const owner = { kind: 'Endpoint', name: 'chat', id: 'Endpoint-chat', controller: true, blocksDeletion: true }

/** The revision that an endpoint would be rendered to. */
export function aRevision(
  number: number,
  of: EndpointDocument = anEndpoint(),
  status: RevisionDocument['status'] = {},
  more: Partial<Metadata> = {},
): RevisionDocument {
  const resolved = resolve(of, resolving)
  if ('reason' in resolved) throw new TypeError(resolved.message)
  return {
    apiVersion,
    kind: 'Revision',
    metadata: metadata('Revision', `chat-${number}`, {
      annotations: { 'switchyard.dev/inputs': inputsOf(of) },
      ownerReferences: [owner],
      finalizers: ['switchyard.dev/revision'],
      ...more,
    }),
    spec: revision.spec.parse({
      endpoint: 'chat',
      number,
      hash: resolved.hash,
      renderer: '1',
      template: resolved.template,
    }),
    status,
  }
}

export function aReplica(
  number: number,
  ordinal: number,
  status: ReplicaDocument['status'] = {},
  spec: object = {},
  more: Partial<Metadata> = {},
): ReplicaDocument {
  const ready =
    status.state === 'Ready'
      ? { readyAt: ago(100), startedAt: ago(110), address: '127.0.0.1:20000', restarts: 0 }
      : {}
  return {
    apiVersion,
    kind: 'Replica',
    metadata: metadata('Replica', `chat-${number}-${ordinal}`, {
      ownerReferences: [owner],
      finalizers: ['switchyard.dev/replica'],
      ...more,
    }),
    spec: replica.spec.parse({
      endpoint: 'chat',
      revision: number,
      ordinal,
      cluster: 'platform/local',
      ...spec,
    }),
    status: { ...ready, ...status },
  }
}

export const deleted = { deletionTimestamp: ago(1) }

/** What a decision does to documents, in words; statuses and events aside. */
export function said({ actions }: Decision): readonly string[] {
  return actions.flatMap(action => words(action))
}

function words(action: Action): readonly string[] {
  switch (action.do) {
    case 'create':
      return [`create ${action.draft.kind} ${action.draft.name}`]
    case 'spec':
      return [`drain ${action.of.metadata.name}`]
    case 'annotate':
      return [`annotate ${action.of.metadata.name}`]
    case 'delete':
      return [`delete ${action.of.metadata.name}`]
    case 'finalizer':
      return [`${action.add ? 'hold' : 'release'} ${action.of.metadata.name}`]
    case 'run':
      return [
        `run ${action.work.replicas.map(({ id, doomed }) => id.replace('Replica-', '') + (doomed ? ' doomed' : '')).join(', ') || 'nothing'}`,
      ]
    case 'end':
      return [`end ${action.workload}`]
    case 'status':
    case 'event':
      return []
  }
}

export const events = ({ actions }: Decision) =>
  actions.flatMap(action => (action.do === 'event' ? [action.reason] : []))

export function conditionOf(status: Status | undefined, type: string): string {
  const found = status?.conditions?.find(each => each.type === type)
  return found ? `${found.status} ${found.reason}` : 'absent'
}

/** The phase that people see after the decision. */
export function phaseAfter(document: EndpointDocument, decision: Decision): string {
  if (!decision.status) return 'unsaid'
  // What the runtime would store.
  const status = completed(document, decision.status, now) as EndpointDocument['status']
  return endpoint.phase({ ...document, status })
}
