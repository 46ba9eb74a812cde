// What is told of a document when it is read, and is not written into it, because it changes too often: when a key was
// last used, and until when an account must wait. So it changes no version, and neither selectors nor watches see it.
import type { Document, DocumentOf, Kind, user } from '@switchyard/kinds'
import type { KeyUses } from '@switchyard/runtime'
import { withPhase } from './document.ts'
import type { Patience } from './patience.ts'

export interface ObservedOptions {
  readonly keyUses: KeyUses
  readonly patience: Pick<Patience, 'lockedUntil'>
}

/** Members of the status by the id of the document, for those that have something to tell. */
type Look = (
  options: ObservedOptions,
  documents: readonly Document[],
) => Promise<ReadonlyMap<string, Readonly<Record<string, string>>>>

/** Pairs each document with what was found under its name, where something was. */
function told<D extends Document>(
  documents: readonly D[],
  found: ReadonlyMap<string, string>,
  nameOf: (document: D) => string,
  member: string,
) {
  return new Map(
    documents.flatMap(document => {
      const value = found.get(nameOf(document))
      return value === undefined ? [] : [[document.metadata.id, { [member]: value }] as const]
    }),
  )
}

const accountOf = ({ metadata }: Document) => `serviceaccount:${metadata.workspace}/${metadata.name}`
const idOf = ({ metadata }: Document) => metadata.id

const rows: Readonly<Record<string, Look>> = {
  ApiKey: async ({ keyUses }, documents) =>
    told(documents, await keyUses.lastUsed(documents.map(idOf)), idOf, 'lastUsedAt'),
  ServiceAccount: async ({ keyUses }, documents) =>
    told(documents, await keyUses.lastUsedBy(documents.map(accountOf)), accountOf, 'lastUsedAt'),
  User: async ({ patience }, documents) => {
    const people = documents as readonly DocumentOf<typeof user>[] // of this row's kind
    const emailOf = ({ spec }: DocumentOf<typeof user>) => spec.email
    return told(people, await patience.lockedUntil(people.map(emailOf)), emailOf, 'lockedUntil')
  },
}

/** The documents, all of one kind, with what is known beside them. */
export async function withObserved(
  options: ObservedOptions,
  kind: Kind,
  documents: readonly Document[],
): Promise<readonly Document[]> {
  const found = documents.length === 0 ? undefined : await rows[kind.kind]?.(options, documents)
  if (!found || found.size === 0) return documents
  return documents.map(document => {
    const more = found.get(document.metadata.id)
    return more
      ? withPhase(kind, { ...document, status: { ...(document.status as object), ...more } })
      : document
  })
}
