// What metrics tell of money that is leased, held, paid and refused.
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { counted } from '../src/wallet/counted.ts'
import { metric } from './scrape.ts'
import { WalletBed } from './wallet.bed.ts'

const purse = { kind: 'prepaid', currency: 'USD' } as const
const patient = { timeout: 20_000, interval: 20 }

test('calls that are paid for are told: refused, held for, extended, settled, and what is leased', async () => {
  await using yard = await WalletBed.start()
  const { bed } = yard
  const key = bed.key()
  const ask = async (more: object = {}) => {
    const answered = await bed.chat(key, { model: 'm', max_tokens: 100, ...more })
    await answered.text()
    return answered.status
  }
  expect(await ask()).toBe(429)
  expect(metric(bed, 'balance_refusals_total', { kind: 'prepaid', reason: 'insufficient_quota' })).toBe(1)
  await yard.pay('100000')
  await vi.waitFor(async () => expect(await ask()).toBe(200), patient)
  // 7 in for 1 each, 3 out for 2.
  expect(metric(bed, 'balance_settled_total', purse)).toBe(13)
  expect(metric(bed, 'balance_overrun_total', purse)).toBe(0)
  const held = () =>
    metric(bed, 'balance_holds_total', { from: 'slice' }) +
    metric(bed, 'balance_holds_total', { from: 'row' })
  expect(held()).toBe(1)
  yard.engine.will('flood')
  expect(await ask({ stream: true, stream_options: { include_usage: true }, max_tokens: 30_000 })).toBe(200)
  expect(held()).toBe(2)
  expect(metric(bed, 'balance_extensions_total', { outcome: 'granted' })).toBeGreaterThan(0)
  expect(metric(bed, 'balance_held', purse)).toBe(0)
  expect(metric(bed, 'balance_leased', purse)).toBeGreaterThanOrEqual(0)
})

test('what was used beyond what was held is the overrun, whatever was held on the way', () => {
  const amount = fc.bigInt({ min: 0n, max: 10n ** 30n })
  const extension = fc.record({ amount, granted: fc.boolean() })
  fc.assert(
    fc.property(amount, fc.array(extension), amount, (first, extensions, actual) => {
      const told: bigint[] = []
      const answers = extensions.map(({ granted }) => granted)
      const hold = {
        from: '1',
        extend: () => answers.shift() ?? false,
        settle: () => undefined,
        void: () => undefined,
      }
      const sums = {
        opened: () => undefined,
        extended: () => undefined,
        refused: () => undefined,
        paid: (_: unknown, ...amounts: readonly bigint[]) => told.push(...amounts),
      }
      const paying = counted(hold, first, purse, sums)
      for (const each of extensions) void paying.extend(each.amount)
      paying.settle(actual)
      const held = extensions.reduce((sum, each) => sum + (each.granted ? each.amount : 0n), first)
      expect(told).toEqual([actual, actual > held ? actual - held : 0n])
    }),
  )
})
