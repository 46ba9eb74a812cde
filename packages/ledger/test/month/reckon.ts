// The independent reckoning: what invoices should say, from what was asked, the published books and the terms, by the rules
// of docs/prices.md and docs/invoices.md. Nothing of the product has a part in it; amounts are whole 10^-12.
import { byWeight, decimal, nearest, one, shared, total } from './exact.ts'
import { fitsName, type Held, heldBooks, type Line, line, type TaxOf, usageLines } from './lines.ts'
import type { PublishedBook } from './month.ts'
import { type Place, places } from './terms.ts'
import type { Counted } from './truth.ts'

export interface Expected {
  readonly kind: 'invoice' | 'credit_note'
  readonly workspace: string
  readonly period: string
  readonly lines: readonly Line[]
  readonly net: bigint
  readonly tax: bigint
  readonly gross: bigint
  readonly payable: bigint
  /** Events by period. */
  readonly events: ReadonlyMap<string, number>
}

const unitOf: Readonly<Record<string, bigint>> = { USD: one / 100n, CNY: one / 100n, JPY: one }

/** What was held of a book's fixed amounts, by milliseconds. */
function fixed(held: readonly Held[], from: number, to: number, place: Place) {
  const length = BigInt(to - from)
  const times = new Map<string, { kind: string; book: string; name: string; price: bigint; ms: bigint }>()
  for (const { book, from: began, to: ended } of held) {
    const ms = BigInt(Math.max(0, Math.min(ended, to) - Math.max(began, from)))
    if (ms === 0n) continue
    const { fees = [], minimum, cap } = book.spec
    const all = [
      ...fees
        .filter(fee => (fee.workspace ?? place.name) === place.name)
        .map(fee => ['fee', fee.name, fee.price] as const),
      ...(minimum === undefined ? [] : [['minimum', '', minimum] as const]),
      ...(cap === undefined ? [] : [['cap', '', cap] as const]),
    ]
    for (const [kind, name, text] of all) {
      const key = JSON.stringify([kind, book.name, name, text])
      const time = times.get(key) ?? { kind, book: book.name, name, price: decimal(text), ms: 0n }
      time.ms += ms
      times.set(key, time)
    }
  }
  return [...times.values()].map(each => ({
    ...each,
    whole: each.ms === length,
    amount: byWeight(each.price, [each.ms, length - each.ms])[0] ?? 0n,
  }))
}

function groupsOf(lines: readonly Line[]): Line[][] {
  return [...Map.groupBy(lines, ({ tax }) => JSON.stringify(tax ?? null)).values()]
}

/** All that a period comes to, exactly. */
function charged(
  events: readonly Counted[],
  books: readonly PublishedBook[],
  place: Place,
  month: number,
): Line[] {
  const { currency = '', billing } = place.spec
  const terms = billing?.invoice
  const [from = '', to = ''] = place.months.slice(month, month + 2)
  const covers = (names: readonly string[] | undefined, model: string) =>
    names === undefined || names.some(name => fitsName(name, model))
  const taxOf: TaxOf = model => {
    const rule = (terms?.taxes ?? []).find(({ models }) => covers(models, model))
    return rule && { name: rule.name, percent: rule.percent }
  }
  const held = heldBooks(books, currency)
  const usage = usageLines(events, held, from, taxOf)
  const times = fixed(held, Date.parse(from), Date.parse(to), place)
  const fees = times
    .filter(({ kind, amount }) => kind === 'fee' && amount !== 0n)
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ name, amount }) => line(name, 'fee', from, 1n, amount, taxOf('')))
  const discounts = (terms?.discounts ?? []).flatMap(({ name, percent, models }, index, rules) => {
    const its = usage.filter(({ id }) => {
      const model = (JSON.parse(id) as string[])[1] ?? ''
      return covers(models, model) && !rules.slice(0, index).some(rule => covers(rule.models, model))
    })
    return groupsOf(its).map(group =>
      line(
        name,
        'discount',
        from,
        1n,
        -nearest(total(group.map(({ exact }) => exact)) * decimal(percent), 100n * one),
        group[0]?.tax,
      ),
    )
  })
  const all = [...usage, ...fees, ...discounts].filter(({ kind, exact }) => kind === 'usage' || exact !== 0n)
  const sum = total(all.map(({ exact }) => exact))
  const least = total(times.filter(({ kind }) => kind === 'minimum').map(({ amount }) => amount))
  const most = times.find(({ kind, whole }) => kind === 'cap' && whole)?.amount
  const kind = sum < least ? 'minimum' : 'cap'
  const more = sum < least ? least - sum : most !== undefined && sum > most ? most - sum : 0n
  if (more === 0n) return all
  const groups = groupsOf(all)
  if (groups.length === 0) return [line('', kind, from, 1n, more, taxOf(''))]
  const parts = byWeight(
    more,
    groups.map(group => total(group.map(({ exact }) => exact))),
  )
  return [
    ...all,
    ...groups
      .map((group, index) => line('', kind, from, 1n, parts[index] ?? 0n, group[0]?.tax))
      .filter(({ exact }) => exact !== 0n),
  ]
}

/** Whatever is the same line of a period. */
const sameLine = ({ kind, id, tax }: Line) =>
  kind === 'usage' ? id : JSON.stringify([kind, id, tax ?? null])

function corrected(now: readonly Line[], billed: readonly Line[]): Line[] {
  const [after, before] = [Map.groupBy(now, sameLine), Map.groupBy(billed, sameLine)]
  return [...new Set([...after.keys(), ...before.keys()])].flatMap(key => {
    const [is, was] = [after.get(key) ?? [], before.get(key) ?? []]
    const exact = total(is.map(each => each.exact)) - total(was.map(each => each.exact))
    const quantity = total(is.map(each => each.quantity)) - total(was.map(each => each.quantity))
    const like = is[0] ?? was[0]
    if (!like || (exact === 0n && quantity === 0n)) return []
    return [{ ...like, quantity, exact, tax: was[0] ? was[0].tax : like.tax, correction: true }]
  })
}

const kinds = ['usage', 'fee', 'discount', 'minimum', 'cap', 'residue']

/** Rounds each line once, adds the residue of each tax, and the tax. */
function settled(
  charges: readonly Line[],
  place: Place,
  month: number,
  half: 'half_even' | 'half_up',
): Pick<Expected, 'lines' | 'net' | 'tax' | 'gross'> {
  const unit = unitOf[place.spec.currency ?? ''] ?? one
  const inclusive = place.spec.billing?.invoice?.taxInclusive ?? false
  const groups = groupsOf(charges)
  const sums = shared(
    groups.map(group => total(group.map(({ exact }) => exact))),
    unit,
    nearest(total(charges.map(({ exact }) => exact)), unit, half),
  )
  let [net, tax] = [0n, 0n]
  const lines: Line[] = []
  for (const [index, group] of groups.entries()) {
    const sum = sums[index] ?? 0n
    const its = group.map(each => ({ ...each, rounded: nearest(each.exact, unit, half) }))
    const residue = sum - total(its.map(({ rounded }) => rounded))
    if (residue !== 0n)
      its.push({
        ...line('', 'residue', place.months[month] ?? '', 1n, 0n, group[0]?.tax),
        correction: group.every(({ correction }) => correction),
        rounded: residue,
      })
    const percent = decimal(group[0]?.tax?.percent ?? '0')
    const bottom = 100n * one + (inclusive ? percent : 0n)
    const amount = nearest(sum * percent, bottom, half)
    const parts = shared(
      its.map(({ rounded }) => rounded * percent),
      bottom,
      amount,
    )
    for (const [place_, each] of its.entries()) {
      each.taxed = parts[place_] ?? 0n
      each.net = inclusive ? each.rounded - each.taxed : each.rounded
    }
    net += (inclusive ? sum - amount : sum) * unit
    tax += amount * unit
    // Until here they are counted in minor units.
    for (const each of its)
      lines.push({ ...each, rounded: each.rounded * unit, net: each.net * unit, taxed: each.taxed * unit })
  }
  const rank = ({ kind, correction }: Line) => kinds.indexOf(kind) + (correction ? kinds.length : 0)
  return { lines: lines.toSorted((a, b) => rank(a) - rank(b)), net, tax, gross: net + tax }
}

/** Older than 35 days, or more than 5 minutes ahead, it is not taken. */
export function isInTime({ at, came }: Counted): boolean {
  const age = Date.parse(came) - Date.parse(at)
  return age <= 35 * 86_400_000 && age >= -5 * 60_000
}

/** Everything that is issued, in turn; `cutoffs` are the last batches that the invoices of a workspace count, by month. */
export function reckon(
  told: readonly Counted[],
  books: readonly PublishedBook[],
  cutoffs: Readonly<Record<string, readonly number[]>>,
): readonly Expected[] {
  const counted = told.filter(isInTime)
  return places.flatMap(place => {
    const own = counted.filter(({ workspace, billable }) => workspace === place.name && billable === 'caller')
    const currency = place.spec.currency ?? ''
    const half = books.filter(({ spec }) => spec.currency === currency).at(-1)?.spec.rounding ?? 'half_even'
    const unit = unitOf[currency] ?? one
    const inMonth = (month: number, upTo: number) => {
      const [from, to] = place.months.slice(month, month + 2).map(text => Date.parse(text))
      return own.filter(
        ({ at, batch }) => batch <= upTo && Date.parse(at) >= (from ?? 0) && Date.parse(at) < (to ?? 0),
      )
    }
    const issued: Expected[] = []
    const make = (
      kind: Expected['kind'],
      month: number,
      charges: readonly Line[],
      events: Expected['events'],
    ): Expected => {
      const { lines, net, tax, gross } = settled(charges, place, month, half)
      const usage = total(charges.filter(each => each.kind === 'usage').map(({ exact }) => exact))
      const paid = place.spec.billing?.mode === 'prepaid' && usage > 0n ? (usage / unit) * unit : 0n
      const period = place.months[month] ?? ''
      const credit = gross <= 0n ? 0n : paid < gross ? paid : gross
      return { kind, workspace: place.name, period, lines, net, tax, gross, payable: gross - credit, events }
    }
    const ends = cutoffs[place.name] ?? []
    for (const [month, cutoff] of ends.entries()) {
      const charges = charged(inMonth(month, cutoff), books, place, month)
      const events = new Map([[place.months[month] ?? '', inMonth(month, cutoff).length]])
      const notes: Expected[] = []
      for (let earlier = 0; earlier < month; earlier++) {
        const all = inMonth(earlier, cutoff)
        if (all.length === inMonth(earlier, ends[month - 1] ?? 0).length) continue
        const period = place.months[earlier] ?? ''
        const billed = issued
          .flatMap(({ lines }) => lines)
          .filter(({ kind, service }) => kind !== 'residue' && service === period)
        const more = corrected(charged(all, books, place, earlier), billed)
        if (more.length === 0) continue
        if (total(more.map(({ exact }) => exact)) < 0n)
          notes.push(make('credit_note', earlier, more, new Map([[period, all.length]])))
        else {
          charges.push(...more)
          events.set(period, all.length)
        }
      }
      issued.push(make('invoice', month, charges, events), ...notes)
    }
    return issued
  })
}
