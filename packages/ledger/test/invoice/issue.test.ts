// Invoices through the store: what is issued, what comes late, what is verified.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { decimalOf, type InvoiceDocument, type InvoiceLine } from '@switchyard/kinds'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { document } from '../../../store/test/given.ts'
import { creditNote } from '../../src/invoice/credit.ts'
import { linesHash } from '../../src/invoice/document.ts'
import { issueInvoice } from '../../src/invoice/issue.ts'
import { openYard, operator, workspaceOf, type Yard } from './ledger.ts'

let yard: Yard
beforeEach(async () => {
  yard = await openYard()
})
afterEach(() => yard[Symbol.asyncDispose]())

const plain = {
  currency: 'CNY',
  rates: [
    { model: '*', unit: 'tok.in.*' as const, price: '0.0375', per: 1 },
    { model: '*', unit: 'tok.out.*' as const, price: '2.49', per: 7 },
  ],
}
const exactOf = (documents: readonly InvoiceDocument[], from: string) =>
  documents
    .flatMap(({ lines }) => lines)
    .filter(({ service }) => service.from === from)
    .reduce((sum, { exact }) => sum + decimalOf(exact), 0n)
const october = '2026-09-30T16:00:00.000Z'
/** After October has ended and its grace. */
const afterOctober = '2026-11-04T00:00:00Z'
const afterNovember = '2026-12-05T00:00:00Z'
const input = (count: bigint) => ({ 'tok.in.uncached': String(count) })

test('how far drafts and issuing have come is told, and a month without usage waits for nothing', async () => {
  const { invoices } = yard.db
  await yard.publish(plain)
  await yard.use('2026-10-31T15:59:59.999Z', input(1000n))
  await yard.turn('2026-11-01T00:00:00Z')
  const draftedAt = Date.parse('2026-11-01T00:00:00Z') / 1000
  const told = { undrafted: 0, draftedAt, unissued: 0, stopped: 0 }
  expect(await invoices.standing('2026-11-01T00:59:00Z')).toEqual(told)
  const [waiting] = (await invoices.list(operator, { limit: 10 })).filter(({ state }) => state === 'draft')
  const grace = Date.parse(waiting?.to ?? '') + 72 * 3_600_000
  // Three hours after its grace has ended, nobody has looked.
  const late = new Date(grace + 3 * 3_600_000)
  expect(await invoices.standing(late.toISOString())).toEqual({
    ...told,
    undrafted: late.getTime() / 1000 - draftedAt - 3600,
    unissued: 3 * 3600,
  })
  await yard.turn(late.toISOString())
  expect(await invoices.standing(late.toISOString())).toMatchObject({ undrafted: 0, unissued: 0 })
  // November had no usage.
  await yard.turn('2027-01-10T00:00:00Z')
  expect(await invoices.standing('2027-01-10T00:00:00Z')).toMatchObject({ undrafted: 0, unissued: 0 })
  expect(await yard.issued()).toHaveLength(1)
  await invoices.stop((await invoices.list(operator, { limit: 1 }))[0]?.id ?? '', 'no price', afterOctober)
  expect(await invoices.standing(afterOctober)).toMatchObject({ stopped: 1 })
})

describe('a month', () => {
  test('is gathered, drafted in its grace and issued after it, with the usage of its own days', async () => {
    await yard.publish(plain)
    await yard.use('2026-10-31T15:59:59.999Z', { 'tok.in.uncached': '1000', 'tok.out.text': '10' })
    await yard.use('2026-10-31T16:00:00.000Z', input(4n))
    const states = async () =>
      (await yard.db.invoices.list(operator, { limit: 10 })).map(({ state, payable, number }) => [
        state,
        payable,
        number,
      ])
    await yard.turn('2026-11-01T00:00:00Z')
    expect(await states()).toEqual([
      ['gathering', '0.16', null],
      ['draft', '43.52', null],
    ])
    await yard.turn(afterOctober)
    expect(await states()).toEqual([
      ['gathering', '0.16', null],
      ['issued', '43.52', 'ACME-2026-000001'],
    ])
    const [document] = await yard.issued()
    expect(document).toMatchObject({
      number: 'ACME-2026-000001',
      dueAt: '2026-12-04T00:00:00.000Z',
      period: { from: october, to: '2026-10-31T16:00:00.000Z' },
      net: '41.06',
      tax: '2.46',
      evidence: { ratingVersion: '2', periods: [{ events: '1' }] },
    })
    expect(
      document?.lines.map(({ model, unit, price, quantity, exact }) => [model, unit, price, quantity, exact]),
    ).toEqual([
      ['chat', 'tok.in.uncached', '0.0375 / 1', '1000', '37.5'],
      ['chat', 'tok.out.text', '2.49 / 7', '10', '3.557142857143'],
    ])
    await yard.turn('2026-12-04T00:00:01Z')
    expect((await yard.find('ACME-2026-000001')).state).toBe('overdue')
  })

  test('answers of the cache that have no price are on no line and stop no invoice', async () => {
    const { spec } = workspaceOf('default', 'CNY')
    await yard.db.store.write(operator, tx => tx.insert(document('Workspace', null, 'default', spec), []))
    await yard.publish({ currency: 'CNY', rates: [{ model: 'chat', unit: 'tok.out.*', price: '2', per: 1 }] })
    const output = { 'tok.out.text': '10' }
    await yard.use('2026-10-20T00:00:00Z', output)
    await yard.use('2026-10-20T00:00:00Z', output, { tier: 'cache' })
    await yard.use('2026-10-20T00:00:00Z', output, { tier: 'cache', model: 'another' })
    await yard.turn(afterOctober)
    const [issued] = await yard.issued()
    expect(issued?.lines.map(({ quantity, exact }) => [quantity, exact])).toEqual([['10', '20']])
    expect((await yard.verify(issued?.number ?? '')).difference).toBeUndefined()
  })

  test('MB4: tiers and regions with prices of their own have lines of their own, and verify', async () => {
    const { spec } = workspaceOf('default', 'CNY')
    await yard.db.store.write(operator, tx => tx.insert(document('Workspace', null, 'default', spec), []))
    const sold = { model: 'chat', unit: 'tok.out.*' as const, per: 1 }
    await yard.publish({
      currency: 'CNY',
      rates: [
        { ...sold, price: '2' },
        { ...sold, price: '3', tier: 'priority' },
        { ...sold, price: '5', tier: 'priority', region: 'eu' },
        { ...sold, price: '1', tier: 'cache' },
      ],
    })
    const output = { 'tok.out.text': '10' }
    for (const data of [
      {},
      { region: 'eu' },
      { tier: 'batch' as const },
      { tier: 'priority' as const },
      { tier: 'priority' as const, region: 'us' },
      { tier: 'priority' as const, region: 'eu' },
      { tier: 'cache' as const },
    ])
      await yard.use('2026-10-20T00:00:00Z', output, data)
    await yard.turn(afterOctober)
    const [issued] = await yard.issued()
    expect(
      issued?.lines.map(({ price, quantity, exact, tier, region }) => [price, quantity, exact, tier, region]),
    ).toEqual([
      ['2 / 1', '30', '60', undefined, undefined],
      ['3 / 1', '20', '60', 'priority', undefined],
      ['5 / 1', '10', '50', 'priority', 'eu'],
      ['1 / 1', '10', '10', 'cache', undefined],
    ])
    const rated = await yard.db.usage.usage(operator, { workspace: 'default', by: [] })
    expect(rated[0]?.amounts).toMatchObject([{ amount: '180' }])
    const number = issued?.number ?? ''
    expect((await yard.verify(number)).difference).toBeUndefined()
    // As it was issued before lines told of tiers and regions.
    const before = (await yard.archive(number)).map(line => {
      if (!line.startsWith('{"archive"')) return line
      // Why `as`: the archive has written it.
      const entry = JSON.parse(line) as { readonly archive: 1; readonly document: InvoiceDocument }
      const { lines, evidence } = entry.document
      const plainLines = lines.map(line => {
        const members = Object.entries(line).filter(([name]) => name !== 'tier' && name !== 'region')
        return Object.fromEntries(members) as InvoiceLine // both may be absent
      })
      return JSON.stringify({
        ...entry,
        document: {
          ...entry.document,
          lines: plainLines,
          linesHash: linesHash(plainLines),
          evidence: { ...evidence, ratingVersion: '1' },
        },
      })
    })
    expect((await yard.verify(number, before)).difference).toBeUndefined()
    const mixed = before.map(line => line.replace('"ratingVersion":"1"', '"ratingVersion":"2"'))
    expect((await yard.verify(number, mixed)).difference).toMatch(/^line 2: tier is undefined/)
    const forged = (await yard.archive(number)).map(line =>
      line.startsWith('{"events"') ? line.replace('"tier":"cache"', '"tier":"priority"') : line,
    )
    expect((await yard.verify(number, forged)).difference).toContain('line 2')
  })

  test('MB2.17: a missing rate blocks issuing and names model and unit', async () => {
    await yard.publish({ ...plain, rates: plain.rates.slice(0, 1) })
    await yard.use('2026-10-20T00:00:00Z', { 'tok.in.uncached': '1', 'tok.out.text': '1' })
    await yard.turn(afterOctober)
    expect(await yard.issued()).toEqual([])
    const [row] = (await yard.db.invoices.list(operator, { limit: 10 })).filter(
      ({ from }) => from === october,
    )
    expect(row?.stopped).toMatch(/chat has no price for tok.out.text in CNY/)
    await expect(
      issueInvoice(await yard.find(row?.id ?? ''), {
        ...yard.db,
        now: () => Date.parse(afterOctober),
        observe: () => {},
      }),
    ).rejects.toMatchObject({ code: 'conflict', reason: 'unpriced' })
    await yard.publish({ currency: 'CNY', rates: plain.rates.slice(1) }, 'more')
    await yard.turn('2026-11-04T02:00:00Z')
    expect((await yard.issued()).map(({ number }) => number)).toEqual(['ACME-2026-000001'])
  })

  test('MB4.I1: its exact lines sum to what its events were rated at when they came, in whatever order', async () => {
    const { spec } = workspaceOf('default', 'CNY')
    await yard.db.store.write(operator, tx => tx.insert(document('Workspace', null, 'default', spec), []))
    await yard.publish({
      currency: 'CNY',
      rates: [
        {
          model: '*',
          unit: 'tok.in.*',
          charge: 'graduated',
          per: 7,
          steps: [{ upTo: '100', price: '1' }, { price: '0.3' }],
        },
        { model: '*', unit: 'tok.out.*', price: '2.49', per: 7 },
      ],
    })
    for (const [hour, count] of [5, 91, 17, 3, 240].entries())
      await yard.use(
        `2026-10-2${4 - hour}T00:00:00Z`,
        { 'tok.in.uncached': String(count), 'tok.in.cache_read': '2', 'tok.out.text': String(hour) },
        { project: hour % 2 === 0 ? 'shop' : null },
      )
    await yard.turn(afterOctober)
    const [sum] = await yard.db.usage.usage(operator, { workspace: 'default', by: [] })
    const rated = sum?.amounts.find(({ currency }) => currency === 'CNY')?.amount ?? '0'
    expect(rated).not.toBe('0')
    expect(exactOf(await yard.issued(), october)).toBe(decimalOf(rated))
  })

  test('without usage is not invoiced, and not numbered', async () => {
    await yard.publish(plain)
    await yard.turn(afterOctober)
    expect(await yard.issued()).toEqual([])
  })

  test('has fees by the days that their book holds, its least, and steps counted over all projects', async () => {
    await yard.publish({
      currency: 'CNY',
      rates: [
        {
          model: 'c*',
          unit: 'tok.in.*',
          charge: 'graduated',
          per: 1,
          steps: [
            { upTo: '100', price: '1' },
            { price: '0.5', flat: '3' },
          ],
        },
        { model: 'pack', unit: 'req', charge: 'package', price: '7', per: 10 },
      ],
      fees: [{ name: 'support', price: '31' }],
      minimum: '400',
    })
    await yard.publish(
      { ...plain, rates: [{ model: 'x', unit: 'req', price: '1' }] },
      'sale',
      '2026-10-30T16:00:00Z',
    )
    await yard.use('2026-10-20T00:00:00Z', input(90n))
    await yard.use('2026-10-21T00:00:00Z', input(60n), { project: 'lab', model: 'cat' })
    await yard.use('2026-10-22T00:00:00Z', { req: '11' }, { model: 'pack' })
    await yard.turn(afterOctober)
    const [document] = await yard.issued()
    const shown = document?.lines.map(({ kind, project, step, quantity, exact }) => [
      kind,
      project,
      step,
      quantity,
      exact,
    ])
    expect(shown).toEqual([
      ['usage', 'lab', 1, '40', '40'],
      ['usage', 'lab', 2, '20', '11.2'],
      ['usage', 'shop', 1, '60', '60'],
      ['usage', 'shop', 2, '30', '16.8'],
      ['usage', 'shop', null, '11', '14'],
      ['fee', null, null, '1', '30'],
      ['minimum', null, null, '1', '215.096774193548'],
    ])
    expect(await yard.verify('ACME-2026-000001')).toMatchObject({ difference: undefined })
  })

  test('of a balance is paid already, but for its tax', async () => {
    await using prepaid = await openYard('CNY', { mode: 'prepaid' })
    await prepaid.publish(plain)
    await prepaid.use('2026-10-20T00:00:00Z', input(1000n))
    await prepaid.turn(afterOctober)
    expect((await prepaid.issued()).map(({ gross, payable, credits }) => [gross, payable, credits])).toEqual([
      ['39.75', '2.25', [{ name: 'balance', amount: '37.50' }]],
    ])
  })
})

describe('late usage', () => {
  test('MB4.35: issue, add late events, issue again: the first document keeps its bytes and the sum is R(all)', async () => {
    await yard.publish(plain)
    await yard.use('2026-10-20T00:00:00Z', { 'tok.in.uncached': '1001', 'tok.out.text': '3' })
    await yard.turn(afterOctober)
    const before = await yard.text('ACME-2026-000001')
    await yard.use('2026-10-21T00:00:00Z', { 'tok.in.uncached': '20', 'tok.out.text': '3' })
    await yard.use('2026-10-21T00:00:01Z', input(5n), { model: 'other' })
    await yard.use('2026-11-03T00:00:00Z', input(7n))
    await yard.turn(afterNovember)
    expect(await yard.text('ACME-2026-000001')).toBe(before)
    const issued = await yard.issued()
    expect(issued.map(({ number }) => number)).toEqual(['ACME-2026-000001', 'ACME-2026-000002'])
    const each = (count: bigint) => (count * 2_490_000_000_000n) / 7n
    const tally = 1026n * 37_500_000_000n + (each(3n) + 0n) * 2n
    // Each event is rounded by itself: 3 x 2.49 / 7 = 1.067142857142…
    expect(exactOf(issued, october) - tally).toBeLessThanOrEqual(2n)
    expect(
      issued[1]?.lines.map(({ model, unit, quantity, correction, corrects }) => [
        model,
        unit,
        quantity,
        correction,
        corrects,
      ]),
    ).toEqual([
      ['chat', 'tok.in.uncached', '7', false, null],
      ['chat', 'tok.in.uncached', '20', true, { document: 'ACME-2026-000001', line: 1 }],
      ['chat', 'tok.out.text', '3', true, { document: 'ACME-2026-000001', line: 2 }],
      ['other', 'tok.in.uncached', '5', true, null],
    ])
    for (const { number } of issued)
      expect(await yard.verify(number)).toMatchObject({ number, difference: undefined })
    // A third time nothing is late any more.
    await yard.use('2026-11-21T00:00:00Z', input(1n))
    await yard.turn('2026-12-31T20:00:00Z')
    expect((await yard.issued()).at(-1)?.evidence?.periods).toHaveLength(2)
  })

  test('that makes a month cheaper is given back by a credit note of its own number', async () => {
    await yard.publish({
      currency: 'CNY',
      rates: [
        {
          model: '*',
          unit: 'tok.in.*',
          charge: 'volume',
          per: 1,
          steps: [{ upTo: '100', price: '1' }, { price: '0.5' }],
        },
      ],
    })
    await yard.use('2026-10-20T00:00:00Z', input(100n))
    await yard.turn(afterOctober)
    await yard.use('2026-10-21T00:00:00Z', input(1n))
    await yard.use('2026-11-03T00:00:00Z', input(10n))
    await yard.turn(afterNovember)
    const issued = await yard.issued()
    const shown = issued.map(({ kind, number, net, payable }) => [kind, number, net, payable])
    expect(new Set(shown.map(each => each.join(' ')))).toEqual(
      new Set([
        'credit_note ACME-CN-2026-000001 -49.50 -52.47',
        'invoice ACME-2026-000001 100.00 106.00',
        'invoice ACME-2026-000002 10.00 10.60',
      ]),
    )
    expect(exactOf(issued, october)).toBe(50_500_000_000_000n)
    for (const { number } of issued)
      expect(await yard.verify(number)).toMatchObject({ difference: undefined })
  })
})

describe('what was issued', () => {
  beforeEach(async () => {
    await yard.publish(plain)
    await yard.use('2026-10-20T00:00:00Z', { 'tok.in.uncached': '1001', 'tok.out.text': '3' })
    await yard.use('2026-10-20T00:00:01Z', input(9n), { model: 'b' })
    await yard.turn(afterOctober)
  })

  test('MB4.37: verifies from the archive alone; after one flipped digit the line is named', async () => {
    const lines = await yard.archive('ACME-2026-000001')
    expect(await yard.verify('', lines)).toEqual({
      number: 'ACME-2026-000001',
      events: '2',
      difference: undefined,
    })
    const flipped = async (from: string, to: string) => {
      const changed = lines.map(line => line.replace(from, to))
      expect(changed).not.toEqual(lines)
      return (await yard.verify('', changed)).difference
    }
    expect(await flipped('"exact":"0.3375"', '"exact":"0.3374"')).toMatch(
      /^line 1: exact is "0.3374", reckoned again it is "0.3375"$/,
    )
    expect(await flipped('"tok.in.uncached":"1001"', '"tok.in.uncached":"1002"')).toMatch(
      /^line 2: quantity is "1001"/,
    )
    expect(
      await flipped('"time":"2026-10-20T00:00:00.000000Z"', '"time":"2026-10-20T00:00:00.000001Z"'),
    ).toMatch(/^evidence.periods.0.root/)
    expect(await flipped('"price":"0.0375"', '"price":"0.0374"')).toMatch(/^price book sale, version 1/)
    expect(await flipped('"payable":"', '"payable":"1')).toMatch(/^payable is/)
    await expect(yard.verify('', lines.slice(0, -1))).rejects.toMatchObject({
      code: 'invalid',
      reason: 'no_archive',
    })
  })

  test('is changed by nobody, and every state is entered from where it may be', async () => {
    const { id } = await yard.find('ACME-2026-000001')
    const { invoices } = yard.db
    expect(await invoices.move(id, 'gathering')).toBe(false)
    expect(await invoices.begin(id, afterOctober)).toBeUndefined()
    expect(await invoices.move(id, 'paid')).toBe(true)
    expect(await invoices.move(id, 'overdue')).toBe(false)
    const before = await yard.text('ACME-2026-000001')
    await yard.turn('2026-11-05T00:00:00Z', { buyer: { name: 'Another' } })
    expect(await yard.text('ACME-2026-000001')).toBe(before)
  })

  test('is taken back by notes that never exceed a line, and their sum is the whole of it', async () => {
    const { invoices } = yard.db
    const of = await yard.find('ACME-2026-000001')
    const [document] = await yard.issued()
    if (!document) throw new Error('nothing was issued')
    const credit = (lines?: { line: number; net?: string }[]) =>
      invoices.credit(
        of,
        (before, number) =>
          creditNote(document, before, {
            number,
            issuedAt: afterOctober,
            note: 'by mistake',
            ...(lines && { lines }),
          }),
        afterOctober,
      )
    expect(await credit([{ line: 2, net: '10.01' }])).toMatchObject({
      number: 'ACME-CN-2026-000001',
      net: '-10.01',
      tax: '-0.60',
    })
    await expect(credit([{ line: 2, net: '27.54' }])).rejects.toMatchObject({ reason: 'above_line' })
    await expect(credit([{ line: 2, net: '0.001' }])).rejects.toMatchObject({ code: 'invalid' })
    await expect(credit([{ line: 9 }])).rejects.toMatchObject({ reason: 'no_such_line' })
    const rest = await credit()
    await expect(credit()).rejects.toMatchObject({ code: 'conflict', reason: 'nothing_left' })
    const issued = await yard.issued()
    expect(issued.map(({ number }) => number)).toContain('ACME-CN-2026-000002')
    const all = issued.reduce((sum, { gross }) => sum + decimalOf(gross), 0n)
    expect([all, rest.note]).toEqual([0n, 'by mistake'])
    for (const { number } of issued)
      expect(await yard.verify(number)).toMatchObject({ difference: undefined })
  })
})

test('MB4.36: kill -9 during issuing leaves no gap and no double number', async () => {
  await yard.publish(plain)
  const places = Array.from({ length: 12 }, (_, index) => `w${index}`)
  for (const workspace of places) {
    await yard.use('2026-10-20T00:00:00Z', input(3n), { workspace })
    await yard.turn('2026-11-01T00:00:00Z', {}, workspace)
  }
  const child = new URL('../issue.child.ts', import.meta.url).pathname
  for (let kills = 0; kills < 5; kills++) {
    const run = spawn(process.execPath, [child, yard.db.url, afterOctober], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(run.stdout, 'data')
    await new Promise(resolve => setTimeout(resolve, 7 + 9 * kills))
    run.kill('SIGKILL')
    await once(run, 'exit')
  }
  await yard.turn(afterOctober)
  const rows = await yard.db.invoices.list(operator, { limit: 1000 })
  const numbers = rows.flatMap(({ number }) => number ?? []).toSorted()
  expect(numbers).toEqual(places.map((_, index) => `ACME-2026-${String(index + 1).padStart(6, '0')}`))
}, 240_000)
