// What a screen shows when it has nothing to show: it waits, it may not, it failed, there is nothing.
import type { Fault } from '@switchyard/kinds/fault'
import { Button, Empty, Skeleton } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { FaultAlert } from './fault.tsx'
import { Notice } from './result.tsx'

export const Loading = ({ says }: { readonly says?: string }) => (
  <>
    {says !== undefined && <p className="quiet">{says}</p>}
    <Skeleton active paragraph={{ rows: 6 }} className="loading" />
  </>
)

export function Forbidden({ what, permission }: { readonly what: string; readonly permission: string }) {
  const { t } = useTranslation()
  return (
    <Notice
      status="403"
      title={t('list.forbidden', { kinds: what })}
      subTitle={t('list.needs', { permission })}
    />
  )
}

export function Failed({ fault, again }: { readonly fault: Fault; readonly again: () => void }) {
  const { t } = useTranslation()
  return (
    <section className="failed">
      <FaultAlert fault={fault} />
      <Button onClick={again}>{t('list.again')}</Button>
    </section>
  )
}

export function Nothing({ says, children }: { readonly says: string; readonly children?: ReactNode }) {
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={says}>
      {children}
    </Empty>
  )
}
