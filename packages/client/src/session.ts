// Signing in with a password, staying signed in by a refresh token, and asking who one is.
import { Fault } from '@switchyard/kinds'
import type { Exchange } from './exchange.ts'
import { isRecord } from './values.ts'

export interface Session {
  readonly accessToken: string
  /** Seconds from now for which the access token is good. */
  readonly expiresInSeconds: number
  /** Absent when the one just used stays good (two programs refreshed at once). */
  readonly refreshToken?: string
}

export interface Whoami {
  /** `user:NAME`, `serviceaccount:WORKSPACE/NAME` or `system:operator`. */
  readonly principal: string
  readonly workspace?: string
  readonly grants: readonly { readonly workspace: string | null; readonly permission: string }[]
}

function readSession(value: unknown): Session {
  if (!isRecord(value) || typeof value.accessToken !== 'string')
    throw new Fault('internal', 'The server answered a sign-in without a token. Is it another version?')
  const { accessToken, expiresInSeconds, refreshToken } = value
  return {
    accessToken,
    expiresInSeconds: typeof expiresInSeconds === 'number' ? expiresInSeconds : 600,
    ...(typeof refreshToken === 'string' && { refreshToken }),
  }
}

function readWhoami(value: unknown): Whoami {
  if (!isRecord(value) || typeof value.principal !== 'string')
    throw new Fault('internal', 'The server did not say who you are. Is it another version?')
  const grants = Array.isArray(value.grants) ? value.grants.filter(isRecord) : []
  return {
    principal: value.principal,
    ...(typeof value.workspace === 'string' && { workspace: value.workspace }),
    grants: grants.map(({ workspace, permission }) => ({
      workspace: typeof workspace === 'string' ? workspace : null,
      permission: String(permission),
    })),
  }
}

export function sessionCalls(exchange: Exchange) {
  const post = async (path: string, body: unknown) =>
    readSession((await exchange.send({ method: 'POST', path, body, anonymous: true })).body)
  return {
    login: (email: string, password: string) => post('/api/v1/sessions', { email, password }),
    /** Names of the identity providers that people sign in by. */
    async signIns(): Promise<readonly string[]> {
      const { body } = await exchange.send({ method: 'GET', path: '/api/v1/sso', anonymous: true })
      const items: unknown = isRecord(body) ? body.items : undefined
      if (!Array.isArray(items))
        throw new Fault('internal', 'The server does not tell how to sign in. Is it another version?')
      return items.filter(isRecord).map(({ name }) => String(name))
    },
    /** What a browser has signed in for this program. */
    exchange: (code: string, verifier: string) => post('/api/v1/sso/exchange', { code, verifier }),
    /** The refresh token is used up: keep the one in the answer. */
    refresh: (refreshToken: string) => post('/api/v1/sessions/refresh', { refreshToken }),
    /** Ends the session of the current access token. */
    async logout(): Promise<void> {
      await exchange.send({ method: 'DELETE', path: '/api/v1/sessions' })
    },
    async whoami(): Promise<Whoami> {
      return readWhoami((await exchange.send({ method: 'GET', path: '/api/v1/whoami' })).body)
    },
    /** Name and version of the server. */
    async version(signal?: AbortSignal): Promise<{ readonly version: string }> {
      const { body } = await exchange.send({ method: 'GET', path: '/version', anonymous: true, signal })
      const version = isRecord(body) ? body.version : undefined
      if (typeof version !== 'string')
        throw new Fault(
          'unavailable',
          `${exchange.url} does not tell its version: is a Switchyard server there?`,
        )
      return { version }
    },
  }
}
