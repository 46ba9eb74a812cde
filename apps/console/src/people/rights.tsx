// What somebody may do: where from, in which place, and a question that the server's own judge answers.
import { Fault } from '@switchyard/kinds/fault'
import { Link } from '@tanstack/react-router'
import { Alert, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { Moment } from '../kinds/cells.tsx'
import { onPlatform } from '../kinds/names.ts'
import type { Shown } from '../kinds/own.ts'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { Failed, Forbidden, Loading } from '../shell/states.tsx'
import { type Rights, type Source, useAsked } from './asked.ts'
import { Check } from './check.tsx'
import { Matrix } from './matrix.tsx'
import { useRightsWords } from './said.ts'
import './people.css'
import './words.ts'

/** Stand for the platform and for a workspace that nothing is given in: no workspace has such a name. */
const platform = '-'
const elsewhere = '*'

function Sources({ sources, who }: { readonly sources: readonly Source[]; readonly who: string }) {
  const { t } = useTranslation('people')
  const columns: readonly FactColumn<Source>[] = [
    {
      key: 'role',
      title: t('role'),
      text: ({ role = '' }) => role,
      render: ({ role = '–', workspace }) => {
        const name = role.replace('platform/', '')
        const place = role.startsWith('platform/') ? onPlatform : (workspace ?? onPlatform)
        return role === '–' ? (
          role
        ) : (
          <Link to="/$plural/$workspace/$name" params={{ plural: 'roles', workspace: place, name }}>
            {name}
          </Link>
        )
      },
    },
    { key: 'at', title: t('at'), text: ({ workspace }) => workspace ?? t('everywhere') },
    {
      key: 'through',
      title: t('through'),
      text: ({ group }) => (group === undefined ? t('direct') : t('group', { group })),
    },
    {
      key: 'assignment',
      title: t('assignment'),
      text: ({ assignment, provider }) => assignment?.name ?? provider ?? '',
      render: ({ assignment, provider }) =>
        assignment ? (
          <Link
            to="/$plural/$workspace/$name"
            params={{
              plural: 'roleassignments',
              workspace: assignment.workspace ?? onPlatform,
              name: assignment.name,
            }}
          >
            {assignment.name}
          </Link>
        ) : (
          provider !== undefined && (
            <Link
              to="/$plural/$workspace/$name"
              params={{ plural: 'identityproviders', workspace: onPlatform, name: provider }}
            >
              {t('mapping', { provider })}
            </Link>
          )
        ),
    },
    {
      key: 'expires',
      title: t('ends'),
      text: ({ expiresAt = '' }) => expiresAt,
      render: ({ expiresAt }) => (expiresAt === undefined ? '–' : <Moment at={expiresAt} />),
    },
    {
      key: 'permissions',
      title: t('permissions'),
      text: ({ permissions }) => permissions.join(' '),
      render: ({ permissions }) => <span className="patterns">{permissions.join(' ')}</span>,
    },
  ]
  return (
    <FactTable
      name={`sources-${who}`}
      label={t('sources')}
      columns={columns}
      rowKey={source => JSON.stringify(source)}
      facts={sources}
      empty={t('noSources')}
    />
  )
}

function Held({ rights, who }: { readonly rights: Rights; readonly who: string }) {
  const { t } = useTranslation('people')
  const words = useRightsWords()
  const { places, sources, permissions } = rights
  const busiest = places.find(({ held }) => held.length > 0)
  const [place, setPlace] = useState(busiest === undefined ? platform : (busiest.workspace ?? platform))
  const at = places.find(({ workspace }) => (workspace ?? platform) === place)?.held ?? rights.elsewhere
  const held = new Map(at.map(each => [each.permission, each.sources]))
  const told = (permission: string) =>
    held
      .get(permission)
      ?.map(index => words.source(sources[index]!))
      .join('; ')
  return (
    <Matrix
      name={`rights-${who}`}
      permissions={permissions}
      held={told}
      tools={
        <Select
          aria-label={t('at')}
          className="dimension"
          prefix={<span className="quiet">{t('at')}</span>}
          value={place}
          onChange={setPlace}
          options={[
            ...places.map(({ workspace }) => ({
              value: workspace ?? platform,
              label: workspace ?? t('platform'),
            })),
            { value: elsewhere, label: t('elsewhere') },
          ]}
        />
      }
    />
  )
}

/** Of whom the path tells. */
export function RightsOf({ path, who }: { readonly path: string; readonly who: string }) {
  const { t } = useTranslation('people')
  const { data, error, refetch } = useAsked<Rights>(path)
  if (error) {
    if (!(error instanceof Fault)) throw error
    return <Failed fault={error} again={() => void refetch()} />
  }
  if (!data) return <Loading />
  return (
    <>
      {!data.enabled && <Alert type="warning" showIcon title={t('disabledHolds')} />}
      <Check path={path} who={who} rights={data} />
      <section className="part">
        <h2>{t('matrix')}</h2>
        <Held rights={data} who={who} />
      </section>
      <section className="part">
        <h2>{t('sources')}</h2>
        <Sources sources={data.sources} who={who} />
      </section>
    </>
  )
}

/** A tab of a User or a ServiceAccount. */
export function RightsTab({ kind, document: { metadata } }: Shown) {
  const { t } = useTranslation('people')
  const may = useMay()
  const { workspace, name } = metadata
  if (!may('role_assignment:read', workspace))
    return <Forbidden what={t('rights')} permission="role_assignment:read" />
  const place = workspace === null ? '' : `/workspaces/${encodeURIComponent(workspace)}`
  const path = `/api/v1${place}/${kind.plural}/${encodeURIComponent(name)}/rights`
  return <RightsOf path={path} who={metadata.displayName ?? name} />
}
