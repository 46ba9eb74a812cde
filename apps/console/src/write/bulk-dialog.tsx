// One deed upon several documents: what it is, how far it has come, what could not be done and why.
import { Alert, Form, Input, Progress, Typography } from 'antd'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Document, KindInfo } from '../api/catalogue.ts'
import { useSaid } from '../kinds/said.ts'
import { Confirm } from '../parts/confirm.tsx'
import { useExchange } from '../session/context.tsx'
import { useRefusal } from '../shell/refusal.ts'
import type { Deed } from './deeds.ts'
import { useRun } from './run.ts'
import { SecretsOnce } from './secrets-once.tsx'
import { useUndo } from './undo.tsx'
import './words.ts'

interface BulkDialogProps {
  readonly kind: KindInfo
  readonly deed: Deed
  /** What it is called. */
  readonly verb: string
  readonly documents: readonly Document[]
  /** So many were chosen beside these, whom the person may not do it to. */
  readonly lacking: number
  /** Whether nothing is left of what was chosen. */
  readonly onClose: (isDone: boolean) => void
}

/** So many names are read out. */
const named = 8

export function BulkDialog({ kind, deed, verb, documents, lacking, onClose }: BulkDialogProps) {
  const { t } = useTranslation('write')
  const said = useSaid()
  const refusal = useRefusal()
  const exchange = useExchange()
  const offerUndo = useUndo()
  const id = useId()
  const { ran, isBusy, start, stop, clear } = useRun()
  const [key, setKey] = useState('')
  const [value, setValue] = useState('')
  const isLabel = deed.id === 'label'
  const count = documents.length
  const { done, failures, secrets, wasStopped } = ran
  const hasEnded = done > 0 && !isBusy
  const label = { key: key.trim(), value: value.trim() === '' ? undefined : value.trim() }

  const run = async () => {
    const now = await start(documents, document => deed.perform(exchange, document, label))
    const succeeded = now.done - now.failures.length
    // What has failed or was left stays to be read.
    const isWhole = now.failures.length === 0 && !now.wasStopped
    if (succeeded > 0) offerUndo(kind, now.changes, t('bulkDone', { verb, count: succeeded }))
    if (isWhole && now.secrets.length === 0) onClose(true)
  }
  if (hasEnded && secrets.length > 0)
    return (
      <SecretsOnce
        secrets={secrets}
        failures={failures.map(({ name, fault }) => `${name}: ${refusal(fault)}`)}
        stopped={wasStopped ? { done, left: count - done } : undefined}
        onClose={() => {
          clear()
          onClose(true)
        }}
      />
    )
  return (
    <Confirm
      isOpen
      title={t('bulkTitle', { verb, count })}
      {...(deed.isFinal && { name: String(count) })}
      verb={verb}
      cancel={t(isBusy ? 'stop' : hasEnded ? 'close' : 'cancel')}
      isBusy={isBusy}
      isReady={!hasEnded && (!isLabel || label.key !== '')}
      onConfirm={() => void run()}
      onCancel={() => onClose(hasEnded && failures.length === 0 && !wasStopped)}
      onStop={stop}
    >
      <p>
        {documents
          .slice(0, named)
          .map(({ metadata }) => metadata.name)
          .join(', ')}
        {count > named && ' …'}
      </p>
      {deed.id === 'delete' && <p>{t('deleteSays')}</p>}
      {deed.doc !== undefined && <p>{said.text(deed.doc)}</p>}
      {deed.id === 'act rotate' && <p>{t('bulkRotate')}</p>}
      {lacking > 0 && (
        <Alert
          type="info"
          showIcon
          className="before-form"
          title={t('bulkLacking', { count: lacking, permission: deed.permission })}
        />
      )}
      {isLabel && (
        <Form layout="vertical" component="div">
          <Form.Item label={t('labelKey')} htmlFor={`${id}key`} required>
            <Input
              id={`${id}key`}
              value={key}
              autoFocus
              autoComplete="off"
              onChange={({ target }) => setKey(target.value)}
            />
          </Form.Item>
          <Form.Item label={t('value')} htmlFor={`${id}value`} extra={t('labelHelp')}>
            <Input
              id={`${id}value`}
              value={value}
              autoComplete="off"
              onChange={({ target }) => setValue(target.value)}
            />
          </Form.Item>
        </Form>
      )}
      {(isBusy || done > 0) && (
        <Progress
          percent={(100 * done) / count}
          format={() => t('bulkProgress', { done, all: count })}
          aria-label={t('bulkTitle', { verb, count })}
        />
      )}
      {hasEnded && wasStopped && (
        <Alert
          type="info"
          showIcon
          className="before-form"
          title={t('bulkStopped', { done, left: count - done })}
        />
      )}
      {failures.length > 0 && (
        <Alert
          type="error"
          role="alert"
          showIcon
          className="before-form"
          title={t('bulkFailed', { count: failures.length })}
          description={
            <ul>
              {failures.map(({ name, fault }) => (
                <li key={name}>
                  <Typography.Text strong>{name}</Typography.Text> {refusal(fault)}
                </li>
              ))}
            </ul>
          }
        />
      )}
    </Confirm>
  )
}
