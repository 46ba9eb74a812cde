// What a browser carries while its person is at the provider: sealed, so that nothing is kept here for whoever only begins.
import { EncryptJWT, jwtDecrypt } from 'jose'
import { z } from 'zod'

/** A person has so long to sign in at the provider. */
const seconds = 600
const name = 'switchyard_sso'

const stateSchema = z.object({
  provider: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** Path that the browser goes on to. */
  to: z.string().optional(),
  /** A program of this machine that waits for the sign-in. */
  program: z.object({ port: z.int(), challenge: z.string(), state: z.string() }).optional(),
})

export type SsoState = z.output<typeof stateSchema>

export interface SsoStates {
  /** The value of `set-cookie`. */
  seal(state: SsoState): Promise<string>
  /** Undefined when there is none, it is not ours, or its time is over. */
  open(cookies: string | undefined): Promise<SsoState | undefined>
}

/** `key` is 32 bytes, the same in every process of an installation. */
export function createSsoStates(key: Uint8Array, now: () => number, secure: boolean): SsoStates {
  return {
    async seal(state) {
      const value = await new EncryptJWT(state)
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .setExpirationTime(Math.floor(now() / 1000) + seconds)
        .encrypt(key)
      // Lax: the provider sends the browser back here, and the cookie must come along.
      return `${name}=${value}; HttpOnly${secure ? '; Secure' : ''}; SameSite=Lax; Path=/api/v1/sso; Max-Age=${seconds}`
    },
    async open(cookies) {
      const value = new RegExp(`(?:^|;\\s*)${name}=([^;\\s]+)`).exec(cookies ?? '')?.[1]
      if (value === undefined) return undefined
      try {
        const { payload } = await jwtDecrypt(value, key, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
          requiredClaims: ['exp'],
          currentDate: new Date(now()),
        })
        return stateSchema.parse(payload)
      } catch {
        // Somebody else's, an older one, or one that was changed on its way: like none.
        return undefined
      }
    },
  }
}
