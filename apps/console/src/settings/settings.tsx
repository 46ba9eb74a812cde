// What the server runs with, as it is: version, configuration file, doctor, master keys.
import { Fault } from '@switchyard/kinds/fault'
import { Alert, Descriptions, Typography } from 'antd'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import { useAsked } from '../people/asked.ts'
import '../people/people.css'
import { useRefusal } from '../shell/refusal.ts'
import { Failed, Forbidden, Loading } from '../shell/states.tsx'
import { Doctor } from './doctor.tsx'
import { Keys } from './keys.tsx'
import './settings.css'
import './words.ts'

interface Configuration {
  readonly file?: string
  readonly phase: 'none' | 'applied' | 'refused'
  readonly appliedAt?: string
  readonly digest?: string
  readonly documents: number
  readonly refusedAt?: string
  readonly problems: readonly string[]
}

interface Readiness {
  readonly waitingFor: readonly string[]
  readonly degraded: readonly string[]
}

function Server() {
  const { t } = useTranslation('settings')
  const refusal = useRefusal()
  const version = useAsked<{ readonly version: string }>('/version')
  const ready = useAsked<Readiness>('/readyz', 10_000)
  // Not ready is answered with 503, and the fault's message says so.
  const state = (): string => {
    if (ready.error) return ready.error instanceof Fault ? refusal(ready.error) : ready.error.message
    if (!ready.data) return '…'
    const { waitingFor, degraded } = ready.data
    if (waitingFor.length > 0) return t('waiting', { what: waitingFor.join(', ') })
    return degraded.length > 0 ? t('degraded', { what: degraded.join(', ') }) : t('yes')
  }
  return (
    <Descriptions
      bordered
      size="small"
      column={{ xs: 1, lg: 2 }}
      items={[
        { key: 'version', label: t('version'), children: version.data?.version ?? '…' },
        {
          key: 'address',
          label: t('address'),
          children: <Typography.Text copyable>{location.origin}</Typography.Text>,
        },
        { key: 'ready', label: t('ready'), children: state() },
      ]}
    />
  )
}

function ConfigurationFile() {
  const { t } = useTranslation('settings')
  const { data, error, refetch } = useAsked<Configuration>('/api/v1/configuration', 10_000)
  if (error) {
    if (!(error instanceof Fault)) throw error
    return <Failed fault={error} again={() => void refetch()} />
  }
  if (!data) return <Loading />
  const { file, phase, appliedAt, digest, documents, refusedAt, problems } = data
  if (phase === 'none') return <p className="quiet">{t('noFile')}</p>
  return (
    <>
      <Descriptions
        bordered
        size="small"
        column={{ xs: 1, lg: 2 }}
        items={[
          { key: 'file', label: t('file'), children: <code>{file}</code> },
          {
            key: 'state',
            label: t('state'),
            children: (
              <span className={`phase ${phase === 'applied' ? 'good' : 'bad'}`}>{t(`phases.${phase}`)}</span>
            ),
          },
          { key: 'applied', label: t('appliedAt'), children: appliedAt ? <Moment at={appliedAt} /> : '–' },
          { key: 'digest', label: t('digest'), children: <code>{digest ?? '–'}</code> },
          { key: 'documents', label: t('documents'), children: documents },
          ...(refusedAt === undefined
            ? []
            : [{ key: 'refused', label: t('refusedAt'), children: <Moment at={refusedAt} /> }]),
        ]}
      />
      {problems.length > 0 && (
        <Alert
          type="error"
          showIcon
          className="aside"
          title={t('problems')}
          description={
            <ul>
              {problems.map(problem => (
                <li key={problem}>{problem}</li>
              ))}
            </ul>
          }
        />
      )}
    </>
  )
}

const links = [
  ['/api/v1/openapi.json', 'api'],
  ['/.well-known/jwks.json', 'jwks'],
  ['/readyz', 'readyz'],
] as const

function Part({ title, needs, children }: { title: string; needs?: string; children: ReactNode }) {
  const { t } = useTranslation('settings')
  const may = useMay()
  return (
    <section className="part">
      <h2>{title}</h2>
      {needs === undefined || may(needs, null) ? (
        children
      ) : (
        <p className="quiet">{t('lacks', { permission: needs })}</p>
      )}
    </section>
  )
}

export function SettingsPage() {
  const { t } = useTranslation()
  const { t: say } = useTranslation('settings')
  const may = useMay()
  return (
    <>
      <Typography.Title level={1}>{t('screens.settings')}</Typography.Title>
      <Typography.Paragraph type="secondary">{say('about')}</Typography.Paragraph>
      {may('system:admin', null) || may('system:keys', null) ? (
        <>
          <Part title={say('server')}>
            <Server />
          </Part>
          <Part title={say('configuration')} needs="system:admin">
            <ConfigurationFile />
          </Part>
          <Part title={say('doctor')} needs="system:admin">
            <Doctor />
          </Part>
          <Part title={say('keys')} needs="system:keys">
            <Keys />
          </Part>
          <Part title={say('links')}>
            <p>{say('license')}: MIT</p>
            <ul>
              {links.map(([to, key]) => (
                <li key={to}>
                  <a href={to}>{say(key)}</a>
                </li>
              ))}
            </ul>
          </Part>
        </>
      ) : (
        <Forbidden what={say('settings')} permission="system:admin" />
      )}
    </>
  )
}
