import { budget, type DocumentOf } from '@switchyard/kinds'
import { judgeBudget } from '@switchyard/ledger'
import { describe, expect, test } from 'vitest'

type Budget = DocumentOf<typeof budget>
const span = { startsAt: Date.UTC(2026, 10, 1), endsAt: Date.UTC(2026, 11, 1) }
const next = { startsAt: span.endsAt, endsAt: Date.UTC(2027, 0, 1) }
const middle = Date.UTC(2026, 10, 16)

const of = (spec: Partial<Budget['spec']> = {}, status: Budget['status'] = {}) => ({
  spec: budget.spec.parse({ amount: '100', ...spec }),
  status,
  // Why `as`: nothing else of it is read.
  metadata: { generation: 1 } as Budget['metadata'],
})
const at = (amount: string, time = middle, of = span) => ({ span: of, amount, currency: 'USD', at: time })

describe('a budget', () => {
  test.each([
    ['0', [], 'Within', '0'],
    ['49.999999999999', [], 'Within', '99.999999999998'],
    ['50', ['50'], 'Within', '100'],
    ['50.5', ['50', 'forecast'], 'Forecast', '101'],
    ['80', ['50', '80', 'forecast'], 'Forecast', '160'],
    ['100', ['50', '80', '100'], 'Exceeded', '200'],
    ['1000.000000000001', ['50', '80', '100'], 'Exceeded', '2000.000000000002'],
  ])(
    'of which %s of 100 are spent in the middle of its period says %j: %s, forecast %s',
    (amount, told, reason, forecast) => {
      const { status } = judgeBudget(of(), at(amount))
      expect(status).toMatchObject({ spent: amount, forecast, told, conditions: [{ reason }] })
    },
  )

  test('tells each threshold once in a period, and again in the next', () => {
    const first = judgeBudget(of(), at('81'))
    expect(first.told.map(({ message }) => message)).toEqual([
      '50 % of 100 USD are spent: 81 since 2026-11-01T00:00:00.000Z.',
      '80 % of 100 USD are spent: 81 since 2026-11-01T00:00:00.000Z.',
      '162 USD by the end of the period if it goes on like this, of 100.',
    ])
    expect(judgeBudget(of({}, first.status), at('82')).told).toEqual([])
    const full = judgeBudget(of({}, first.status), at('100'))
    expect(full.told.map(({ reason }) => reason)).toEqual(['BudgetThreshold'])
    expect(judgeBudget(of({}, full.status), at('60', Date.UTC(2026, 11, 2), next)).told).toHaveLength(1)
  })

  test('forecasts nothing before a tenth of its period is over, and not where nobody asks', () => {
    const early = judgeBudget(of({ alerts: [] }), at('99', Date.UTC(2026, 10, 3)))
    expect([early.status.forecast, early.told]).toEqual([null, []])
    expect(judgeBudget(of({ alerts: [], forecast: false }), at('99')).told).toEqual([])
  })
})
