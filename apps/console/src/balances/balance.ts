// Accounts and their entries, as the API tells of them.
import type { Balance } from '@switchyard/runtime'
import { useQuery } from '@tanstack/react-query'
import { useExchange } from '../session/context.tsx'

export type { Balance, LedgerEntry } from '@switchyard/runtime'

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
