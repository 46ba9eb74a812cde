import type { PriceRate } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { amountOf, type Charge, chargeOf, totalOf } from '../src/charges.ts'

const charge = (given: Partial<PriceRate>) => chargeOf({ model: '*', unit: 'req', per: 1, ...given })
const one = 10n ** 12n

const price = fc.bigInt({ min: 0n, max: 10n ** 15n })
const per = fc.constantFrom(1n, 7n, 1000n, 60_000n, 1_000_000n, 3_600_000n)
const steps = fc
  .tuple(
    fc.uniqueArray(fc.bigInt({ min: 1n, max: 10n ** 6n }), { maxLength: 4 }),
    fc.array(fc.record({ price, flat: price }), { minLength: 5, maxLength: 5 }),
  )
  .map(([edges, prices]) => {
    const sorted = edges.toSorted((a, b) => (a < b ? -1 : 1))
    return [...sorted, undefined].map((upTo, index) => ({ upTo, ...prices[index]! }))
  })
const graduated: fc.Arbitrary<Charge> = fc.record({ type: fc.constant('graduated' as const), steps, per })
const volume: fc.Arbitrary<Charge> = fc.record({ type: fc.constant('volume' as const), steps, per })
const packages: fc.Arbitrary<Charge> = fc.record({ type: fc.constant('package' as const), price, per })
const quantities = fc.array(fc.bigInt({ min: 0n, max: 300_000n }), { minLength: 1, maxLength: 20 })

describe('a charge', () => {
  test('graduated asks each unit the price of the step that it is in', () => {
    const its = charge({
      charge: 'graduated',
      price: undefined,
      steps: [{ upTo: '10', price: '2' }, { upTo: '20', price: '1', flat: '5' }, { price: '0.5' }],
    })
    expect([0n, 10n, 11n, 20n, 24n].map(quantity => totalOf(its, quantity))).toEqual([
      0n,
      20n * one,
      26n * one,
      35n * one,
      37n * one,
    ])
  })

  test('volume asks all units the price of the step that their sum reaches', () => {
    const its = charge({
      charge: 'volume',
      price: undefined,
      steps: [
        { upTo: '10', price: '2' },
        { price: '1', flat: '3' },
      ],
    })
    expect([10n, 11n].map(quantity => totalOf(its, quantity))).toEqual([20n * one, 14n * one])
    // What came before gets cheaper too.
    expect(amountOf(its, 10n, 1n)).toBe(-6n * one)
  })

  test('package asks for each that is begun', () => {
    const its = charge({ charge: 'package', price: '3', per: 1000 })
    expect([0n, 1n, 1000n, 1001n].map(quantity => totalOf(its, quantity))).toEqual([
      0n,
      3n * one,
      3n * one,
      6n * one,
    ])
    expect([amountOf(its, 0n, 1n), amountOf(its, 1n, 999n), amountOf(its, 1000n, 1n)]).toEqual([
      3n * one,
      0n,
      3n * one,
    ])
  })

  test('MB2.I3: what the events of a period add is its total, in every order and however it is cut', () => {
    fc.assert(
      fc.property(fc.oneof(graduated, volume, packages), quantities, fc.nat(), (its, given, seed) => {
        const sum = (some: readonly bigint[]) => {
          let before = 0n
          let amount = 0n
          for (const quantity of some) {
            amount += amountOf(its, before, quantity)
            before += quantity
          }
          return { amount, before }
        }
        const { amount, before } = sum(given)
        expect(amount).toBe(totalOf(its, before))
        const turned = [...given.slice(seed % given.length), ...given.slice(0, seed % given.length)]
        expect(sum(turned.toReversed()).amount).toBe(amount)
        expect(sum([given.reduce((all, quantity) => all + quantity, 0n)]).amount).toBe(amount)
      }),
    )
  })

  test('MB2.I3: graduated and package never ask less for more', () => {
    fc.assert(
      fc.property(fc.oneof(graduated, packages), fc.nat(10 ** 6), fc.nat(10 ** 6), (its, before, more) => {
        expect(amountOf(its, BigInt(before), BigInt(more)) >= 0n).toBe(true)
      }),
    )
  })

  test('MB2.15: 2.49 per hour of milliseconds of a device sums alike in every order', () => {
    const its = charge({ price: '2.49', per: 3_600_000 })
    fc.assert(
      fc.property(quantities, given => {
        const sum = (some: readonly bigint[]) =>
          some.reduce((all, quantity) => all + amountOf(its, 0n, quantity), 0n)
        expect(sum(given.toReversed())).toBe(sum(given))
      }),
    )
    expect(amountOf(its, 0n, 3_600_000n)).toBe(2_490_000_000_000n)
  })
})
