// Sums of usage as the API gives them, for a span and whatever one looks for.
import { useQuery } from '@tanstack/react-query'
import { compareDecimals } from '../parts/numbers.ts'
import { useExchange } from '../session/context.tsx'
import type { Span } from './period.ts'
import type { Dimension, Sought } from './search.ts'

export interface Amounts {
  readonly currency: string
  readonly amount: string
  /** For those who may read price books; null where it is not known. */
  readonly cost?: string | null
  readonly margin?: string | null
}

export interface Sum {
  readonly group: Readonly<Partial<Record<Dimension | 'hour' | 'day', string | null>>>
  readonly requests: string
  readonly uncosted?: string
  readonly quantities: Readonly<Record<string, string>>
  readonly tokens: { readonly input: string; readonly output: string }
  readonly amounts: readonly Amounts[]
}

/** `by`: comma-separated; one row for all when empty. */
export function useSums(span: Span, sought: Sought, by: string, enabled = true) {
  const exchange = useExchange()
  const query = {
    ...sought,
    ...(by !== '' && { by }),
    from: span.from.toISOString(),
    to: span.isRunning ? undefined : span.to.toISOString(),
  }
  return useQuery({
    queryKey: ['usage', query],
    enabled,
    queryFn: async ({ signal }) =>
      (
        (await exchange.send({ method: 'GET', path: '/api/v1/usage', query, signal })).body as {
          items: readonly Sum[]
        }
      ).items, // the console and the server are built together
    ...(span.isRunning && { refetchInterval: 30_000 }),
    placeholderData: previous => previous,
  })
}

export const amountIn = ({ amounts }: Sum, currency: string): Amounts | undefined =>
  amounts.find(one => one.currency === currency)

export const currenciesOf = (sums: readonly Sum[]): readonly string[] =>
  [...new Set(sums.flatMap(({ amounts }) => amounts.map(({ currency }) => currency)))].toSorted()

/** What somebody would want to see first: what costs most, else what was asked most. */
export function dearestFirst(sums: readonly Sum[]): readonly Sum[] {
  const [currency] = currenciesOf(sums)
  const worth = (sum: Sum) => (currency === undefined ? '0' : (amountIn(sum, currency)?.amount ?? '0'))
  return sums.toSorted(
    (one, other) =>
      compareDecimals(worth(other), worth(one)) || compareDecimals(other.requests, one.requests),
  )
}
