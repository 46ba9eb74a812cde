// Rows of `resources` and documents, each from the other.
import { apiVersion, type Document } from '@switchyard/kinds'
import type { Key } from '@switchyard/runtime'

export interface Row {
  readonly kind: string
  readonly version: string
  readonly metadata: Document['metadata']
  readonly spec: unknown
  readonly status: unknown
}

/** Columns of every select that becomes documents. */
export const columns = 'kind, version, metadata, spec, status'

export function documentOf({ kind, version, metadata, spec, status }: Row): Document {
  return { apiVersion, kind, metadata: inOrder({ ...metadata, resourceVersion: version }), spec, status }
}

/** A document as the log keeps it: whole, with its version inside. */
export function loggedDocument(stored: Document): Document {
  return { ...stored, metadata: inOrder(stored.metadata) }
}

export function withVersion(document: Document, version: string): Document {
  return { ...document, metadata: { ...document.metadata, resourceVersion: version } }
}

/** jsonb keeps no order of keys; people read metadata in this one. */
function inOrder(metadata: Document['metadata']): Document['metadata'] {
  const { id, name, workspace, project, displayName, description, labels, annotations } = metadata
  const { generation, resourceVersion, creationTimestamp, updateTimestamp, deletionTimestamp } = metadata
  const { createdBy, updatedBy, ownerReferences, finalizers } = metadata
  return {
    id,
    name,
    workspace,
    project,
    ...(displayName === undefined ? {} : { displayName }),
    ...(description === undefined ? {} : { description }),
    labels,
    annotations,
    generation,
    resourceVersion,
    creationTimestamp,
    updateTimestamp,
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    createdBy,
    updatedBy,
    ownerReferences,
    finalizers,
  }
}

/** The values of a row, in the order of `insert`: the version stands in its own column. */
export function valuesOf({ kind, metadata, spec, status }: Document) {
  const { resourceVersion: _, ...stored } = metadata
  return {
    id: metadata.id,
    kind,
    workspace: metadata.workspace,
    name: metadata.name,
    createdAt: metadata.creationTimestamp,
    deletedAt: metadata.deletionTimestamp ?? null,
    metadata: JSON.stringify(stored),
    spec: JSON.stringify(spec),
    status: JSON.stringify(status ?? {}),
  }
}

export function keyOf({ kind, metadata: { workspace, name } }: Document): Key {
  return { kind, workspace, name }
}

/** `Endpoint team/chat`, for messages. */
export function sayKey({ kind, workspace, name }: Key): string {
  return `${kind} ${workspace === null ? name : `${workspace}/${name}`}`
}
