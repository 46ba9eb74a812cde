// A button for who may press it. Whoever may not can reach it, and is told which permission it takes.
import { Button, type ButtonProps, Tooltip } from 'antd'
import { useTranslation } from 'react-i18next'
import { type Place, useMay } from '../api/catalogue.ts'

export interface MayButtonProps extends ButtonProps {
  readonly permission: string
  /** Where the permission is held; anywhere when absent. */
  readonly place?: Place
}

export function MayButton({ permission, place, ...button }: MayButtonProps) {
  const { t } = useTranslation()
  const may = useMay()
  if (may(permission, place)) return <Button {...button} />
  const { onClick: _unheard, type: _plain, danger: _calm, ...rest } = button
  return (
    <Tooltip title={t('list.needs', { permission })} trigger={['hover', 'focus']}>
      <Button {...rest} aria-disabled="true" className="refused" />
    </Tooltip>
  )
}
