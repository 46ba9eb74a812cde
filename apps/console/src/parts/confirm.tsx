// The question before something is done: whoever destroys writes its name.
import type { Fault } from '@switchyard/kinds/fault'
import { Form, Input, Modal } from 'antd'
import { type ReactNode, useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { FaultAlert } from '../shell/fault.tsx'
import './editing-words.ts'

export interface ConfirmProps {
  readonly isOpen: boolean
  readonly title: string
  /** What is typed; nothing where it can be turned back. */
  readonly name?: string
  /** What the button says that does it. */
  readonly verb: string
  /** Of what closes it without doing anything. */
  readonly cancel?: string
  readonly isBusy?: boolean
  /** Nothing else is waited for; true when absent. */
  readonly isReady?: boolean
  readonly fault?: Fault | undefined
  readonly onConfirm: () => void
  readonly onCancel: () => void
  /** Ends what is under way; without it that is waited for. */
  readonly onStop?: () => void
  /** What will happen. */
  readonly children?: ReactNode
}

export function Confirm(props: ConfirmProps) {
  const {
    isOpen,
    title,
    name,
    verb,
    cancel,
    isBusy = false,
    isReady = true,
    fault,
    onConfirm,
    onCancel,
    onStop,
    children,
  } = props
  const { t } = useTranslation('editing')
  const [typed, setTyped] = useState('')
  const field = useId()
  const form = useId()
  const isMeant = (name === undefined || typed.trim() === name) && isReady
  return (
    <Modal
      open={isOpen}
      title={title}
      okText={verb}
      // Not `confirmLoading`, with which nothing can be cancelled.
      okButtonProps={{
        danger: name !== undefined,
        disabled: !isMeant,
        loading: isBusy,
        htmlType: 'submit',
        form,
      }}
      cancelText={cancel ?? t('cancel')}
      onCancel={() => (isBusy ? onStop?.() : onCancel())}
      afterClose={() => setTyped('')}
      destroyOnHidden
    >
      {children}
      {fault && <FaultAlert fault={fault} />}
      <Form id={form} layout="vertical" onFinish={() => isMeant && !isBusy && onConfirm()}>
        {name !== undefined && (
          <Form.Item htmlFor={field} label={t('type', { name })}>
            <Input
              id={field}
              value={typed}
              autoComplete="off"
              autoFocus
              onChange={({ target: { value } }) => setTyped(value)}
            />
          </Form.Item>
        )}
      </Form>
    </Modal>
  )
}
