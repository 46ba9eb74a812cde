// Money that somebody brings, gives, takes out or puts right: sent under a key, so that twice counts once.
import { Fault } from '@switchyard/kinds/fault'
import { useQueryClient } from '@tanstack/react-query'
import { Alert, Form, Input, Modal, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useExchange } from '../session/context.tsx'
import { FaultAlert } from '../shell/fault.tsx'
import { type Balance, pathOf } from './balance.ts'
import './words.ts'

const types = ['top_up', 'grant', 'withdrawal', 'correction'] as const

interface Written {
  readonly type: (typeof types)[number]
  readonly amount: string
  /** '' is the workspace. */
  readonly project: string
  readonly expires?: string
  readonly reason?: string
  readonly key: string
}

/** Random, also where a page without TLS has no crypto.randomUUID. */
const freshKey = () =>
  [...crypto.getRandomValues(new Uint8Array(12))].map(byte => byte.toString(16).padStart(2, '0')).join('')

interface RecordProps {
  readonly workspace: string
  readonly balances: readonly Balance[]
  readonly close: () => void
}

interface Recorded {
  readonly number: string
  readonly before: boolean
}

export function RecordMoney({ workspace, balances, close }: RecordProps) {
  const { t } = useTranslation('balances')
  const exchange = useExchange()
  const queries = useQueryClient()
  const [form] = Form.useForm<Written>()
  const type = Form.useWatch('type', form)
  const [fault, setFault] = useState<Fault>()
  const [done, setDone] = useState<Recorded>()
  const [isBusy, setBusy] = useState(false)
  const [first] = balances
  async function send({ type, amount, project, expires, reason, key }: Written): Promise<void> {
    setBusy(true)
    setFault(undefined)
    setDone(undefined)
    try {
      const { status, body } = await exchange.send({
        method: 'POST',
        path: `${pathOf(workspace)}/transactions`,
        headers: { 'idempotency-key': key },
        body: {
          type,
          amount,
          ...(project && { project }),
          ...(expires && { expiresAt: new Date(expires).toISOString() }),
          ...(reason && { reason }),
        },
      })
      const { transaction } = body as { transaction: string } // the console and the server are built together
      setDone({ number: transaction, before: status === 200 })
      // The same once more is meant as another payment only with another key.
      form.setFieldsValue({ key: freshKey() })
      await Promise.all(['balances', 'entries'].map(name => queries.invalidateQueries({ queryKey: [name] })))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      setFault(error)
    } finally {
      setBusy(false)
    }
  }
  const mayExpire = type === 'top_up' || type === 'grant'
  return (
    <Modal
      open
      title={t('recordFor', { workspace })}
      okText={t('submit')}
      confirmLoading={isBusy}
      onOk={() => form.submit()}
      onCancel={close}
    >
      <Form<Written>
        form={form}
        layout="vertical"
        initialValues={{ type: 'top_up', project: first?.project ?? '', key: freshKey() }}
        onFinish={written => void send(written)}
      >
        {fault && <FaultAlert fault={fault} />}
        {done && (
          <Alert
            className="before-form"
            role="status"
            showIcon
            type={done.before ? 'warning' : 'success'}
            title={t(done.before ? 'recordedBefore' : 'recorded', { number: done.number })}
          />
        )}
        <Form.Item name="type" label={t('type')}>
          <Select options={types.map(value => ({ value, label: t(`types.${value}`) }))} />
        </Form.Item>
        <Form.Item
          name="amount"
          label={t('amount')}
          extra={t('amountHelp', { currency: first?.currency ?? '' })}
          rules={[{ required: true, pattern: /^-?\d{1,26}(\.\d{1,12})?$/, message: t('badAmount') }]}
        >
          <Input inputMode="decimal" autoComplete="off" suffix={first?.currency} />
        </Form.Item>
        {balances.length > 1 && (
          <Form.Item name="project" label={t('project')}>
            <Select
              options={balances.map(({ project }) => ({
                value: project ?? '',
                label: project ?? t('ofWorkspace'),
              }))}
            />
          </Form.Item>
        )}
        {mayExpire && (
          <Form.Item name="expires" label={t('expires')} extra={t('expiresHelp')}>
            <Input type="datetime-local" />
          </Form.Item>
        )}
        <Form.Item name="reason" label={t('reason')} extra={t('reasonHelp')}>
          <Input maxLength={500} />
        </Form.Item>
        <Form.Item name="key" label={t('key')} extra={t('keyHelp')} rules={[{ required: true }]}>
          <Input autoComplete="off" maxLength={255} />
        </Form.Item>
      </Form>
    </Modal>
  )
}
