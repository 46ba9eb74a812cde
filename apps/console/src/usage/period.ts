// The time that usage is looked at, and the time before it that it is compared with.
import type { PeriodSearch, Preset } from './search.ts'

export interface Span {
  readonly from: Date
  /** Not included; a running period ends now. */
  readonly to: Date
  readonly isRunning: boolean
}

const minute = 60_000

/** A midnight here, so many days from that of a time. */
const midnight = (time: Date, days = 0) =>
  new Date(time.getFullYear(), time.getMonth(), time.getDate() + days)

const dayText = /^(\d{4})-(\d{2})-(\d{2})$/

/** A day of an address as its midnight here so many days on, a moment as it is; undefined for what is neither. */
function momentOf(text: string | undefined, days: number): Date | undefined {
  const [, year, month, day] = dayText.exec(text ?? '') ?? []
  if (year !== undefined) return new Date(Number(year), Number(month) - 1, Number(day) + days)
  const moment = new Date(text ?? '')
  return Number.isNaN(moment.getTime()) ? undefined : moment
}

export function spanOf({ period = '7d', from, to }: PeriodSearch, now: Date): Span {
  // Sums are kept by the minute: what runs ends with this one.
  const until = new Date(Math.floor(now.getTime() / minute) * minute + minute)
  const since = (start: Date): Span => ({ from: start, to: until, isRunning: true })
  const month = (offset: number) => new Date(now.getFullYear(), now.getMonth() + offset, 1)
  const rows: Readonly<Record<Preset, () => Span>> = {
    today: () => since(midnight(now)),
    '7d': () => since(midnight(now, -6)),
    '30d': () => since(midnight(now, -29)),
    month: () => since(month(0)),
    'last-month': () => ({ from: month(-1), to: month(0), isRunning: false }),
    custom: () => {
      const first = momentOf(from, 0) ?? midnight(now, -6)
      const end = momentOf(to, 1) ?? midnight(now, 1)
      return end > until ? since(first) : { from: first, to: end, isRunning: false }
    },
  }
  return rows[period]()
}

/** As long, and ending where it begins. */
export function before({ from, to }: Span): Span {
  const length = to.getTime() - from.getTime()
  return { from: new Date(from.getTime() - length), to: from, isRunning: false }
}

/** Where bars begin: each hour of what is at most two days, else each day here; milliseconds since 1970. */
export function stepsOf({ from, to }: Span): readonly number[] {
  const hour = 60 * minute
  const isByHour = to.getTime() - from.getTime() <= 48 * hour
  const steps: number[] = []
  for (let at = from; at < to; at = isByHour ? new Date(at.getTime() + hour) : midnight(at, 1))
    steps.push(at.getTime())
  return steps
}
