// Before saving: what will be different, as the server would keep it, with the defaults that it adds.
import { Alert, Modal } from 'antd'
import { useTranslation } from 'react-i18next'
import { Diff } from '../parts/diff.tsx'
import './words.ts'

interface ReviewProps {
  readonly isOpen: boolean
  readonly before: string
  readonly after: string
  readonly isNew: boolean
  /** Fields that are written and never shown. */
  readonly secrets: readonly string[]
  readonly isBusy: boolean
  readonly onSave: () => void
  readonly onCancel: () => void
}

export function Review({ isOpen, before, after, isNew, secrets, isBusy, onSave, onCancel }: ReviewProps) {
  const { t } = useTranslation('write')
  return (
    <Modal
      open={isOpen}
      width={860}
      title={t('reviewTitle')}
      okText={t(isNew ? 'create' : 'save')}
      cancelText={t('back')}
      confirmLoading={isBusy}
      onOk={onSave}
      onCancel={onCancel}
      destroyOnHidden
    >
      <p className="quiet">{t(isNew ? 'reviewNew' : 'reviewSays')}</p>
      {secrets.length > 0 && (
        <Alert
          type="info"
          showIcon
          className="before-form"
          title={t('reviewSecrets', { fields: secrets.join(', ') })}
        />
      )}
      {(isNew || before !== after || secrets.length === 0) && (
        <Diff before={before} after={after} label={t('reviewTitle')} />
      )}
    </Modal>
  )
}
