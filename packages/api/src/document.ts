// How a document is made and changed: its first state, what a write makes of it, and what never changes.
import { apiVersion, type Document, type Kind, type Metadata } from '@switchyard/kinds'
import { below, type Draft, writableOf } from './draft.ts'
import { invalid } from './invalid.ts'
import { canonical, isObject } from './merge-patch.ts'
import { valueAt } from './selector.ts'

export const builtinLabel = 'switchyard.dev/builtin'

/** Finalizers that a document carries from its first moment, so that nothing outside is left behind. */
export const initialFinalizers: Readonly<Record<string, readonly string[]>> = {
  Endpoint: ['switchyard.dev/endpoint'],
}

/** A document for its first write. The store gives it its resourceVersion. */
export function newDocument(
  kind: Kind,
  draft: Draft,
  by: { readonly principal: string; readonly id: string; readonly at: string },
  status: Readonly<Record<string, unknown>> = {},
): Document {
  const { name, workspace, project, displayName, description, labels, annotations } = draft.metadata
  const document: Document = {
    apiVersion,
    kind: kind.kind,
    metadata: {
      id: by.id,
      name,
      workspace: workspace ?? null,
      project: project ?? null,
      ...(displayName === undefined ? {} : { displayName }),
      ...(description === undefined ? {} : { description }),
      labels: labels ?? {},
      annotations: annotations ?? {},
      generation: 1,
      resourceVersion: '0',
      creationTimestamp: by.at,
      updateTimestamp: by.at,
      createdBy: by.principal,
      updatedBy: by.principal,
      ownerReferences: [],
      finalizers: [...(initialFinalizers[kind.kind] ?? [])],
    },
    spec: draft.spec,
    status,
  }
  return withPhase(kind, document)
}

/** The stored document with the draft's content; undefined when nothing would change. */
export function changedDocument(
  kind: Kind,
  stored: Document,
  draft: Draft,
  by: { readonly principal: string; readonly at: string },
): Document | undefined {
  const writable = writableOf(stored.metadata)
  const wanted = { ...draft.metadata, project: draft.metadata.project ?? null }
  const specChanged = canonical(stored.spec) !== canonical(draft.spec)
  const metadataChanged = canonical(writable) !== canonical(wanted)
  if (!specChanged && !metadataChanged && draft.secrets.size === 0) return undefined
  const { displayName: _displayName, description: _description, ...kept } = stored.metadata
  const metadata: Metadata = {
    ...kept,
    ...(wanted.displayName === undefined ? {} : { displayName: wanted.displayName }),
    ...(wanted.description === undefined ? {} : { description: wanted.description }),
    project: wanted.project,
    labels: wanted.labels ?? {},
    annotations: wanted.annotations ?? {},
    generation: stored.metadata.generation + (specChanged ? 1 : 0),
    updateTimestamp: by.at,
    updatedBy: by.principal,
  }
  return withPhase(kind, { ...stored, metadata, spec: draft.spec })
}

/** Paths that never change, each that would. */
export function checkImmutable(kind: Kind, stored: Document, draft: Draft): void {
  const details = kind.immutable
    .map(below)
    .filter(path => canonical(valueAt(stored.spec, path)) !== canonical(valueAt(draft.spec, path)))
    .map(path => ({ path: `spec.${path}`, rule: 'immutable', message: 'cannot change after it is created' }))
  if (kind.kind === 'ApiKey' && (draft.metadata.project ?? null) !== stored.metadata.project)
    details.push({
      path: 'metadata.project',
      rule: 'immutable',
      message: 'cannot change after it is created, because bills hang on it',
    })
  if (details.length > 0) throw invalid(details, 'immutable')
}

export function withPhase(kind: Kind, document: Document): Document {
  const status = isObject(document.status) ? document.status : {}
  return { ...document, status: { ...status, phase: kind.phase({ ...document, status }) } }
}

/** The strong validator of a document. */
export function etag({ metadata }: Document): string {
  return `"${metadata.resourceVersion}"`
}
