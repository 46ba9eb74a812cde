// A key that somebody holds is tried with its own limits: it stays in memory.
import { Form, Input, Modal, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import './words.ts'

interface KeyDialogProps {
  readonly open: boolean
  readonly onClose: () => void
  readonly onKey: (secret: string) => void
}

export function KeyDialog({ open, onClose, onKey }: KeyDialogProps) {
  const { t } = useTranslation('playground')
  const [form] = Form.useForm<{ secret: string }>()
  return (
    <Modal
      open={open}
      title={t('keyTitle')}
      okText={t('keyUse')}
      cancelText={t('cancel')}
      destroyOnHidden
      onCancel={onClose}
      onOk={() => form.submit()}
    >
      <Typography.Paragraph>{t('keyHelp')}</Typography.Paragraph>
      <Form form={form} preserve={false} onFinish={({ secret }) => onKey(secret.trim())}>
        <Form.Item
          name="secret"
          rules={[{ required: true, pattern: /^\s*sk-sy-\S+\s*$/, message: t('keyBad') }]}
        >
          <Input.Password autoComplete="off" aria-label={t('key')} placeholder="sk-sy-…" />
        </Form.Item>
      </Form>
    </Modal>
  )
}
