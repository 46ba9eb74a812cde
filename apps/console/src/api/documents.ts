// Where documents are in the API, and how they stand as text.
import type { Document, KindInfo } from './catalogue.ts'

type Plural = Pick<KindInfo, 'plural'>

export const collectionPath = ({ plural }: Plural, workspace: string | null): string =>
  workspace === null ? `/api/v1/${plural}` : `/api/v1/workspaces/${encodeURIComponent(workspace)}/${plural}`

export const documentPath = (
  kind: Plural,
  { workspace, name }: Pick<Document['metadata'], 'workspace' | 'name'>,
): string => `${collectionPath(kind, workspace)}/${encodeURIComponent(name)}`

/** Where the right to write a document of this kind is held. */
export const writtenFrom = (
  { heldAbove, scope }: Pick<KindInfo, 'heldAbove' | 'scope'>,
  workspace: string | null,
): string | null => (heldAbove || scope === 'platform' ? null : workspace)
