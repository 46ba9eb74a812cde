// How long callers wait for the first token: from the histogram of this server's process, as Prometheus reads it.
import { Fault } from '@switchyard/kinds/fault'
import { useQuery } from '@tanstack/react-query'
import { useExchange } from '../session/context.tsx'

interface Bucket {
  /** Upper bound in seconds. */
  readonly bound: number
  /** How many took no longer. */
  readonly count: number
}

/** The buckets of a histogram without labels of its own. */
export function bucketsOf(text: string, name: string): readonly Bucket[] {
  const start = `${name}_bucket{le="`
  return text.split('\n').flatMap(line => {
    if (!line.startsWith(start)) return []
    const [bound = '', count = ''] = line.slice(start.length).split('"} ')
    return [{ bound: bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), count: Number(count) }]
  })
}

/** As Prometheus' `histogram_quantile` reckons it; undefined where nothing was measured. */
export function quantileOf(buckets: readonly Bucket[], quantile: number): number | undefined {
  const rank = (buckets.at(-1)?.count ?? 0) * quantile
  if (rank === 0) return undefined
  const at = buckets.findIndex(({ count }) => count >= rank)
  const [below, here] = [buckets[at - 1] ?? { bound: 0, count: 0 }, buckets[at]]
  if (!here) return undefined
  if (here.bound === Number.POSITIVE_INFINITY) return below.bound
  return below.bound + ((here.bound - below.bound) * (rank - below.count)) / (here.count - below.count)
}

interface FirstToken {
  readonly p50: number
  readonly p95: number
}

/** Null where nothing was streamed yet, or this process counts nothing. */
export function useFirstToken(isAllowed: boolean) {
  const exchange = useExchange()
  return useQuery({
    queryKey: ['first-token'],
    enabled: isAllowed,
    queryFn: async ({ signal }): Promise<FirstToken | null> => {
      try {
        const { body } = await exchange.send({ method: 'GET', path: '/metrics', signal })
        const buckets = bucketsOf(String(body), 'switchyard_gateway_first_token_seconds')
        const [p50, p95] = [quantileOf(buckets, 0.5), quantileOf(buckets, 0.95)]
        return p50 === undefined || p95 === undefined ? null : { p50, p95 }
      } catch (error) {
        if (error instanceof Fault && error.reason === 'no_metrics') return null
        throw error
      }
    },
    refetchInterval: 15_000,
  })
}
