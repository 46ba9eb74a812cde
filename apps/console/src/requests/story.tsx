// One request: what it was, its attempts, and the arithmetic of what it has cost.

import { Fault } from '@switchyard/kinds/fault'
import type { EndReason } from '@switchyard/runtime'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Card, Descriptions, Typography } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import { useMeasures } from '../parts/measures.ts'
import { useExchange } from '../session/context.tsx'
import { Failed, Forbidden, Loading } from '../shell/states.tsx'
import type { RequestsSearch } from '../usage/search.ts'
import { Attempts } from './attempts.tsx'
import { Reckoning } from './reckoning.tsx'
import { callOf, lengthOf, mintedAt, moodOf, partsOf, type UsageEvent, untimed } from './request.ts'
import { Timeline } from './timeline.tsx'
import './words.ts'

/** A value that leads to the other requests that share it. */
function Sought({ search, children }: { readonly search: RequestsSearch; readonly children: string }) {
  return (
    <Link className="within" to="/requests" search={{ period: '7d', ...search }}>
      {children}
    </Link>
  )
}

function Facts({ call }: { readonly call: UsageEvent }) {
  const { t } = useTranslation('requests')
  const { duration } = useMeasures()
  const { workspace, project, key_name: key, model, upstream_model: served } = call
  const place = call.provider ?? (call.endpoint || call.upstream)
  const why = untimed(call)
  const item = (label: string, children: ReactNode) => ({ key: label, label, children })
  return (
    <Descriptions
      bordered
      size="small"
      column={{ xs: 1, md: 2, xl: 3 }}
      items={[
        item(t('at'), <Moment at={call.time} seconds />),
        item(
          t('took'),
          <>
            {duration(lengthOf(call.time, call.ended_at) / 1000)}{' '}
            {why === 'lost' && <span className="quiet">{t('lastHeard')}</span>}
          </>,
        ),
        ...(call.first_token_ms === null
          ? why
            ? [item(t('firstToken'), <span className="quiet">{t(`untimed.${why}`)}</span>)]
            : []
          : [item(t('firstToken'), duration(call.first_token_ms / 1000))]),
        ...(call.attempts?.[0] ? [item(t('queued'), duration(call.attempts[0].startMs / 1000))] : []),
        item(
          t('status'),
          <>
            <span className={`phase ${moodOf(call.status)}`}>{call.status}</span>{' '}
            {/* One of the ends of the API. */}
            {t(`ends.${call.end_reason as EndReason}`)}
          </>,
        ),
        item(
          t('model'),
          <>
            <Sought search={{ workspace, model }}>{model}</Sought>{' '}
            {served !== null && served !== model && (
              <span className="quiet">{t('served', { model: served })}</span>
            )}
          </>,
        ),
        item(
          t('upstream'),
          place === '' ? t('nowhere') : <Sought search={{ workspace, upstream: place }}>{place}</Sought>,
        ),
        item(t('operation'), `${call.operation}, ${t(call.streamed ? 'streamed' : 'whole')}`),
        item(t('workspace'), workspace),
        item(
          t('project'),
          project === null ? '–' : <Sought search={{ workspace, project }}>{project}</Sought>,
        ),
        item(t('key'), <Sought search={{ workspace, key }}>{key}</Sought>),
        item(t('tier'), call.region === null ? call.tier : `${call.tier}, ${call.region}`),
        // One of the sources of the API.
        item(t('counted'), t(`sources.${call.usage_source as 'provider'}`)),
        item(t('paid'), t(`payers.${call.billable}`)),
        ...(call.flags.length > 0 ? [item(t('flags'), call.flags.join(', '))] : []),
        item(t('sealed'), String(call.batch)),
        item(
          t('sha'),
          <Typography.Text code copyable={{ text: call.sha256 }}>
            {call.sha256.slice(0, 16)}…
          </Typography.Text>,
        ),
      ]}
    />
  )
}

/** Usage comes within seconds; a stream may take minutes, and who looks meanwhile waits no longer than this. */
const awaitedFor = 60_000

function Story({ workspace, request }: { readonly workspace: string; readonly request: string }) {
  const { t } = useTranslation('requests')
  const exchange = useExchange()
  // Whoever comes from an answer is here before its usage is.
  const isAwaited = (error: Error | null) =>
    error instanceof Fault && error.code === 'not_found' && Date.now() - mintedAt(request) < awaitedFor
  const told = useQuery({
    queryKey: ['request', workspace, request],
    queryFn: async ({ signal }) => {
      const path = `/api/v1/workspaces/${encodeURIComponent(workspace)}/usage/${encodeURIComponent(request)}`
      return (
        (await exchange.send({ method: 'GET', path, signal })).body as { events: readonly UsageEvent[] }
      ).events // the console and the server are built together
    },
    refetchInterval: ({ state }) => (isAwaited(state.error) ? 1500 : false),
  })
  if (told.error) {
    if (!(told.error instanceof Fault)) throw told.error
    if (isAwaited(told.error)) return <Loading says={t('awaited')} />
    if (told.error.code === 'denied') return <Forbidden what={t('requests')} permission="usage:read" />
    return <Failed fault={told.error} again={() => void told.refetch()} />
  }
  const call = callOf(told.data ?? [])
  if (told.data === undefined || call === undefined) return <Loading />
  const why = untimed(call)
  return (
    <div className="sections">
      <Facts call={call} />
      <Card size="small" title={<h2>{t('timeline')}</h2>}>
        {call.attempts ? (
          <Attempts attempts={call.attempts} milliseconds={lengthOf(call.time, call.ended_at)} />
        ) : (
          <Timeline events={told.data} note={t(why ? `untimedAttempts.${why}` : 'endsNote')} />
        )}
      </Card>
      {told.data.map(event => {
        const { attempt, part } = partsOf(event)
        const named = t(`part.${part === 'spare' || part === 'rest' ? part : 'call'}`)
        return (
          <Card
            key={event.id}
            size="small"
            title={
              <h2>
                {t('attempt', { number: attempt })} · {named}
              </h2>
            }
          >
            <Reckoning event={event} />
          </Card>
        )
      })}
    </div>
  )
}

export function RequestPage() {
  const { t } = useTranslation()
  const { t: say } = useTranslation('requests')
  const { workspace, request } = useParams({ from: '/requests/$workspace/$request' })
  const may = useMay()
  return (
    <>
      <Typography.Text type="secondary">
        <Link to="/requests">{t('screens.requests')}</Link> / {workspace}
      </Typography.Text>
      <Typography.Title level={1} copyable={{ text: request }} className="id">
        {request}
      </Typography.Title>
      {may('usage:read', workspace) ? (
        <Story workspace={workspace} request={request} />
      ) : (
        <Forbidden what={say('requests')} permission="usage:read" />
      )}
    </>
  )
}
