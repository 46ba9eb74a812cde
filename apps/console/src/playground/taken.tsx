// What an answer took: tokens, times, and its cost once it is rated.
import { Fault } from '@switchyard/kinds/fault'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Money } from '../parts/money.tsx'
import { localeOf } from '../parts/numbers.ts'
import { usePreferences } from '../preferences.ts'
import { useExchange } from '../session/context.tsx'
import { RequestLink } from './request-link.tsx'
import type { Told } from './thread.ts'
import './words.ts'

interface Event {
  readonly billable?: string
  /** Of the sale; null where nothing has a price. */
  readonly amount: string | null
  readonly currency: string | null
}

/** Usage is shipped and rated within some seconds. */
const askMilliseconds = 1500
const mostAsks = 12
const leastSeconds = 0.05

function Cost({ request, workspace }: Pick<Told, 'request' | 'workspace'>) {
  const { t } = useTranslation('playground')
  const exchange = useExchange()
  const may = useMay()
  const maySee = may('usage:read', workspace)
  const events = useQuery({
    queryKey: ['usage of a request', workspace, request],
    queryFn: async (): Promise<readonly Event[]> => {
      const path = `/api/v1/workspaces/${encodeURIComponent(workspace)}/usage/${request}`
      try {
        const { body } = await exchange.send({ method: 'GET', path })
        return (body as { readonly events: readonly Event[] }).events // the console and the server are built together
      } catch (error) {
        if (error instanceof Fault && error.code === 'not_found') return [] // it is still on its way
        throw error
      }
    },
    enabled: maySee,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: ({ state }) =>
      (state.data?.length ?? 0) === 0 && state.dataUpdateCount < mostAsks && !state.error
        ? askMilliseconds
        : false,
  })
  if (!maySee) return t('costUnseen')
  if (events.error) return '–'
  const rated = events.data?.find(({ amount }) => amount !== null)
  if (rated?.amount != null && rated.currency)
    return <Money amount={rated.amount} currency={rated.currency} rough />
  return (events.data?.length ?? 0) > 0 ? t('costNone') : t('costPending')
}

export function Taken({ told }: { readonly told: Told }) {
  const { t } = useTranslation('playground')
  const { language } = usePreferences()
  const { tokens, first, total, request, workspace } = told
  const number = (value: number, digits: number) =>
    new Intl.NumberFormat(localeOf(language), { maximumFractionDigits: digits }).format(value)
  const seconds = (milliseconds: number) =>
    milliseconds < 1000 ? `${number(milliseconds, 0)} ms` : `${number(milliseconds / 1000, 2)} s`
  const streaming = first === undefined ? 0 : (total - first) / 1000
  // By the tokens after the first, which came when the time began. What came in one piece has no speed.
  const rate =
    tokens && tokens.output > 1 && streaming > leastSeconds ? (tokens.output - 1) / streaming : undefined
  const facts: readonly (readonly [string, ReactNode])[] = [
    ...(tokens
      ? [
          [
            t('tokensOf'),
            t('tokens', { input: number(tokens.input, 0), output: number(tokens.output, 0) }),
          ] as const,
        ]
      : []),
    ...(first !== undefined ? [[t('first'), seconds(first)] as const] : []),
    ...(rate !== undefined ? [[t('speed'), t('perSecond', { rate: number(rate, 1) })] as const] : []),
    [t('total'), seconds(total)],
    ...(request !== ''
      ? [[t('cost'), <Cost key="cost" request={request} workspace={workspace} />] as const]
      : []),
  ]
  return (
    <div className="taken">
      <dl>
        {facts.map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {request !== '' && <RequestLink workspace={workspace} request={request} />}
    </div>
  )
}
