// What wraps the master keys: a key service, or keys from the environment and from files. Without any the first start makes one.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { commandRootKey } from '@switchyard/drivers/root-keys/command'
import { type Clock, type Observe, type RootKey, Sealed, type Vault } from '@switchyard/runtime'
import { type KeyCopy, type KeyRing, type OpenedStore, rootKeyOf } from '@switchyard/store'
import { readSecretKeyFile, readSecretKeys, writeSecretKey } from './folder.ts'
import type { Settings } from './settings.ts'

/** The key service, the environment, the named file and the data folder, in this order; the first one wraps. */
export function rootKeys(folder: string, { kms, secretKeys, secretKeyFile }: Settings): readonly RootKey[] {
  const bytes = [
    ...secretKeys,
    ...(secretKeyFile === undefined ? [] : readSecretKeyFile(secretKeyFile)),
    ...readSecretKeys(folder),
  ]
  return [...(kms ? [commandRootKey(kms)] : []), ...bytes.map(key => rootKeyOf(key.reveal()))]
}

/** Undefined where no root key is known, as before the first start. */
export function openKeys(
  opened: Pick<OpenedStore, 'openKeys'>,
  folder: string,
  settings: Settings,
): KeyRing | undefined {
  const roots = rootKeys(folder, settings)
  return roots.length === 0 ? undefined : opened.openKeys(roots, copyIn(folder))
}

/** Makes the first root key where none is known, once nothing is sealed under one that is missing; brings all under the first. */
export async function prepareKeys(
  opened: Pick<OpenedStore, 'openKeys' | 'openVault'>,
  folder: string,
  found: KeyRing | undefined,
): Promise<{ readonly keys: KeyRing; readonly vault: Vault }> {
  const made = new Sealed<Uint8Array>(crypto.getRandomValues(new Uint8Array(32)))
  const keys = found ?? opened.openKeys([rootKeyOf(made.reveal())], copyIn(folder))
  const vault = opened.openVault(keys)
  // Before a key is made: one that is missing must not be hidden by a new one.
  await vault.verify()
  if (!found) writeSecretKey(folder, made)
  await vault.keys.adopt()
  return { keys, vault }
}

/** The versions of the master key as they are wrapped, for a start without the database. */
function copyIn(folder: string): KeyCopy {
  const path = join(folder, 'keys.json')
  return {
    read: () =>
      readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      }),
    async write(text) {
      const part = `${path}.${process.pid}.part`
      await writeFile(part, `${text}\n`, { mode: 0o600 })
      await rename(part, path)
    },
  }
}

export type KeysObservation =
  | { readonly type: 'secrets_rewrapped'; readonly secrets: number }
  | { readonly type: 'rewrap_failed'; readonly error: unknown }

/** Between two looks whether there are newer versions, and something left under older ones. */
const lookMilliseconds = 10_000

/**
 * Follows the versions of the master key, and where `rewraps` brings what older ones wrap under the newest: at once, and when one
 * was added, here or by another process.
 */
export function followKeys(
  { keys }: Vault,
  rewraps: boolean,
  clock: Clock,
  observe: Observe<KeysObservation>,
): AsyncDisposable & { readonly wake: () => void } {
  const ending = new AbortController()
  let wake = () => {}
  const done = (async () => {
    while (!ending.signal.aborted) {
      const woken = new Promise<void>(resolve => {
        wake = resolve
      })
      try {
        if (rewraps) {
          const secrets = await keys.rewrap(ending.signal)
          if (secrets > 0) observe({ type: 'secrets_rewrapped', secrets })
        } else await keys.refresh()
      } catch (error) {
        if (!ending.signal.aborted) observe({ type: 'rewrap_failed', error })
      }
      await Promise.race([clock.sleep(lookMilliseconds, ending.signal), woken])
    }
  })()
  return {
    wake: () => wake(),
    async [Symbol.asyncDispose]() {
      ending.abort()
      await done
    },
  }
}
