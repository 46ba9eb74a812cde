// An endpoint on its way to its first answer: which stage it has reached, what each replica does, and what holds it up.
import { Link, useParams, useSearch } from '@tanstack/react-router'
import { Alert, Progress as Bar, Collapse, Steps, Typography } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { PhaseTag } from '../kinds/phase.tsx'
import { useSaid } from '../kinds/said.ts'
import { useSeen } from '../kinds/seen.ts'
import { FactTable } from '../parts/facts.tsx'
import { Loading, Nothing } from '../shell/states.tsx'
import type { EndpointDocument } from './draft.ts'
import type { ReplicaDocument } from './fits.ts'
import { Reading } from './reading.tsx'
import './words.ts'
import './deploy.css'

const stages = ['accepted', 'resolved', 'placed', 'started', 'ready'] as const

/** How many of the stages are behind it. */
function reached({ status }: EndpointDocument): number {
  const is = (type: string) =>
    status.conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false
  const counts = status.replicas
  if (is('Ready')) return stages.length
  if (counts && counts.starting > 0) return 3
  if (counts && counts.placed > 0 && is('Placed')) return 3
  if (is('Resolved')) return 2
  return 1
}

function useNow(isRunning: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isRunning) return
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [isRunning])
  return now
}

function Replicas({ replicas }: { readonly replicas: readonly ReplicaDocument[] }) {
  const { t } = useTranslation('deploy')
  const said = useSaid()
  return (
    <>
      <FactTable<ReplicaDocument>
        name="replicas"
        label={t('resources.replicas')}
        rowKey={({ metadata }) => metadata.id}
        facts={replicas}
        empty={t('progress.none')}
        columns={[
          {
            key: 'replica',
            title: t('progress.replica'),
            text: ({ metadata }) => metadata.name,
            render: ({ metadata: { name, workspace } }) => (
              <Link
                to="/$plural/$workspace/$name"
                params={{ plural: 'replicas', workspace: workspace ?? '-', name }}
              >
                {name}
              </Link>
            ),
          },
          {
            key: 'phase',
            title: t('progress.phase'),
            text: ({ status }) => said.phase(status.phase ?? ''),
            render: ({ status }) => <PhaseTag phase={status.phase} />,
          },
          {
            key: 'where',
            title: t('progress.where'),
            text: ({ spec: { assignment } }) =>
              assignment
                ? [
                    ...assignment.nodes,
                    ...(assignment.devices ?? []).map(id => `${assignment.accelerator} ${id}`),
                  ].join(', ')
                : '',
          },
          {
            key: 'restarts',
            title: t('progress.restarts'),
            align: 'end',
            text: ({ status }) => String(status.restarts ?? 0),
          },
          {
            key: 'message',
            title: t('progress.message'),
            text: ({ status }) => status.failure?.message ?? '',
          },
        ]}
      />
      {replicas.map(
        ({ metadata, status: { failure } }) =>
          failure?.log &&
          failure.log.length > 0 && (
            <Collapse
              key={metadata.id}
              ghost
              items={[
                {
                  key: 'log',
                  label: t('progress.log', { name: metadata.name }),
                  children: <pre className="document">{failure.log.join('\n')}</pre>,
                },
              ]}
            />
          ),
      )}
    </>
  )
}

export function Progress() {
  const { t } = useTranslation('deploy')
  const said = useSaid()
  const may = useMay()
  const { workspace, name } = useParams({ from: '/deploy/$workspace/$name' })
  const { as: publicName = name } = useSearch({ from: '/deploy/$workspace/$name' })
  const endpoints = useSeen<EndpointDocument>('Endpoint')
  const seen = useSeen<ReplicaDocument>('Replica')
  const endpoint = endpoints.documents.find(
    ({ metadata }) => metadata.workspace === workspace && metadata.name === name,
  )
  const isReady = endpoint !== undefined && reached(endpoint) === stages.length
  const now = useNow(!isReady)
  if (!endpoints.isComplete) return <Loading />
  if (!endpoint) return <Nothing says={t('progress.gone')} />
  const replicas = seen.documents.filter(
    ({ metadata, spec }) => metadata.workspace === workspace && spec.endpoint === name,
  )
  const { conditions = [], replicas: counts } = endpoint.status
  const at = reached(endpoint)
  const wrong = conditions.find(({ type, status }) => type === 'Progressing' && status === 'False')
  const waits = conditions.find(
    ({ type, status }) => ['Resolved', 'QuotaOk', 'Placed'].includes(type) && status !== 'True',
  )
  const ready = conditions.find(({ type }) => type === 'Ready')
  const since = Date.parse(endpoint.metadata.creationTimestamp)
  const starting = replicas
    .filter(({ status }) => status.state === 'Starting' && status.startedAt !== undefined)
    .map(({ status }) => Date.parse(status.startedAt ?? '') + endpoint.spec.startupSeconds * 1000 - now)
  const left = starting.length === 0 ? undefined : Math.max(0, Math.round(Math.min(...starting) / 1000))
  const seconds = (until: number) => Math.max(0, Math.round((until - since) / 1000))
  const snippet = `curl ${location.origin}/v1/chat/completions \\
  -H "Authorization: Bearer $SWITCHYARD_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "${publicName}", "messages": [{"role": "user", "content": "Hello"}]}'`
  return (
    <>
      <Typography.Title level={1}>
        {t('progress.title', { name })} <PhaseTag phase={endpoint.status.phase} />
      </Typography.Title>
      <Steps
        className="deploy-steps"
        size="small"
        current={Math.min(at, stages.length - 1)}
        status={wrong ? 'error' : at === stages.length ? 'finish' : 'process'}
        items={stages.map(stage => ({ title: t(`progress.stages.${stage}`) }))}
      />
      <div className="deploy-body" aria-live="polite">
        {endpoint.spec.paused && <Alert type="info" showIcon title={t('progress.paused')} />}
        {endpoint.status.phase === 'Idle' && <Alert type="info" showIcon title={t('progress.asleep')} />}
        {isReady && (
          <Alert
            type="success"
            showIcon
            title={t('progress.ready')}
            description={
              ready && t('progress.readyAfter', { seconds: seconds(Date.parse(ready.lastTransitionTime)) })
            }
          />
        )}
        {wrong && (
          <Alert type="error" showIcon title={t('progress.failed')} description={said.text(wrong.message)} />
        )}
        {!isReady && !wrong && waits && (
          <Alert
            type="warning"
            showIcon
            title={t('progress.waiting')}
            description={said.text(waits.message)}
          />
        )}
      </div>
      {counts && counts.desired > 0 && (
        <>
          <p>
            {t('progress.replicas', { ready: counts.ready, desired: counts.desired })}
            {!isReady && (
              <span className="quiet">
                {' '}
                {t('progress.running', { seconds: seconds(now), budget: endpoint.spec.startupSeconds })}{' '}
                {left !== undefined && t('progress.left', { seconds: left })}
              </span>
            )}
          </p>
          <Bar
            aria-label={t('progress.replicas', { ready: counts.ready, desired: counts.desired })}
            percent={Math.round((100 * counts.ready) / counts.desired)}
            status={wrong ? 'exception' : isReady ? 'success' : 'active'}
          />
        </>
      )}
      {!isReady && <Reading workspace={workspace} model={endpoint.spec.model.name} />}
      <Replicas replicas={replicas} />
      {isReady && (
        <section>
          <h2 className="field-title">{t('progress.try')}</h2>
          {may('inference:call', workspace) && (
            <p>
              <Link to="/playground" search={{ model: publicName }}>
                {t('progress.playground')}
              </Link>
            </p>
          )}
          <p className="quiet">{t('progress.key')}</p>
          <Typography.Paragraph className="snippet" copyable={{ text: snippet }}>
            <pre className="document">{snippet}</pre>
          </Typography.Paragraph>
        </section>
      )}
      <Link to="/$plural/$workspace/$name" params={{ plural: 'endpoints', workspace, name }}>
        {t('progress.open')}
      </Link>
    </>
  )
}
