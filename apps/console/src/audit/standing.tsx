// How far the trail is proved: the newest checkpoint, who signed it, and what waits.
import { Fault } from '@switchyard/kinds/fault'
import { Alert, Card, Descriptions, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { Moment } from '../kinds/cells.tsx'
import { useAsked } from '../people/asked.ts'
import { usePreferences } from '../preferences.ts'
import { Failed } from '../shell/states.tsx'
import { readCheckpoint, type Standing } from './entry.ts'
import './words.ts'

export const useAuditStanding = () => useAsked<Standing>('/api/v1/audit/standing', 5000)

export function StandingCard() {
  const { t } = useTranslation('audit')
  const { language } = usePreferences()
  const { data, error, refetch } = useAuditStanding()
  if (error) {
    if (!(error instanceof Fault)) throw error
    return error.reason === 'no_trail' ? (
      <Alert type="info" showIcon title={t('noLog')} />
    ) : (
      <Failed fault={error} again={() => void refetch()} />
    )
  }
  if (!data) return <Card size="small" loading />
  const { checkpoint, entries, archived, signedAt, keys, protection, writeOnce } = data
  const signed = checkpoint === undefined ? undefined : readCheckpoint(checkpoint)
  const number = new Intl.NumberFormat(language === 'zh' ? 'zh-CN' : 'en')
  const lags = [
    [data.unnumberedSeconds, 'lagUnnumbered'],
    [data.unsignedSeconds, 'lagUnsigned'],
    [data.unarchivedSeconds, 'lagUnarchived'],
  ] as const
  const waits = lags.flatMap(([seconds, key]) =>
    seconds >= 1 ? [t(key, { seconds: number.format(Math.round(seconds)) })] : [],
  )
  return (
    <section className="standing" aria-label={t('standing')}>
      <Descriptions
        bordered
        size="small"
        title={t('standing')}
        column={{ xs: 1, lg: 2 }}
        items={[
          { key: 'entries', label: t('entries'), children: number.format(entries) },
          {
            key: 'signed',
            label: t('signed'),
            children: signed ? number.format(signed.size) : t('noCheckpoint'),
          },
          { key: 'at', label: t('signedAt'), children: signedAt ? <Moment at={signedAt} /> : '–' },
          { key: 'lag', label: t('lag'), children: waits.length === 0 ? t('lagNone') : waits.join(', ') },
          {
            key: 'root',
            label: t('root'),
            children: signed ? (
              <Typography.Text copyable code className="hash">
                {signed.root}
              </Typography.Text>
            ) : (
              '–'
            ),
          },
          {
            key: 'signer',
            label: t('signer'),
            children: keys.map(key => (
              <Typography.Text key={key} copyable code className="hash">
                {key}
              </Typography.Text>
            )),
          },
          { key: 'archived', label: t('archived'), children: number.format(archived) },
          {
            key: 'protection',
            label: t('protection'),
            children: (
              <>
                {t(writeOnce ? 'writeOnce' : 'notWriteOnce')}
                <br />
                <span lang="en" className="quiet">
                  {protection}
                </span>
              </>
            ),
          },
        ]}
      />
    </section>
  )
}
