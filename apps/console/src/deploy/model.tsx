// Which model: those that the workspace may use, with what is known of each.
import { Link } from '@tanstack/react-router'
import { Input, Radio } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { PhaseTag } from '../kinds/phase.tsx'
import { isLent, referenceTo, useSeen } from '../kinds/seen.ts'
import { factsLine } from '../library/facts.ts'
import { usePreferences } from '../preferences.ts'
import { Loading, Nothing } from '../shell/states.tsx'
import { type ModelDocument, nameFrom } from './draft.ts'
import type { StepProps } from './step.ts'

export function ModelStep({ draft, change }: StepProps) {
  const { t } = useTranslation('deploy')
  const { t: say } = useTranslation('library')
  const { language } = usePreferences()
  const [wanted, setWanted] = useState('')
  const { documents, isComplete } = useSeen<ModelDocument>('Model')
  if (!isComplete) return <Loading />
  const lent = documents.filter(one => isLent(one, draft.workspace))
  const models = lent.filter(({ metadata: { name, displayName = '' } }) =>
    `${name} ${displayName}`.toLowerCase().includes(wanted.trim().toLowerCase()),
  )
  if (lent.length === 0)
    return (
      <Nothing says={t('model.none')}>
        <Link to="/library">{t('model.library')}</Link>
      </Nothing>
    )
  const choose = (reference: string) => {
    const chosen = lent.find(one => referenceTo(one) === reference)
    const before = lent.find(one => referenceTo(one) === draft.model)
    // A name that was made from the model before goes with it.
    const isMade = draft.name === '' || (before && draft.name === nameFrom(before.metadata.name))
    change({
      model: reference,
      ...(reference !== draft.model && { engine: undefined, version: undefined, arguments: {} }),
      ...(isMade && chosen && { name: nameFrom(chosen.metadata.name) }),
    })
  }
  return (
    <>
      {lent.length > 5 && (
        <Input.Search
          allowClear
          className="field-control"
          placeholder={t('model.search')}
          aria-label={t('model.search')}
          value={wanted}
          onChange={({ target: { value } }) => setWanted(value)}
        />
      )}
      <Radio.Group
        className="choices"
        aria-label={t('model.label')}
        value={draft.model}
        onChange={({ target }) => choose(String(target.value))}
      >
        {models.map(model => {
          const validated = model.status.conditions?.find(({ type }) => type === 'Validated')
          return (
            <Radio key={model.metadata.id} value={referenceTo(model)} className="choice">
              <strong>{model.metadata.displayName ?? model.metadata.name}</strong>{' '}
              <PhaseTag phase={model.status.phase} />
              <span className="choice-facts quiet">{factsLine(model, language, say)}</span>
              {validated && validated.status !== 'True' && (
                <span className="problem">{t('model.notReady', { why: validated.message })}</span>
              )}
            </Radio>
          )
        })}
      </Radio.Group>
    </>
  )
}
