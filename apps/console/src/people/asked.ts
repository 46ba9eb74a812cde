// What the server tells of people: sessions, invitations, rights. The console and the server are built together.
import { useQuery } from '@tanstack/react-query'
import { useExchange } from '../session/context.tsx'

export interface OpenSession {
  readonly id: string
  readonly method: 'password' | 'link' | 'sso'
  readonly provider?: string
  readonly createdAt: string
  readonly seenAt: string
  readonly endsAt: string
  readonly address?: string
  readonly client?: string
  readonly current: boolean
}

export interface Invitation {
  readonly id: string
  readonly email: string
  readonly displayName?: string
  readonly roles: readonly { readonly role: string; readonly workspace: string | null }[]
  readonly invitedBy: string
  readonly createdAt: string
  readonly expiresAt: string
}

/** A link as its maker is answered; without the url where it went by mail. */
export interface MadeLink {
  readonly url?: string
  readonly expiresAt: string
}

export interface Source {
  readonly permissions: readonly string[]
  readonly workspace: string | null
  readonly role?: string
  readonly group?: string
  readonly assignment?: { readonly workspace: string | null; readonly name: string }
  readonly provider?: string
  readonly expiresAt?: string
}

export interface Held {
  readonly permission: string
  readonly sources: readonly number[]
}

export interface Rights {
  readonly enabled: boolean
  readonly sources: readonly Source[]
  readonly places: readonly { readonly workspace: string | null; readonly held: readonly Held[] }[]
  readonly elsewhere: readonly Held[]
  readonly permissions: readonly string[]
  readonly decision?: {
    readonly allowed: boolean
    readonly reason?: 'role' | 'scope' | 'workspace' | 'account_disabled'
    readonly sources: readonly number[]
  }
}

/** One reading of the API, asked for again every so many milliseconds. */
export function useAsked<T>(path: string, refetchInterval?: number) {
  const exchange = useExchange()
  return useQuery({
    queryKey: ['asked', path],
    queryFn: async ({ signal }) => (await exchange.send({ method: 'GET', path, signal })).body as T,
    ...(refetchInterval !== undefined && { refetchInterval }),
  })
}
