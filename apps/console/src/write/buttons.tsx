// What may be done to a document, beside its name.
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { writtenFrom } from '../api/documents.ts'
import type { Shown } from '../kinds/own.ts'
import { MayButton } from '../parts/may-button.tsx'
import { Delete } from './delete.tsx'
import './words.ts'

export function Buttons({ kind, document }: Shown) {
  const { t } = useTranslation('write')
  const navigate = useNavigate()
  const [isDeleting, setDeleting] = useState(false)
  const place = writtenFrom(kind, document.metadata.workspace)
  return (
    <div className="buttons">
      <MayButton danger permission={`${kind.noun}:delete`} place={place} onClick={() => setDeleting(true)}>
        {t('delete')}
      </MayButton>
      <Delete
        kind={kind}
        document={document}
        isOpen={isDeleting}
        onClose={() => setDeleting(false)}
        onDeleted={() => void navigate({ to: '/$plural', params: { plural: kind.plural } })}
      />
    </div>
  )
}
