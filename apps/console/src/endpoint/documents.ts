// The kinds that an endpoint is made of, by their types.
import type { DocumentOf, endpoint, replica, revision } from '@switchyard/kinds'

export type EndpointDocument = DocumentOf<typeof endpoint>
export type ReplicaDocument = DocumentOf<typeof replica>
export type RevisionDocument = DocumentOf<typeof revision>

/** Whether it belongs to this endpoint. */
export const isOf =
  ({ metadata: { workspace, name } }: Pick<EndpointDocument, 'metadata'>) =>
  (one: ReplicaDocument | RevisionDocument): boolean =>
    one.metadata.workspace === workspace && one.spec.endpoint === name
