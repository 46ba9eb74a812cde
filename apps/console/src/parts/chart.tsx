// Values over time: drawn, told at a moment, and told to whoever does not see them. What draws is loaded when it is needed.
import { lazy, Suspense, useId, useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useIsDark, usePreferences } from '../preferences.ts'
import { Nothing } from '../shell/states.tsx'
import type { Drawn } from './chart-canvas.tsx'
import type { Format } from './measures.ts'
import { localeOf } from './numbers.ts'
import './chart-words.ts'
import './chart.css'

const Canvas = lazy(() => import('./chart-canvas.tsx'))

export interface Line {
  readonly label: string
  /** One for each of the moments; null where nothing is known. */
  readonly values: readonly (number | null)[]
  readonly isDashed?: boolean
}

export interface ChartProps {
  readonly title: string
  /** Milliseconds since 1970, rising. */
  readonly times: readonly number[]
  readonly lines: readonly Line[]
  readonly format: Format
  /** Bars stand on each other, from the moment on to which they belong. Lines when absent. */
  readonly shape?: 'lines' | 'bars'
  /** What is shown, in milliseconds since 1970: from the first to the last of the moments when absent. */
  readonly range?: readonly [from: number, to: number]
  /** In pixels; 200 when absent. */
  readonly height?: number
  readonly isLoading?: boolean
}

/** Each 3 to 1 against the page and more. */
const colours = {
  light: ['#0b57d0', '#b3541e', '#1b7f3b', '#8430ce', '#a50e5e', '#00727a', '#7a5a00', '#5f6368'],
  dark: ['#8ab4f8', '#fcad70', '#81c995', '#c58af9', '#ff8bcb', '#78d9ec', '#fdd663', '#bdc1c6'],
}

const known = (values: readonly (number | null)[]) => values.filter(value => value !== null)

/** What the drawing says, for whoever does not see it. */
function Told({ title, lines, format }: Pick<ChartProps, 'title' | 'lines' | 'format'>) {
  const { t } = useTranslation('chart')
  return (
    <table className="unseen">
      <caption>{title}</caption>
      <thead>
        <tr>
          {(['line', 'last', 'lowest', 'highest'] as const).map(word => (
            <th key={word} scope="col">
              {t(word)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {lines.map(({ label, values }) => {
          const numbers = known(values)
          const told = [numbers.at(-1) ?? 0, Math.min(...numbers), Math.max(...numbers)]
          return (
            <tr key={label}>
              <th scope="row">{label}</th>
              {told.map((number, at) => (
                <td key={at}>{numbers.length === 0 ? '–' : format(number)}</td>
              ))}
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

interface LegendProps {
  readonly lines: readonly Drawn[]
  readonly hidden: ReadonlySet<string>
  readonly toggle: (label: string) => void
}

function Legend({ lines, hidden, toggle }: LegendProps) {
  return (
    <ul className="legend">
      {lines.map(({ label, colour, isDashed }) => (
        <li key={label}>
          <button type="button" aria-pressed={!hidden.has(label)} onClick={() => toggle(label)}>
            <i
              style={{ borderTopColor: colour, borderTopStyle: isDashed === true ? 'dashed' : 'solid' }}
              aria-hidden
            />
            {label}
          </button>
        </li>
      ))}
    </ul>
  )
}

export function Chart(props: ChartProps) {
  const { title, times, lines, format, shape = 'lines', range, height = 200, isLoading = false } = props
  const { t } = useTranslation('chart')
  const { language } = usePreferences()
  const isDark = useIsDark()
  const id = useId()
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const all = useMemo((): readonly Drawn[] => {
    const palette = colours[isDark ? 'dark' : 'light']
    return lines.map((line, at) => ({ ...line, colour: palette[at % palette.length] ?? '' }))
  }, [lines, isDark])
  const drawn = useMemo(() => all.filter(({ label }) => !hidden.has(label)), [all, hidden])
  const isEmpty = lines.every(({ values }) => known(values).length === 0)
  const toggle = (label: string) =>
    setHidden(before =>
      before.has(label) ? before.difference(new Set([label])) : new Set([...before, label]),
    )
  return (
    <figure className="chart" aria-labelledby={id} aria-busy={isLoading}>
      <figcaption id={id}>{title}</figcaption>
      {isEmpty ? (
        <div className="chart-empty" style={{ height }}>
          {isLoading ? <span className="quiet">{t('waiting')}</span> : <Nothing says={t('none')} />}
        </div>
      ) : (
        <>
          <div aria-hidden style={{ height }}>
            <Suspense>
              <Canvas
                times={times}
                lines={drawn}
                format={format}
                shape={shape}
                range={range}
                height={height}
                locale={localeOf(language)}
                isDark={isDark}
              />
            </Suspense>
          </div>
          {all.length > 1 && <Legend lines={all} hidden={hidden} toggle={toggle} />}
          <Told title={title} lines={lines} format={format} />
        </>
      )}
    </figure>
  )
}
