// The models that somebody may call, as the gateway lists them.
import { Fault } from '@switchyard/kinds/fault'
import { useQuery } from '@tanstack/react-query'
import { type Caller, modelsOf } from '../api/gateway.ts'
import { useExchange } from '../session/context.tsx'

export interface Models {
  readonly names: readonly string[]
  readonly isPending: boolean
  readonly fault: Fault | undefined
  readonly again: () => void
}

const none: readonly string[] = []

/** None is asked for where no workspace is chosen. */
export function useModels(caller: Caller): Models {
  const exchange = useExchange()
  const { workspace, project, key } = caller
  const models = useQuery({
    // The secret is in no name of a query: whether there is one decides.
    queryKey: ['gateway models', workspace, project ?? '', key === undefined ? '' : 'by a key'],
    queryFn: () => modelsOf(exchange, caller),
    enabled: workspace !== '' || key !== undefined,
    retry: false,
    refetchInterval: 15_000,
  })
  const { error } = models
  if (error && !(error instanceof Fault)) throw error
  return {
    names: models.data ?? none,
    isPending: models.isLoading,
    fault: error ?? undefined,
    again: () => void models.refetch(),
  }
}
