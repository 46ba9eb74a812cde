// What is looked at: the period, and what else the address says, each of which can be taken away.
import { Input, Segmented, Select } from 'antd'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Span } from './period.ts'
import { type Dimension, dimensions, type PeriodSearch, type Preset, presets, type Sought } from './search.ts'
import { useSums } from './sums.ts'
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
      value={(text ?? '').slice(0, 10)}
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

interface SoughtPickProps {
  readonly name: Dimension
  readonly span: Span
  readonly sought: Sought
  readonly onChange: (value: string | undefined) => void
}

/** What was used in the period, to choose one of it; asked for when it is opened. */
function SoughtPick({ name, span, sought, onChange }: SoughtPickProps) {
  const { t } = useTranslation('usage')
  const [isOpen, setOpen] = useState(false)
  const { [name]: value, ...others } = sought
  const sums = useSums(span, others, name, isOpen)
  const found = (sums.data ?? []).flatMap(({ group }) => group[name] ?? [])
  const title = t(`dimensions.${name}`)
  return (
    <Select<string>
      className="sought"
      aria-label={title}
      placeholder={title}
      allowClear
      showSearch
      popupMatchSelectWidth={false}
      value={value ?? null}
      loading={isOpen && sums.isPending}
      notFoundContent={sums.isPending ? '…' : t('none')}
      options={[...new Set([...(value === undefined ? [] : [value]), ...found])].map(one => ({ value: one }))}
      onOpenChange={setOpen}
      onChange={(picked: string | undefined) => onChange(picked)}
    />
  )
}

interface SoughtPicksProps {
  readonly span: Span
  readonly sought: Sought
  readonly onChange: (sought: Sought) => void
}

/** One for each dimension; the workspace is chosen at the top of the page too. */
export function SoughtPicks({ span, sought, onChange }: SoughtPicksProps) {
  return dimensions.map(name => (
    <SoughtPick
      key={name}
      name={name}
      span={span}
      sought={sought}
      onChange={value => onChange({ [name]: value })}
    />
  ))
}
