// The explorer of requests: what was asked, newest first, narrowed by what the address says.
import { type EndReason, endReasons } from '@switchyard/runtime/usage'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Input, Select, Typography } from 'antd'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import { type FactColumn, Facts } from '../parts/facts.tsx'
import { useMeasures } from '../parts/measures.ts'
import { Count, Money } from '../parts/money.tsx'
import { projectOf, usePreferences } from '../preferences.ts'
import { useExchange } from '../session/context.tsx'
import { Forbidden } from '../shell/states.tsx'
import { spanOf } from '../usage/period.ts'
import { type RequestsSearch, soughtHere } from '../usage/search.ts'
import { PeriodPick, SoughtPicks } from '../usage/tools.tsx'
import { lengthOf, moodOf, type RequestPage, type RequestRow } from './request.ts'
import '../usage/usage.css'
import './words.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** For the first token, in milliseconds; 0 is every stream. */
const waits = [0, 500, 1000, 2000, 5000, 10_000]

function useColumns(isEverywhere: boolean, seesCosts: boolean): readonly FactColumn<RequestRow>[] {
  const { t } = useTranslation('requests')
  const { duration } = useMeasures()
  const endOf = (end: string) => t(`ends.${end as EndReason}`) // one of the ends of the API
  const dash = <span className="quiet">–</span>
  const money = (key: 'amount' | 'cost'): FactColumn<RequestRow> => ({
    key,
    title: t(key),
    align: 'end',
    text: row => row[key] ?? '',
    render: ({ [key]: amount, currency }) =>
      amount === null || amount === undefined || currency === null ? (
        dash
      ) : (
        <Money amount={amount} currency={currency} />
      ),
  })
  return [
    {
      key: 'at',
      title: t('at'),
      text: ({ at }) => at,
      render: ({ at, workspace, request }) => (
        <Link to="/requests/$workspace/$request" params={{ workspace, request }}>
          <Moment at={at} seconds />
        </Link>
      ),
    },
    {
      key: 'status',
      title: t('status'),
      text: ({ status }) => String(status),
      render: ({ status }) => <span className={`phase ${moodOf(status)}`}>{status}</span>,
    },
    { key: 'model', title: t('model'), text: ({ model }) => model },
    { key: 'key', title: t('key'), text: ({ key }) => key },
    {
      key: 'took',
      title: t('took'),
      align: 'end',
      text: ({ at, endedAt }) => String(lengthOf(at, endedAt) / 1000),
      render: ({ at, endedAt }) => <span className="number">{duration(lengthOf(at, endedAt) / 1000)}</span>,
    },
    {
      key: 'firstToken',
      title: t('firstToken'),
      align: 'end',
      text: ({ firstTokenMs }) => (firstTokenMs === null ? '' : String(firstTokenMs / 1000)),
      render: ({ firstTokenMs }) =>
        firstTokenMs === null ? dash : <span className="number">{duration(firstTokenMs / 1000)}</span>,
    },
    {
      key: 'input',
      title: t('input'),
      align: 'end',
      text: ({ tokens }) => tokens.input,
      render: ({ tokens }) => <Count value={tokens.input} />,
    },
    {
      key: 'output',
      title: t('output'),
      align: 'end',
      text: ({ tokens }) => tokens.output,
      render: ({ tokens }) => <Count value={tokens.output} />,
    },
    money('amount'),
    ...(seesCosts ? [money('cost')] : []),
    { key: 'end', title: t('end'), text: ({ end }) => end, render: ({ end }) => endOf(end) },
    ...(isEverywhere
      ? [{ key: 'workspace', title: t('workspace'), text: ({ workspace }: RequestRow) => workspace }]
      : []),
    {
      key: 'project',
      title: t('project'),
      text: ({ project }) => project ?? '',
      render: ({ project }) => project ?? dash,
    },
    {
      key: 'upstream',
      title: t('upstream'),
      text: ({ upstream }) => upstream ?? '',
      render: ({ upstream }) => upstream ?? dash,
    },
    {
      key: 'request',
      title: t('request'),
      text: ({ request }) => request,
      render: ({ request }) => (
        <Typography.Text copyable={{ text: request }} code>
          {request.slice(-12)}
        </Typography.Text>
      ),
    },
  ]
}

function Explorer({ search }: { readonly search: RequestsSearch }) {
  const { t } = useTranslation('requests')
  const preferences = usePreferences()
  const navigate = useNavigate({ from: '/requests' })
  const exchange = useExchange()
  const may = useMay()
  const { period = 'today', from, to, status, end, request, firstTokenFrom, ...sought } = search
  const [written, setWritten] = useState(request ?? '')
  const isBad = written !== '' && !uuid.test(written)
  const span = useMemo(
    () => spanOf({ period, ...(from && { from }), ...(to && { to }) }, new Date()),
    [period, from, to],
  )
  const { workspace, project } = soughtHere(sought, preferences.workspace, projectOf(preferences))
  const isFiltered = Object.keys(search).some(key => !['period', 'from', 'to'].includes(key))
  const look = (change: { readonly [K in keyof RequestsSearch]?: RequestsSearch[K] | undefined }) => {
    const all = Object.entries({ ...search, ...change }).filter(([, value]) => value !== undefined)
    void navigate({ search: Object.fromEntries(all), replace: true })
  }
  const query = {
    ...sought,
    workspace,
    project,
    status,
    end,
    request,
    firstTokenFrom,
    // One request is found whenever it was.
    ...(request === undefined && {
      from: span.from.toISOString(),
      to: span.isRunning ? undefined : span.to.toISOString(),
    }),
  }
  const { duration } = useMeasures()
  const waited = (milliseconds: number) =>
    milliseconds === 0 ? t('anyStream') : t('noSooner', { time: duration(milliseconds / 1000) })
  const columns = useColumns(workspace === undefined, may('price_book:read', null))
  return (
    <>
      <div className="tools">
        <PeriodPick
          value={{ period, ...(from && { from }), ...(to && { to }) }}
          onChange={picked => look({ from: undefined, to: undefined, ...picked })}
        />
        <Input.Search
          className="find"
          allowClear
          aria-label={t('find')}
          placeholder={t('findHint')}
          value={written}
          status={isBad ? 'error' : ''}
          onChange={({ target }) => setWritten(target.value.trim())}
          onSearch={text => {
            if (text === '' || uuid.test(text)) look({ request: text === '' ? undefined : text })
          }}
        />
        {isBad && <span role="alert">{t('badId')}</span>}
        {request !== undefined && !isBad && <span className="quiet">{t('anyTime')}</span>}
      </div>
      <Facts<RequestRow>
        name="requests"
        label={t('list')}
        queryKey={['requests', query]}
        load={async (cursor, signal) => {
          const { items, next } = (
            await exchange.send({
              method: 'GET',
              path: '/api/v1/usage/requests',
              query: { ...query, after: cursor, limit: 100 },
              signal,
            })
          ).body as RequestPage // the console and the server are built together
          return { items, next }
        }}
        {...(span.isRunning && { refetchInterval: 10_000 })}
        forbidden={{ what: t('requests'), permission: 'usage:read' }}
        rowKey={({ workspace, id }) => `${workspace} ${id}`}
        empty={isFiltered ? t('noneFound') : t('none')}
        columns={columns}
        tools={
          <>
            <SoughtPicks span={span} sought={{ ...sought, workspace, project }} onChange={look} />
            <Select<string>
              className="sought"
              aria-label={t('status')}
              placeholder={t('status')}
              allowClear
              popupMatchSelectWidth={false}
              value={status ?? null}
              options={(['2xx', '4xx', '5xx'] as const).map(value => ({
                value,
                label: t(`classes.${value}`),
              }))}
              onChange={(value: string | undefined) => look({ status: value })}
            />
            <Select<EndReason>
              className="sought"
              aria-label={t('end')}
              placeholder={t('end')}
              allowClear
              popupMatchSelectWidth={false}
              value={end ?? null}
              options={endReasons.map(value => ({ value, label: t(`ends.${value}`) }))}
              onChange={(value: EndReason | undefined) => look({ end: value })}
            />
            <Select<number>
              className="sought"
              aria-label={t('firstToken')}
              placeholder={t('firstToken')}
              allowClear
              popupMatchSelectWidth={false}
              value={firstTokenFrom ?? null}
              options={[...new Set([...waits, firstTokenFrom ?? 0])]
                .toSorted((one, other) => one - other)
                .map(value => ({ value, label: waited(value) }))}
              onChange={(value: number | undefined) => look({ firstTokenFrom: value })}
            />
          </>
        }
      />
    </>
  )
}

export function RequestsPage() {
  const { t } = useTranslation()
  const { t: say } = useTranslation('requests')
  const { in: _, ...search } = useSearch({ from: '/requests' })
  const may = useMay()
  return (
    <>
      <Typography.Title level={1}>{t('screens.requests')}</Typography.Title>
      <Typography.Paragraph type="secondary">{say('about')}</Typography.Paragraph>
      {may('usage:read') ? (
        <Explorer search={search} />
      ) : (
        <Forbidden what={say('requests')} permission="usage:read" />
      )}
    </>
  )
}
