// Gauges of how far the loops have come: told anew at each look, and not at all while the database is away.
import { expect, test } from 'vitest'
import { VirtualClock } from '../../../packages/runtime/test/virtual-clock.ts'
import { ControlMetrics } from '../src/control-metrics.ts'
import { holdGauges, invoiceGauges, watchStanding } from '../src/standing-metrics.ts'

test('are what was read last, and nothing while it cannot be read', async () => {
  const metrics = new ControlMetrics({ overrunPercent: 0.1 })
  const clock = new VirtualClock()
  const lost: unknown[] = []
  let lapsed: number | undefined = 3
  const watched = watchStanding({
    gauges: holdGauges,
    read: () => (lapsed === undefined ? Promise.reject(new Error('away')) : Promise.resolve({ lapsed })),
    everyMilliseconds: 60_000,
    clock,
    tell: metrics.tell,
    observe: told => lost.push(told.error),
  })
  await clock.pass(10)
  expect(metrics.text()).toContain(
    '\n# TYPE switchyard_balance_lapsed_seconds gauge\nswitchyard_balance_lapsed_seconds 3\n',
  )
  lapsed = 63
  await clock.pass(60_000)
  expect(metrics.text()).toContain('\nswitchyard_balance_lapsed_seconds 63\n')
  lapsed = undefined
  await clock.pass(60_000)
  expect(metrics.text()).not.toContain('switchyard_balance_lapsed_seconds')
  expect(lost).toEqual([new Error('away')])
  await watched[Symbol.asyncDispose]()
})

test('leave out what is not known, and each loop its own alone', async () => {
  const metrics = new ControlMetrics({ overrunPercent: 0.1 })
  const clock = new VirtualClock()
  metrics.tidied(1_700_000_000_500)
  const standing = { undrafted: 0, draftedAt: null, unissued: 1.5, stopped: 2 }
  const watched = watchStanding({
    gauges: invoiceGauges,
    read: () => Promise.resolve(standing),
    clock,
    tell: metrics.tell,
    observe: () => {},
  })
  await clock.pass(10)
  await watched[Symbol.asyncDispose]()
  const values = [...metrics.text().matchAll(/^(switchyard_\S+) (\S+)$/gm)].map(([, name, value]) => [
    name,
    value,
  ])
  expect(values).toEqual([
    ['switchyard_overrun_warning_ratio', '0.001'],
    ['switchyard_store_tidied_timestamp_seconds', '1700000000.5'],
    ['switchyard_invoice_undrafted_seconds', '0'],
    ['switchyard_invoice_unissued_seconds', '1.5'],
    ['switchyard_invoice_stopped', '2'],
  ])
})
