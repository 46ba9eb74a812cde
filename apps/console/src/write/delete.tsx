// Deleting one document: what depends on it is named before its name is asked for.
import { Fault } from '@switchyard/kinds/fault'
import { useQuery } from '@tanstack/react-query'
import { Alert, Checkbox, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { documentPath } from '../api/documents.ts'
import { oneOf } from '../kinds/names.ts'
import type { Shown } from '../kinds/own.ts'
import { Confirm } from '../parts/confirm.tsx'
import { tell } from '../parts/messages.ts'
import { usePreferences } from '../preferences.ts'
import { useExchange } from '../session/context.tsx'
import './words.ts'

interface DeleteProps extends Shown {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly onDeleted: () => void
}

const faultOf = (error: unknown) => (error instanceof Fault ? error : undefined)

export function Delete({ kind, document, isOpen, onClose, onDeleted }: DeleteProps) {
  const { t } = useTranslation('write')
  const { language } = usePreferences()
  const exchange = useExchange()
  const [withAll, setWithAll] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const [fault, setFault] = useState<Fault>()
  const { name } = document.metadata
  const path = documentPath(kind, document.metadata)
  const tried = useQuery({
    queryKey: ['delete', path],
    enabled: isOpen,
    gcTime: 0,
    staleTime: 0,
    queryFn: async () => (await exchange.send({ method: 'DELETE', path, query: { dryRun: true } })).status,
  })
  if (tried.error && !(tried.error instanceof Fault)) throw tried.error
  const refused = faultOf(tried.error)
  const isInUse = refused?.reason === 'in_use'
  const close = () => {
    setWithAll(false)
    setFault(undefined)
    onClose()
  }
  const confirm = async () => {
    setBusy(true)
    setFault(undefined)
    try {
      const { status } = await exchange.send({
        method: 'DELETE',
        path,
        ...(withAll && { query: { cascade: true } }),
      })
      tell({ type: 'success', content: t(status === 200 ? 'deleted' : 'deleting', { name }) })
      close()
      onDeleted()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      setFault(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Confirm
      isOpen={isOpen}
      title={t('deleteTitle', { kind: oneOf(kind, language), name })}
      name={name}
      verb={t('delete')}
      isBusy={isBusy}
      isReady={!tried.isPending && (!isInUse || withAll)}
      fault={fault ?? (isInUse ? undefined : refused)}
      onConfirm={() => void confirm()}
      onCancel={close}
    >
      <Typography.Paragraph>{t('deleteSays')}</Typography.Paragraph>
      {tried.isSuccess && <Typography.Paragraph type="secondary">{t('deleteUnused')}</Typography.Paragraph>}
      {isInUse && (
        <Alert
          type="warning"
          showIcon
          className="before-form"
          title={t('deleteInUse')}
          description={
            <>
              <ul>
                {refused.details.map(detail => (
                  <li key={detail.message} lang="en">
                    {detail.message}
                  </li>
                ))}
              </ul>
              <Checkbox checked={withAll} onChange={({ target }) => setWithAll(target.checked)}>
                {t('deleteCascade')}
              </Checkbox>
            </>
          }
        />
      )}
    </Confirm>
  )
}
