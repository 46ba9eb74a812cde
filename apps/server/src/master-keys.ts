// The vault under the keys that were given, or under one that the first start makes.
import { Sealed, type Vault } from '@switchyard/runtime'
import type { OpenedStore } from '@switchyard/store'
import type { Logger } from 'pino'
import { readSecretKeyFile, readSecretKeys, writeSecretKey } from './folder.ts'
import type { Settings } from './settings.ts'

/** Opens the vault, makes the first master key, and brings all under the newest one. */
export async function openVault(
  opened: OpenedStore,
  folder: string,
  settings: Settings,
  log: Logger,
): Promise<Vault> {
  const found = masterKeys(folder, settings)
  const made = new Sealed(crypto.getRandomValues(new Uint8Array(32)))
  const vault = opened.openVault((found.length > 0 ? found : [made]).map(key => key.reveal()))
  // Before a key is made: one that is missing must not be hidden by a new one.
  await vault.verify()
  if (found.length === 0) writeSecretKey(folder, made)
  const turned = found.length > 1 ? await vault.rewrap() : 0
  if (turned > 0) log.info({ secrets: turned }, 'secrets_rewrapped')
  return vault
}

/** From the environment, the named file and the data folder, in this order; the first seals. */
export function masterKeys(
  folder: string,
  { secretKeys, secretKeyFile }: Settings,
): readonly Sealed<Uint8Array>[] {
  return [
    ...secretKeys,
    ...(secretKeyFile === undefined ? [] : readSecretKeyFile(secretKeyFile)),
    ...readSecretKeys(folder),
  ]
}
