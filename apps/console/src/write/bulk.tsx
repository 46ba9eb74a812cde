// Several documents of a list at once: deleting them, one after another, with what could not be.
import { Fault } from '@switchyard/kinds/fault'
import { Alert, App, Button, Progress } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Document, KindInfo } from '../api/catalogue.ts'
import { documentPath, writtenFrom } from '../api/documents.ts'
import { Confirm } from '../parts/confirm.tsx'
import { MayButton } from '../parts/may-button.tsx'
import { useExchange } from '../session/context.tsx'
import './words.ts'

interface BulkProps {
  readonly kind: KindInfo
  readonly documents: readonly Document[]
  readonly onDone: () => void
}

/** So many names are read out. */
const named = 8

export default function Bulk({ kind, documents, onDone }: BulkProps) {
  const { t } = useTranslation('write')
  const { t: common } = useTranslation()
  const exchange = useExchange()
  const { message } = App.useApp()
  const [chosen, setChosen] = useState<readonly Document[]>()
  const [done, setDone] = useState(0)
  const [isBusy, setBusy] = useState(false)
  const [failures, setFailures] = useState<readonly string[]>([])
  const all = chosen ?? documents
  const count = all.length
  const [first] = documents
  const close = () => {
    setChosen(undefined)
    setDone(0)
    setFailures([])
  }
  const run = async () => {
    setBusy(true)
    const failed: string[] = []
    for (const [place, { metadata }] of all.entries()) {
      try {
        await exchange.send({ method: 'DELETE', path: documentPath(kind, metadata) })
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        failed.push(`${metadata.name}: ${error.message}`)
      }
      setDone(place + 1)
    }
    setBusy(false)
    setFailures(failed)
    if (failed.length < count) message.success(t('bulkDone', { count: count - failed.length }))
    if (failed.length > 0) return
    close()
    onDone()
  }
  return (
    <>
      <span aria-live="polite">{t('selected', { count: documents.length })}</span>
      <MayButton
        danger
        permission={`${kind.noun}:delete`}
        place={writtenFrom(kind, first?.metadata.workspace ?? null)}
        onClick={() => setChosen(documents)}
      >
        {t('delete')}
      </MayButton>
      <Button onClick={onDone}>{t('cancel')}</Button>
      <Confirm
        isOpen={chosen !== undefined}
        title={t('bulkTitle', { count })}
        name={String(count)}
        verb={t('delete')}
        isBusy={isBusy}
        isReady={failures.length === 0}
        onConfirm={() => void run()}
        onCancel={() => {
          if (!isBusy) close()
        }}
      >
        <p>
          {all
            .slice(0, named)
            .map(({ metadata }) => metadata.name)
            .join(', ')}
          {count > named && ' …'}
        </p>
        <p>{t('deleteSays')}</p>
        {(isBusy || done > 0) && (
          <Progress
            percent={(100 * done) / count}
            format={() => t('bulkProgress', { done, all: count })}
            aria-label={common('list.count', { count })}
          />
        )}
        {failures.length > 0 && (
          <Alert
            type="error"
            role="alert"
            showIcon
            className="before-form"
            title={t('bulkFailed')}
            description={
              <ul>
                {failures.map(one => (
                  <li key={one}>{one}</li>
                ))}
              </ul>
            }
          />
        )}
      </Confirm>
    </>
  )
}
