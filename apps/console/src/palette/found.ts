// Documents by a part of their name: those of the kinds that people look for by name.
import { useQuery } from '@tanstack/react-query'
import { useDeferredValue } from 'react'
import { type Document, type KindInfo, useCatalogue, useMay } from '../api/catalogue.ts'
import { useExchange } from '../session/context.tsx'

const soughtKinds = [
  'Endpoint',
  'Model',
  'Route',
  'Provider',
  'ApiKey',
  'Project',
  'Workspace',
  'User',
  'ServiceAccount',
  'Cluster',
  'Budget',
  'PriceBook',
]

export interface Found {
  readonly kind: KindInfo
  readonly document: Document
}

const pause = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    })
  })

export function useFound(text: string) {
  const exchange = useExchange()
  const may = useMay()
  const catalogue = useCatalogue()
  const q = useDeferredValue(text.trim())
  const kinds = catalogue.filter(({ kind, noun }) => soughtKinds.includes(kind) && may(`${noun}:read`))
  return useQuery({
    queryKey: ['found', q],
    enabled: q.length > 1,
    gcTime: 10_000,
    queryFn: async ({ signal }): Promise<readonly Found[]> => {
      // Who writes on asks for nothing yet.
      await pause(200, signal)
      const lists = await Promise.all(
        kinds.map(async kind => {
          const path = `/api/v1/${kind.plural}`
          const { body } = await exchange.send({ method: 'GET', path, query: { q, limit: 5 }, signal })
          const { items } = body as { items: readonly Document[] } // the console and the server are built together
          return items.map(document => ({ kind, document }))
        }),
      )
      return lists.flat()
    },
  })
}
