// Secrets that were made for several, shown this once.
import { Alert, Button, Modal, Table, Typography } from 'antd'
import { useTranslation } from 'react-i18next'
import { keepCsv } from '../parts/csv.ts'
import './words.ts'

interface SecretsOnceProps {
  readonly secrets: readonly { readonly name: string; readonly secret: string }[]
  /** For whom none was made, and why. */
  readonly failures: readonly string[]
  /** Where it was stopped: how many there are, and how many are as they were. */
  readonly stopped?: { readonly done: number; readonly left: number } | undefined
  readonly onClose: () => void
}

export function SecretsOnce({ secrets, failures, stopped, onClose }: SecretsOnceProps) {
  const { t } = useTranslation('write')
  return (
    <Modal
      open
      width={720}
      title={t('secretsTitle')}
      okText={t('secretDone')}
      cancelButtonProps={{ hidden: true }}
      mask={{ closable: false }}
      keyboard={false}
      closable={false}
      onOk={onClose}
    >
      <Alert type="warning" showIcon className="before-form" title={t('secretsOnce')} />
      {stopped && (
        <Alert type="info" showIcon className="before-form" title={t('bulkStopped', { ...stopped })} />
      )}
      {failures.length > 0 && (
        <Alert
          type="error"
          showIcon
          className="before-form"
          title={t('bulkFailed', { count: failures.length })}
          description={failures.join(' ')}
        />
      )}
      <Table
        size="small"
        pagination={false}
        rowKey="name"
        scroll={{ y: 320 }}
        dataSource={[...secrets]}
        columns={[
          { title: t('name'), dataIndex: 'name' },
          {
            title: t('secret'),
            render: (_, { secret }) => (
              <Typography.Text code copyable={{ text: secret }} className="secret">
                {secret}
              </Typography.Text>
            ),
          },
        ]}
      />
      <div className="tools">
        <Button
          onClick={() =>
            keepCsv('secrets', [
              [t('name'), t('secret')],
              ...secrets.map(({ name, secret }) => [name, secret]),
            ])
          }
        >
          {t('secretsKeep')}
        </Button>
      </div>
    </Modal>
  )
}
