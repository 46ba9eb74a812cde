// Periods that sums are kept for. They begin where the clocks of a time zone say so, summer time included.
import { z } from 'zod'

export const periods = ['hour', 'day', 'week', 'month'] as const
/** A week begins on Monday. */
export type Period = (typeof periods)[number]

/** Milliseconds since 1970; the end is not in it. */
export interface Span {
  readonly startsAt: number
  readonly endsAt: number
}

const hour = 3_600_000
const day = 24 * hour

const zoneName = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/

export const timezoneSchema = z
  .string()
  .max(64)
  .refine(isTimezone, 'use a name of the IANA time zone database, such as Europe/Berlin or UTC')

export function isTimezone(name: string): boolean {
  if (!zoneName.test(name)) return false
  try {
    clockOf(name)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/**
 * The period that a moment is in. An hour is sixty minutes, from the full hour of the zone's clocks. A day, and so a
 * week and a month, begins when the clocks first show its midnight or, where they skip that, first show more: it may
 * be 23 or 25 hours long. Throws a RangeError for a time zone that is none.
 */
export function periodAt(period: Period, timezone: string, at: number): Span {
  const offset = (moment: number) => offsetOf(timezone, moment)
  const shown = at + offset(at)
  if (period === 'hour') {
    const startsAt = at - (((shown % hour) + hour) % hour)
    return { startsAt, endsAt: startsAt + hour }
  }
  const midnight = beginningsOf[period](new Date(shown))
  // Clocks that go back over a midnight show the day before once more: it has ended all the same.
  let ordinal = 0
  while (reached(offset, midnight(ordinal + 1)) <= at) ordinal++
  return { startsAt: reached(offset, midnight(ordinal)), endsAt: reached(offset, midnight(ordinal + 1)) }
}

/** Of the period that a date is in and of those after it: the midnight, by the zone's clocks, at which they begin. */
const beginningsOf = {
  day: date => ordinal => midnightOf(date, 0, date.getUTCDate() + ordinal),
  week: date => ordinal =>
    midnightOf(date, 0, date.getUTCDate() - ((date.getUTCDay() + 6) % 7) + 7 * ordinal),
  month: date => ordinal => midnightOf(date, ordinal, 1),
} as const satisfies Record<Exclude<Period, 'hour'>, (date: Date) => (ordinal: number) => number>

const midnightOf = (date: Date, months: number, ofMonth: number) =>
  Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, ofMonth)

/** The first moment at which the clocks show so much, or more. */
function reached(offset: (moment: number) => number, shown: number): number {
  const before = offset(shown - day)
  const after = offset(shown + day)
  if (offset(shown - before) === before) return shown - before
  if (offset(shown - after) === after) return shown - after
  // They go forward over it: at the moment of their change they show more.
  let early = shown - after
  let late = shown - before
  while (late - early > 1) {
    const middle = Math.floor((early + late) / 2)
    if (offset(middle) === before) early = middle
    else late = middle
  }
  return late
}

const clocks = new Map<string, Intl.DateTimeFormat>()
const mostClocks = 1000

function clockOf(timezone: string): Intl.DateTimeFormat {
  let clock = clocks.get(timezone)
  if (!clock) {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      timeZoneName: 'longOffset',
      year: 'numeric',
    })
    if (clocks.size >= mostClocks) clocks.clear()
    clocks.set(timezone, clock)
  }
  return clock
}

/** `GMT`, `GMT-05:00`, `GMT+05:53:28`. */
const offsetForm = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/

/** Milliseconds that the clocks of the zone are ahead of UTC. */
function offsetOf(timezone: string, moment: number): number {
  const [, sign, hours = '0', minutes = '0', seconds = '0'] =
    offsetForm.exec(clockOf(timezone).format(moment)) ?? []
  const ahead = Number(hours) * hour + Number(minutes) * 60_000 + Number(seconds) * 1000
  return sign === '-' ? -ahead : ahead
}
