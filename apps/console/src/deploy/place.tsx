// Where it runs: the workspace that owns it and the cluster that carries it.
import { Radio, Select, Tag } from 'antd'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { PhaseTag } from '../kinds/phase.tsx'
import { isLent, referenceTo, useSeen } from '../kinds/seen.ts'
import { bytesText } from '../parts/bytes.ts'
import { usePreferences } from '../preferences.ts'
import { Loading, Nothing } from '../shell/states.tsx'
import { Field } from './field.tsx'
import { type ClusterDocument, flavorsOf } from './fits.ts'
import { type StepProps, useWorkspaces } from './step.ts'

function Facts({ cluster }: { readonly cluster: ClusterDocument }) {
  const { t } = useTranslation('deploy')
  const { language } = usePreferences()
  const { capacity, devices } = cluster.status
  return (
    <span className="choice-facts quiet">
      {devices && devices.capacity > 0
        ? t('place.devices', { free: devices.free, total: devices.capacity })
        : t('place.noDevices')}
      {capacity && ` · ${t('place.cpus', { count: capacity.cpus })}`}
      {capacity && ` · ${t('place.memory', { bytes: bytesText(capacity.memoryBytes, language) })}`}
      {flavorsOf(cluster).map(({ accelerator, product, free, total }) => (
        <Tag key={`${accelerator}/${product}`}>
          {accelerator}
          {product !== undefined && ` ${product}`} {free}/{total}
        </Tag>
      ))}
      {cluster.status.phase === 'Unreachable' && <span className="problem">{t('place.unreachable')}</span>}
    </span>
  )
}

export function PlaceStep({ draft, change }: StepProps) {
  const { t } = useTranslation('deploy')
  const { names } = useWorkspaces()
  const { documents, isComplete } = useSeen<ClusterDocument>('Cluster')
  const clusters = documents.filter(one => isLent(one, draft.workspace))
  const only = clusters.length === 1 ? clusters[0] : undefined
  useEffect(() => {
    if (draft.cluster === undefined && only) change({ cluster: referenceTo(only) })
  })
  if (!isComplete) return <Loading />
  return (
    <>
      <Field label={t('place.workspace')} help={t('place.workspaceHelp')}>
        {ids => (
          <Select
            {...ids}
            className="field-control"
            value={draft.workspace}
            options={names.map(name => ({ value: name, label: name }))}
            onChange={workspace =>
              change({ workspace, cluster: undefined, model: undefined, engine: undefined })
            }
          />
        )}
      </Field>
      <h2 className="field-title">{t('place.cluster')}</h2>
      {clusters.length === 0 && <Nothing says={t('place.none')} />}
      <Radio.Group
        className="choices"
        aria-label={t('place.cluster')}
        value={draft.cluster}
        onChange={({ target }) =>
          change({
            cluster: String(target.value),
            accelerator: undefined,
            product: undefined,
            devices: undefined,
          })
        }
      >
        {clusters.map(cluster => (
          <Radio key={cluster.metadata.id} value={referenceTo(cluster)} className="choice">
            <strong>{cluster.metadata.displayName ?? cluster.metadata.name}</strong>{' '}
            <PhaseTag phase={cluster.status.phase} />
            <Facts cluster={cluster} />
          </Radio>
        ))}
      </Radio.Group>
    </>
  )
}
