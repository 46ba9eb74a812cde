// What comes over the wire is looked at before it is believed.
import type { Document } from '@switchyard/kinds'
import { Fault } from '@switchyard/kinds/fault'

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Enough is checked to stand on; a newer server's further fields are left alone. */
export function readDocument(value: unknown): Document {
  if (isRecord(value) && typeof value.kind === 'string' && isRecord(value.metadata))
    if (typeof value.metadata.name === 'string' && typeof value.metadata.resourceVersion === 'string')
      return value as unknown as Document // the envelope was just checked; spec and status are unknown
  throw new Fault(
    'internal',
    'The server answered with something that is no document. Is it another version?',
  )
}
