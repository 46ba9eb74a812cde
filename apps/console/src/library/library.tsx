// The models as people choose them: what each is, how large, where it serves, and the way to deploy it.
import { tasks } from '@switchyard/kinds/tasks'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Button, Input, Select, Table, Tooltip, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import type { EndpointDocument, ModelDocument } from '../deploy/draft.ts'
import { PhaseTag } from '../kinds/phase.tsx'
import { isMeant, referenceTo, useSeen } from '../kinds/seen.ts'
import { bytesText } from '../parts/bytes.ts'
import { keepCsv } from '../parts/csv.ts'
import { grouped, short } from '../parts/numbers.ts'
import { usePreferences } from '../preferences.ts'
import { Forbidden, Nothing } from '../shell/states.tsx'
import { knownOf } from './facts.ts'
import './words.ts'

const unknown = <span className="quiet">–</span>

function Serves({
  model,
  endpoints,
}: {
  readonly model: ModelDocument
  readonly endpoints: readonly EndpointDocument[]
}) {
  const { t } = useTranslation('library')
  const serving = servingOf(model, endpoints)
  if (serving.length === 0) return <span className="quiet">{t('nowhere')}</span>
  return serving.map(({ metadata: { id, name, workspace }, status }) => (
    <div key={id}>
      <Link
        to="/$plural/$workspace/$name"
        params={{ plural: 'endpoints', workspace: workspace ?? '-', name }}
      >
        {workspace}/{name}
      </Link>{' '}
      <PhaseTag phase={status.phase} />
    </div>
  ))
}

const servingOf = (model: ModelDocument, endpoints: readonly EndpointDocument[]) =>
  endpoints.filter(({ metadata, spec }) => isMeant(model, spec.model.name, metadata.workspace ?? ''))

export function Library() {
  const { t } = useTranslation('library')
  const { language, workspace: here } = usePreferences()
  const { q = '', task = '' } = useSearch({ from: '/library' })
  const navigate = useNavigate({ from: '/library' })
  const may = useMay()
  const models = useSeen<ModelDocument>('Model')
  const endpoints = useSeen<EndpointDocument>('Endpoint')
  const look = (search: { q: string; task: string }) =>
    void navigate({
      replace: true,
      search: { ...(search.q !== '' && { q: search.q }), ...(search.task !== '' && { task: search.task }) },
    })
  if (!models.isAllowed) return <Forbidden what={t('title')} permission="model:read" />
  const all = models.documents.filter(
    ({ metadata: { workspace } }) => here === '' || workspace === null || workspace === here,
  )
  const found = all
    .filter(({ metadata: { name, displayName = '', description = '' }, spec }) => {
      const text = `${name} ${displayName} ${description}`.toLowerCase()
      return text.includes(q.trim().toLowerCase()) && (task === '' || spec.task === task)
    })
    .toSorted((one, other) => one.metadata.name.localeCompare(other.metadata.name))
  const mayDeploy = may('endpoint:create', here === '' ? undefined : here)
  const download = () =>
    keepCsv('models', [
      [
        t('model'),
        t('task'),
        t('parameters'),
        t('size'),
        t('context'),
        t('license'),
        t('source'),
        t('serves'),
      ],
      ...found.map(model => {
        const { parameters, bytes, context } = knownOf(model)
        const { registry, path } = model.spec.source
        return [
          referenceTo(model),
          t(`tasks.${model.spec.task}`),
          String(parameters ?? ''),
          String(bytes ?? ''),
          String(context ?? ''),
          model.spec.license ?? '',
          `${registry}/${path}`,
          servingOf(model, endpoints.documents)
            .map(({ metadata: { workspace, name } }) => `${workspace}/${name}`)
            .join(' '),
        ]
      }),
    ])
  return (
    <>
      <Typography.Title level={1}>{t('title')}</Typography.Title>
      <Typography.Paragraph type="secondary">{t('doc')}</Typography.Paragraph>
      <div className="tools">
        <Input.Search
          allowClear
          placeholder={t('search')}
          aria-label={t('search')}
          defaultValue={q}
          onChange={({ target: { value } }) => look({ q: value, task })}
        />
        <Select
          aria-label={t('task')}
          className="workspace"
          value={task}
          options={[
            { value: '', label: t('allTasks') },
            ...tasks.map(value => ({ value: value as string, label: t(`tasks.${value}`) })),
          ]}
          onChange={value => look({ q, task: value })}
        />
        <span className="spring" />
        <span className="quiet" aria-live="polite">
          {t('count', { count: found.length })}
        </span>
        <Button onClick={download} disabled={found.length === 0}>
          {t('csv')}
        </Button>
      </div>
      <Table<ModelDocument>
        size="middle"
        rowKey={({ metadata }) => metadata.id}
        pagination={found.length > 50 ? { pageSize: 50 } : false}
        loading={!models.isComplete}
        {...(found.length > 0 && { scroll: { x: 'max-content' } })}
        dataSource={found}
        locale={{
          emptyText:
            all.length === 0 ? (
              <Nothing says={t('none')}>
                <p className="quiet">{t('noneDoc')}</p>
                <Link to="/$plural" params={{ plural: 'models' }}>
                  {t('register')}
                </Link>
              </Nothing>
            ) : (
              <Nothing says={t('noneFound')} />
            ),
        }}
        columns={[
          {
            title: t('model'),
            render: (_, { metadata: { name, workspace, displayName, description }, status }) => (
              <>
                <Link
                  to="/$plural/$workspace/$name"
                  params={{ plural: 'models', workspace: workspace ?? '-', name }}
                >
                  <strong>{displayName ?? name}</strong>
                </Link>{' '}
                <PhaseTag phase={status.phase} />
                <div className="quiet">{description ?? workspace ?? t('platform')}</div>
              </>
            ),
          },
          { title: t('task'), render: (_, { spec }) => t(`tasks.${spec.task}`) },
          {
            title: t('parameters'),
            align: 'end',
            render: (_, model) => {
              const { parameters, quantisation } = knownOf(model)
              return parameters === undefined ? (
                unknown
              ) : (
                <>
                  {short(String(parameters), language)} <div className="quiet">{quantisation}</div>
                </>
              )
            },
          },
          {
            title: t('size'),
            align: 'end',
            render: (_, model) => {
              const { bytes } = knownOf(model)
              return bytes === undefined ? unknown : bytesText(bytes, language)
            },
          },
          {
            title: t('context'),
            align: 'end',
            render: (_, model) => {
              const { context } = knownOf(model)
              return context === undefined ? unknown : grouped(String(context), language)
            },
          },
          { title: t('license'), render: (_, { spec }) => spec.license ?? unknown },
          {
            title: t('source'),
            render: (_, { spec: { source }, status }) => (
              <>
                {source.registry}
                <div className="quiet">
                  {source.path} {status.format !== undefined && `(${status.format})`}
                </div>
              </>
            ),
          },
          {
            title: t('serves'),
            render: (_, model) => <Serves model={model} endpoints={endpoints.documents} />,
          },
          {
            title: '',
            key: 'deploy',
            fixed: 'end',
            render: (_, model) => {
              const { workspace } = model.metadata
              const why = !mayDeploy
                ? t('deployNeeds')
                : model.status.phase === 'Ready'
                  ? undefined
                  : t('notReady')
              return (
                <Tooltip title={why}>
                  <Button
                    disabled={!mayDeploy}
                    onClick={() =>
                      void navigate({
                        to: '/deploy',
                        search: { model: referenceTo(model), ...(workspace !== null && { workspace }) },
                      })
                    }
                  >
                    {t('deploy')}
                  </Button>
                </Tooltip>
              )
            },
          },
        ]}
      />
    </>
  )
}
