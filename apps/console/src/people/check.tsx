// "May this one do that there?", asked of the server, with what gives it or what stands in the way.
import { Fault } from '@switchyard/kinds/fault'
import { Alert, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useLive } from '../kinds/live.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { type Rights, useAsked } from './asked.ts'
import { useRightsWords } from './said.ts'
import './words.ts'

const platform = ''

interface CheckProps {
  readonly path: string
  readonly who: string
  readonly rights: Rights
}

function Answer({ path, who }: Omit<CheckProps, 'rights'>) {
  const { t } = useTranslation('people')
  const words = useRightsWords()
  const { data, error } = useAsked<Rights>(path)
  if (error) {
    if (!(error instanceof Fault)) throw error
    return <FaultAlert fault={error} />
  }
  if (!data?.decision) return undefined
  const { allowed, reason = 'role', sources } = data.decision
  const told = sources.map(index => words.source(data.sources[index]!)).join('; ')
  return (
    <Alert
      role="status"
      showIcon
      className="aside"
      type={allowed ? 'success' : 'error'}
      title={t(allowed ? 'checkYes' : 'checkNo', { name: who })}
      description={allowed ? t('because', { sources: told }) : t(`reasons.${reason}`)}
    />
  )
}

export function Check({ path, who, rights }: CheckProps) {
  const { t } = useTranslation('people')
  const words = useRightsWords()
  const workspaces = useLive('Workspace')
  const [permission, setPermission] = useState<string>()
  const [place, setPlace] = useState(platform)
  const query =
    permission === undefined
      ? undefined
      : new URLSearchParams({ permission, ...(place !== platform && { workspace: place }) })
  return (
    <section>
      <div className="check">
        <strong>{t('check', { name: who })}</strong>
        <Select
          aria-label={t('checkPermission')}
          placeholder={t('checkPermission')}
          value={permission ?? null}
          onChange={setPermission}
          showSearch={{ optionFilterProp: 'search' }}
          options={rights.permissions.map(value => ({
            value,
            label: words.permission(value),
            search: `${value} ${words.permission(value)}`,
          }))}
        />
        <Select
          aria-label={t('where')}
          value={place}
          onChange={setPlace}
          showSearch
          options={[
            { value: platform, label: t('platform') },
            ...workspaces.documents.map(({ metadata: { name } }) => ({ value: name, label: name })),
          ]}
        />
      </div>
      {query && <Answer path={`${path}?${query}`} who={who} />}
    </section>
  )
}
