// The live preview: by cluster what is free against what is asked for, and what the workspace's quotas leave.
import { Alert, Table } from 'antd'
import { useTranslation } from 'react-i18next'
import { isLent, isMeant, useSeen } from '../kinds/seen.ts'
import { bytesText } from '../parts/bytes.ts'
import { usePreferences } from '../preferences.ts'
import type { Draft } from './draft.ts'
import {
  type Allowance,
  allowancesOf,
  type ClusterDocument,
  type QuotaDocument,
  type ReplicaDocument,
  type Room,
  roomOf,
} from './fits.ts'

interface Line {
  readonly cluster: ClusterDocument
  readonly room: Room
  readonly isChosen: boolean
}

export function Fits({ draft }: { readonly draft: Draft }) {
  const { t } = useTranslation('deploy')
  const { language } = usePreferences()
  const clusters = useSeen<ClusterDocument>('Cluster')
  const replicas = useSeen<ReplicaDocument>('Replica')
  const quotas = useSeen<QuotaDocument>('Quota')
  const lines = clusters.documents
    .filter(one => isLent(one, draft.workspace))
    .map(
      (cluster): Line => ({
        cluster,
        room: roomOf(cluster, replicas.documents, draft),
        isChosen: isMeant(cluster, draft.cluster, draft.workspace),
      }),
    )
  const chosen = lines.find(({ isChosen }) => isChosen)
  const allowances = allowancesOf(
    quotas.documents.filter(({ metadata }) => metadata.workspace === draft.workspace),
    draft,
  )
  return (
    <section className="fits" aria-label={t('resources.fits')}>
      <h2 className="field-title">{t('resources.fits')}</h2>
      <div aria-live="polite">
        {chosen && <Verdict room={chosen.room} allowances={allowances} asked={draft.replicas} />}
      </div>
      <p className="quiet">{t('resources.fitsDoc')}</p>
      <Table<Line>
        size="small"
        rowKey={({ cluster }) => cluster.metadata.id}
        pagination={false}
        scroll={{ x: 'max-content' }}
        dataSource={lines}
        columns={[
          {
            title: t('resources.cluster'),
            render: (_, { cluster, isChosen }) => (
              <>
                {cluster.metadata.displayName ?? cluster.metadata.name}
                {isChosen && <span className="quiet"> ({t('resources.chosen')})</span>}
              </>
            ),
          },
          {
            title: t('resources.freeDevices'),
            align: 'end',
            render: (_, { room: { devices }, cluster }) => {
              const { free, total } = devices ?? {
                free: cluster.status.devices?.free ?? 0,
                total: cluster.status.devices?.capacity ?? 0,
              }
              return t('resources.ofTotal', { free, total })
            },
          },
          {
            title: t('resources.freeMemory'),
            align: 'end',
            render: (_, { room: { memory } }) =>
              memory
                ? t('resources.ofTotal', {
                    free: bytesText(memory.free, language),
                    total: bytesText(memory.total, language),
                  })
                : t('resources.unknown'),
          },
          {
            title: t('resources.replicasThatFit'),
            align: 'end',
            render: (_, { room }) => room.replicas ?? '∞',
          },
        ]}
      />
      {!replicas.isAllowed && <p className="quiet">{t('resources.replicasHidden')}</p>}
      <h3 className="field-title">{t('resources.quotas')}</h3>
      {!quotas.isAllowed ? (
        <p className="quiet">{t('resources.quotaHidden')}</p>
      ) : allowances.length === 0 ? (
        <p className="quiet">{t('resources.noQuota')}</p>
      ) : (
        <Table<Allowance>
          size="small"
          scroll={{ x: 'max-content' }}
          rowKey={({ quota, flavor }) => `${quota} ${flavor}`}
          pagination={false}
          dataSource={[...allowances]}
          columns={[
            { title: t('resources.quota'), dataIndex: 'quota' },
            {
              title: t('resources.what'),
              render: (_, { flavor }) => flavor ?? t('resources.replicas'),
            },
            { title: t('resources.asked'), dataIndex: 'asked', align: 'end' },
            { title: t('resources.left'), dataIndex: 'left', align: 'end' },
            { title: t('resources.limit'), dataIndex: 'limit', align: 'end' },
          ]}
        />
      )}
    </section>
  )
}

interface VerdictProps {
  readonly room: Room
  readonly allowances: readonly Allowance[]
  readonly asked: number
}

function Verdict({ room, allowances, asked }: VerdictProps) {
  const { t } = useTranslation('deploy')
  const short = allowances.filter(({ asked: wanted, left }) => wanted > left)
  if (short.length > 0)
    return (
      <Alert
        type="warning"
        showIcon
        title={t('resources.no')}
        description={short
          .map(
            ({ quota, flavor, asked: wanted, left }) =>
              `${t('resources.quota')} ${quota}: ${flavor ?? t('resources.replicas')}, ${t('resources.asked')} ${wanted}, ${t('resources.left')} ${left}`,
          )
          .join('; ')}
      />
    )
  if (room.replicas === undefined) return <Alert type="info" showIcon title={t('resources.unbounded')} />
  if (room.replicas >= asked) return <Alert type="success" showIcon title={t('resources.yes')} />
  return (
    <Alert
      type="warning"
      showIcon
      title={room.replicas === 0 ? t('resources.no') : t('resources.some', { fit: room.replicas, asked })}
    />
  )
}
