// Where the gateway keeps responses: the database, sealed under the keys that seal credentials.
import type { ResponseStore } from '@switchyard/runtime'
import type { OpenedStore } from '@switchyard/store'
import { masterKeys } from './master-keys.ts'
import type { Settings } from './settings.ts'

/** Undefined where none is kept. The folder holds a master key by now. */
export function openResponses(
  opened: Pick<OpenedStore, 'openResponses'>,
  folder: string,
  settings: Settings,
): ResponseStore | undefined {
  const { responses } = settings
  if (responses.seconds === 0) return undefined
  const keys = masterKeys(folder, settings).map(key => key.reveal())
  return opened.openResponses(keys, responses)
}
