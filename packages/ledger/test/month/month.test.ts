// Three workspaces over three months, with kills, duplicates and late usage: every line, tax, total and balance is what an
// independent reckoning makes of what was asked. `make test-real` does it with more, and reckons in Python.
import { createHash } from 'node:crypto'
import type { InvoiceDocument } from '@switchyard/kinds'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operator } from '../../../store/test/given.ts'
import { archiveOf, verifyInvoice } from '../../src/invoice/archive.ts'
import { decimal, nearest } from './exact.ts'
import type { Line } from './lines.ts'
import { type Month, runMonth } from './month.ts'
import { type Expected, isInTime, reckon } from './reckon.ts'
import { places } from './terms.ts'

const seed = Number(process.env.SWITCHYARD_MONTH_SEED ?? 2100)
const events = Number(process.env.SWITCHYARD_MONTH_EVENTS ?? 2500)
let month: Month & AsyncDisposable
beforeAll(async () => {
  console.info(`the month of seed ${seed}, ${events} events`)
  month = await runMonth(seed, events, 1)
}, 600_000)
afterAll(() => month?.[Symbol.asyncDispose]())

const show = ({ id, kind, service, correction, quantity, exact, tax, rounded, net, taxed }: Line) =>
  [
    correction ? 'corrects' : 'charges',
    service,
    kind,
    id,
    tax ? `${tax.name} ${tax.percent}` : 'no tax',
    quantity,
    exact,
    rounded,
    net,
    taxed,
  ].join(' | ')

function shown(document: InvoiceDocument) {
  const lines = document.lines.map(line =>
    show({
      id:
        line.kind === 'usage'
          ? JSON.stringify([line.project ?? '', line.model, line.unit, line.rate, String(line.step ?? '')])
          : line.name,
      kind: line.kind,
      service: line.service.from,
      correction: line.correction,
      quantity: BigInt(line.quantity),
      exact: decimal(line.exact),
      tax: line.taxed ?? undefined,
      rounded: decimal(line.rounded),
      net: decimal(line.net),
      taxed: decimal(line.tax),
    }),
  )
  const { kind, workspace, net, tax, gross, payable, evidence } = document
  return {
    what: `${kind} of ${workspace} for ${document.period.from}`,
    lines: lines.toSorted(),
    sums: [net, tax, gross, payable].map(decimal),
    events: evidence?.periods.map(({ from, events: count }) => `${from} ${count}`).toSorted(),
  }
}

const expected = (one: Expected) => ({
  what: `${one.kind} of ${one.workspace} for ${one.period}`,
  lines: one.lines.map(show).toSorted(),
  sums: [one.net, one.tax, one.gross, one.payable],
  events: [...one.events].map(([from, count]) => `${from} ${count}`).toSorted(),
})

const byWhat = (one: { readonly what: string }, other: { readonly what: string }) =>
  one.what < other.what ? -1 : 1

test('ten processes and more were killed, some of them over requests, and nobody was forgotten', () => {
  const { told, kills } = month
  const [begun, ended] = (['begun', 'ended'] as const).map(
    kind => told.filter(each => each.kind === kind).length,
  )
  console.info(`${kills} kills, ${(begun ?? 0) - (ended ?? 0)} of ${begun} requests cut off`)
  expect(kills).toBeGreaterThanOrEqual(10)
  expect(begun).toBeGreaterThan(ended ?? 0)
  const asked = new Set(told.flatMap(each => (each.kind === 'begun' ? [each.number] : [])))
  const answered = new Set(told.flatMap(each => (each.kind === 'ended' ? [each.number] : [])))
  expect(answered).toEqual(asked)
  expect(asked.size).toBeGreaterThan(events)
  for (const kind of ['twice', 'conflict']) expect(told.some(each => each.kind === kind)).toBe(true)
})

test('MB1.I4: each event is there once, as it was asked, and what could not be used waits in quarantine', async () => {
  const { rows } = await month.sql.query<{ id: string }>('select id from usage_events order by id')
  const taken = month.counted.filter(isInTime)
  expect(taken).toHaveLength(month.counted.length - 2)
  expect(rows.map(({ id }) => id)).toEqual(taken.map(({ id }) => id).toSorted())
  const refused = await month.sql.query<{ id: string; reason: string }>(
    `select distinct convert_from(raw, 'UTF8')::jsonb ->> 'id' as id, reason from usage_quarantine`,
  )
  const reasons = Map.groupBy(refused.rows, ({ reason }) => reason)
  const conflicts = month.told.flatMap(each => (each.kind === 'conflict' ? [each.id] : []))
  expect([...reasons.keys()].toSorted()).toEqual(['conflict', 'future', 'too_old'])
  expect(reasons.get('conflict')?.map(({ id }) => id)).toEqual(expect.arrayContaining(conflicts))
})

test('MB4.I1, MB4.I2: every invoice and credit note is what an independent reckoning makes of it, to the last digit', () => {
  const issued = month.documents.map(shown).toSorted(byWhat)
  const reckoned = reckon(month.counted, month.books, month.cutoffs).map(expected).toSorted(byWhat)
  expect(issued.map(({ what }) => what)).toEqual(reckoned.map(({ what }) => what))
  for (const [index, one] of issued.entries()) expect(one).toEqual(reckoned[index])
  // All of it was tried.
  const kinds = new Set(month.documents.flatMap(({ lines }) => lines.map(({ kind }) => kind)))
  expect(kinds).toEqual(new Set(['usage', 'fee', 'discount', 'minimum', 'residue']))
  expect(month.documents.some(({ lines }) => lines.some(({ correction }) => correction))).toBe(true)
  expect(month.documents.some(({ kind }) => kind === 'credit_note')).toBe(true)
})

test('MB4.I2: each document is reckoned anew after all that came late, and is the same byte for byte', async () => {
  const { invoices } = month.db
  for (const { workspace, number } of month.documents) {
    const work = await invoices.find(operator, workspace, number)
    if (!work) throw new Error(`no ${number}`)
    expect(await verifyInvoice(archiveOf(invoices, operator, work))).toMatchObject({
      number,
      difference: undefined,
    })
  }
})

test('an invoice counts all that was taken before it was begun, and nothing that came after it was issued', () => {
  for (const { workspace, wave, batch } of month.counted.filter(isInTime)) {
    const [january = 0, february = 0, march = 0] = month.cutoffs[workspace] ?? []
    const [after, upTo] =
      wave < 3
        ? [0, january]
        : wave === 3
          ? [0, february]
          : wave < 6
            ? [january, february]
            : [wave === 6 ? january : february, march]
    expect(batch > after && batch <= upTo, `wave ${wave}, batch ${batch} of ${workspace}`).toBe(true)
  }
})

test('MB1.14: batches have no gap, and each is sealed by the root of its events', async () => {
  const { rows } = await month.sql.query<{ number: string; events: string; root: Buffer; hashes: Buffer[] }>(
    `select b.number::text, b.events::text, b.root, array(
       select e.body_hash from usage_events e where e.batch = b.number
       order by e.workspace::bytea, e.source::bytea, e.id::bytea) as hashes
     from usage_batches b where b.closed_at is not null or b.events is not null order by b.number`,
  )
  expect(rows.length).toBeGreaterThan(10)
  expect(rows.map(({ number }) => number)).toEqual(rows.map((_, index) => String(index + 1)))
  for (const { events: count, root, hashes } of rows) {
    expect(count).toBe(String(hashes.length))
    expect(root.equals(rootOf(hashes))).toBe(true)
  }
  const sealed = rows.reduce((sum, { hashes }) => sum + hashes.length, 0)
  expect(sealed).toBe(month.held.size)
})

const sha256 = (first: number, ...parts: readonly Uint8Array[]) =>
  createHash('sha256')
    .update(Buffer.concat([Buffer.of(first), ...parts]))
    .digest()

/** RFC 6962, section 2.1. */
function rootOf(leaves: readonly Uint8Array[]): Buffer {
  const [leaf] = leaves
  if (leaves.length <= 1) return sha256(0, leaf ?? Buffer.of())
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1)
  return sha256(1, rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half)))
}

test('MB4.36: their numbers have no gap, whoever was killed', () => {
  for (const [kind, prefix] of [
    ['invoice', 'YARD-2100-'],
    ['credit_note', 'YARD-CN-2100-'],
  ]) {
    const numbers = month.documents.filter(each => each.kind === kind).map(({ number }) => number)
    expect(numbers.toSorted()).toEqual(
      numbers.map((_, index) => `${prefix}${String(index + 1).padStart(6, '0')}`),
    )
  }
})

test('a correction names a line of the same thing', () => {
  const byNumber = new Map(month.documents.map(document => [document.number, document]))
  const what = (line: InvoiceDocument['lines'][number] | undefined) =>
    line && [
      line.kind,
      line.name,
      line.project,
      line.model,
      line.unit,
      line.rate,
      line.step,
      line.service.from,
    ]
  for (const { lines } of month.documents)
    for (const line of lines)
      if (line.corrects) {
        const target = byNumber.get(line.corrects.document)?.lines[line.corrects.line - 1]
        expect(what(target)).toEqual(what(line))
      }
})

test('MB3.I5: balances are what was paid in less what events cost, and every transaction sums to nothing', async () => {
  const unbalanced = await month.sql.query(
    'select txn from ledger_entries group by txn, currency having sum(amount) <> 0',
  )
  expect(unbalanced.rows).toEqual([])
  // A month that nobody invoiced yet is charged all the same: all that were taken, as one invoice of all time.
  const never = places.map(({ name }) => [name, [Infinity, Infinity, Infinity]] as const)
  const all = reckon(month.counted, month.books, Object.fromEntries(never))
  for (const place of places) {
    if (place.topUp === undefined) continue
    const used = all
      .filter(({ workspace, kind }) => workspace === place.name && kind === 'invoice')
      .flatMap(({ lines }) => lines.filter(line => line.kind === 'usage' && !line.correction))
      .reduce((sum, { exact }) => sum + exact, 0n)
    const { rows } = await month.sql.query<{ posted: string; entries: string; held: string }>(
      `select posted::text, (pending + sliced)::text as held,
         (select sum(amount)::text from ledger_entries e where e.account = a.id) as entries
       from accounts a where workspace = $1 and role = 'balance'`,
      [place.name],
    )
    const balance = decimal(place.topUp) - used
    expect(rows.map(row => [-decimal(row.posted), -decimal(row.entries), decimal(row.held)])).toEqual([
      [balance, balance, 0n],
    ])
  }
})

test('MB1.I4: sums are what was asked, and what the events add up to', async () => {
  expect(await month.db.usage.rebuild(operator, {}, false)).toEqual([])
  const rows = await month.db.usage.usage(operator, { by: ['workspace', 'project', 'model', 'day'] })
  const sums = new Map<string, { requests: bigint; units: Map<string, bigint> }>()
  for (const { workspace, project, model, at, billable, quantities } of month.counted.filter(isInTime)) {
    if (billable !== 'caller') continue
    const key = [workspace, project ?? '', model, at.slice(0, 10)].join(' ')
    const sum = sums.get(key) ?? { requests: 0n, units: new Map<string, bigint>() }
    sums.set(key, sum)
    sum.requests += 1n
    for (const [unit, count] of Object.entries(quantities))
      sum.units.set(unit, (sum.units.get(unit) ?? 0n) + BigInt(count))
  }
  const own = [...sums].map(([key, { requests, units }]) =>
    [key, requests, shownUnits([...units])].join(': '),
  )
  // Where only we were charged for something, nobody has asked for anything.
  const asked = rows.filter(({ requests }) => BigInt(requests) > 0n)
  const told = asked.map(({ group, requests, quantities }) =>
    [
      [group.workspace, group.project ?? '', group.model, group.day].join(' '),
      BigInt(requests),
      shownUnits(Object.entries(quantities).map(([unit, count]) => [unit, BigInt(count)])),
    ].join(': '),
  )
  expect(new Set(told)).toEqual(new Set(own))
})

const shownUnits = (units: readonly (readonly [string, bigint])[]) =>
  units
    .filter(([, count]) => count > 0n)
    .map(([unit, count]) => `${unit}=${count}`)
    .toSorted()
    .join(' ')

test('the reckoning rounds as the tables of the rules say', () => {
  expect([25n, 15n, -25n, 26n].map(each => nearest(each, 10n))).toEqual([2n, 2n, -2n, 3n])
  expect([25n, -25n].map(each => nearest(each, 10n, 'half_up'))).toEqual([3n, -3n])
  expect([decimal('-1.5'), decimal('0.000000000001')]).toEqual([-1_500_000_000_000n, 1n])
})
