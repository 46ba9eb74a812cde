// What was measured, as people of a language read it, with its unit: floats, unlike counts and amounts of numbers.ts.
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { usePreferences } from '../preferences.ts'
import { localeOf } from './numbers.ts'
import './chart-words.ts'

export type Format = (value: number) => string

export interface Measures {
  /** As it is, with separators. */
  readonly count: Format
  /** Short: 12.3K, 1.2万. */
  readonly short: Format
  /** Of 1: 0.034 is 3.4%. */
  readonly share: Format
  /** Of seconds: milliseconds below one. */
  readonly duration: Format
  /** Of one second. */
  readonly rate: Format
}

export function useMeasures(): Measures {
  const { language } = usePreferences()
  const { t } = useTranslation('chart')
  return useMemo(() => {
    const formatOf = (options: Intl.NumberFormatOptions): Format => {
      const format = new Intl.NumberFormat(localeOf(language), options)
      return value => format.format(value)
    }
    const unitOf = (unit: string, maximumFractionDigits: number) =>
      formatOf({ style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits })
    const [milliseconds, seconds, minutes] = [
      unitOf('millisecond', 0),
      unitOf('second', 2),
      unitOf('minute', 1),
    ]
    const fine = formatOf({ maximumSignificantDigits: 3 })
    const short = formatOf({ notation: 'compact', maximumFractionDigits: 1 })
    return {
      count: formatOf({ maximumFractionDigits: 0 }),
      short,
      share: formatOf({ style: 'percent', maximumFractionDigits: 1 }),
      duration: value =>
        value < 1 ? milliseconds(value * 1000) : value < 120 ? seconds(value) : minutes(value / 60),
      // Of less than one each second people think by the minute.
      rate: value =>
        value === 0 || value >= 1
          ? t('perSecond', { value: fine(value) })
          : t('perMinute', { value: fine(value * 60) }),
    }
  }, [language, t])
}
