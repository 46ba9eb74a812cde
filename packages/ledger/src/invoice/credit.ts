// Credit notes that a person writes: lines of an invoice taken back, whole or in part, and never more than they were.
import { decimalOf, Fault, formatDecimal, type InvoiceDocument, type InvoiceLine } from '@switchyard/kinds'
import { linesHash } from './document.ts'
import { divide, formatMinor, minorUnit } from './minor.ts'

export interface Credited {
  /** Number of the line. */
  readonly line: number
  /** Net, as a decimal above 0 for a line above 0; all that is left of the line when absent. */
  readonly net?: string | undefined
}

export interface CreditAsked {
  readonly number: string
  readonly issuedAt: string
  readonly note: string
  /** All of them, whole, when absent. */
  readonly lines?: readonly Credited[]
}

/** `invalid` for a line that there is not or more than is left of it; `conflict` (`nothing_left`) where nothing is. */
export function creditNote(
  invoice: InvoiceDocument,
  before: readonly InvoiceDocument[],
  { number, issuedAt, note, lines }: CreditAsked,
): InvoiceDocument {
  const { currency } = invoice.terms
  const taken = before.flatMap(document => document.lines)
  const asked = lines ?? invoice.lines.map(line => ({ line: line.number }))
  if (new Set(asked.map(({ line }) => line)).size < asked.length)
    throw new Fault('invalid', 'Name each line once.', { reason: 'line_twice' })
  const credited = asked
    .map(each => takeBack(invoice, taken, each))
    .filter(line => decimalOf(line.net) !== 0n || decimalOf(line.tax) !== 0n)
    .map((line, index) => ({ ...line, number: index + 1 }))
  if (credited.length === 0)
    throw new Fault('conflict', `Nothing is left of ${invoice.number}: it is given back already.`, {
      reason: 'nothing_left',
    })
  const minor = (amount: bigint) => formatMinor(amount, currency)
  const sum = (read: (line: InvoiceLine) => string, of: readonly InvoiceLine[] = credited) =>
    of.reduce((total, line) => total + decimalOf(read(line)), 0n)
  const net = sum(line => line.net)
  const tax = sum(line => line.tax)
  const taxes = invoice.taxes.flatMap(({ name, percent }) => {
    const its = credited.filter(({ taxed }) => taxed?.name === name && taxed.percent === percent)
    const amounts = { net: minor(sum(line => line.net, its)), amount: minor(sum(line => line.tax, its)) }
    return its.length === 0 ? [] : [{ name, percent, ...amounts }]
  })
  return {
    ...invoice,
    kind: 'credit_note',
    number,
    issuedAt,
    dueAt: null,
    evidence: null,
    credits: [],
    note,
    lines: credited,
    linesHash: linesHash(credited),
    taxes,
    net: minor(net),
    tax: minor(tax),
    gross: minor(net + tax),
    payable: minor(net + tax),
  }
}

function takeBack(invoice: InvoiceDocument, taken: readonly InvoiceLine[], asked: Credited): InvoiceLine {
  const { number, terms } = invoice
  const line = invoice.lines.find(each => each.number === asked.line)
  if (!line) throw new Fault('invalid', `${number} has no line ${asked.line}.`, { reason: 'no_such_line' })
  const before = taken.filter(
    ({ corrects }) => corrects?.document === number && corrects.line === line.number,
  )
  const whole = decimalOf(line.net)
  const gone = before.reduce((sum, each) => sum - decimalOf(each.net), 0n)
  const left = whole - gone
  const net = asked.net === undefined ? left : decimalOf(asked.net)
  const isWithin = whole < 0n ? net <= 0n && net >= left : net >= 0n && net <= left
  if (!isWithin || net % minorUnit(terms.currency) !== 0n)
    throw new Fault(
      'invalid',
      `Line ${line.number} of ${number} has ${formatMinor(left, terms.currency)} left: take back at most that, in whole minor units.`,
      { reason: 'above_line' },
    )
  // Its tax follows what was taken back of it in all, so that the last note gives back the last of it.
  const due = whole === 0n ? decimalOf(line.tax) : shareOf(line, gone + net, whole, terms.currency)
  const tax = due + before.reduce((sum, each) => sum + decimalOf(each.tax), 0n)
  const text = (amount: bigint) => formatMinor(-amount, terms.currency)
  const all = net === whole
  return {
    ...line,
    quantity: all ? String(-BigInt(line.quantity)) : '0',
    exact: all ? formatDecimal(-decimalOf(line.exact)) : text(terms.taxInclusive ? net + tax : net),
    rounded: text(terms.taxInclusive ? net + tax : net),
    net: text(net),
    tax: text(tax),
    correction: true,
    corrects: { document: number, line: line.number },
  }
}

function shareOf({ tax }: InvoiceLine, part: bigint, whole: bigint, currency: string): bigint {
  const unit = minorUnit(currency)
  const [above, below] = whole < 0n ? [-part, -whole] : [part, whole]
  return divide((decimalOf(tax) / unit) * above, below, 'half_even') * unit
}
