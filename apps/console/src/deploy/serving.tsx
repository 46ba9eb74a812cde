// How callers reach it, how many replicas it keeps, and when it sleeps.
import { Input, InputNumber, Switch } from 'antd'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { useSeen } from '../kinds/seen.ts'
import type { RouteDocument } from '../routes/documents.ts'
import { nameFrom } from './draft.ts'
import { Field } from './field.tsx'
import type { StepProps } from './step.ts'

interface CountProps {
  readonly label: string
  readonly help?: string
  readonly minimum: number
  readonly maximum: number
  readonly value: number | undefined
  readonly onChange: (value: number | undefined) => void
}

function Count({ label, help, minimum, maximum, value, onChange }: CountProps) {
  return (
    <Field label={label} help={help}>
      {ids => (
        <InputNumber
          {...ids}
          className="field-control"
          min={minimum}
          max={maximum}
          precision={0}
          value={value ?? null}
          onChange={next => onChange(next ?? undefined)}
        />
      )}
    </Field>
  )
}

export function ServingStep({ draft, change }: StepProps) {
  const { t } = useTranslation('deploy')
  const endpoints = useSeen('Endpoint')
  const routes = useSeen<RouteDocument>('Route')
  const { name, workspace, model, publicName } = draft
  const made = nameFrom(model?.replace(/^platform\//, '') ?? '')
  useEffect(() => {
    if (name === '' && made !== '') change({ name: made })
    // Once: whoever empties it means to write another.
  }, [])
  const isTaken = endpoints.documents.some(
    ({ metadata }) => metadata.workspace === workspace && metadata.name === name,
  )
  const taking = routes.documents.find(
    ({ metadata, spec }) =>
      metadata.workspace === workspace && publicName !== '' && spec.names.includes(publicName),
  )
  return (
    <>
      <div className="fields">
        <Field
          label={t('serving.name')}
          help={t('serving.nameHelp')}
          problem={isTaken ? t('serving.taken') : undefined}
        >
          {ids => (
            <Input
              {...ids}
              value={name}
              maxLength={63}
              status={isTaken ? 'error' : ''}
              onChange={({ target }) => change({ name: target.value.trim() })}
            />
          )}
        </Field>
        <Field
          label={t('serving.publicName')}
          help={t('serving.publicNameHelp')}
          problem={taking ? t('serving.publicTaken', { route: taking.metadata.name }) : undefined}
        >
          {ids => (
            <Input
              {...ids}
              value={publicName}
              onChange={({ target }) => change({ publicName: target.value.trim() })}
            />
          )}
        </Field>
        <Count
          label={t('serving.replicas')}
          minimum={0}
          maximum={1000}
          value={draft.replicas}
          onChange={replicas => change({ replicas: replicas ?? 1 })}
        />
        <Count
          label={t('serving.startup')}
          help={t('serving.startupHelp')}
          minimum={5}
          maximum={86_400}
          value={draft.startupSeconds}
          onChange={startupSeconds => change({ startupSeconds })}
        />
      </div>
      <div className="field-switch">
        <Switch
          aria-label={t('serving.idle')}
          checked={draft.idleSeconds !== undefined}
          onChange={isOn => change({ idleSeconds: isOn ? 900 : undefined })}
        />
        <span>{t('serving.idle')}</span>
      </div>
      <div className="fields">
        {draft.idleSeconds !== undefined && (
          <Count
            label={t('serving.idleSeconds')}
            help={t('serving.idleHelp')}
            minimum={10}
            maximum={2_592_000}
            value={draft.idleSeconds}
            onChange={idleSeconds => change({ idleSeconds: idleSeconds ?? 900 })}
          />
        )}
      </div>
      <h2 className="field-title">{t('serving.hold')}</h2>
      <div className="fields">
        <Count
          label={t('serving.holdRequests')}
          help={t('serving.holdHelp')}
          minimum={0}
          maximum={10_000}
          value={draft.holdRequests}
          onChange={holdRequests => change({ holdRequests })}
        />
        <Count
          label={t('serving.holdSeconds')}
          minimum={0}
          maximum={3600}
          value={draft.holdSeconds}
          onChange={holdSeconds => change({ holdSeconds })}
        />
      </div>
    </>
  )
}
