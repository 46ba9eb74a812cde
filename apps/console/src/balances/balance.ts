// Accounts and their entries, as the API tells of them.
import { useQuery } from '@tanstack/react-query'
import { useExchange } from '../session/context.tsx'

interface Credit {
  readonly cause: 'top_up' | 'grant' | 'correction'
  readonly amount: string
  readonly remaining: string
  readonly priority: number
  readonly expiresAt: string | null
}

export interface Balance {
  readonly workspace: string
  /** Null is the account of the workspace. */
  readonly project: string | null
  readonly currency: string
  readonly kind: 'prepaid' | 'postpaid'
  readonly limit: string
  readonly balance: string
  readonly pending: string
  readonly sliced: string
  readonly available: string
  readonly overrun: string
  readonly credits: readonly Credit[]
}

export interface Entry {
  readonly transaction: string
  readonly at: string
  readonly cause: 'top_up' | 'grant' | 'withdrawal' | 'correction' | 'charge' | 'expiry' | 'write_off'
  readonly project: string | null
  readonly currency: string
  readonly amount: string
  readonly reference: string
  readonly actor: string | null
  readonly reason: string | null
}

export const pathOf = (workspace: string) => `/api/v1/workspaces/${encodeURIComponent(workspace)}/balances`

/** Of several workspaces, one after the other in their order. */
export function useBalances(workspaces: readonly string[]) {
  const exchange = useExchange()
  return useQuery({
    queryKey: ['balances', workspaces],
    queryFn: async ({ signal }) => {
      const found = await Promise.all(
        workspaces.map(workspace => exchange.send({ method: 'GET', path: pathOf(workspace), signal })),
      )
      // The console and the server are built together.
      return found.flatMap(({ body }) => (body as { items: readonly Balance[] }).items)
    },
    refetchInterval: 10_000,
    placeholderData: previous => previous,
  })
}
