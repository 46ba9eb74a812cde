// What is final by being saved: whoever saves it is told why, and types its name.
import { valueAt } from '@switchyard/api/selector'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Document } from '../api/catalogue.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Holds } from './holds.tsx'
import './words.ts'

/** By kind, where the status tells what saving makes final: another value there is another final thing. */
const bound: Readonly<Record<string, string>> = { PriceBook: 'status.version' }

/** What saving makes final, as a trial of it answers; undefined where it is nothing. */
export function madeFinal(before: Document | undefined, tried: Document): number | undefined {
  const path = bound[tried.kind]
  if (path === undefined) return undefined
  const made = valueAt(tried, path)
  return typeof made === 'number' && made !== (before && valueAt(before, path)) ? made : undefined
}

interface BindingProps {
  readonly isOpen: boolean
  /** As the server would keep it. */
  readonly document: Document
  readonly version: number
  readonly isBusy: boolean
  readonly onConfirm: () => void
  readonly onCancel: () => void
}

export function Binding({ isOpen, document, version, isBusy, onConfirm, onCancel }: BindingProps) {
  const { t } = useTranslation('write')
  const { name } = document.metadata
  return (
    <Confirm
      isOpen={isOpen}
      title={t('bindTitle', { name })}
      name={name}
      verb={t('bindVerb')}
      cancel={t('back')}
      isBusy={isBusy}
      onConfirm={onConfirm}
      onCancel={onCancel}
    >
      <Typography.Paragraph>{t('bindSays', { version })}</Typography.Paragraph>
      <Holds document={document} />
    </Confirm>
  )
}
