// A secret that the server shows this once.
import { Alert, Modal, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import './words.ts'

export function SecretOnce({
  secret,
  onClose,
}: {
  readonly secret: string | undefined
  readonly onClose: () => void
}) {
  const { t } = useTranslation('write')
  return (
    <Modal
      open={secret !== undefined}
      title={t('secretTitle')}
      okText={t('secretDone')}
      cancelButtonProps={{ hidden: true }}
      mask={{ closable: false }}
      keyboard={false}
      closable={false}
      onOk={onClose}
    >
      <Alert type="warning" showIcon className="before-form" title={t('secretOnce')} />
      <Typography.Paragraph code copyable={{ text: secret ?? '' }} className="secret">
        {secret}
      </Typography.Paragraph>
    </Modal>
  )
}
