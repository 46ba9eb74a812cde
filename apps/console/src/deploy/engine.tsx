// Which engine serves it, and its arguments: a form made from the engine's own schemas.
import { findVersion, knows } from '@switchyard/catalog/versions'
import type { DocumentOf, engine } from '@switchyard/kinds'
import { Collapse, Input, InputNumber, Radio, Select } from 'antd'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../api/catalogue.ts'
import { useSaid } from '../kinds/said.ts'
import { isLent, isMeant, referenceTo, useSeen } from '../kinds/seen.ts'
import { grouped } from '../parts/numbers.ts'
import { usePreferences } from '../preferences.ts'
import { Loading, Nothing } from '../shell/states.tsx'
import { ArgumentField } from './argument.tsx'
import type { ModelDocument } from './draft.ts'
import { Field } from './field.tsx'
import type { StepProps } from './step.ts'

type EngineDocument = DocumentOf<typeof engine>

function Arguments({
  draft,
  change,
  chosen,
  version,
}: StepProps & { readonly chosen: EngineDocument; readonly version: string }) {
  const { t } = useTranslation('deploy')
  const [wanted, setWanted] = useState('')
  const known = Object.entries(chosen.spec.arguments).filter(
    ([, argument]) => !argument.managed && knows(argument, version),
  )
  const found = known.filter(([name, { doc = '' }]) =>
    `${name} ${doc}`.toLowerCase().includes(wanted.trim().toLowerCase()),
  )
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...others } = draft.arguments
    change({ arguments: value === undefined ? others : { ...others, [name]: value } })
  }
  return (
    <>
      <h2 className="field-title">{t('engine.arguments')}</h2>
      <p className="quiet">{t('engine.argumentsHelp', { count: known.length })}</p>
      {known.length > 6 && (
        <Input.Search
          allowClear
          className="field-control"
          placeholder={t('engine.search')}
          aria-label={t('engine.search')}
          value={wanted}
          onChange={({ target: { value } }) => setWanted(value)}
        />
      )}
      {found.length === 0 && known.length > 0 && <Nothing says={t('engine.noneFound')} />}
      <div className="fields">
        {found.map(([name, argument]) => (
          <ArgumentField
            key={`${chosen.metadata.id} ${name}`}
            name={name}
            argument={argument}
            value={draft.arguments[name]}
            onChange={value => set(name, value)}
          />
        ))}
      </div>
    </>
  )
}

export function EngineStep({ draft, change }: StepProps) {
  const { t } = useTranslation('deploy')
  const { language } = usePreferences()
  const may = useMay()
  const said = useSaid()
  const engines = useSeen<EngineDocument>('Engine')
  const models = useSeen<ModelDocument>('Model')
  const { workspace } = draft
  const model = models.documents.find(one => isMeant(one, draft.model, workspace))
  const format = model?.status.format
  const able = engines.documents.filter(
    one =>
      isLent(one, workspace) &&
      (!model || one.spec.tasks.includes(model.spec.task)) &&
      (format === undefined || one.spec.formats.includes(format)),
  )
  const chosen = able.find(one => isMeant(one, draft.engine, workspace))
  const [first] = able
  useEffect(() => {
    if (draft.engine === undefined && first) change({ engine: referenceTo(first) })
  })
  if (!engines.isComplete || !models.isComplete) return <Loading />
  if (able.length === 0)
    return (
      <Nothing
        says={t('engine.none', {
          task: model?.spec.task ?? t('engine.unknown'),
          format: format ?? t('engine.unknown'),
        })}
      />
    )
  const version = chosen && findVersion(chosen.spec, draft.version)
  const own = model?.status.facts?.context_length?.value
  const mayRaw = may('engine:raw', workspace)
  return (
    <>
      <Radio.Group
        className="choices"
        aria-label={t('engine.label')}
        value={draft.engine}
        onChange={({ target }) => change({ engine: String(target.value), version: undefined, arguments: {} })}
      >
        {able.map(one => (
          <Radio key={one.metadata.id} value={referenceTo(one)} className="choice">
            <strong>{one.metadata.displayName ?? one.metadata.name}</strong>
            <span className="choice-facts quiet">
              {one.metadata.description !== undefined && said.text(one.metadata.description)}
            </span>
          </Radio>
        ))}
      </Radio.Group>
      {chosen && (
        <>
          <div className="fields">
            <Field label={t('engine.version')}>
              {ids => (
                <Select
                  {...ids}
                  className="field-control"
                  value={draft.version ?? ''}
                  onChange={value => change({ version: value === '' ? undefined : value })}
                  options={[
                    {
                      value: '',
                      label: t('engine.firstSupported', {
                        version: findVersion(chosen.spec)?.version ?? t('engine.unknown'),
                      }),
                    },
                    ...chosen.spec.versions.map(({ version: name, state }) => ({
                      value: name,
                      label: state === 'deprecated' ? `${name} (${t('engine.deprecated')})` : name,
                    })),
                  ]}
                />
              )}
            </Field>
            <Field
              label={t('engine.tokens')}
              help={
                typeof own === 'number'
                  ? t('engine.tokensHelp', { tokens: grouped(String(own), language) })
                  : t('engine.tokensHelpUnknown')
              }
            >
              {ids => (
                <InputNumber
                  {...ids}
                  className="field-control"
                  min={128}
                  max={10_000_000}
                  precision={0}
                  value={draft.tokens ?? null}
                  onChange={value => change({ tokens: value ?? undefined })}
                />
              )}
            </Field>
            <Field label={t('engine.sequences')} help={t('engine.sequencesHelp')}>
              {ids => (
                <InputNumber
                  {...ids}
                  className="field-control"
                  min={1}
                  max={256}
                  precision={0}
                  value={draft.sequences ?? null}
                  onChange={value => change({ sequences: value ?? undefined })}
                />
              )}
            </Field>
          </div>
          {version && <Arguments draft={draft} change={change} chosen={chosen} version={version.version} />}
          <Collapse
            ghost
            className="further"
            items={[
              {
                key: 'further',
                label: t('engine.further'),
                children: (
                  <div className="fields">
                    <Field
                      label={t('engine.extraArgs')}
                      help={mayRaw ? undefined : t('engine.extraArgsNeeds')}
                    >
                      {ids => (
                        <Input.TextArea
                          {...ids}
                          disabled={!mayRaw}
                          rows={3}
                          value={draft.extraArgs}
                          onChange={({ target }) => change({ extraArgs: target.value })}
                        />
                      )}
                    </Field>
                    <Field label={t('engine.env')}>
                      {ids => (
                        <Input.TextArea
                          {...ids}
                          rows={3}
                          value={draft.env}
                          onChange={({ target }) => change({ env: target.value })}
                        />
                      )}
                    </Field>
                  </div>
                ),
              },
            ]}
          />
        </>
      )}
    </>
  )
}
