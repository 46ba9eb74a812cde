// The pages on which documents are made and changed.
import { Fault } from '@switchyard/kinds/fault'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Document, type KindInfo, useKind, useMay } from '../api/catalogue.ts'
import { documentPath, writtenFrom } from '../api/documents.ts'
import { oneOf, onPlatform, titleOf } from '../kinds/names.ts'
import { useSaid } from '../kinds/said.ts'
import { projectOf, usePreferences } from '../preferences.ts'
import { useExchange } from '../session/context.tsx'
import { Lost } from '../shell/pages.tsx'
import { Failed, Forbidden, Loading } from '../shell/states.tsx'
import { begun, writableOf } from './draft.ts'
import { Workbench } from './workbench.tsx'
import './words.ts'

interface HeadProps {
  readonly kind: KindInfo
  readonly title: string
  readonly document?: Document
}

function Head({ kind, title, document }: HeadProps) {
  const { language } = usePreferences()
  return (
    <>
      <Typography.Text type="secondary">
        <Link to="/$plural" params={{ plural: kind.plural }}>
          {titleOf(kind, language)}
        </Link>
        {document && (
          <>
            {' / '}
            <Link
              to="/$plural/$workspace/$name"
              params={{
                plural: kind.plural,
                workspace: document.metadata.workspace ?? onPlatform,
                name: document.metadata.name,
              }}
            >
              {document.metadata.name}
            </Link>
          </>
        )}
      </Typography.Text>
      <Typography.Title level={1}>{title}</Typography.Title>
    </>
  )
}

function New({ kind }: { readonly kind: KindInfo }) {
  const { t } = useTranslation('write')
  const said = useSaid()
  const preferences = usePreferences()
  const { language, workspace } = preferences
  const [initial] = useState(() => begun(kind, workspace, projectOf(preferences)))
  return (
    <>
      <Head kind={kind} title={t('new', { kind: oneOf(kind, language) })} />
      <Typography.Paragraph type="secondary">{said.text(kind.doc)}</Typography.Paragraph>
      <Workbench kind={kind} initial={initial} />
    </>
  )
}

export function NewPage() {
  const { t } = useTranslation('write')
  const { language } = usePreferences()
  const { plural } = useParams({ from: '/$plural/new' })
  const kind = useKind(plural)
  const may = useMay()
  if (!kind || kind.system) return <Lost />
  const permission = `${kind.noun}:create`
  if (!may(permission, kind.heldAbove || kind.scope === 'platform' ? null : undefined))
    return <Forbidden what={t('new', { kind: oneOf(kind, language) })} permission={permission} />
  return <New key={kind.kind} kind={kind} />
}

export function EditPage() {
  const { t } = useTranslation('write')
  const { language } = usePreferences()
  const { plural, workspace: place, name } = useParams({ from: '/$plural/$workspace/$name/edit' })
  const workspace = place === onPlatform ? null : place
  const kind = useKind(plural)
  const may = useMay()
  const exchange = useExchange()
  const read = useQuery({
    queryKey: ['edit', plural, workspace, name],
    enabled: kind !== undefined,
    // What is being changed is not taken away under the hands.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    queryFn: async () => {
      if (!kind) throw new TypeError('There is no such kind.')
      const path = documentPath(kind, { workspace, name })
      return (await exchange.send({ method: 'GET', path })).body as Document // built together
    },
  })
  if (!kind || kind.system) return <Lost />
  const permission = `${kind.noun}:update`
  if (!may(permission, writtenFrom(kind, workspace)))
    return <Forbidden what={oneOf(kind, language)} permission={permission} />
  if (read.error) {
    if (!(read.error instanceof Fault)) throw read.error
    return <Failed fault={read.error} again={() => void read.refetch()} />
  }
  if (!read.data) return <Loading />
  return (
    <>
      <Head kind={kind} title={t('editName', { name })} document={read.data} />
      <Workbench kind={kind} initial={writableOf(read.data, kind)} document={read.data} />
    </>
  )
}
