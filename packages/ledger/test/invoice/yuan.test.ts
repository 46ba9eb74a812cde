import { parseDecimal } from '@switchyard/kinds'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { yuanInWords } from '../../src/invoice/yuan.ts'

const words = (text: string) => yuanInWords(parseDecimal(text) ?? -1n)

describe('金额大写', () => {
  test.each([
    // The examples of the rules themselves.
    ['6007.14', '陆仟零柒元壹角肆分'],
    ['1680.32', '壹仟陆佰捌拾元零叁角贰分'],
    ['107000.53', '壹拾万柒仟元零伍角叁分'],
    ['16409.02', '壹万陆仟肆佰零玖元零贰分'],
    ['325.04', '叁佰贰拾伍元零肆分'],
    ['1409.50', '壹仟肆佰零玖元伍角整'],
    // Borders.
    ['0', '零元整'],
    ['0.05', '伍分'],
    ['0.50', '伍角整'],
    ['0.35', '叁角伍分'],
    ['1', '壹元整'],
    ['10', '壹拾元整'],
    ['100.01', '壹佰元零壹分'],
    ['1001', '壹仟零壹元整'],
    ['1010.10', '壹仟零壹拾元零壹角整'],
    ['10000', '壹万元整'],
    ['10001', '壹万零壹元整'],
    ['20300', '贰万零叁佰元整'],
    ['100000008', '壹亿零捌元整'],
    ['100007000', '壹亿零柒仟元整'],
    ['1000000000000', '壹万亿元整'],
    ['1000100000000', '壹万零壹亿元整'],
    [
      '12345678901234567890.99',
      '壹仟贰佰叁拾肆亿伍仟陆佰柒拾捌万玖仟零壹拾贰亿叁仟肆佰伍拾陆万柒仟捌佰玖拾元零玖角玖分',
    ],
  ])('%s is %s', (text, expected) => {
    expect(words(text)).toBe(expected)
  })

  test('an amount below 0 says so first', () => {
    expect(yuanInWords(-(10n ** 12n))).toBe('负壹元整')
  })

  test('no two amounts read alike, zeros never follow each other, and 整 stands where there is no 分', () => {
    const cents = fc.bigInt({ min: 0n, max: 10n ** 14n })
    fc.assert(
      fc.property(cents, cents, (one, other) => {
        const [first, second] = [one, other].map(each => yuanInWords(each * 10n ** 10n))
        expect(first === second).toBe(one === other)
        expect(first).not.toMatch(/零零|零元零|零万|零亿|.零元/)
        expect(first?.endsWith('整')).toBe(one % 10n === 0n)
      }),
    )
  })
})
