// How far the file of a model is read: bytes, of how many, how fast, and what is left of it.
import { Progress as Bar } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { isMeant, useSeen } from '../kinds/seen.ts'
import { bytesText } from '../parts/bytes.ts'
import { useMeasures } from '../parts/measures.ts'
import { usePreferences } from '../preferences.ts'
import type { ModelDocument } from './draft.ts'
import { type Look, paceOf } from './pace.ts'
import './words.ts'

interface ReadingProps {
  readonly workspace: string
  /** As the endpoint refers to it. */
  readonly model: string
}

export function Reading({ workspace, model }: ReadingProps) {
  const { t } = useTranslation('deploy')
  const { language } = usePreferences()
  const { duration } = useMeasures()
  const { documents } = useSeen<ModelDocument>('Model')
  const document = documents.find(one => isMeant(one, model, workspace))
  const reading = document?.status.reading
  const [looks, setLooks] = useState<{ readonly first: Look; readonly last: Look }>()
  if (reading && reading.bytes !== looks?.last.bytes) {
    const last: Look = { bytes: reading.bytes, at: Date.now() }
    // What is read anew begins anew.
    const isOn = looks !== undefined && last.bytes >= looks.last.bytes
    setLooks({ first: isOn ? looks.first : last, last })
  }
  if (!reading || reading.total === 0) return null
  const pace = looks && paceOf(looks.first, looks.last, reading.total)
  const says = t('reading.of', {
    bytes: bytesText(reading.bytes, language),
    total: bytesText(reading.total, language),
  })
  return (
    <section aria-label={t('reading.title', { model })}>
      <p>
        {t('reading.title', { model })}{' '}
        <span className="quiet">
          {says}
          {pace &&
            ` · ${t('reading.pace', {
              rate: bytesText(pace.bytesPerSecond, language),
              left: duration(pace.secondsLeft),
            })}`}
        </span>
      </p>
      <Bar aria-label={says} percent={Math.floor((100 * reading.bytes) / reading.total)} status="active" />
    </section>
  )
}
