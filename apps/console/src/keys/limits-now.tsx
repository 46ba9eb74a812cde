// What is left of every limit above a key, as a gateway says it now.
import { Fault } from '@switchyard/kinds/fault'
import { useQuery } from '@tanstack/react-query'
import { Table, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { useExchange } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { Nothing } from '../shell/states.tsx'
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
        <Table<Standing>
          size="small"
          pagination={false}
          scroll={{ x: 'max-content' }}
          rowKey={({ level, dimension, limit }) => `${level} ${dimension} ${limit}`}
          loading={standing.isPending}
          dataSource={[...(standing.data ?? [])]}
          locale={{ emptyText: <Nothing says={t('noLimits')} /> }}
          columns={[
            { title: t('level'), render: (_, { level }) => t(`levels.${level}`) },
            { title: t('dimension'), render: (_, { dimension }) => t(`dimensions.${dimension}`) },
            { title: t('left'), align: 'end', render: (_, one) => amount(one.remaining, one) },
            { title: t('most'), align: 'end', render: (_, one) => amount(one.limit, one) },
            {
              title: t('whole'),
              render: (_, { resetMs }) =>
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
