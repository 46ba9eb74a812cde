// Where the gateway keeps responses: the database, sealed under the keys that seal credentials.
import type { ResponseStore } from '@switchyard/runtime'
import type { KeyRing, OpenedStore } from '@switchyard/store'
import type { Settings } from './settings.ts'

/** Undefined where none is kept. */
export function openResponses(
  opened: Pick<OpenedStore, 'openResponses'>,
  { responses }: Pick<Settings, 'responses'>,
  keys: KeyRing,
): ResponseStore | undefined {
  if (responses.seconds === 0) return undefined
  return opened.openResponses(keys, responses)
}
