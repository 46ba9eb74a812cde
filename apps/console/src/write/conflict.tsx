// Somebody else has saved meanwhile: their version beside ours, and ours on top of theirs where that is wanted.
import { Alert, Button, Modal } from 'antd'
import { useTranslation } from 'react-i18next'
import type { Document, KindInfo } from '../api/catalogue.ts'
import { Diff } from '../parts/diff.tsx'
import { writableOf } from './draft.ts'
import { type Members, merged } from './json.ts'
import { yamlOf } from './text.ts'
import './words.ts'

interface ConflictProps {
  readonly kind: KindInfo
  /** As it stood when we began. */
  readonly base: Document
  readonly ours: Members
  /** As it stands now; absent where there is no conflict. */
  readonly theirs: Document | undefined
  readonly onTake: (value: unknown, theirs: Document) => void
  readonly onCancel: () => void
}

export function Conflict({ kind, base, ours, theirs, onTake, onCancel }: ConflictProps) {
  const { t } = useTranslation('write')
  if (!theirs) return null
  const now = writableOf(theirs, kind)
  const { value, overlaps } = merged(writableOf(base, kind), ours, now)
  return (
    <Modal
      open
      width={1000}
      title={t('conflictTitle')}
      onCancel={onCancel}
      footer={[
        <Button key="cancel" onClick={onCancel}>
          {t('back')}
        </Button>,
        <Button key="theirs" onClick={() => onTake(now, theirs)}>
          {t('takeTheirs')}
        </Button>,
        <Button key="ours" type="primary" onClick={() => onTake(value, theirs)}>
          {t('takeOurs')}
        </Button>,
      ]}
    >
      <Alert
        type="warning"
        showIcon
        className="before-form"
        title={t('conflictSays', { who: theirs.metadata.updatedBy })}
        description={
          overlaps.length === 0 ? t('conflictApart') : t('conflictOverlaps', { fields: overlaps.join(', ') })
        }
      />
      <Diff
        isSplit
        before={yamlOf(now)}
        after={yamlOf(value)}
        titles={[t('theirs'), t('oursOnTop')]}
        label={t('conflictTitle')}
      />
    </Modal>
  )
}
