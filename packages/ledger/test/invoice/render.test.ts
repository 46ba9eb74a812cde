import { decimalOf, invoiceDocumentSchema } from '@switchyard/kinds'
import { describe, expect, test } from 'vitest'
import { csv, linesCsv, number } from '../../src/invoice/csv.ts'
import { documentText } from '../../src/invoice/document.ts'
import { focusCsv } from '../../src/invoice/focus.ts'
import { invoiceHtml } from '../../src/invoice/html.ts'
import { sample } from './documents.ts'
import { sum } from './given.ts'

/** Of a CSV, cells by the name of their column. */
function cellsOf(text: string): readonly Readonly<Record<string, string>>[] {
  const rows = text
    .split('\r\n')
    .slice(0, -1)
    .map(line =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
      ),
    )
  const [header = [], ...rest] = rows
  return rest.map(row => Object.fromEntries(header.map((name, index) => [name, row[index] ?? ''])))
}

describe('a document', () => {
  test('keeps its schema, and holds no number but those of its lines', () => {
    const document = sample()
    expect(invoiceDocumentSchema.parse(JSON.parse(documentText(document)))).toEqual(document)
    const numbers = JSON.stringify(document).match(/:(-?[\d.]+)[,}\]]/g) ?? []
    expect(numbers.every(each => /^:\d+[,}\]]$/.test(each))).toBe(true)
  })

  test.each(['en', 'zh'] as const)('is a page in %s', async language => {
    await expect(invoiceHtml(sample(), language)).toMatchFileSnapshot(`golden/invoice.${language}.html`)
  })

  test('MB4.39: the Chinese invoice shows net, tax and 大写 amount', () => {
    const document = sample()
    const page = invoiceHtml(document, 'zh')
    expect(document.payable).toBe('9450.91')
    for (const text of [
      '金额（不含税）',
      '税额',
      '价税合计',
      '大写：玖仟肆佰伍拾元零玖角壹分',
      '纳税人识别号: 91310000MA1K00000X',
    ])
      expect(page).toContain(text)
  })

  test('is a page without scripts, on which every name is text', () => {
    const page = invoiceHtml(sample(), 'en')
    expect(page).not.toMatch(/<script|javascript:|<img|https?:/i)
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page).toContain('Kunde &amp; Söhne &lt;GmbH&gt;')
    expect(page).toContain('Straße &quot;1&quot;')
  })

  test('in another currency is shown without 大写', () => {
    expect(invoiceHtml(sample('JPY'), 'zh')).not.toContain('大写')
  })

  test('is CSV of lines', async () => {
    await expect(linesCsv(sample())).toMatchFileSnapshot('golden/lines.csv')
  })

  test('is CSV by FOCUS', async () => {
    await expect(focusCsv(sample())).toMatchFileSnapshot('golden/focus.csv')
  })

  test.each([
    ['CNY', true],
    ['CNY', false],
    ['JPY', true],
    ['KWD', false],
  ])(
    'MB4.38: FOCUS sums equal the payable amount, tax and residue included, in %s',
    (currency, inclusive) => {
      const document = sample(currency, inclusive)
      const rows = cellsOf(focusCsv(document))
      expect(sum(rows.map(({ BilledCost = '' }) => decimalOf(BilledCost)))).toBe(decimalOf(document.payable))
      expect(new Set(rows.map(({ InvoiceId }) => InvoiceId))).toEqual(new Set([document.number]))
      expect(rows.filter(({ x_LineKind }) => x_LineKind === 'residue')).toHaveLength(
        document.lines.filter(({ kind }) => kind === 'residue').length,
      )
      for (const {
        ChargeCategory,
        ChargeClass,
        PricingQuantity,
        ChargePeriodEnd,
        BillingPeriodStart = '',
      } of rows) {
        if (ChargeCategory === 'Usage' && ChargeClass !== 'Correction')
          expect(PricingQuantity).toMatch(/^\d+$/)
        if (ChargeCategory === 'Tax') expect(PricingQuantity).toBe('')
        expect(ChargePeriodEnd === BillingPeriodStart).toBe(ChargeClass === 'Correction')
      }
    },
  )
})

test('no cell of a CSV is a formula, and every cell is read as it was written', () => {
  const names = ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '\r=1', '|x', '%x']
  for (const name of names) expect(csv([], [[name]])).toMatch(/^\r\n"?'/)
  expect(
    csv(
      ['a', 'b'],
      [
        ['say "x",\ny', number('-0.30')],
        [null, '1,5'],
      ],
    ),
  ).toBe('a,b\r\n"say ""x"",\ny",-0.30\r\n,"1,5"\r\n')
})
