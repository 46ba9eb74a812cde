// Documents that come with Switchyard: made at the first start, kept equal at every later one.
import { apiVersion, type Document, findKind, presets } from '@switchyard/kinds'
import type { Identity, Store } from '@switchyard/runtime'
import { operatorCaller } from './authenticate.ts'
import { builtinLabel, changedDocument, newDocument } from './document.ts'
import { readDraft } from './draft.ts'
import { pointersOf, resolveReferences } from './references.ts'

/** A document as a person would write it; the label says that it comes with Switchyard. */
export interface Shipped {
  readonly apiVersion: typeof apiVersion
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly workspace: string | null
    readonly description: string
    readonly labels: Readonly<Record<string, string>>
  }
  readonly spec: { readonly [key: string]: unknown }
}

const labels = { [builtinLabel]: 'true' }

/** The workspace `default` and the preset roles, in the order in which they are made. */
export function bootstrapDocuments(): readonly Shipped[] {
  const workspace: Shipped = {
    apiVersion,
    kind: 'Workspace',
    metadata: { name: 'default', workspace: null, description: 'The first workspace.', labels },
    spec: {},
  }
  const roles = Object.entries(presets).map(
    ([name, permissions]): Shipped => ({
      apiVersion,
      kind: 'Role',
      metadata: { name, workspace: null, description: `Preset role ${name}.`, labels },
      spec: { permissions: [...permissions] },
    }),
  )
  return [workspace, ...roles]
}

export interface ShipOptions {
  readonly store: Store
  readonly now: () => number
  readonly uuid: () => string
}

const operator: Identity = { role: 'caller', principal: 'system:operator', scopes: ['*'] }

/** Makes each document or brings it back to what is shipped, in the given order; answers what was written. */
export async function ship(
  { store, now, uuid }: ShipOptions,
  documents: readonly Shipped[],
): Promise<
  readonly { readonly document: Document; readonly outcome: 'created' | 'configured' | 'unchanged' }[]
> {
  const shipped = []
  for (const wanted of documents) shipped.push(await shipOne(wanted))
  return shipped

  async function shipOne(wanted: Shipped) {
    const kind = findKind(wanted.kind)
    if (!kind) throw new TypeError(`${wanted.kind} is no kind.`)
    const { name, workspace, labels: given } = wanted.metadata
    const at = { principal: 'system:operator', id: uuid(), at: new Date(now()).toISOString() }
    const written = await store.write(operator, async tx => {
      const stored = await tx.lock({ kind: kind.kind, workspace, name }, 'update')
      // The server's own labels are read as if they had stood there: only the server ships documents.
      const metadata = { labels: given, annotations: {} }
      const draft = readDraft(kind, wanted, { workspace, name }, {
        ...wanted,
        metadata,
      } as unknown as Document)
      const document = stored ? changedDocument(kind, stored, draft, at) : newDocument(kind, draft, at)
      if (!document) return { id: stored?.metadata.id ?? '', document: stored, outcome: 'unchanged' } as const
      const pointers = pointersOf(kind, document)
      const { references } = await resolveReferences(tx, operatorCaller, document, pointers, [], new Map())
      if (stored) await tx.update(document, references)
      else await tx.insert(document, references)
      return { id: document.metadata.id, document, outcome: stored ? 'configured' : 'created' } as const
    })
    const { id, document, outcome } = written.value
    const final = written.documents.get(id) ?? document
    if (!final) throw new TypeError(`${kind.kind} ${name} was shipped and is not there.`)
    return { document: final, outcome }
  }
}
