// What a role gives, drawn as a matrix, and who has it.
import { valueAt } from '@switchyard/api/selector'
import { covers } from '@switchyard/kinds/covers'
import { Fault } from '@switchyard/kinds/fault'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { type Document, useMay } from '../api/catalogue.ts'
import { useLive } from '../kinds/live.tsx'
import { onPlatform } from '../kinds/names.ts'
import type { Shown } from '../kinds/own.ts'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { Failed, Forbidden, Loading } from '../shell/states.tsx'
import { type Rights, useAsked } from './asked.ts'
import { Matrix } from './matrix.tsx'
import './people.css'
import './words.ts'

export function RoleTab({ document: { metadata, spec } }: Shown) {
  const { data, error, refetch } = useAsked<Rights>('/api/v1/rights')
  if (error) {
    if (!(error instanceof Fault)) throw error
    return <Failed fault={error} again={() => void refetch()} />
  }
  if (!data) return <Loading />
  const patterns = valueAt(spec, 'permissions') as readonly string[] // Role.spec
  return (
    <Matrix
      name={`role-${metadata.name}`}
      permissions={data.permissions}
      held={permission => patterns.find(pattern => covers(pattern, permission))}
    />
  )
}

interface Subject {
  readonly kind: 'User' | 'ServiceAccount' | 'Group'
  readonly name: string
}

const subjectOf = ({ spec }: Document) => valueAt(spec, 'subject') as Subject // RoleAssignment.spec

export function HoldersTab({ document: { metadata } }: Shown) {
  const { t } = useTranslation('people')
  const may = useMay()
  const { documents, isComplete, fault } = useLive('RoleAssignment')
  if (!may('role_assignment:read') || fault?.code === 'denied')
    return <Forbidden what={t('holders')} permission="role_assignment:read" />
  const own = metadata.workspace === null ? `platform/${metadata.name}` : metadata.name
  const given = documents.filter(
    each =>
      valueAt(each.spec, 'role') === own &&
      (metadata.workspace === null || each.metadata.workspace === metadata.workspace),
  )
  const columns: readonly FactColumn<Document>[] = [
    {
      key: 'subject',
      title: t('subject'),
      text: each => subjectOf(each).name,
      render: each => {
        const { kind, name } = subjectOf(each)
        if (kind === 'Group') return t('group', { group: name })
        const [plural, workspace] =
          kind === 'User' ? ['users', onPlatform] : ['serviceaccounts', each.metadata.workspace ?? onPlatform]
        return (
          <Link to="/$plural/$workspace/$name" params={{ plural, workspace, name }}>
            {name}
          </Link>
        )
      },
    },
    { key: 'at', title: t('at'), text: each => each.metadata.workspace ?? t('everywhere') },
    {
      key: 'assignment',
      title: t('assignment'),
      text: each => each.metadata.name,
      render: ({ metadata: { workspace, name } }) => (
        <Link
          to="/$plural/$workspace/$name"
          params={{ plural: 'roleassignments', workspace: workspace ?? onPlatform, name }}
        >
          {name}
        </Link>
      ),
    },
  ]
  return (
    <FactTable
      name={`holders-${metadata.name}`}
      label={t('holders')}
      columns={columns}
      rowKey={each => each.metadata.id}
      facts={given}
      isPending={!isComplete}
      empty={t('noHolders')}
    />
  )
}
