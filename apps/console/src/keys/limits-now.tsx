// What is left of every limit above a key, as a gateway says it now.
import { Fault } from '@switchyard/kinds/fault'
import { useQuery } from '@tanstack/react-query'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { FactTable } from '../parts/facts.tsx'
import { useExchange } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import './words.ts'

interface Standing {
  readonly level: 'platform' | 'workspace' | 'project' | 'key'
  readonly dimension: 'requests' | 'input_tokens' | 'output_tokens' | 'tokens' | 'concurrency' | 'money'
  readonly limit: number | string
  readonly remaining: number | string
  readonly currency?: string
  readonly resetMs?: number
}

interface LimitsNowProps {
  readonly workspace: string
  /** Of the ApiKey. */
  readonly name: string
  readonly model: string
}

const permission = 'route:explain'

export function LimitsNow({ workspace, name, model }: LimitsNowProps) {
  const { t } = useTranslation('keys')
  const exchange = useExchange()
  const may = useMay()
  const mayAsk = may(permission, workspace)
  const standing = useQuery({
    queryKey: ['limits now', workspace, name, model],
    queryFn: async () => {
      const path = `/api/v1/workspaces/${encodeURIComponent(workspace)}/actions/explain-route`
      const { body } = await exchange.send({ method: 'POST', path, body: { model, key: name } })
      return (body as { readonly limits: readonly Standing[] }).limits // the console and the server are built together
    },
    enabled: mayAsk,
    refetchInterval: 5000,
  })
  if (standing.error && !(standing.error instanceof Fault)) throw standing.error
  const amount = (value: number | string, { currency = '' }: Standing) =>
    `${typeof value === 'number' ? value.toLocaleString() : value} ${currency}`.trim()
  return (
    <section className="section">
      <Typography.Title level={2}>{t('now')}</Typography.Title>
      <Typography.Paragraph type="secondary">
        {mayAsk ? t('nowHelp', { model }) : t('needs', { permission })}
      </Typography.Paragraph>
      {standing.error && <FaultAlert fault={standing.error} />}
      {mayAsk && !standing.error && (
        <FactTable<Standing>
          name={`limits-${name}`}
          label={t('now')}
          rowKey={({ level, dimension, limit }) => `${level} ${dimension} ${limit}`}
          isPending={standing.isPending}
          facts={standing.data ?? []}
          empty={t('noLimits')}
          columns={[
            { key: 'level', title: t('level'), text: ({ level }) => t(`levels.${level}`) },
            {
              key: 'dimension',
              title: t('dimension'),
              text: ({ dimension }) => t(`dimensions.${dimension}`),
            },
            { key: 'left', title: t('left'), align: 'end', text: one => amount(one.remaining, one) },
            { key: 'most', title: t('most'), align: 'end', text: one => amount(one.limit, one) },
            {
              key: 'whole',
              title: t('whole'),
              text: ({ resetMs }) =>
                resetMs === undefined
                  ? '–'
                  : resetMs === 0
                    ? t('isWhole')
                    : t('wholeIn', { count: Math.ceil(resetMs / 1000) }),
            },
          ]}
        />
      )}
    </section>
  )
}
