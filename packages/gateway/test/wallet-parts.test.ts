// Who pays what of a request by its end and the agreement, and how a stream holds for its stretches.
import { type ChargeSpec, workspace } from '@switchyard/kinds'
import { type Ended, type EndReason, endReasons } from '@switchyard/runtime'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { partsOf } from '../src/wallet/parts.ts'
import { Stretches } from '../src/wallet/stretches.ts'

const agreed = (charge: object = {}): ChargeSpec => {
  const { billing } = workspace.spec.parse({ billing: { mode: 'prepaid', charge } })
  if (!billing) throw new Error('it is billed')
  return billing.charge
}
const ended = (end: EndReason, usage: Ended['usage']): Ended => ({
  at: 0,
  end,
  status: 200,
  attempt: 1,
  upstream: 'u',
  billable: 'caller',
  usage,
})
const usage: NonNullable<Ended['usage']> = {
  quantities: { 'tok.in.uncached': 7n, 'tok.in.cache_read': 2n, 'tok.out.text': 3n },
  source: 'provider',
  flags: [],
}
/** What a caller pays, as input and output. */
function paid(end: EndReason, charge: object, more: { committed?: boolean; given?: Ended['usage'] } = {}) {
  const { committed = true, given = usage } = more
  const parts = partsOf({ ended: ended(end, given), committed, accepted: true, input: 9n }, agreed(charge))
  const counted = (family: string) =>
    parts
      .filter(({ billable }) => billable === 'caller')
      .flatMap(part => Object.entries(part.usage?.quantities ?? {}))
      .reduce((sum, [unit, count]) => (unit.startsWith(family) ? sum + count : sum), 0n)
  return [counted('tok.in.'), counted('tok.out.')].map(Number)
}

const all = [9, 3]
const nothing = [0, 0]
test.each<[EndReason, object, number[]]>([
  ['done', {}, all],
  ['budget_cut', {}, all],
  ['client_gone', {}, all],
  ['client_gone', { disconnect: 'input_only' }, [9, 0]],
  ['client_gone', { disconnect: 'none' }, nothing],
  ['caller_deadline', { disconnect: 'input_only' }, [9, 0]],
  ['upstream_error', {}, nothing],
  ['upstream_error', { failure: 'produced' }, all],
  ['our_timeout', {}, nothing],
  ['drained', { failure: 'produced' }, all],
  ['guard_blocked', {}, all],
  ['guard_blocked', { blocked: 'input_only' }, [9, 0]],
  ['gateway_lost', {}, all],
  ['gateway_lost', { lost: 'input_only' }, [9, 0]],
  ['refused', {}, nothing],
])('what has ended by %s under %j pays %j', (end, charge, expected) => {
  expect(paid(end, charge)).toEqual(expected)
})

test('nobody pays for what failed before its first byte', () => {
  for (const end of ['upstream_error', 'our_timeout', 'drained'] as const)
    expect(paid(end, { failure: 'produced' }, { committed: false })).toEqual(nothing)
})

test('input that no upstream has told is estimated where the caller leaves, and nowhere else', () => {
  const given = { ...usage, quantities: { 'tok.out.text': 3n } }
  expect(paid('client_gone', {}, { given })).toEqual(all)
  expect(paid('done', {}, { given })).toEqual([0, 3])
})

test('whatever the end and the agreement, each unit is in one part, and the first part is the call', () => {
  const charge = fc.record({
    disconnect: fc.constantFrom('produced', 'input_only', 'none'),
    failure: fc.constantFrom('none', 'produced'),
    blocked: fc.constantFrom('produced', 'input_only'),
    lost: fc.constantFrom('produced', 'input_only'),
  })
  fc.assert(
    fc.property(fc.constantFrom(...endReasons), charge, fc.boolean(), (end, agreement, committed) => {
      const parts = partsOf(
        { ended: ended(end, usage), committed, accepted: true, input: 9n },
        agreed(agreement),
      )
      expect(parts.map(({ part }) => part)).toEqual([undefined, 'rest'].slice(0, parts.length))
      const units = parts.flatMap(part => Object.entries(part.usage?.quantities ?? {}))
      expect(Object.fromEntries(units)).toEqual(usage.quantities)
      expect(units.length).toBe(3)
    }),
  )
})

test('a stream holds before its stretch ends, waits for an answer at the end, and is cut after the second no', async () => {
  const answers: (boolean | Promise<boolean>)[] = [true, Promise.resolve(false), Promise.resolve(false)]
  let asked = 0
  const extend = () => answers[asked++] ?? false
  const hold = { from: '1', extend, settle: () => undefined, void: () => undefined }
  const stretches = new Stretches({ hold, reserved: 100, most: 1000, stretch: 100, price: 1n })
  expect([stretches.pace(79, 0), asked]).toEqual(['go', 0])
  expect([stretches.pace(80, 0), asked]).toEqual(['go', 1])
  expect([stretches.pace(159, 0), asked]).toEqual(['go', 1])
  expect([stretches.pace(160, 0), asked]).toEqual(['go', 2])
  await Promise.resolve()
  expect([stretches.pace(199, 0), asked]).toEqual(['go', 2])
  expect([stretches.pace(200, 0), asked]).toEqual(['wait', 3])
  await Promise.resolve()
  expect([stretches.pace(200, 0), asked]).toEqual(['cut', 3])
})

test('a stream waits for more money a second at most, and goes on once when it comes', async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const answers: (boolean | Promise<boolean>)[] = [promise, new Promise<boolean>(() => undefined)]
  const extend = () => answers.shift() ?? false
  const hold = { from: '1', extend, settle: () => undefined, void: () => undefined }
  const stretches = new Stretches({ hold, reserved: 100, most: 1000, stretch: 100, price: 1n })
  expect([stretches.pace(100, 5000), stretches.short]).toEqual(['wait', true])
  expect(stretches.pace(100, 5999)).toBe('wait')
  resolve(true)
  await promise
  expect([stretches.pace(100, 6100), stretches.short]).toEqual(['resume', false])
  expect(stretches.pace(100, 6100)).toBe('go')
  expect(stretches.pace(200, 7000)).toBe('wait')
  expect(stretches.pace(200, 7999)).toBe('wait')
  expect(stretches.pace(200, 8000)).toBe('cut')
})
