// Documents and identities that the tests of the store speak of.
import { randomUUID } from 'node:crypto'
import { type Document, type Metadata, type PriceRate, priceBook } from '@switchyard/kinds'
import type { Identity, PublishedSpec, ReferenceTo, Store } from '@switchyard/runtime'
import type { OpenedStore } from '@switchyard/store'

export const operator: Identity = { role: 'caller', principal: 'system:operator', scopes: ['*'] }
export const control: Identity = { role: 'control' }
export const gateway: Identity = { role: 'gateway' }
export const agent: Identity = { role: 'agent' }

export function caller(
  name: string,
  more: { scopes?: readonly string[]; workspace?: string } = {},
): Identity {
  return { role: 'caller', principal: `user:${name}`, scopes: ['*'], ...more }
}

export function document(
  kind: string,
  workspace: string | null,
  name: string,
  spec: unknown = {},
  metadata: Partial<Metadata> = {},
): Document {
  const now = new Date().toISOString()
  return {
    apiVersion: 'switchyard.dev/v1',
    kind,
    metadata: {
      id: randomUUID(),
      name,
      workspace,
      project: null,
      labels: {},
      annotations: {},
      generation: 1,
      resourceVersion: '0',
      creationTimestamp: now,
      updateTimestamp: now,
      createdBy: 'user:someone',
      updatedBy: 'user:someone',
      ownerReferences: [],
      finalizers: [],
      ...metadata,
    },
    spec,
    status: {},
  }
}

/** Inserts as the operator; answers the document with its final version. */
export async function put(
  store: Store,
  given: Document,
  references: readonly ReferenceTo[] = [],
  as: Identity = operator,
): Promise<Document> {
  const { documents } = await store.write(as, tx => tx.insert(given, references))
  const written = documents.get(given.metadata.id)
  if (!written) throw new Error('it was not written')
  return written
}

/** A price book for sale in USD since 2026, unless it says otherwise. */
export async function publish(
  { store, prices }: Pick<OpenedStore, 'store' | 'prices'>,
  name: string,
  rates: readonly Partial<PriceRate>[],
  more: Partial<PublishedSpec> = {},
): Promise<void> {
  const from = '2026-01-01T00:00:00Z'
  const { publish: _, ...spec } = priceBook.spec.parse({
    side: 'sale',
    currency: 'USD',
    from,
    rates,
    ...more,
  })
  await store.write(operator, async tx => {
    const version = (await prices.standing(tx, name, spec)).filter(one => one.name === name).length + 1
    await prices.publish(tx, { name, version, publishedBy: 'system:operator', spec })
  })
}

/** A role and its assignment to a user, in a workspace or everywhere. */
export async function allow(
  store: Store,
  user: string,
  workspace: string | null,
  permissions: readonly string[],
): Promise<Document> {
  const name = `r-${randomUUID().slice(0, 8)}`
  const role = await put(store, document('Role', workspace, name, { permissions }))
  return put(
    store,
    document('RoleAssignment', workspace, name, { subject: { kind: 'User', name: user }, role: name }),
    [{ path: 'spec.role', id: role.metadata.id }],
  )
}

export const named = (documents: readonly Document[]): string[] =>
  documents.map(({ metadata: { workspace, name } }) => (workspace === null ? name : `${workspace}/${name}`))

export function deleted(given: Document): Document {
  const deletionTimestamp = new Date().toISOString()
  return { ...given, metadata: { ...given.metadata, deletionTimestamp } }
}
