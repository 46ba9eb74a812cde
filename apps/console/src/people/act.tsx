// An act upon the server: a button that asks first where it destroys, says what it lacks, and what was refused.
import { Fault } from '@switchyard/kinds/fault'
import { App, Button, Popconfirm, Tooltip } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import './words.ts'

interface ActProps {
  readonly label: string
  readonly act: () => Promise<void>
  /** Asked before it is done. */
  readonly question?: string
  /** The permission that is lacking: the button then only says so. */
  readonly lacks?: string | undefined
  readonly size?: 'small'
  readonly danger?: boolean
  readonly disabled?: boolean
  /** What it is about, for those who do not see where it stands. */
  readonly of?: string
}

/** Runs what may be refused; the refusal is shown, and the button is there again. */
function useAct(): [isBusy: boolean, run: (act: () => Promise<void>) => Promise<void>] {
  const [isBusy, setBusy] = useState(false)
  const { message } = App.useApp()
  return [
    isBusy,
    async act => {
      setBusy(true)
      try {
        await act()
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        void message.error(error.message, 8)
      } finally {
        setBusy(false)
      }
    },
  ]
}

export function Act({ label, act, question, lacks, of, disabled = false, ...looks }: ActProps) {
  const { t } = useTranslation('people')
  const [isBusy, run] = useAct()
  const isOff = disabled || lacks !== undefined
  const name = of === undefined ? {} : { 'aria-label': `${label}: ${of}` }
  const button = (
    <Button
      {...looks}
      {...name}
      loading={isBusy}
      disabled={isOff}
      {...(question === undefined && { onClick: () => void run(act) })}
    >
      {label}
    </Button>
  )
  if (lacks !== undefined) return <Tooltip title={t('lacks', { permission: lacks })}>{button}</Tooltip>
  if (question === undefined || isOff) return button
  return (
    <Popconfirm
      title={question}
      okText={label}
      cancelText={t('cancel')}
      okButtonProps={{ danger: looks.danger ?? false }}
      onConfirm={() => void run(act)}
    >
      {button}
    </Popconfirm>
  )
}
