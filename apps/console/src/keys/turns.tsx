// A key's secret is replaced, with a time in which both work, or the key is put out of use and back.
import type { Document } from '@switchyard/kinds'
import { Fault } from '@switchyard/kinds/fault'
import { useMutation } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Alert, Popconfirm, Select, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type KindInfo, useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import { Confirm } from '../parts/confirm.tsx'
import { MayButton } from '../parts/may-button.tsx'
import { useExchange } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { useChange } from '../write/undo.tsx'
import { ShownOnce } from './shown-once.tsx'
import './words.ts'

const overlaps = [
  { value: 0, word: 'none' },
  { value: 600, word: 'tenMinutes' },
  { value: 3600, word: 'hour' },
  { value: 86_400, word: 'day' },
] as const

interface TurnsProps {
  readonly kind: KindInfo
  readonly document: Document
  readonly models: readonly string[]
}

export function Turns({ kind, document, models }: TurnsProps) {
  const { t } = useTranslation('keys')
  const exchange = useExchange()
  const may = useMay()
  const { workspace, name } = document.metadata
  const spec = document.spec as { readonly disabled?: boolean; readonly expiresAt?: string } // ApiKey.spec
  const { previousUntil } = document.status as { readonly previousUntil?: string } // ApiKey.status
  const search = useSearch({ from: '/$plural/$workspace/$name' })
  const navigate = useNavigate({ from: '/$plural/$workspace/$name' })
  const change = useChange(kind)
  const isAsking = search.act === 'rotate' && may('api_key:rotate', workspace)
  const setAsking = (on: boolean) =>
    void navigate({ search: { tab: 'calling', ...(on && { act: 'rotate' }) }, replace: true })
  const [overlapSeconds, setOverlap] = useState<number>(3600)
  const [secret, setSecret] = useState<string>()
  const path = `/api/v1/workspaces/${encodeURIComponent(workspace ?? '')}/apikeys/${encodeURIComponent(name)}`
  const rotate = useMutation({
    mutationFn: async () => {
      const { body } = await exchange.send({
        method: 'POST',
        path: `${path}/actions/rotate`,
        body: { overlapSeconds },
      })
      return (body as { readonly secret: string }).secret // a rotation answers with it
    },
    onSuccess: made => {
      setSecret(made)
      setAsking(false)
    },
  })
  const turn = useMutation({
    mutationFn: (disabled: boolean) =>
      change(
        document,
        ['spec', 'disabled'],
        disabled,
        t(disabled ? 'disabledTold' : 'enabledTold', { name }),
      ),
  })
  for (const { error } of [rotate, turn]) if (error && !(error instanceof Fault)) throw error
  const isExpired = spec.expiresAt !== undefined && Date.parse(spec.expiresAt) <= Date.now()
  if (secret !== undefined)
    return (
      <ShownOnce
        title={t('rotatedTitle')}
        name={name}
        workspace={workspace ?? ''}
        secret={secret}
        models={models}
        onDone={() => setSecret(undefined)}
      />
    )
  return (
    <section>
      {turn.error && <FaultAlert fault={turn.error as Fault} /> /* what is none was thrown above */}
      {spec.disabled && <Alert type="warning" showIcon title={t('disabled')} />}
      {isExpired && <Alert type="warning" showIcon title={t('expired')} />}
      {previousUntil !== undefined && Date.parse(previousUntil) > Date.now() && (
        <Typography.Paragraph>
          {t('previous')} <Moment at={previousUntil} />
        </Typography.Paragraph>
      )}
      <div className="tools">
        {spec.disabled ? (
          <MayButton
            permission="api_key:update"
            place={workspace}
            loading={turn.isPending}
            onClick={() => turn.mutate(false)}
          >
            {t('enable')}
          </MayButton>
        ) : (
          <Popconfirm
            title={t('disableTitle', { name })}
            description={t('disableHelp')}
            okText={t('disable')}
            cancelText={t('cancel')}
            disabled={!may('api_key:update', workspace)}
            onConfirm={() => turn.mutate(true)}
          >
            <MayButton danger permission="api_key:update" place={workspace} loading={turn.isPending}>
              {t('disable')}
            </MayButton>
          </Popconfirm>
        )}
      </div>
      <Confirm
        isOpen={isAsking}
        title={t('rotateTitle', { name })}
        // Where the old one ends at once, whoever calls with it is cut off.
        {...(overlapSeconds === 0 && { name })}
        verb={t('rotateNow')}
        isBusy={rotate.isPending}
        fault={rotate.error instanceof Fault ? rotate.error : undefined}
        onConfirm={() => rotate.mutate()}
        onCancel={() => {
          rotate.reset()
          setAsking(false)
        }}
      >
        <Typography.Paragraph>{t('rotateHelp')}</Typography.Paragraph>
        <Select
          aria-label={t('overlap')}
          prefix={t('overlap')}
          style={{ minWidth: '18rem' }}
          value={overlapSeconds}
          onChange={setOverlap}
          options={overlaps.map(({ value, word }) => ({ value, label: t(`overlaps.${word}`) }))}
        />
      </Confirm>
    </section>
  )
}
