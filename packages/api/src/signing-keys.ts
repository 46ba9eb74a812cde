// The keys that sign session tokens: their public half stands in the database as it is, the private one sealed.
import { Fault } from '@switchyard/kinds'
import { type IdentityStore, Sealed, type SigningKey, type Vault } from '@switchyard/runtime'

export interface SigningKeys {
  /** Every key that stands, without private halves where a vault keeps them. */
  read(): Promise<readonly SigningKey[]>
  /** Adds one, unless another process has just done so; answers those that stand. */
  add(made: SigningKey): Promise<readonly SigningKey[]>
  /** JWK of the private half, as JSON. */
  privateHalf(key: SigningKey): Promise<Sealed>
}

const nameOf = (kid: string) => `signing key ${kid}`

export function signingKeysOn(
  identity: Pick<IdentityStore, 'signingKeys' | 'addSigningKey' | 'forgetPrivateHalf'>,
  vault: Pick<Vault, 'keep' | 'value' | 'forget'> | undefined,
): SigningKeys {
  let unsealed: { readonly kid: string; readonly half: Sealed } | undefined

  /** Those of installations that kept them in clear. */
  async function hide(key: SigningKey): Promise<SigningKey> {
    if (!vault || key.privateJwk === '') return key
    await vault.keep(nameOf(key.kid), new Sealed(key.privateJwk))
    await identity.forgetPrivateHalf(key.kid)
    return { ...key, privateJwk: '' }
  }

  return {
    async read() {
      const keys = []
      for (const key of await identity.signingKeys()) keys.push(await hide(key))
      return keys
    },

    async add(made) {
      if (!vault) return identity.addSigningKey(made)
      await vault.keep(nameOf(made.kid), new Sealed(made.privateJwk))
      const keys = await identity.addSigningKey({ ...made, privateJwk: '' })
      if (!keys.some(({ kid }) => kid === made.kid)) await vault.forget(nameOf(made.kid))
      return keys
    },

    async privateHalf({ kid, privateJwk }) {
      if (privateJwk !== '') return new Sealed(privateJwk)
      if (unsealed?.kid === kid) return unsealed.half
      const half = await vault?.value(nameOf(kid))
      if (!half)
        throw new Fault(
          'unavailable',
          'The key that signs session tokens is not there. Ask whoever runs this server.',
          {
            reason: 'signing_key_missing',
          },
        )
      unsealed = { kid, half }
      return half
    },
  }
}
