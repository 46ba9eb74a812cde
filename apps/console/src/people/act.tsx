// An act upon the server: a button that asks first where it destroys, says what it lacks, and what was refused.
import { Fault } from '@switchyard/kinds/fault'
import { Button, Popconfirm, Tooltip } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Confirm } from '../parts/confirm.tsx'
import { tell } from '../parts/messages.ts'
import { useRefusal } from '../shell/refusal.ts'
import './words.ts'

interface ActProps {
  readonly label: string
  readonly act: () => Promise<void>
  /** Asked before it is done. */
  readonly question?: string
  /** What is typed to confirm it, where it cannot be turned back. */
  readonly typed?: string
  /** The permission that is lacking: the button then only says so. */
  readonly lacks?: string | undefined
  readonly size?: 'small'
  readonly danger?: boolean
  readonly disabled?: boolean
  /** What it is about, for those who do not see where it stands. */
  readonly of?: string
}

export function Act({ label, act, question, typed, lacks, of, disabled = false, ...looks }: ActProps) {
  const { t } = useTranslation('people')
  const says = useRefusal()
  const [isBusy, setBusy] = useState(false)
  const [isAsking, setAsking] = useState(false)
  const [fault, setFault] = useState<Fault>()
  const isOff = disabled || lacks !== undefined
  const isTyped = question !== undefined && typed !== undefined
  /** What may be refused; the refusal is shown, and the button is there again. */
  const run = async () => {
    setBusy(true)
    setFault(undefined)
    try {
      await act()
      setAsking(false)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (isTyped) setFault(error)
      else tell({ type: 'error', content: says(error), duration: 8 })
    } finally {
      setBusy(false)
    }
  }
  const name = of === undefined ? {} : { 'aria-label': `${label}: ${of}` }
  const button = (
    <Button
      {...looks}
      {...name}
      loading={isBusy}
      disabled={isOff}
      {...(isTyped && { onClick: () => setAsking(true) })}
      {...(question === undefined && { onClick: () => void run() })}
    >
      {label}
    </Button>
  )
  if (lacks !== undefined) return <Tooltip title={t('lacks', { permission: lacks })}>{button}</Tooltip>
  if (question === undefined || isOff) return button
  if (isTyped)
    return (
      <>
        {button}
        <Confirm
          isOpen={isAsking}
          title={question}
          name={typed}
          verb={label}
          isBusy={isBusy}
          fault={fault}
          onConfirm={() => void run()}
          onCancel={() => {
            setAsking(false)
            setFault(undefined)
          }}
        />
      </>
    )
  return (
    <Popconfirm
      title={question}
      okText={label}
      cancelText={t('cancel')}
      okButtonProps={{ danger: looks.danger ?? false }}
      onConfirm={() => void run()}
    >
      {button}
    </Popconfirm>
  )
}
