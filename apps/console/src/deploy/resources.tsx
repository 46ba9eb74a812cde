// What each replica has of its own, and beside it what fits now.
import { Input, InputNumber, Select } from 'antd'
import { useTranslation } from 'react-i18next'
import { isMeant, useSeen } from '../kinds/seen.ts'
import { bytesText } from '../parts/bytes.ts'
import { usePreferences } from '../preferences.ts'
import type { ModelDocument } from './draft.ts'
import { Field } from './field.tsx'
import { bytesAsked, type ClusterDocument, flavorsOf } from './fits.ts'
import { Fits } from './room.tsx'
import type { StepProps } from './step.ts'

export function ResourcesStep({ draft, change }: StepProps) {
  const { t } = useTranslation('deploy')
  const { language } = usePreferences()
  const clusters = useSeen<ClusterDocument>('Cluster')
  const models = useSeen<ModelDocument>('Model')
  const cluster = clusters.documents.find(one => isMeant(one, draft.cluster, draft.workspace))
  const model = models.documents.find(one => isMeant(one, draft.model, draft.workspace))
  const file = model?.status.files?.reduce((sum, { bytes }) => sum + bytes, 0)
  const flavors = cluster ? flavorsOf(cluster) : []
  const accelerators = [...new Set(flavors.map(({ accelerator }) => accelerator))]
  const asked = bytesAsked(draft)
  const isUnreadable = draft.memory !== undefined && asked === undefined
  const options = [
    { value: '', label: t('resources.noDevices') },
    ...accelerators.map(accelerator => ({
      value: accelerator,
      label: t('resources.anyProduct', { accelerator }),
    })),
    ...flavors.flatMap(({ accelerator, product, free, total }) =>
      product === undefined
        ? []
        : [
            {
              value: `${accelerator}/${product}`,
              label: t('resources.flavor', { flavor: `${accelerator} ${product}`, free, total }),
            },
          ],
    ),
  ]
  const value =
    draft.accelerator === undefined
      ? ''
      : draft.product === undefined
        ? draft.accelerator
        : `${draft.accelerator}/${draft.product}`
  const choose = (text: string) => {
    const [accelerator = '', product] = text.split('/')
    if (accelerator === '') change({ accelerator: undefined, product: undefined, devices: undefined })
    else change({ accelerator, product, devices: draft.devices ?? 1 })
  }
  return (
    <div className="deploy-halves">
      <div>
        <Field label={t('resources.accelerator')} help={t('resources.acceleratorHelp')}>
          {ids => (
            <Select {...ids} className="field-control" value={value} options={options} onChange={choose} />
          )}
        </Field>
        {draft.accelerator !== undefined && (
          <Field label={t('resources.count')}>
            {ids => (
              <InputNumber
                {...ids}
                className="field-control"
                min={1}
                max={64}
                precision={0}
                value={draft.devices ?? 1}
                onChange={devices => change({ devices: devices ?? 1 })}
              />
            )}
          </Field>
        )}
        <Field
          label={t('resources.memory')}
          help={`${t('resources.memoryHelp')} ${file === undefined ? '' : t('resources.file', { bytes: bytesText(file, language) })}`}
          problem={
            isUnreadable
              ? t('resources.badMemory')
              : asked !== undefined && file !== undefined && asked < file
                ? t('resources.lessThanFile', { bytes: bytesText(file, language) })
                : undefined
          }
        >
          {ids => (
            <Input
              {...ids}
              className="field-control"
              value={draft.memory ?? ''}
              onChange={({ target }) =>
                change({ memory: target.value.trim() === '' ? undefined : target.value.trim() })
              }
            />
          )}
        </Field>
        <Field label={t('resources.cpu')} help={t('resources.cpuHelp')}>
          {ids => (
            <InputNumber
              {...ids}
              className="field-control"
              min={1}
              max={1024}
              precision={0}
              value={draft.cpu ?? null}
              onChange={cpu => change({ cpu: cpu ?? undefined })}
            />
          )}
        </Field>
        <Field label={t('serving.replicas')}>
          {ids => (
            <InputNumber
              {...ids}
              className="field-control"
              min={0}
              max={1000}
              precision={0}
              value={draft.replicas}
              onChange={replicas => change({ replicas: replicas ?? 1 })}
            />
          )}
        </Field>
      </div>
      <Fits draft={draft} />
    </div>
  )
}
