// A database with books and usage, and the hands that issue from it.
import { randomUUID } from 'node:crypto'
import {
  type DocumentOf,
  type InvoiceDocument,
  invoiceDocumentSchema,
  legalEntity,
  priceBook,
  workspace,
} from '@switchyard/kinds'
import type { Identity, InvoiceWork, UsageEvent } from '@switchyard/runtime'
import { type TestDatabase, testDatabase } from '@switchyard/store/testing'
import { archiveOf, type Verified, verifyInvoice } from '../../src/invoice/archive.ts'
import { type InvoiceObservation, invoiceDue, plansOf } from '../../src/invoice/issue.ts'
import { compilePrices } from '../../src/prices.ts'

export const operator: Identity = { role: 'caller', principal: 'system:operator', scopes: ['*'] }

type Billing = NonNullable<(typeof workspace.spec)['_zod']['input']['billing']>
type Invoicing = NonNullable<Billing['invoice']>

export interface Yard extends AsyncDisposable {
  readonly db: TestDatabase
  readonly observed: InvoiceObservation[]
  publish(
    spec: Omit<(typeof priceBook.spec)['_zod']['input'], 'side' | 'from'>,
    name?: string,
    from?: string,
  ): Promise<void>
  use(
    at: string,
    quantities: UsageEvent['data']['quantities'],
    data?: Partial<UsageEvent['data']>,
  ): Promise<void>
  /** One turn of the loop at that time, as the workspace is invoiced then. */
  turn(at: string, more?: Partial<Invoicing>, place?: string): Promise<void>
  issued(place?: string): Promise<readonly InvoiceDocument[]>
  text(number: string): Promise<string>
  find(number: string): Promise<InvoiceWork>
  archive(number: string): Promise<readonly string[]>
  verify(number: string, lines?: readonly string[]): Promise<Verified>
}

export const entity = {
  metadata: { name: 'acme' },
  spec: legalEntity.spec.parse({ name: 'Acme', taxNumber: 'T1', timezone: 'Asia/Shanghai' }),
} as DocumentOf<typeof legalEntity>

export function workspaceOf(
  name: string,
  currency: string,
  more: Partial<Invoicing> = {},
  billing: Billing = {},
) {
  const invoice: Invoicing = {
    entity: 'acme',
    buyer: { name: 'Buyer' },
    taxes: [{ name: 'VAT', percent: '6' }],
    ...more,
  }
  const spec = workspace.spec.parse({ timezone: 'Asia/Shanghai', currency, billing: { ...billing, invoice } })
  // Why `as`: plans are made of a name and a spec.
  return { metadata: { name }, spec } as DocumentOf<typeof workspace>
}

/** When usage is taken in: that of October is not too old then. */
const clock = () => Date.parse('2026-11-21T12:00:00Z')

export async function openYard(currency = 'CNY', billing: Billing = {}): Promise<Yard> {
  return yardOn(await testDatabase({ prices: compilePrices, clock }), currency, billing)
}

export function yardOn(db: TestDatabase, currency = 'CNY', billing: Billing = {}): Yard {
  const observed: InvoiceObservation[] = []
  const { invoices, prices } = db
  const texts = async (place: string) => {
    const rows = await invoices.list(operator, { workspace: place, limit: 1000 })
    const numbered = rows.filter(({ number }) => number !== null)
    const all = await Promise.all(numbered.map(({ id }) => invoices.document(operator, id)))
    return all.map(text => text ?? '').toReversed()
  }
  const find = async (number: string) => {
    const found = await invoices.find(operator, 'default', number)
    if (!found) throw new Error(`no ${number}`)
    return found
  }
  const archive = async (number: string) => Array.fromAsync(archiveOf(invoices, operator, await find(number)))
  return {
    db,
    observed,
    async publish(spec, name = 'sale', from = '2026-01-01T00:00:00Z') {
      const whole = priceBook.spec.parse({ side: 'sale', from, ...spec })
      await db.store.write(operator, async tx => {
        const version = (await prices.standing(tx, name, whole)).filter(book => book.name === name).length + 1
        await prices.publish(tx, { name, version, publishedBy: 'system:operator', spec: whole })
      })
    },
    async use(at, quantities, data = {}) {
      const answers = await db.usage.ingest([event(at, quantities, data)])
      if (answers[0] !== 'accepted') throw new Error(String(answers[0]))
    },
    async turn(at, more = {}, place = 'default') {
      const now = Date.parse(at)
      for (const plan of plansOf(workspaceOf(place, currency, more, billing), entity, now))
        await invoices.plan(plan)
      await invoiceDue({ invoices, prices, now: () => now, observe: each => observed.push(each) })
      for (const each of observed) if (each.type === 'invoicing_failed') throw each.error
    },
    issued: async (place = 'default') =>
      (await texts(place)).map(text => invoiceDocumentSchema.parse(JSON.parse(text))),
    async text(number) {
      return (await invoices.document(operator, (await find(number)).id)) ?? ''
    },
    find,
    archive,
    verify: async (number, lines) => verifyInvoice(stream(lines ?? (await archive(number)))),
    [Symbol.asyncDispose]: () => db.close(),
  }
}

async function* stream(lines: readonly string[]) {
  yield* lines
}

export function event(
  time: string,
  quantities: UsageEvent['data']['quantities'],
  data: Partial<UsageEvent['data']> = {},
): UsageEvent {
  const request = `${randomUUID().slice(0, 14)}7${randomUUID().slice(15)}`
  const place = data.workspace ?? 'default'
  return {
    specversion: '1.0',
    type: 'switchyard.usage.v1',
    source: '/gateway',
    id: `${request}:1:call`,
    subject: `${place}/-`,
    time,
    data: {
      workspace: place,
      project: 'shop',
      key: 'abc',
      keyName: 'k',
      model: 'chat',
      endpoint: 'e',
      upstream: 'u',
      request,
      operation: 'chat',
      billable: 'caller',
      streamed: false,
      end: 'done',
      status: 200,
      endedAt: time,
      usageSource: 'engine',
      quantities,
      flags: [],
      ...data,
    },
  }
}
