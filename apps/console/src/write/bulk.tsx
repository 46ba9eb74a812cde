// Several documents of a list at once: what may be done to them, asked before, with how far it is and what could not be.
import { Button } from 'antd'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { type Document, type KindInfo, useMay } from '../api/catalogue.ts'
import { writtenFrom } from '../api/documents.ts'
import { useSaid } from '../kinds/said.ts'
import { MayButton } from '../parts/may-button.tsx'
import { BulkDialog } from './bulk-dialog.tsx'
import { type Deed, deedsFor } from './deeds.ts'
import './words.ts'

interface BulkProps {
  readonly kind: KindInfo
  readonly documents: readonly Document[]
  readonly onDone: () => void
}

interface Asked {
  readonly deed: Deed
  /** As they were chosen: what is done to some of them does not take them away from under the question. */
  readonly documents: readonly Document[]
}

export default function Bulk({ kind, documents, onDone }: BulkProps) {
  const { t } = useTranslation('write')
  const said = useSaid()
  const may = useMay()
  const [asked, ask] = useState<Asked>()
  const deeds = useMemo(() => deedsFor(kind), [kind])
  const labelOf = ({ verb }: Deed) =>
    verb.of === 'catalogue' ? said.field(verb.name) : t(`verbs.${verb.name}`)
  const permitted = ({ permission }: Deed) =>
    documents.filter(({ metadata }) => may(permission, writtenFrom(kind, metadata.workspace)))
  const [first] = documents
  return (
    <>
      <span aria-live="polite">{t('selected', { count: documents.length })}</span>
      {deeds.map(deed => {
        const theirs = permitted(deed)
        return (
          <MayButton
            key={deed.id}
            danger={deed.id === 'delete'}
            permission={deed.permission}
            place={writtenFrom(kind, (theirs[0] ?? first)?.metadata.workspace ?? null)}
            onClick={() => ask({ deed, documents: theirs })}
          >
            {labelOf(deed)}
          </MayButton>
        )
      })}
      <Button onClick={onDone}>{t('cancel')}</Button>
      {asked && (
        <BulkDialog
          kind={kind}
          deed={asked.deed}
          verb={labelOf(asked.deed)}
          documents={asked.documents}
          lacking={documents.length - asked.documents.length}
          onClose={isDone => {
            ask(undefined)
            if (isDone) onDone()
          }}
        />
      )}
    </>
  )
}
