// What is looked at: the period, and what else the address says, each of which can be taken away.
import { Input, Segmented, Select, Tag } from 'antd'
import { useTranslation } from 'react-i18next'
import { type Dimension, dimensions, type PeriodSearch, type Preset, presets, type Sought } from './search.ts'
import './words.ts'

interface PeriodPickProps {
  readonly value: PeriodSearch
  readonly onChange: (period: PeriodSearch) => void
}

export function PeriodPick({ value, onChange }: PeriodPickProps) {
  const { t } = useTranslation('usage')
  const { period = '7d', from, to } = value
  const day = (name: 'from' | 'to', text: string | undefined) => (
    <Input
      type="date"
      className="day"
      aria-label={t(name)}
      value={text ?? ''}
      onChange={({ target }) =>
        onChange({
          period: 'custom',
          ...(from !== undefined && { from }),
          ...(to !== undefined && { to }),
          [name]: target.value,
        })
      }
    />
  )
  return (
    <>
      <Segmented<Preset>
        aria-label={t('period')}
        value={period}
        options={presets.map(preset => ({ value: preset, label: t(`presets.${preset}`) }))}
        onChange={preset => onChange({ period: preset })}
      />
      {period === 'custom' && (
        <>
          {day('from', from)}
          <span className="quiet">–</span>
          {day('to', to)}
        </>
      )}
    </>
  )
}

interface DimensionPickProps {
  readonly value: Dimension
  readonly onChange: (by: Dimension) => void
}

export function DimensionPick({ value, onChange }: DimensionPickProps) {
  const { t } = useTranslation('usage')
  return (
    <Select<Dimension>
      aria-label={t('by')}
      className="dimension"
      prefix={<span className="quiet">{t('by')}</span>}
      value={value}
      options={dimensions.map(dimension => ({ value: dimension, label: t(`dimensions.${dimension}`) }))}
      onChange={onChange}
    />
  )
}

/** `Model: gpt-5 ×` */
export function SoughtTags({ sought, without }: { sought: Sought; without: (name: Dimension) => void }) {
  const { t } = useTranslation('usage')
  return dimensions.flatMap(name => {
    const value = sought[name]
    const title = t(`dimensions.${name}`)
    return value === undefined
      ? []
      : [
          <Tag
            key={name}
            closable={{ 'aria-label': t('without', { what: title }) }}
            onClose={() => without(name)}
          >
            {title}: {value}
          </Tag>,
        ]
  })
}
