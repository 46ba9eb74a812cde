// Documents that come with Switchyard, kept equal to the program at every start. Their labels belong to the
// server, so they are written through the store, as the operator.
import { isDeepStrictEqual } from 'node:util'
import { apiVersion, type Document, findKind, type Metadata } from '@switchyard/kinds'
import {
  type Identity,
  type Random,
  type Store,
  systemRandom,
  type WriteTransaction,
} from '@switchyard/runtime'

export interface Shipped {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly description: string }
  readonly spec: Readonly<Record<string, unknown>>
}

const principal = 'system:operator'
const operator: Identity = { role: 'caller', principal, scopes: ['*'] }
const labels = { 'switchyard.dev/builtin': 'true' }

/** Makes what is missing and mends what differs, in one transaction; answers how many were written. */
export async function keepBuiltins(
  store: Store,
  shipped: readonly Shipped[],
  now: Date,
  random: Random = systemRandom,
): Promise<number> {
  const { value } = await store.write(operator, async tx => {
    let written = 0
    for (const one of shipped) written += (await keep(tx, one, now.toISOString(), random)) ? 1 : 0
    return written
  })
  return value
}

async function keep(
  tx: WriteTransaction,
  { kind: name, metadata, spec: given }: Shipped,
  at: string,
  random: Random,
): Promise<boolean> {
  const kind = findKind(name)
  if (!kind) throw new TypeError(`no kind ${name}`)
  const spec = kind.spec.parse(given)
  const stored = await tx.lock({ kind: name, workspace: null, name: metadata.name }, 'update')
  if (!stored) {
    const document: Document = {
      apiVersion,
      kind: name,
      metadata: {
        id: random.id(),
        workspace: null,
        project: null,
        labels,
        annotations: {},
        generation: 1,
        resourceVersion: '0',
        creationTimestamp: at,
        updateTimestamp: at,
        createdBy: principal,
        updatedBy: principal,
        ownerReferences: [],
        finalizers: [],
        ...metadata,
      },
      spec,
      status: {},
    }
    await tx.insert({ ...document, status: { phase: kind.phase(document) } }, [])
    return true
  }
  // As JSON, so that a member that is undefined and one that is absent are the same.
  if (isDeepStrictEqual(JSON.parse(JSON.stringify(spec)), stored.spec)) return false
  const changed: Metadata = {
    ...stored.metadata,
    labels: { ...stored.metadata.labels, ...labels },
    generation: stored.metadata.generation + 1,
    updateTimestamp: at,
    updatedBy: principal,
  }
  await tx.update({ ...stored, metadata: changed, spec }, [])
  return true
}
