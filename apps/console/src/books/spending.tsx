// How far a budget has come: what was spent against its amount and thresholds, and where it is going.
import { Link } from '@tanstack/react-router'
import { Descriptions } from 'antd'
import { useTranslation } from 'react-i18next'
import { Moment } from '../kinds/cells.tsx'
import type { Shown } from '../kinds/own.ts'
import { Money } from '../parts/money.tsx'
import { grouped, shareOf } from '../parts/numbers.ts'
import { usePreferences } from '../preferences.ts'
import { Nothing } from '../shell/states.tsx'
import './spending.css'
import './words.ts'

interface Spec {
  readonly amount: string
  readonly alerts: readonly number[]
  readonly project?: string
  readonly key?: string
  readonly model?: string
}

interface Status {
  readonly spent?: string
  readonly forecast?: string | null
  readonly currency?: string
  readonly from?: string
  readonly to?: string
  readonly told?: readonly string[]
}

export default function Spending({ document }: Shown) {
  const { t } = useTranslation('books')
  const { language } = usePreferences()
  // The catalogue says that it is a budget.
  const { amount, alerts, project, key, model } = document.spec as Spec
  const { spent, forecast, currency = '', from, to, told = [] } = document.status as Status
  if (spent === undefined) return <Nothing says={t('notYet')} />
  const percent = shareOf(spent, amount)
  // Of all that is drawn the widest fills it.
  const widest = Math.max(100, percent, ...alerts)
  const mood = percent >= 100 ? 'bad' : percent >= Math.min(...alerts, 100) ? 'warm' : 'good'
  return (
    <>
      <div className="spending">
        {/* biome-ignore lint/a11y/useSemanticElements: a meter cannot show its thresholds */}
        <div
          role="meter"
          aria-label={t('spent')}
          aria-valuemin={0}
          aria-valuemax={widest}
          aria-valuenow={percent}
          aria-valuetext={t('of', { percent })}
        >
          <span className={mood} style={{ width: `${(percent / widest) * 100}%` }} />
          {alerts.map(alert => (
            <i key={alert} style={{ left: `${(alert / widest) * 100}%` }} />
          ))}
        </div>
        <strong>{t('of', { percent: grouped(String(percent), language) })}</strong>
      </div>
      <Descriptions
        bordered
        size="small"
        column={{ xs: 1, lg: 2 }}
        items={[
          { key: 'spent', label: t('spent'), children: <Money amount={spent} currency={currency} /> },
          { key: 'amount', label: t('amount'), children: <Money amount={amount} currency={currency} /> },
          {
            key: 'forecast',
            label: t('forecast'),
            children:
              forecast === undefined || forecast === null ? (
                '–'
              ) : (
                <Money amount={forecast} currency={currency} />
              ),
          },
          {
            key: 'thresholds',
            label: t('thresholds'),
            children: alerts
              .map(
                alert =>
                  `${t('threshold', { percent: alert })} ${t(told.includes(String(alert)) ? 'reached' : 'waiting')}`,
              )
              .join(', '),
          },
          ...(from === undefined || to === undefined
            ? []
            : [
                {
                  key: 'period',
                  label: t('period'),
                  children: (
                    <span>
                      <Moment at={from} /> – <Moment at={to} />{' '}
                      <Link
                        to="/usage"
                        search={{
                          period: 'custom',
                          from,
                          to,
                          ...(document.metadata.workspace !== null && {
                            workspace: document.metadata.workspace,
                          }),
                          ...(project !== undefined && { project }),
                          ...(key !== undefined && { key }),
                          ...(model !== undefined && { model }),
                        }}
                      >
                        {t('usage')}
                      </Link>
                    </span>
                  ),
                },
              ]),
        ]}
      />
    </>
  )
}
