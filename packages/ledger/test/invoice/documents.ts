// Documents to show: one with every kind of line, whose names try to break out of whatever they are put in.
import type { InvoiceDocument, InvoiceTerms } from '@switchyard/kinds'
import { chargesOf, corrections, type Part } from '../../src/invoice/charges.ts'
import { billedBy, documentOf } from '../../src/invoice/document.ts'
import { settle } from '../../src/invoice/settle.ts'
import { keyOf, termsOf } from './given.ts'

const zone = 8 * 3_600_000
const october = { startsAt: Date.UTC(2026, 9, 1) - zone, endsAt: Date.UTC(2026, 10, 1) - zone }
const november = { startsAt: Date.UTC(2026, 10, 1) - zone, endsAt: Date.UTC(2026, 11, 1) - zone }

const part = (quantity: bigint, amount: bigint, key: Parameters<typeof keyOf>[0] = {}): Part => ({
  key: keyOf(key),
  quantity,
  amount,
})

const input = { unit: 'tok.in.uncached', rate: '16', price: '0.80 / 1000000' }

/** November, with corrections of October. */
export function sample(currency = 'CNY', taxInclusive = true): InvoiceDocument {
  const terms: InvoiceTerms = termsOf({
    currency,
    taxInclusive,
    taxes: [
      { name: '增值税', percent: '6', models: ['chat-*'] },
      { name: 'VAT <5>', percent: '8.875', models: null },
    ],
    discounts: [{ name: '=cmd|"partner"', percent: '12.5', models: ['chat-1'] }],
  })
  const head = {
    format: 1 as const,
    kind: 'invoice' as const,
    note: '',
    workspace: 'default',
    seller: {
      name: '示例云计算（上海）有限公司',
      taxNumber: '91310000MA1K00000X',
      address: ['上海市浦东新区示例路 1 号', '200120'],
      bank: '示例银行 6222 0000 0000 0000',
    },
    buyer: {
      name: 'Kunde & Söhne <GmbH>',
      taxNumber: 'DE000000000',
      address: ['Straße "1"', 'Köln'],
      bank: '',
    },
    terms,
  }
  const evidence = (cutoff: string, events: string) => ({
    cutoff,
    ratingVersion: '1',
    books: [{ id: '4', name: 'sale', version: 2, sha256: 'ab'.repeat(32) }],
    periods: [
      { from: '2026-10-31T16:00:00.000Z', to: '2026-11-30T16:00:00.000Z', events, root: 'cd'.repeat(32) },
    ],
  })
  const before = [part(7_400_000n, 18_500_000_000_000n), part(31_000_001n, 24_800_000_800_000n, input)]
  const first = documentOf(
    {
      ...head,
      number: 'SY2026-000041',
      issuedAt: '2026-11-04T00:00:07.000Z',
      dueAt: null,
      period: october,
      evidence: evidence('88120', '90210'),
    },
    settle(chargesOf({ parts: before, fees: [] }, october, terms), october, terms),
  )
  const late = [...before, part(12_345n, 30_862_500_000n, { project: null, model: 'chat-2' })].map(each =>
    each.key.unit === 'tok.out.text' && each.key.model === 'chat-1'
      ? part(each.quantity + 400_000n, each.amount + 1_000_000_000_000n)
      : each,
  )
  const now = [
    part(1_234_567_890n, 3_086_419_725_000_000n),
    part(9_876_543_211n, 7_901_234_568_800_000n, input),
    part(3n, 333_333_333_333n, {
      project: null,
      model: '<script>alert(1)</script>',
      unit: 'img.out.count',
      rate: '18',
      price: '0.111 / 1',
      tier: 'batch',
      region: '=eu-west-1',
    }),
    part(500_000n, 250_000_000_000n, {
      project: '+lab',
      model: 'embed, "small"',
      unit: 'tok.in.uncached',
      rate: '19',
      step: 2,
      price: '0.50 / 1000000',
    }),
  ]
  const asked = {
    parts: now,
    fees: [{ name: 'support', amount: 100_000_400_000_000n }],
    cap: 9_500_000_400_000_000n,
  }
  const charges = [
    ...chargesOf(asked, november, terms),
    ...corrections(chargesOf({ parts: late, fees: [] }, october, terms), billedBy(first)),
  ]
  return documentOf(
    {
      ...head,
      number: 'SY2026-000042',
      issuedAt: '2026-12-04T00:00:05.000Z',
      dueAt: '2027-01-03T00:00:05.000Z',
      period: november,
      evidence: evidence('91234', '1048576'),
    },
    settle(charges, november, terms, [{ name: '=1+1', amount: 50_000_000_000_000n }]),
  )
}
