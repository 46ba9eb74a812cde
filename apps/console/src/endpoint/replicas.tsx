// The replicas of an endpoint as they run, its revisions, and how far a roll-out is.
import { Link } from '@tanstack/react-router'
import { Tag, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { Moment } from '../kinds/cells.tsx'
import type { Shown } from '../kinds/own.ts'
import { PhaseTag } from '../kinds/phase.tsx'
import { useSaid } from '../kinds/said.ts'
import { useSeen } from '../kinds/seen.ts'
import { bytesText } from '../parts/bytes.ts'
import { type FactColumn, FactTable } from '../parts/facts.tsx'
import { usePreferences } from '../preferences.ts'
import { Forbidden } from '../shell/states.tsx'
import { type EndpointDocument, isOf, type ReplicaDocument, type RevisionDocument } from './documents.ts'
import { Rollout } from './rollout.tsx'
import './endpoint.css'
import './words.ts'

const whereOf = ({ spec: { assignment } }: ReplicaDocument): string =>
  assignment === undefined
    ? ''
    : [
        ...assignment.nodes,
        ...(assignment.devices ?? []).map(device => `${assignment.accelerator ?? ''} ${device}`.trim()),
      ].join(', ')

interface ReplicasProps {
  readonly endpoint: EndpointDocument
  readonly replicas: readonly ReplicaDocument[]
  readonly isPending: boolean
}

function Replicas({ endpoint: { metadata }, replicas, isPending }: ReplicasProps) {
  const { t } = useTranslation('endpoint')
  const said = useSaid()
  const { language } = usePreferences()
  const workspace = metadata.workspace ?? '-'
  const memoryOf = ({ spec: { assignment } }: ReplicaDocument) =>
    assignment?.memoryBytes === undefined ? '' : bytesText(assignment.memoryBytes, language)
  const failureColumn: FactColumn<ReplicaDocument> = {
    key: 'failure',
    title: t('failure'),
    text: ({ status: { failure } }) =>
      failure ? `${said.reason(failure.reason)}: ${said.text(failure.message)}` : '',
  }
  return (
    <FactTable<ReplicaDocument>
      name={`replicas-${metadata.name}`}
      label={t('replicas')}
      facts={replicas}
      isPending={isPending}
      rowKey={one => one.metadata.id}
      empty={t('noReplicas')}
      columns={[
        {
          key: 'name',
          title: t('name'),
          text: one => one.metadata.name,
          render: ({ metadata: { name } }) => (
            <Link to="/$plural/$workspace/$name" params={{ plural: 'replicas', workspace, name }}>
              {name}
            </Link>
          ),
        },
        {
          key: 'phase',
          title: t('phase'),
          text: ({ status }) => said.phase(status.phase ?? ''),
          render: ({ status }) => <PhaseTag phase={status.phase} />,
        },
        { key: 'revision', title: t('revision'), align: 'end', text: ({ spec }) => String(spec.revision) },
        { key: 'cluster', title: t('cluster'), text: ({ spec }) => spec.cluster },
        { key: 'where', title: t('where'), text: whereOf },
        { key: 'memory', title: t('memory'), align: 'end', text: memoryOf },
        {
          key: 'restarts',
          title: t('restarts'),
          align: 'end',
          text: ({ status }) => String(status.restarts ?? 0),
        },
        {
          key: 'address',
          title: t('address'),
          text: ({ status }) => status.address ?? '',
          render: ({ status: { address } }) =>
            address === undefined ? (
              <span className="quiet">–</span>
            ) : (
              <Typography.Text copyable>{address}</Typography.Text>
            ),
        },
        {
          key: 'since',
          title: t('since'),
          text: ({ status }) => status.readyAt ?? '',
          render: ({ status: { readyAt } }) =>
            readyAt === undefined ? <span className="quiet">–</span> : <Moment at={readyAt} />,
        },
        ...(replicas.some(({ status }) => status.failure) ? [failureColumn] : []),
        {
          key: 'logs',
          title: t('logs'),
          text: () => '',
          render: ({ metadata: { name } }) => (
            <Link
              to="/$plural/$workspace/$name"
              params={{ plural: 'endpoints', workspace, name: metadata.name }}
              search={{ tab: 'logs', replica: name }}
              aria-label={t('logsOf', { name })}
            >
              {t('logs')}
            </Link>
          ),
        },
      ]}
    />
  )
}

function Revisions({ endpoint }: { readonly endpoint: EndpointDocument }) {
  const { t } = useTranslation('endpoint')
  const said = useSaid()
  const seen = useSeen<RevisionDocument>('Revision')
  const revisions = seen.documents
    .filter(isOf(endpoint))
    .toSorted((one, other) => other.spec.number - one.spec.number)
  const { active, desired } = endpoint.status.revisions ?? {}
  return (
    <FactTable<RevisionDocument>
      name={`revisions-${endpoint.metadata.name}`}
      label={t('revisions')}
      facts={revisions}
      isPending={!seen.isComplete}
      rowKey={one => one.metadata.id}
      empty={t('noRevisions')}
      columns={[
        {
          key: 'number',
          title: t('number'),
          text: ({ spec }) => String(spec.number),
          render: ({ metadata: { workspace, name }, spec: { number } }) => (
            <>
              <Link
                to="/$plural/$workspace/$name"
                params={{ plural: 'revisions', workspace: workspace ?? '-', name }}
              >
                {number}
              </Link>{' '}
              {number === active && <Tag>{t('current')}</Tag>}
              {number === desired && desired !== active && <Tag>{t('wanted')}</Tag>}
            </>
          ),
        },
        {
          key: 'phase',
          title: t('phase'),
          text: ({ status }) => said.phase(status.phase ?? ''),
          render: ({ status }) => <PhaseTag phase={status.phase} />,
        },
        { key: 'model', title: t('model'), text: ({ spec }) => spec.template.model.name },
        {
          key: 'engine',
          title: t('engine'),
          text: ({ spec: { template } }) => `${template.engine.name} ${template.engine.version}`,
        },
        {
          key: 'failure',
          title: t('failure'),
          text: ({ status: { failure } }) =>
            failure ? `${said.reason(failure.reason)}: ${said.text(failure.message)}` : '',
        },
        {
          key: 'made',
          title: t('made'),
          text: ({ metadata }) => metadata.creationTimestamp,
          render: ({ metadata }) => <Moment at={metadata.creationTimestamp} />,
        },
      ]}
    />
  )
}

export default function ReplicasTab({ document }: Shown) {
  const { t } = useTranslation('endpoint')
  const endpoint = document as EndpointDocument // the tab stands on the page of endpoints alone
  const seen = useSeen<ReplicaDocument>('Replica')
  if (!seen.isAllowed) return <Forbidden what={t('replicas')} permission="replica:read" />
  const replicas = seen.documents
    .filter(isOf(endpoint))
    .toSorted(
      (one, other) => other.spec.revision - one.spec.revision || one.spec.ordinal - other.spec.ordinal,
    )
  return (
    <>
      <Rollout endpoint={endpoint} replicas={replicas} />
      <Replicas endpoint={endpoint} replicas={replicas} isPending={!seen.isComplete} />
      <Typography.Title level={2} className="section-title">
        {t('revisions')}
      </Typography.Title>
      <Revisions endpoint={endpoint} />
    </>
  )
}
