// A document as it is issued: its amounts as text, in one canonical JSON, and a hash of its lines.
import { createHash } from 'node:crypto'
import { decimalOf, formatDecimal, type InvoiceDocument, type InvoiceLine } from '@switchyard/kinds'
import { canonical } from '../canonical.ts'
import type { Billed } from './charges.ts'
import { formatMinor } from './minor.ts'
import type { Line, Settled } from './settle.ts'
import type { Span } from './terms.ts'

type Amounts = 'lines' | 'linesHash' | 'taxes' | 'credits' | 'net' | 'tax' | 'gross' | 'payable' | 'period'
/** What a document says beside its amounts. */
export interface Head extends Omit<InvoiceDocument, Amounts> {
  readonly period: Span
}

export function documentOf(head: Head, settled: Settled): InvoiceDocument {
  const { currency } = head.terms
  const minor = (amount: bigint) => formatMinor(amount, currency)
  const lines = settled.lines.map(line => lineOf(line, currency))
  return {
    ...head,
    period: momentsOf(head.period),
    lines,
    linesHash: linesHash(lines),
    taxes: settled.taxes.map(({ tax, net, amount }) => ({ ...tax, net: minor(net), amount: minor(amount) })),
    credits: settled.credits.map(({ name, amount }) => ({ name, amount: minor(amount) })),
    net: minor(settled.net),
    tax: minor(settled.tax),
    gross: minor(settled.gross),
    payable: minor(settled.payable),
  }
}

function lineOf(line: Line, currency: string): InvoiceLine {
  const { key, corrects } = line
  return {
    number: line.number,
    kind: line.kind,
    name: line.name,
    project: key?.project ?? null,
    model: key?.model ?? null,
    unit: key?.unit ?? null,
    rate: key?.rate ?? null,
    step: key?.step ?? null,
    price: key?.price ?? null,
    ...(key?.tier !== undefined && { tier: key.tier }),
    ...(key?.region !== undefined && { region: key.region }),
    service: momentsOf(line.period),
    quantity: String(line.quantity),
    exact: formatDecimal(line.exact),
    rounded: formatMinor(line.rounded, currency),
    net: formatMinor(line.net, currency),
    tax: formatMinor(line.taxed, currency),
    taxed: line.tax,
    correction: line.correction,
    corrects: corrects ?? null,
  }
}

const momentsOf = ({ startsAt, endsAt }: Span) => ({
  from: new Date(startsAt).toISOString(),
  to: new Date(endsAt).toISOString(),
})

export const spanOf = ({ from, to }: InvoiceLine['service']): Span => ({
  startsAt: Date.parse(from),
  endsAt: Date.parse(to),
})

/** The bytes that never change. */
export const documentText = (document: InvoiceDocument): string => canonical(document)

export const linesHash = (lines: readonly InvoiceLine[]): string =>
  createHash('sha256').update(canonical(lines)).digest('hex')

/** Its lines as they count for later corrections. The residue is no charge. */
export function billedBy({ number, lines }: InvoiceDocument): readonly Billed[] {
  return lines.flatMap(line => {
    if (line.kind === 'residue') return []
    const { project, model, unit, rate, step, price, tier, region } = line
    const key =
      model === null || unit === null || rate === null || price === null
        ? null
        : { project, model, unit, rate, step, price, tier, region }
    const charge = {
      kind: line.kind,
      key,
      name: line.name,
      quantity: BigInt(line.quantity),
      exact: decimalOf(line.exact),
      tax: line.taxed,
      period: spanOf(line.service),
    }
    return [{ charge, at: { document: number, line: line.number } }]
  })
}
