import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isTimezone, type Period, periodAt, periods } from '../src/index.ts'

const at = (text: string) => Date.parse(text)
const said = ({ startsAt, endsAt }: { readonly startsAt: number; readonly endsAt: number }) =>
  [startsAt, endsAt].map(moment => new Date(moment).toISOString().replace(/:00\.000Z$/, 'Z'))
const found = (period: Period, timezone: string, moment: string) =>
  said(periodAt(period, timezone, at(moment)))

/** What the clocks of the zone show, as milliseconds since 1970 by them; told by other means than the code's own. */
function shown(timezone: string, moment: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(moment)
  const part = (type: string) => Number(parts.find(one => one.type === type)?.value)
  return Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
    ((moment % 1000) + 1000) % 1000,
  )
}

const hour = 3_600_000

describe('a period', () => {
  test.each<[Period, string, string, string, string]>([
    ['hour', 'UTC', '2026-03-10T12:34:56.789Z', '2026-03-10T12:00Z', '2026-03-10T13:00Z'],
    ['hour', 'Asia/Kolkata', '2026-03-10T12:34:56Z', '2026-03-10T12:30Z', '2026-03-10T13:30Z'],
    ['day', 'UTC', '2026-03-10T00:00:00Z', '2026-03-10T00:00Z', '2026-03-11T00:00Z'],
    ['day', 'Asia/Shanghai', '2026-03-10T15:59:59.999Z', '2026-03-09T16:00Z', '2026-03-10T16:00Z'],
    ['day', 'Asia/Shanghai', '2026-03-10T16:00:00Z', '2026-03-10T16:00Z', '2026-03-11T16:00Z'],
    ['week', 'UTC', '2026-03-15T23:59:59Z', '2026-03-09T00:00Z', '2026-03-16T00:00Z'],
    ['week', 'UTC', '2026-03-16T00:00:00Z', '2026-03-16T00:00Z', '2026-03-23T00:00Z'],
    ['month', 'UTC', '2028-02-29T12:00:00Z', '2028-02-01T00:00Z', '2028-03-01T00:00Z'],
    ['month', 'Pacific/Kiritimati', '2026-12-31T11:00:00Z', '2026-12-31T10:00Z', '2027-01-31T10:00Z'],
  ])('%s in %s at %s is from %s to %s', (period, timezone, moment, start, end) => {
    expect(found(period, timezone, moment)).toEqual([start, end])
  })

  test.each<[string, Period, string, string, string, string]>([
    ['of 23 hours', 'day', 'Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00Z', '2026-03-29T22:00Z'],
    ['of 25 hours', 'day', 'Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-24T22:00Z', '2026-10-25T23:00Z'],
    [
      'with a change in it',
      'month',
      'America/New_York',
      '2026-03-20T00:00:00Z',
      '2026-03-01T05:00Z',
      '2026-04-01T04:00Z',
    ],
    // Midnight is left out: the clocks go from 23:59 to 01:00.
    [
      'without a midnight',
      'day',
      'America/Santiago',
      '2026-09-06T12:00:00Z',
      '2026-09-06T04:00Z',
      '2026-09-07T03:00Z',
    ],
    // At what would be midnight the clocks go back to 23:00.
    [
      'with an hour more',
      'day',
      'America/Santiago',
      '2026-04-05T03:30:00Z',
      '2026-04-04T03:00Z',
      '2026-04-05T04:00Z',
    ],
    // The 30th was left out.
    [
      'before a lost day',
      'day',
      'Pacific/Apia',
      '2011-12-30T09:00:00Z',
      '2011-12-29T10:00Z',
      '2011-12-30T10:00Z',
    ],
    [
      'after a lost day',
      'day',
      'Pacific/Apia',
      '2011-12-30T10:00:00Z',
      '2011-12-30T10:00Z',
      '2011-12-31T10:00Z',
    ],
    [
      'of an hour that comes twice',
      'hour',
      'Europe/Berlin',
      '2026-10-25T01:30:00Z',
      '2026-10-25T01:00Z',
      '2026-10-25T02:00Z',
    ],
  ])('%s: %s in %s at %s is from %s to %s', (_, period, timezone, moment, start, end) => {
    expect(found(period, timezone, moment)).toEqual([start, end])
  })

  const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'), 'UTC')
  const moments = fc.integer({ min: at('2012-01-01T00:00:00Z'), max: at('2036-01-01T00:00:00Z') })

  test('holds its moment, and the next one begins where it ends', () => {
    fc.assert(
      fc.property(fc.constantFrom(...periods), zones, moments, (period, zone, moment) => {
        const { startsAt, endsAt } = periodAt(period, zone, moment)
        expect(startsAt).toBeLessThanOrEqual(moment)
        expect(moment).toBeLessThan(endsAt)
        expect(periodAt(period, zone, startsAt)).toEqual({ startsAt, endsAt })
        expect(periodAt(period, zone, endsAt - 1)).toEqual({ startsAt, endsAt })
        // Where clocks change by half an hour an hour is begun anew.
        if (period !== 'hour' || zone !== 'Australia/Lord_Howe')
          expect(periodAt(period, zone, endsAt).startsAt).toBe(endsAt)
      }),
      { numRuns: 2000 },
    )
  })

  test('begins when the clocks reach its midnight, or first show more', () => {
    fc.assert(
      fc.property(fc.constantFrom('day', 'week', 'month'), zones, moments, (period, zone, moment) => {
        const { startsAt } = periodAt(period, zone, moment)
        const midnight = Math.ceil(shown(zone, startsAt - 1) / (24 * hour)) * 24 * hour
        expect(shown(zone, startsAt - 1)).toBeLessThan(midnight)
        const first = new Date(shown(zone, startsAt))
        // A zone may leave a day out.
        expect(+first - midnight).toBeGreaterThanOrEqual(-hour)
        if (period === 'week' && +first === midnight) expect(first.getUTCDay()).toBe(1)
        if (period === 'month' && +first === midnight) expect(first.getUTCDate()).toBe(1)
      }),
      { numRuns: 1000 },
    )
  })

  test('is of no time zone that is none', () => {
    expect(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+8'].every(isTimezone)).toBe(
      true,
    )
    expect(['', 'Mars/Phobos', '+08:00', 'Europe', '../etc', 'UTC '].filter(isTimezone)).toEqual([])
    expect(() => periodAt('day', 'Mars/Phobos', 0)).toThrow(RangeError)
  })
})
