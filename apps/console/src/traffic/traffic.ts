// What the gateway was asked over a time, as the API tells it, with every step of the time in its place.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useExchange } from '../session/context.tsx'

/** Seconds of each, and of its steps. */
const spans = {
  '1h': { length: 3600, step: 60 },
  '24h': { length: 86_400, step: 900 },
  '7d': { length: 604_800, step: 7200 },
} as const

export type Period = keyof typeof spans
export const periods = ['1h', '24h', '7d'] as const satisfies readonly Period[]

export const periodOf = (text: string | undefined): Period => periods.find(one => one === text) ?? '24h'

interface Sums {
  readonly requests: string
  readonly errors: { readonly client: string; readonly server: string; readonly gone: string }
  readonly tokens: { readonly input: string; readonly output: string }
  /** Of those that were done. */
  readonly seconds?: { readonly p50: number; readonly p95: number }
  /** Of streams. */
  readonly firstToken?: { readonly p50: number; readonly p95: number }
}

interface Answer {
  readonly total: Sums
  readonly items: readonly (Sums & { readonly start: string })[]
}

export interface Traffic {
  /** Milliseconds since 1970. */
  readonly range: readonly [from: number, to: number]
  readonly total: Sums
  /** Where each step begins, and its sums: undefined where nothing was asked. */
  readonly times: readonly number[]
  readonly steps: readonly (Sums | undefined)[]
}

export interface Asked {
  readonly period: Period
  /** Of every workspace that one may read when empty. */
  readonly workspace: string
  /** Of every project when empty. */
  readonly project?: string
  readonly endpoint?: string
}

export function useTraffic({ period, workspace, project, endpoint }: Asked) {
  const exchange = useExchange()
  const { length, step } = spans[period]
  return useQuery({
    queryKey: ['traffic', period, workspace, project, endpoint],
    queryFn: async ({ signal }): Promise<Traffic> => {
      const to = (Math.floor(Date.now() / 1000 / step) + 1) * step * 1000
      const from = to - length * 1000
      const { body } = await exchange.send({
        method: 'GET',
        path: '/api/v1/traffic',
        query: {
          from: new Date(from).toISOString(),
          to: new Date(to).toISOString(),
          step,
          workspace: workspace || undefined,
          endpoint,
        },
        signal,
      })
      const { total, items } = body as Answer // the console and the server are built together
      const found = new Map(items.map(item => [Date.parse(item.start), item]))
      const times = Array.from({ length: length / step }, (_, at) => from + at * step * 1000)
      return { range: [from, to], total, times, steps: times.map(time => found.get(time)) }
    },
    refetchInterval: period === '1h' ? 10_000 : 30_000,
    placeholderData: keepPreviousData,
  })
}

/** What did not end well, without callers who left of themselves. */
export const errorsOf = ({ errors: { client, server } }: Sums): number => Number(client) + Number(server)
