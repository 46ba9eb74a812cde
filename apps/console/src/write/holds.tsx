// From when on what is bound holds, where the document says so.
import { valueAt } from '@switchyard/api/selector'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Document } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import './words.ts'

export function Holds({ document }: { readonly document: Document }) {
  const { t } = useTranslation('write')
  const from = valueAt(document.spec, 'from')
  if (typeof from !== 'string') return null
  return (
    <Typography.Paragraph>
      <strong>
        {t(Date.parse(from) > Date.now() ? 'bindsFrom' : 'bindsNow')} <Moment at={from} />
      </strong>
    </Typography.Paragraph>
  )
}
