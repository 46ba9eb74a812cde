// Models are tried: chats, one or two at once, vectors and rankings, as the person who is signed in or by a key.
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Select, Tabs, Typography } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import type { Caller } from '../api/gateway.ts'
import { useModels } from '../keys/models.ts'
import { useFirstProject, useFirstWorkspace, useProjects, useWorkspaces } from '../keys/places.ts'
import { useLive } from '../kinds/live.tsx'
import { Failed, Forbidden, Loading, Nothing } from '../shell/states.tsx'
import { Chat } from './chat.tsx'
import { Embeddings } from './embeddings.tsx'
import { type Handed, handedOver, handOver } from './handed.ts'
import { kept } from './keep.ts'
import { KeyDialog } from './key-dialog.tsx'
import './playground.css'
import { Rerank } from './rerank.tsx'
import './words.ts'

const call = 'inference:call'

interface BarProps {
  readonly handed: Handed | undefined
  readonly setHanded: (key: Handed | undefined) => void
  readonly place: { readonly workspace: string; readonly project: string }
  readonly setPlace: (place: BarProps['place']) => void
}

/** Who calls, and where. */
function Bar({ handed, setHanded, place: { workspace, project }, setPlace }: BarProps) {
  const { t } = useTranslation('playground')
  const may = useMay()
  const workspaces = useWorkspaces(call)
  const projects = useProjects(workspace)
  const [isAsking, setAsking] = useState(false)
  if (handed)
    return (
      <div className="tools">
        <span>{t('by', { name: handed.name, workspace: handed.workspace })}</span>
        <Button onClick={() => setHanded(undefined)}>{t('asMe')}</Button>
      </div>
    )
  return (
    <div className="tools">
      <Select
        aria-label={t('workspace')}
        prefix={<span className="quiet">{t('workspace')}</span>}
        showSearch
        value={workspace}
        options={[...workspaces]}
        onChange={value => setPlace({ workspace: value, project: '' })}
        popupMatchSelectWidth={false}
      />
      {projects.length > 0 && (
        <Select
          aria-label={t('project')}
          prefix={<span className="quiet">{t('project')}</span>}
          showSearch
          value={project}
          options={[{ value: '', label: t('noProject') }, ...projects]}
          onChange={value => setPlace({ workspace, project: value })}
          popupMatchSelectWidth={false}
        />
      )}
      <Button type="text" onClick={() => setAsking(true)}>
        {t('key')}
      </Button>
      {may('api_key:create', workspace) && <Link to="/apikeys/new">{t('newKey')}</Link>}
      <KeyDialog
        open={isAsking}
        onClose={() => setAsking(false)}
        onKey={secret => {
          setHanded({ secret, name: `${secret.slice(0, 10)}…`, workspace })
          setAsking(false)
        }}
      />
    </div>
  )
}

function Room({ caller }: { readonly caller: Caller }) {
  const { t } = useTranslation('playground')
  const may = useMay()
  const models = useModels(caller)
  const { tab = 'chat', model } = useSearch({ from: '/playground' })
  const navigate = useNavigate({ from: '/playground' })
  if (models.fault) return <Failed fault={models.fault} again={models.again} />
  if (models.isPending) return <Loading />
  const { names } = models
  if (names.length === 0)
    return (
      <Nothing says={t('noModels')}>
        {may('endpoint:create', caller.workspace) && <Link to="/deploy">{t('deploy')}</Link>}
      </Nothing>
    )
  const common = { caller, models: names }
  return (
    <Tabs
      activeKey={tab}
      onChange={key => void navigate({ search: key === 'chat' ? {} : { tab: key }, replace: true })}
      items={[
        { key: 'chat', label: t('chat'), children: <Chat {...common} wanted={model} /> },
        { key: 'embeddings', label: t('embeddings'), children: <Embeddings {...common} /> },
        { key: 'rerank', label: t('rerank'), children: <Rerank {...common} /> },
      ]}
    />
  )
}

function Entered() {
  const { t } = useTranslation('playground')
  const workspaces = useWorkspaces(call)
  const first = useFirstWorkspace(workspaces)
  const firstProject = useFirstProject(first)
  const [handed, setHanded] = useState(handedOver)
  const [chosen, setChosen] = useState(() => {
    const { workspace, project } = kept()
    return firstProject === '' ? { workspace, project } : { workspace: first, project: firstProject }
  })
  const [lookedAt, setLookedAt] = useState(firstProject)
  if (lookedAt !== firstProject) {
    setLookedAt(firstProject)
    setChosen({ workspace: first, project: firstProject })
  }
  const stands = workspaces.some(({ value }) => value === chosen.workspace)
  const place = stands ? chosen : { workspace: first, project: firstProject }
  if (place.workspace === '' && !handed) return <Forbidden what={t('models')} permission={call} />
  const caller: Caller = handed
    ? { workspace: handed.workspace, key: handed.secret }
    : { workspace: place.workspace, ...(place.project !== '' && { project: place.project }) }
  return (
    <>
      <Bar
        handed={handed}
        setHanded={key => {
          handOver(key)
          setHanded(key)
        }}
        place={place}
        setPlace={setChosen}
      />
      <Room key={handed ? handed.secret : `${place.workspace}/${place.project}`} caller={caller} />
    </>
  )
}

export function PlaygroundPage() {
  const { t } = useTranslation('playground')
  const may = useMay()
  const live = useLive('Workspace')
  if (!may(call)) return <Forbidden what={t('models')} permission={call} />
  if (!may('workspace:read')) return <Forbidden what={t('models')} permission="workspace:read" />
  return (
    <>
      <Typography.Title level={1}>{t('title')}</Typography.Title>
      <Typography.Paragraph type="secondary">{t('about')}</Typography.Paragraph>
      {live.isComplete ? <Entered /> : <Loading />}
    </>
  )
}
