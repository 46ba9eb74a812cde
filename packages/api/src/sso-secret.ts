// The client secret of an IdentityProvider, out of the Credential that it names.
import { Fault } from '@switchyard/kinds'
import { Sealed, type Store, type Vault } from '@switchyard/runtime'
import type { OutsideFetch, Provider } from './sso-provider.ts'

export async function clientSecretOf(
  store: Store,
  vault: Vault | undefined,
  { spec: { credential: reference } }: Provider,
): Promise<Sealed | undefined> {
  if (reference === undefined) return undefined
  const key = { kind: 'Credential', workspace: null, name: reference.replace(/^platform\//, '') }
  const credential = await store.read({ role: 'control' }, tx => tx.get(key))
  const held = credential && (await vault?.read('Credential', 'sign-in'))
  const value = credential && held?.secrets.get(credential.metadata.id)?.reveal().value
  if (value === undefined)
    throw new Fault('unavailable', `The Credential ${key.name} holds no value that can be read.`, {
      reason: 'credential_unreadable',
    })
  return new Sealed(value)
}

export const noOutside: OutsideFetch = () => () =>
  Promise.reject(
    new Fault('unsupported', 'This server speaks with no identity provider.', {
      reason: 'no_outside',
      status: 501,
    }),
  )
