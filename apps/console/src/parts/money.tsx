// Amounts and counts on a screen: exact, with their currency or unit, aligned by their digits.
import { Tooltip } from 'antd'
import { usePreferences } from '../preferences.ts'
import { amountOf, changeOf, grouped, roughly, short } from './numbers.ts'

interface MoneyProps {
  /** A decimal of the API. */
  readonly amount: string
  readonly currency: string
  /** Rounded for a glance, with the exact amount under the pointer. */
  readonly rough?: boolean
}

/** `1,234.50 USD` */
export function Money({ amount, currency, rough = false }: MoneyProps) {
  const { language } = usePreferences()
  const exact = amountOf(amount, currency, language)
  const shown = rough ? roughly(amount, currency, language) : exact
  const text = (
    <data className="number" value={amount}>
      {shown} <span className="quiet">{currency}</span>
    </data>
  )
  return shown === exact ? text : <Tooltip title={`${exact} ${currency}`}>{text}</Tooltip>
}

interface CountProps {
  /** An integer, or a decimal string of one. */
  readonly value: string | bigint
  /** `1.2M`, with the exact number under the pointer. */
  readonly brief?: boolean
}

/** `1,234,567` */
export function Count({ value, brief = false }: CountProps) {
  const { language } = usePreferences()
  const exact = grouped(value, language)
  const shown = brief ? short(value, language) : exact
  const text = (
    <data className="number" value={String(value)}>
      {shown}
    </data>
  )
  return shown === exact ? text : <Tooltip title={exact}>{text}</Tooltip>
}

/** `+12.5%` of now against then; a dash where there was nothing. */
export function Change({ now, then }: { readonly now: string; readonly then: string }) {
  const { language } = usePreferences()
  const change = changeOf(now, then)
  if (change === undefined) return <span className="quiet">–</span>
  const sign = change.startsWith('-') || change === '0.0' ? '' : '+'
  return (
    <span className="number quiet">
      {sign}
      {grouped(change, language, 1)}%
    </span>
  )
}
