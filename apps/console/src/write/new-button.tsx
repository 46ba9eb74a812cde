// The way from a list to a new one.
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { KindInfo } from '../api/catalogue.ts'
import { oneOf } from '../kinds/names.ts'
import { MayButton } from '../parts/may-button.tsx'
import { usePreferences } from '../preferences.ts'
import './words.ts'

export function NewButton({ kind }: { readonly kind: KindInfo }) {
  const { t } = useTranslation('write')
  const { language, workspace } = usePreferences()
  const navigate = useNavigate()
  if (kind.system) return null
  const place = kind.heldAbove || kind.scope === 'platform' ? null : workspace === '' ? undefined : workspace
  return (
    <MayButton
      type="primary"
      permission={`${kind.noun}:create`}
      place={place}
      aria-keyshortcuts="c"
      onClick={() => void navigate({ to: '/$plural/new', params: { plural: kind.plural } })}
    >
      {t('new', { kind: oneOf(kind, language) })}
    </MayButton>
  )
}
