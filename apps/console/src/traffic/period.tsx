// The time that is looked at.
import { Segmented } from 'antd'
import { useTranslation } from 'react-i18next'
import { type Period, periods } from './traffic.ts'
import './words.ts'

interface PeriodSwitchProps {
  readonly value: Period
  readonly onChange: (period: Period) => void
}

export function PeriodSwitch({ value, onChange }: PeriodSwitchProps) {
  const { t } = useTranslation('traffic')
  return (
    <Segmented<Period>
      aria-label={t('period')}
      value={value}
      onChange={onChange}
      options={periods.map(one => ({ value: one, label: t(`periods.${one}`) }))}
    />
  )
}
