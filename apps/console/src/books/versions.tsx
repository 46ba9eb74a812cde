// The versions of a price book that were published, and when each of them holds.

import { Fault } from '@switchyard/kinds/fault'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { Moment } from '../kinds/cells.tsx'
import type { Shown } from '../kinds/own.ts'
import { Facts } from '../parts/facts.tsx'
import { useExchange } from '../session/context.tsx'
import './words.ts'

interface Version {
  readonly version: number
  readonly sha256: string
  readonly publishedAt: string
  readonly publishedBy: string
  readonly holds: { readonly from: string; readonly to?: string } | null
}

export default function Versions({ kind, document }: Shown) {
  const { t } = useTranslation('books')
  const exchange = useExchange()
  const { name } = document.metadata
  return (
    <Facts<Version>
      name={`versions-${name}`}
      label={t('versions')}
      queryKey={['book-versions', name, document.metadata.resourceVersion]}
      load={async (_, signal) => {
        const path = `/api/v1/${kind.plural}/${encodeURIComponent(name)}/versions`
        try {
          const { body } = await exchange.send({ method: 'GET', path, signal })
          return { items: (body as { items: readonly Version[] }).items.toReversed() } // the console and the server are built together
        } catch (error) {
          // None was published.
          if (error instanceof Fault && error.code === 'not_found') return { items: [] }
          throw error
        }
      }}
      forbidden={{ what: t('versions'), permission: 'price_book:read' }}
      rowKey={({ version }) => String(version)}
      empty={t('noVersions')}
      columns={[
        {
          key: 'version',
          title: t('version'),
          text: ({ version }) => String(version),
          render: ({ version }) => t('versionNumber', { number: version }),
        },
        {
          key: 'holds',
          title: t('holds'),
          text: ({ holds }) => holds?.from ?? '',
          render: ({ holds }) =>
            holds === null ? <span className="quiet">{t('noTime')}</span> : <Moment at={holds.from} />,
        },
        {
          key: 'until',
          title: t('until'),
          text: ({ holds }) => holds?.to ?? '',
          render: ({ holds }) =>
            holds === null ? '' : holds.to === undefined ? t('open') : <Moment at={holds.to} />,
        },
        {
          key: 'published',
          title: t('published'),
          text: ({ publishedAt }) => publishedAt,
          render: ({ publishedAt }) => <Moment at={publishedAt} />,
        },
        { key: 'by', title: t('by'), text: ({ publishedBy }) => publishedBy },
        {
          key: 'sha',
          title: t('sha'),
          text: ({ sha256 }) => sha256,
          render: ({ sha256 }) => (
            <Typography.Text code copyable={{ text: sha256 }}>
              {sha256.slice(0, 12)}…
            </Typography.Text>
          ),
        },
      ]}
    />
  )
}
