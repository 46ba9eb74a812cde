// Who is billed in the simulated months, and by which prices. The months are far ahead, so that accounts of now are older
// than all usage; 2100 has no leap day.
import type { legalEntity, PriceBookSpec, workspace } from '@switchyard/kinds'

type BookSpec = Omit<PriceBookSpec, 'publish' | 'rounding'> & {
  readonly rounding?: PriceBookSpec['rounding']
}

export interface Book {
  readonly name: string
  readonly spec: BookSpec
}

export interface Place {
  readonly name: string
  readonly spec: (typeof workspace.spec)['_zod']['input']
  /** January to March, and where that ends, by its own midnights. */
  readonly months: readonly [string, string, string, string]
  /** Paid in before anything is used. */
  readonly topUp?: string
}

export const entity: (typeof legalEntity.spec)['_zod']['input'] = { name: 'Yard Ltd', taxNumber: 'T-1' }

const invoice = { entity: 'yard', buyer: { name: 'Buyer' } }

export const places: readonly Place[] = [
  {
    name: 'acme',
    spec: {
      currency: 'USD',
      timezone: 'UTC',
      billing: {
        mode: 'postpaid',
        credit: '1000000000',
        invoice: {
          ...invoice,
          taxes: [{ name: 'VAT', percent: '8.875' }],
          discounts: [{ name: 'partner', percent: '12.5', models: ['chat*'] }],
        },
      },
    },
    months: [
      '2100-01-01T00:00:00.000Z',
      '2100-02-01T00:00:00.000Z',
      '2100-03-01T00:00:00.000Z',
      '2100-04-01T00:00:00.000Z',
    ],
    topUp: '1',
  },
  {
    name: 'shop',
    spec: {
      currency: 'CNY',
      timezone: 'Asia/Shanghai',
      billing: {
        mode: 'prepaid',
        invoice: {
          ...invoice,
          taxInclusive: true,
          taxes: [
            { name: '增值税', percent: '13', models: ['draw'] },
            { name: '增值税', percent: '6' },
          ],
        },
      },
    },
    months: [
      '2099-12-31T16:00:00.000Z',
      '2100-01-31T16:00:00.000Z',
      '2100-02-28T16:00:00.000Z',
      '2100-03-31T16:00:00.000Z',
    ],
    topUp: '1000000000',
  },
  {
    name: 'lab',
    spec: {
      currency: 'JPY',
      timezone: 'America/New_York',
      billing: { invoice: { ...invoice, taxes: [{ name: '消費税', percent: '10' }] } },
    },
    // Summer time begins in the middle of March.
    months: [
      '2100-01-01T05:00:00.000Z',
      '2100-02-01T05:00:00.000Z',
      '2100-03-01T05:00:00.000Z',
      '2100-04-01T04:00:00.000Z',
    ],
  },
]

const begins = '2099-06-01T00:00:00Z'
/** Two changes of prices in mid-month: one published ahead, the other while usage comes in. */
const first = '2100-01-12T07:30:00.123Z'
const second = '2100-01-20T16:00:00Z'

const per = 1_000_000

/** `most` of the last step: what a month of `lab` counts without what comes late, and a little more. */
export function books(most: bigint): {
  readonly ahead: readonly Book[]
  readonly meanwhile: readonly Book[]
} {
  const usd = (from: string, chat: string, support: string, more: BookSpec['rates'] = []): Book => ({
    name: 'usd',
    spec: {
      side: 'sale',
      currency: 'USD',
      from,
      rates: [
        { model: 'chat', unit: 'tok.in.*', price: chat, per },
        { model: 'chat', unit: 'tok.in.cache_read', price: '0.25', per },
        { model: 'chat', unit: 'tok.in.*', context: { from: 4000 }, price: '5.01', per },
        { model: 'chat', unit: 'tok.out.*', price: '10', per },
        { model: 'chat-*', unit: 'tok.in.*', price: '0.0375', per: 1000 },
        { model: 'chat-*', unit: 'tok.out.*', price: '1.1', per: 700 },
        {
          model: 'draw',
          unit: 'img.out.count',
          charge: 'graduated',
          per: 3,
          steps: [
            { upTo: '40', price: '0.04' },
            { upTo: '150', price: '0.031', flat: '1' },
            { price: '0.0217', flat: '0.5' },
          ],
        },
        { model: 'search', unit: 'req', charge: 'package', price: '5', per: 100 },
        { model: '*', unit: 'tok.in.*', price: '0.01', per: 7 },
        { model: '*', unit: 'tok.out.*', price: '0', per },
        ...more,
      ],
      fees: [
        { name: 'support', price: support },
        { name: 'seat', price: '19.99', workspace: 'acme' },
      ],
    },
  })
  const cny = (from: string, price: string): Book => ({
    name: 'cny',
    spec: {
      side: 'sale',
      currency: 'CNY',
      from,
      rates: [
        { model: '*', unit: 'tok.in.*', price, per: 7 },
        { model: '*', unit: 'tok.out.*', price: '2.49', per: 700 },
        { model: 'draw', unit: 'img.out.count', price: '0.333333333333', per: 1 },
        { model: 'search', unit: 'req', charge: 'package', price: '3', per: 10 },
      ],
      minimum: '3000',
    },
  })
  const jpy = (from: string, deep: string, far: string, fee: string): Book => ({
    name: 'jpy',
    spec: {
      side: 'sale',
      currency: 'JPY',
      from,
      rounding: 'half_up',
      rates: [
        {
          model: 'chat*',
          unit: 'tok.in.*',
          charge: 'volume',
          per: 1000,
          steps: [
            { upTo: String(most), price: '151.3' },
            { price: '120.07', flat: '2' },
          ],
        },
        {
          model: '*',
          unit: 'tok.out.*',
          charge: 'graduated',
          per: 900,
          steps: [{ upTo: '20000', price: '333.3' }, { upTo: far, price: '222.2' }, { price: deep }],
        },
        { model: '*', unit: 'tok.in.*', price: '7', per: 13 },
        { model: 'draw', unit: 'img.out.count', charge: 'package', price: '401', per: 12 },
        { model: 'search', unit: 'req', price: '0.5', per: 1 },
      ],
      fees: [{ name: 'support', price: fee }],
      minimum: '90000',
      cap: '400000000',
    },
  })
  return {
    ahead: [
      usd(begins, '2.5', '200'),
      usd(first, '3.75', '250'),
      cny(begins, '0.0375'),
      jpy(begins, '111.1', '60000', '31000'),
      jpy(first, '99.9', '50000', '31000'),
    ],
    meanwhile: [
      usd(second, '2.125', '225', [
        { model: 'chat', unit: 'tok.out.*', workspace: 'acme', price: '9.5', per },
      ]),
      cny(second, '0.041'),
      jpy(second, '99.9', '50000', '28000'),
    ],
  }
}
