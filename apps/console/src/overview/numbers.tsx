// The numbers of the gateway at a glance: each leads to where it comes from.
import type { LinkProps } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { useMeasures } from '../parts/measures.ts'
import { Count, Money } from '../parts/money.tsx'
import { roughly, short } from '../parts/numbers.ts'
import { projectOf, usePreferences } from '../preferences.ts'
import { errorsOf, type Period, type Traffic } from '../traffic/traffic.ts'
import { spanOf } from '../usage/period.ts'
import type { RequestsSearch } from '../usage/search.ts'
import { useSums } from '../usage/sums.ts'
import { Health } from './health.tsx'
import { Tile } from './tile.tsx'
import '../traffic/words.ts'

const usage = (period: 'today' | '7d' | 'month'): LinkProps => ({ to: '/usage', search: { period } })

function Spent() {
  const { t } = useTranslation('traffic')
  const preferences = usePreferences()
  const { language, workspace } = preferences
  const project = projectOf(preferences)
  const sought = { ...(workspace !== '' && { workspace }), ...(project !== '' && { project }) }
  const now = new Date()
  const [today] = useSums(spanOf({ period: 'today' }, now), sought, '').data ?? []
  const [month] = useSums(spanOf({ period: 'month' }, now), sought, '').data ?? []
  const amounts = month?.amounts ?? []
  const monthly = amounts.map(({ amount, currency }) => `${roughly(amount, currency, language)} ${currency}`)
  return (
    <Tile
      title={t('spent')}
      to={usage('month')}
      note={amounts.length > 0 ? t('spentNote', { amounts: monthly.join(' · ') }) : month && t('unpriced')}
    >
      {amounts.length === 0
        ? '–'
        : amounts.map(({ currency }) => {
            const amount = today?.amounts.find(one => one.currency === currency)?.amount ?? '0'
            return <Money key={currency} amount={amount} currency={currency} rough />
          })}
    </Tile>
  )
}

interface NumbersProps {
  readonly traffic: Traffic | undefined
  readonly period: Period
}

function Gateway({ traffic, period }: NumbersProps) {
  const { t } = useTranslation('traffic')
  const { language } = usePreferences()
  const { rate, share, duration, count } = useMeasures()
  const { total, steps = [], range = [0, 0] } = traffic ?? {}
  const all = Number(total?.requests ?? 0)
  const seen = usage(period === '7d' ? '7d' : 'today')
  const [from, to] = range.map(time => new Date(time).toISOString()) as [string, string]
  /** The requests behind a number: those of the same time. */
  const behind = (more: RequestsSearch = {}): LinkProps => ({
    to: '/requests',
    search: traffic ? { period: 'custom', from, to, ...more } : more,
  })
  const byRequests = (value: (step: NonNullable<(typeof steps)[number]>) => number) =>
    steps.map(step => (step ? value(step) : 0))
  return (
    <>
      <Tile
        title={t('requests')}
        to={behind()}
        note={total && rate(all / ((range[1] - range[0]) / 1000))}
        values={byRequests(step => Number(step.requests))}
      >
        {total ? <Count value={total.requests} brief /> : '…'}
      </Tile>
      <Tile
        title={t('errors')}
        to={behind()}
        note={
          total &&
          t('errorsNote', {
            server: count(Number(total.errors.server)),
            client: count(Number(total.errors.client)),
          })
        }
        values={byRequests(errorsOf)}
      >
        {total ? (all === 0 ? '–' : share(errorsOf(total) / all)) : '…'}
      </Tile>
      <Tile
        title={t('latency')}
        to={behind()}
        note={total?.seconds && t('latencyNote', { value: duration(total.seconds.p95) })}
        values={steps.map(step => step?.seconds?.p50 ?? null)}
      >
        {total ? (total.seconds ? duration(total.seconds.p50) : '–') : '…'}
      </Tile>
      <Tile
        title={t('firstToken')}
        to={behind({ firstTokenFrom: 0 })}
        note={total?.firstToken && t('firstTokenNote', { value: duration(total.firstToken.p95) })}
        values={steps.map(step => step?.firstToken?.p50 ?? null)}
      >
        {total ? (total.firstToken ? duration(total.firstToken.p50) : '–') : '…'}
      </Tile>
      <Tile
        title={t('tokens')}
        to={seen}
        note={
          total &&
          t('tokensNote', {
            input: short(total.tokens.input, language),
            output: short(total.tokens.output, language),
          })
        }
        values={byRequests(({ tokens }) => Number(tokens.input) + Number(tokens.output))}
      >
        {total ? <Count value={BigInt(total.tokens.input) + BigInt(total.tokens.output)} brief /> : '…'}
      </Tile>
    </>
  )
}

export function Numbers(props: NumbersProps) {
  const may = useMay()
  const mayRead = may('usage:read')
  return (
    <div className="numbers">
      {mayRead && <Gateway {...props} />}
      {mayRead && <Spent />}
      <Health />
    </div>
  )
}
