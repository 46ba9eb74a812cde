// Values of documents as they are shown, and as they stand in a table of comma-separated values.
import { memo } from 'react'
import { usePreferences } from '../preferences.ts'
import { PhaseTag } from './phase.tsx'
import { useSaid } from './said.ts'

const moment = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}/

export function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  if (Array.isArray(value)) return value.map(textOf).join(', ')
  return JSON.stringify(value)
}

/** To make one takes longer than to use it a hundred times. */
const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(language: string, timeStyle: 'short' | 'medium'): Intl.DateTimeFormat {
  const key = `${language} ${timeStyle}`
  const known = formats.get(key)
  if (known) return known
  const locale = language === 'zh' ? 'zh-CN' : 'en'
  const made = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle })
  formats.set(key, made)
  return made
}

/** The person's own time; that of everybody under the pointer. */
export const Moment = memo(MomentOf)

interface MomentProps {
  readonly at: string
  readonly seconds?: boolean
}

function MomentOf({ at, seconds = false }: MomentProps) {
  const { language } = usePreferences()
  const date = new Date(at)
  const written = formatOf(language, seconds ? 'medium' : 'short').format(date)
  return (
    <time dateTime={at} title={`${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`}>
      {written}
    </time>
  )
}

/** What the server composed stays as it says it, and is told to be English. */
export function Message({ text }: { readonly text: string }) {
  const said = useSaid().text(text)
  return said === text ? <span lang="en">{text}</span> : said
}

/** Of a document that has changed only what differs is drawn again. */
export const Cell = memo(CellOf)

interface CellProps {
  readonly path: string
  readonly value: unknown
}

function CellOf({ path, value }: CellProps) {
  if (path === 'status.phase') return <PhaseTag phase={value} />
  if (typeof value === 'string' && moment.test(value)) return <Moment at={value} />
  const text = textOf(value)
  return text === '' ? <span className="quiet">–</span> : text
}
