// The live preview: by cluster what is free against what is asked for, and what the workspace's quotas leave.
import { Alert } from 'antd'
import { useTranslation } from 'react-i18next'
import { isLent, isMeant, useSeen } from '../kinds/seen.ts'
import { bytesText } from '../parts/bytes.ts'
import { FactTable } from '../parts/facts.tsx'
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
      <FactTable<Line>
        name="clusters"
        label={t('resources.fits')}
        rowKey={({ cluster }) => cluster.metadata.id}
        facts={lines}
        empty={t('place.none')}
        columns={[
          {
            key: 'cluster',
            title: t('resources.cluster'),
            text: ({ cluster: { metadata } }) => metadata.displayName ?? metadata.name,
            render: ({ cluster: { metadata }, isChosen }) => (
              <>
                {metadata.displayName ?? metadata.name}
                {isChosen && <span className="quiet"> ({t('resources.chosen')})</span>}
              </>
            ),
          },
          {
            key: 'devices',
            title: t('resources.freeDevices'),
            align: 'end',
            text: ({ room: { devices }, cluster }) => {
              const { free, total } = devices ?? {
                free: cluster.status.devices?.free ?? 0,
                total: cluster.status.devices?.capacity ?? 0,
              }
              return t('resources.ofTotal', { free, total })
            },
          },
          {
            key: 'memory',
            title: t('resources.freeMemory'),
            align: 'end',
            text: ({ room: { memory } }) =>
              memory
                ? t('resources.ofTotal', {
                    free: bytesText(memory.free, language),
                    total: bytesText(memory.total, language),
                  })
                : t('resources.unknown'),
          },
          {
            key: 'replicas',
            title: t('resources.replicasThatFit'),
            align: 'end',
            text: ({ room }) => String(room.replicas ?? '∞'),
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
        <FactTable<Allowance>
          name="quotas"
          label={t('resources.quotas')}
          rowKey={({ quota, flavor }) => `${quota} ${flavor}`}
          facts={allowances}
          empty={t('resources.noQuota')}
          columns={[
            { key: 'quota', title: t('resources.quota'), text: ({ quota }) => quota },
            {
              key: 'what',
              title: t('resources.what'),
              text: ({ flavor }) => flavor ?? t('resources.replicas'),
            },
            { key: 'asked', title: t('resources.asked'), align: 'end', text: ({ asked }) => String(asked) },
            { key: 'left', title: t('resources.left'), align: 'end', text: ({ left }) => String(left) },
            { key: 'limit', title: t('resources.limit'), align: 'end', text: ({ limit }) => String(limit) },
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
