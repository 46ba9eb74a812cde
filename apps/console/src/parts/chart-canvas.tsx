// The drawing of a chart, by uPlot.
import { memo, useEffect, useRef, useState } from 'react'
import UPlot, { type AlignedData, type Options, type Series } from 'uplot'
import type { ChartProps, Line } from './chart.tsx'
import 'uplot/dist/uPlot.min.css'

export interface Drawn extends Line {
  readonly colour: string
}

interface Drawing extends Required<Pick<ChartProps, 'times' | 'format' | 'shape' | 'height'>> {
  readonly lines: readonly Drawn[]
  readonly range: ChartProps['range']
  readonly locale: string
  readonly isDark: boolean
}

interface Pointed {
  readonly index: number
  readonly left: number
}

const day = 86_400_000

/** Bars stand on those before them: the highest is drawn first, and the lower ones over it. */
function dataOf({ times, lines, shape }: Drawing): AlignedData {
  if (shape === 'lines') return [[...times], ...lines.map(({ values }) => [...values])]
  const below = times.map(() => 0)
  const stacked = lines.map(({ values }) =>
    values.map((value, at) => {
      const sum = (below[at] ?? 0) + (value ?? 0)
      below[at] = sum
      return sum
    }),
  )
  return [[...times], ...stacked.reverse()]
}

/** A value between two that are not known would not be seen as a line. */
function alone(values: readonly (number | null | undefined)[]): number[] {
  return values.flatMap((value, at) =>
    value != null && values[at - 1] == null && values[at + 1] == null ? [at] : [],
  )
}

function seriesOf({ shape, lines }: Drawing): Series[] {
  if (shape === 'bars') {
    const paths = UPlot.paths.bars?.({ size: [0.8, 48], align: 1, gap: 1 })
    return lines.toReversed().map(({ label, colour }) => ({
      label,
      stroke: colour,
      fill: colour,
      width: 0,
      points: { show: false },
      ...(paths && { paths }),
    }))
  }
  return lines.map(({ label, colour, isDashed }) => ({
    label,
    stroke: colour,
    width: 1.5,
    ...(isDashed && { dash: [5, 4] }),
    ...(lines.length === 1 && { fill: `${colour}22` }),
    points: { show: true, size: 5, fill: colour, filter: (plot, at) => alone([...(plot.data[at] ?? [])]) },
  }))
}

/** Chinese signs are as wide as two others. */
const widthOf = (text: string) => text.replaceAll(/[\u2e80-\uffff]/g, '00').length * 7

function optionsOf(drawing: Drawing, width: number, point: (at: Pointed | undefined) => void): Options {
  const { format, height, range, locale, isDark, shape } = drawing
  const ink = isDark ? '#a3abb4' : '#57606a'
  const line = { stroke: isDark ? '#303030' : '#e3e7eb', width: 1 }
  const font = '12px system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif'
  const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const date = new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric' })
  const isMidnight = (time: number) => new Date(time).getHours() === 0 && new Date(time).getMinutes() === 0
  return {
    width,
    height,
    ms: 1,
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      ...(shape === 'bars' && {
        points: { show: false },
        // A bar belongs to all of the time from its moment on.
        dataIdx: (plot, _, nearest, time) => ((plot.data[0][nearest] ?? 0) > time ? nearest - 1 : nearest),
      }),
    },
    scales: {
      x: { time: true, ...(range && { range: () => [range[0], range[1]] }) },
      y: { range: (_, low, high) => [Math.min(0, low ?? 0), high ? high * 1.1 : 1] },
    },
    axes: [
      {
        stroke: ink,
        font,
        grid: { show: false },
        ticks: line,
        space: 70,
        size: 30,
        values: (_, moments) =>
          moments.map(time => {
            if (isMidnight(time)) return date.format(time)
            // Over many days a mark in the middle of one would be called like its beginning.
            return (moments.at(-1) ?? 0) - (moments[0] ?? 0) > 5 * day ? '' : clock.format(time)
          }),
      },
      {
        stroke: ink,
        font,
        grid: line,
        ticks: { show: false },
        space: 36,
        gap: 6,
        size: (_, texts) => 14 + Math.max(20, ...(texts ?? []).map(widthOf)),
        values: (_, numbers) => numbers.map(format),
      },
    ],
    series: [{}, ...seriesOf(drawing)],
    hooks: {
      setCursor: [
        plot => {
          const { idx, left = 0 } = plot.cursor
          point(
            idx == null || left < 0
              ? undefined
              : { index: idx, left: left + plot.bbox.left / devicePixelRatio },
          )
        },
      ],
    },
  }
}

function Tooltip({ pointed, drawing, width }: { pointed: Pointed; drawing: Drawing; width: number }) {
  const { times, lines, format, locale } = drawing
  const time = times[pointed.index]
  if (time === undefined) return undefined
  const when = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(time)
  const isLeft = pointed.left > width / 2
  // Whole also where the chart is narrow.
  const off = Math.min(12 + (isLeft ? width - pointed.left : pointed.left), Math.max(0, width - 230))
  return (
    <div className="chart-tip" style={isLeft ? { right: off } : { left: off }}>
      <span className="quiet">{when}</span>
      {lines.map(({ label, colour, values }) => {
        const value = values[pointed.index] ?? null
        return (
          <div key={label}>
            <i style={{ borderTopColor: colour }} />
            <span>{label}</span>
            <b>{value === null ? '–' : format(value)}</b>
          </div>
        )
      })}
    </div>
  )
}

function Canvas(drawing: Drawing) {
  const place = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  const [pointed, point] = useState<Pointed>()
  useEffect(() => {
    const { current } = place
    if (!current) return
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)))
    watcher.observe(current)
    return () => watcher.disconnect()
  }, [])
  useEffect(() => {
    const { current } = place
    if (!current || width === 0) return
    const plot = new UPlot(optionsOf(drawing, width, point), dataOf(drawing), current)
    return () => plot.destroy()
  }, [drawing, width])
  return (
    <div ref={place} className="chart-place">
      {pointed && <Tooltip pointed={pointed} drawing={drawing} width={width} />}
    </div>
  )
}

/** Drawn anew only when something of it is another. */
export default memo(Canvas)
