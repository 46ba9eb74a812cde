// What a document refers to, and what refers to it.
import { Link } from '@tanstack/react-router'
import { Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { type Document, useCatalogue, useMay } from '../api/catalogue.ts'
import { useLives } from '../kinds/live.tsx'
import { oneOf, onPlatform } from '../kinds/names.ts'
import type { Shown } from '../kinds/own.ts'
import { FactTable } from '../parts/facts.tsx'
import { usePreferences } from '../preferences.ts'
import { type Pointer, pointersOf } from './pointers.ts'
import './words.ts'

interface PointersProps {
  readonly name: string
  readonly label: string
  readonly rows: readonly Pointer[]
  readonly none: string
}

function Pointers({ name, label, rows, none }: PointersProps) {
  const { t } = useTranslation('write')
  const { language } = usePreferences()
  const catalogue = useCatalogue()
  const kindOf = (wanted: string) => catalogue.find(({ kind }) => kind === wanted)
  const titled = ({ kind }: Pointer) => {
    const found = kindOf(kind)
    return found ? oneOf(found, language) : kind
  }
  const written = ({ workspace, name }: Pointer) => (workspace === null ? name : `${workspace}/${name}`)
  const linked = (pointer: Pointer) => {
    const { kind, workspace, name } = pointer
    const plural = kindOf(kind)?.plural
    if (plural === undefined) return written(pointer)
    return (
      <Link to="/$plural/$workspace/$name" params={{ plural, workspace: workspace ?? onPlatform, name }}>
        {written(pointer)}
      </Link>
    )
  }
  return (
    <>
      <Typography.Title level={2} className="section">
        {label}
      </Typography.Title>
      <FactTable<Pointer>
        name={name}
        label={label}
        facts={rows}
        rowKey={({ kind, workspace, name, path }) => `${kind} ${workspace} ${name} ${path}`}
        empty={none}
        columns={[
          { key: 'kind', title: t('kind'), text: titled },
          { key: 'name', title: t('name'), text: written, render: linked },
          {
            key: 'field',
            title: t('field'),
            text: ({ path }) => (path === '' ? t('owns') : path),
            render: ({ path }) => (path === '' ? t('owns') : <code>{path}</code>),
          },
        ]}
      />
    </>
  )
}

export default function RelatedTab({ kind, document }: Shown) {
  const { t } = useTranslation('write')
  const catalogue = useCatalogue()
  const may = useMay()
  const { workspace, name, id } = document.metadata
  const scopeOf = (wanted: string) => catalogue.find(one => one.kind === wanted)?.scope
  const isPerson = kind.kind === 'User' || kind.kind === 'ServiceAccount'
  const referring = catalogue.filter(
    one =>
      may(`${one.noun}:read`) &&
      (one.references.some(({ to }) => to === kind.kind || (isPerson && to === 'owner')) ||
        (kind.kind === 'Project' && one.scope !== 'platform') ||
        one.system),
  )
  const lives = useLives(referring.map(one => one.kind))
  const pointing = (from: Document): readonly Pointer[] => {
    const its = referring.find(one => one.kind === from.kind)
    const { metadata } = from
    const at = (path: string): Pointer => ({
      path,
      kind: from.kind,
      workspace: metadata.workspace,
      name: metadata.name,
    })
    const pointers = its ? pointersOf(its, from, scopeOf) : []
    const paths = pointers
      .filter(to => to.kind === kind.kind && to.name === name && to.workspace === workspace)
      .map(to => at(to.path))
    const isOwned = metadata.ownerReferences.some(owner => owner.id === id)
    return paths.length === 0 && isOwned ? [at('')] : paths
  }
  return (
    <>
      <Pointers
        name={`references-${name}`}
        label={t('references')}
        rows={pointersOf(kind, document, scopeOf)}
        none={t('noReferences')}
      />
      <Pointers
        name={`referrers-${name}`}
        label={t('referrers')}
        rows={lives.flatMap(({ documents }) => documents.flatMap(pointing))}
        none={t('noReferrers')}
      />
    </>
  )
}
