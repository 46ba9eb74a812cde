// The documents that control decides about, typed, and how they name each other.
import { createHash } from 'node:crypto'
import type {
  cluster,
  Document,
  DocumentOf,
  endpoint,
  engine,
  identityProvider,
  model,
  modelRegistry,
  quota,
  replica,
  revision,
} from '@switchyard/kinds'
import type { Claim, Key, ListQuery, ReadTransaction } from '@switchyard/runtime'

export type ClusterDocument = DocumentOf<typeof cluster>
export type EndpointDocument = DocumentOf<typeof endpoint>
export type EngineDocument = DocumentOf<typeof engine>
export type IdentityProviderDocument = DocumentOf<typeof identityProvider>
export type ModelDocument = DocumentOf<typeof model>
export type ModelRegistryDocument = DocumentOf<typeof modelRegistry>
export type QuotaDocument = DocumentOf<typeof quota>
export type ReplicaDocument = DocumentOf<typeof replica>
export type RevisionDocument = DocumentOf<typeof revision>

/** Held until control has seen that nothing of the document is left outside. */
export const finalizers = {
  endpoint: 'switchyard.dev/endpoint',
  revision: 'switchyard.dev/revision',
  replica: 'switchyard.dev/replica',
} as const

/** On a Revision: digest of the endpoint's fields that it was rendered from last. */
export const inputsAnnotation = 'switchyard.dev/inputs'

/** The key that a reference (`name` or `platform/name`) means from within a workspace. */
export function keyOfReference(kind: string, reference: string, workspace: string | null): Key {
  const platform = 'platform/'
  return reference.startsWith(platform)
    ? { kind, workspace: null, name: reference.slice(platform.length) }
    : { kind, workspace, name: reference }
}

/** How documents of its own or of every workspace refer to this one. */
export function referencesTo({
  metadata: { workspace, name },
}: Document): Pick<ListQuery, 'workspace'> & { readonly value: string } {
  return workspace === null ? { value: `platform/${name}` } : { workspace, value: name }
}

/** A document of one kind; the store holds only what the kind's schema has accepted. */
export async function find<D extends Document>(tx: ReadTransaction, key: Key): Promise<D | undefined> {
  return (await tx.get(key)) as D | undefined
}

/** Every document that matches; the store holds only what the kind's schema has accepted. */
export async function listed<D extends Document>(
  tx: ReadTransaction,
  query: ListQuery,
): Promise<readonly D[]> {
  return (await tx.list(query)).items as readonly D[]
}

export const isOwnedBy = (document: Document, owner: Document): boolean =>
  document.metadata.ownerReferences.some(({ id }) => id === owner.metadata.id)

export const isDeleting = ({ metadata }: Document): boolean => metadata.deletionTimestamp !== undefined

/** `<endpoint>-<number>[-<ordinal>]`, cut with a digest of the name where it would be too long. */
export function partName(endpoint: string, ...numbers: readonly number[]): string {
  const tail = numbers.map(number => `-${number}`).join('')
  if (endpoint.length + tail.length <= 63) return endpoint + tail
  const digest = createHash('sha256').update(endpoint).digest('hex').slice(0, 8)
  return `${endpoint.slice(0, 63 - tail.length - 9)}-${digest}${tail}`
}

export const claim = (type: string, status: Claim['status'], reason: string, message: string): Claim => ({
  type,
  status,
  reason,
  message,
})
