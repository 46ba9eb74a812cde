// What an administrator does with an account: a new password, unlocking, disabling.
import { valueAt } from '@switchyard/api/selector'
import { Card } from 'antd'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import type { Shown } from '../kinds/own.ts'
import { usePreferences } from '../preferences.ts'
import { useExchange } from '../session/context.tsx'
import { useChange } from '../write/undo.tsx'
import { Act } from './act.tsx'
import { type MadeLink, useAsked } from './asked.ts'
import { OnceLink } from './link.tsx'
import './people.css'
import './words.ts'

function Matter({ title, about, children }: { title: string; about: string; children: ReactNode }) {
  return (
    <Card size="small" title={title}>
      <p className="quiet">{about}</p>
      {children}
    </Card>
  )
}

export function AccessTab({ kind, document }: Shown) {
  const { metadata, spec } = document
  const { t } = useTranslation('people')
  const { language } = usePreferences()
  const may = useMay()
  const exchange = useExchange()
  const change = useChange(kind)
  const [link, setLink] = useState<MadeLink>()
  const [wasUnlocked, setUnlocked] = useState(false)
  const path = `/api/v1/users/${encodeURIComponent(metadata.name)}`
  // A lock is told when the account is read, and by no watch.
  const read = useAsked<{ readonly status: unknown }>(path, 10_000)
  const lockedUntil = valueAt(read.data, 'status.lockedUntil')
  const name = metadata.displayName ?? metadata.name
  const lacks = may('user:update', null) ? undefined : 'user:update'
  const isDisabled = valueAt(spec, 'disabled') === true
  const setDisabled = async (disabled: boolean) => {
    await change(
      document,
      ['spec', 'disabled'],
      disabled,
      t(disabled ? 'disabledTold' : 'enabledTold', { name }),
    )
  }
  const time =
    typeof lockedUntil === 'string' &&
    new Date(lockedUntil).toLocaleString(language === 'zh' ? 'zh-CN' : 'en')
  return (
    <>
      {link && <OnceLink title={t('resetFor', { name })} link={link} />}
      <div className="matters">
        <Matter title={t('reset')} about={t('resetAbout')}>
          <Act
            label={t('resetMake')}
            lacks={lacks}
            act={async () => {
              const { body } = await exchange.send({ method: 'POST', path: `${path}/password-reset` })
              setLink(body as MadeLink) // the console and the server are built together
            }}
          />
        </Matter>
        <Matter title={t('unlock')} about={t('unlockAbout')}>
          <p aria-live="polite">
            {wasUnlocked ? t('unlocked') : time ? t('lockedUntil', { time }) : t('notLocked')}
          </p>
          <Act
            label={t('unlockDo')}
            lacks={lacks}
            disabled={!time || wasUnlocked}
            act={async () => {
              await exchange.send({ method: 'POST', path: `${path}/actions/unlock` })
              setUnlocked(true)
              await read.refetch()
            }}
          />
        </Matter>
        <Matter title={t('disable')} about={t('disableAbout')}>
          {isDisabled ? (
            <Act label={t('enableDo')} lacks={lacks} act={() => setDisabled(false)} />
          ) : (
            <Act
              danger
              label={t('disableDo')}
              question={t('disableAsk', { name })}
              lacks={lacks}
              act={() => setDisabled(true)}
            />
          )}
        </Matter>
      </div>
    </>
  )
}
