// Invoices from usage to the archive that anybody verifies, as people meet them.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { createClient } from '@switchyard/client'
import { filesObjects } from '@switchyard/drivers/objects/files'
import { type DocumentOf, type legalEntity, periodAt, type workspace } from '@switchyard/kinds'
import { invoiceDue, keepArchive, keepBatches, plansOf } from '@switchyard/ledger'
import { systemClock, type UsageEvent } from '@switchyard/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cli, folder } from './harness.ts'
import { startYard, type Yard } from './yard.ts'

let yard: Yard
const zone = 'Asia/Shanghai'
const { startsAt } = periodAt('month', zone, Date.now())
/** The last moment of the month before. */
const time = new Date(startsAt - 1).toISOString()

function event(number: number): UsageEvent {
  const request = `01990000-0000-7000-8000-${String(number).padStart(12, '0')}`
  return {
    specversion: '1.0',
    type: 'switchyard.usage.v1',
    source: '/gateway',
    id: `${request}:1:call`,
    subject: 'shopco/web',
    time,
    data: {
      workspace: 'shopco',
      project: 'web',
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
      quantities: { 'tok.in.uncached': '1234567', 'tok.out.text': '7654' },
      flags: [],
    },
  }
}

beforeAll(async () => {
  yard = await startYard()
  const { client, database } = yard
  const entity = await client.create({
    kind: 'LegalEntity',
    metadata: { name: 'acme' },
    spec: { name: '示例云计算有限公司', taxNumber: '91310000MA1K00000X' },
  })
  await client.create({
    kind: 'PriceBook',
    metadata: { name: 'sale' },
    spec: {
      side: 'sale',
      currency: 'CNY',
      from: '2026-01-01T00:00:00Z',
      rates: [
        { model: '*', unit: 'tok.in.*', price: '8' },
        { model: '*', unit: 'tok.out.*', price: '24.50' },
      ],
    },
  })
  const invoice = {
    entity: 'acme',
    buyer: { name: '买方公司', taxNumber: '91440300MA5X00000Y' },
    taxes: [{ name: '增值税', percent: '6' }],
    taxInclusive: true,
    graceHours: 0,
  }
  const place = await client.create({
    kind: 'Workspace',
    metadata: { name: 'shopco' },
    spec: { currency: 'CNY', timezone: zone, billing: { invoice } },
  })
  await database.usage.ingest([1, 2, 3].map(event))
  const { invoices, prices } = database
  // Why `as`: the API has checked them against their kinds.
  for (const plan of plansOf(
    place as DocumentOf<typeof workspace>,
    entity as DocumentOf<typeof legalEntity>,
    Date.now(),
  ))
    await invoices.plan(plan)
  await invoiceDue({ invoices, prices, now: Date.now, observe: () => {} })
})
afterAll(() => yard[Symbol.asyncDispose]())

const run = (...argv: string[]) => yard.run(['invoice', ...argv, '-W', 'shopco'])
const number = `ACME-${new Date().getUTCFullYear()}-000001`

test('an issued invoice is listed and shown with its lines and sums', async () => {
  const listed = await run('list')
  expect(listed.stdout).toContain(`${number}  invoice  issued`)
  const shown = await run('show', number)
  expect(shown.stdout).toMatch(/chat tok.in.uncached +web +3703701 +8 \/ 1000000 +29.629608 +27.95 +1.68/)
  expect(shown.stdout).toMatch(/增值税 6 % +1.71 CNY/)
  expect(shown.stdout).toMatch(/to pay +30.19 CNY/)
})

test('it is a page in Chinese with 大写, and CSV by FOCUS', async () => {
  const file = join(folder(), 'invoice.html')
  await run('export', number, '--lang', 'zh', '--out', file)
  expect(readFileSync(file, 'utf8')).toContain('大写：叁拾元零壹角玖分')
  const focus = await run('export', number, '--format', 'focus')
  const costs = focus.stdout
    .split('\r\n')
    .slice(1, -1)
    .map(line => Number(line.split(',')[0]))
  expect(costs.reduce((sum, cost) => sum + cost, 0).toFixed(2)).toBe('30.19')
})

test('MB4.37: it verifies against the server, and from its archive alone', async () => {
  const online = await run('verify', number)
  expect([online.status, online.stdout]).toEqual([0, 'identical\n'])
  const file = join(folder(), 'archive.ndjson.gz')
  await run('export', number, '--format', 'archive', '--out', file)
  // Without a server, or the right to ask one.
  const alone = (path: string) => cli(['invoice', 'verify', '--archive', path], { home: folder(), env: {} })
  const same = await alone(file)
  expect([same.status, same.stdout]).toEqual([0, 'identical\n'])
  const flipped = gunzipSync(readFileSync(file))
    .toString('utf8')
    .replace('"exact":"29.629608"', '"exact":"29.629609"')
  writeFileSync(file, gzipSync(flipped))
  const other = await alone(file)
  expect([other.status, other.stdout]).toEqual([
    1,
    'line 1: exact is "29.629609", reckoned again it is "29.629608"\n',
  ])
})

test('MB4.37: it verifies from the archive of usage alone', async () => {
  const place = folder()
  const ending = new AbortController()
  const fence = { lease: 'archive', epoch: 1n }
  const { batches, invoices } = yard.database
  const archived: string[] = []
  const observe = (told: { readonly type: string; readonly number?: string; readonly error?: unknown }) => {
    if (told.error !== undefined) throw told.error
    if (told.type === 'invoice_archived' && archived.push(told.number ?? '') > 0) ending.abort()
  }
  const [held, clock] = [{ fence, current: () => fence }, systemClock]
  await Promise.all([
    keepBatches({ batches, due: { seconds: 0, events: 1 }, clock, observe }, held, ending.signal),
    keepArchive({ batches, invoices, archive: filesObjects(place), clock, observe }, held, ending.signal),
  ])
  expect(archived).toEqual([number])
  const from = await cli(['invoice', 'verify', number, '--from', place], { home: folder(), env: {} })
  expect([from.status, from.stdout]).toEqual([0, 'identical\n'])
  const lacking = await cli(['invoice', 'verify', 'X-1', '--from', place], { home: folder(), env: {} })
  expect(lacking.stderr).toContain('invoices/X-1.jsonl.gz is not in the archive')
})

test('it is read by those who may, issued and given back by those who may', async () => {
  const { client } = yard
  await client.create({
    kind: 'ServiceAccount',
    metadata: { name: 'books', workspace: 'shopco' },
    spec: {},
  })
  await client.create({
    kind: 'RoleAssignment',
    metadata: { name: 'books', workspace: 'shopco' },
    spec: { role: 'platform/billing', subject: { kind: 'ServiceAccount', name: 'books' } },
  })
  const argv = [
    'keys',
    'create',
    'books',
    '--owner',
    'serviceaccount/books',
    '--scopes',
    'invoice:*',
    '-W',
    'shopco',
  ]
  const secret = (await yard.run(argv)).stdout.trim()
  await using reader = createClient({ url: yard.url, token: () => secret })
  expect((await reader.invoices('shopco')).map(item => item.number)).toContain(number)
  await expect(reader.invoiceAction('shopco', number, 'pay')).rejects.toMatchObject({ code: 'denied' })
  await expect(reader.creditInvoice('shopco', number, { note: 'x' })).rejects.toMatchObject({
    code: 'denied',
  })
  await expect(reader.invoices('team')).rejects.toMatchObject({ code: 'not_found' })
})

test('it is paid once, and given back by a note that verifies', async () => {
  expect((await run('pay', number)).stdout).toBe(`Invoice ${number} is paid: 30.19 CNY.\n`)
  const twice = await run('pay', number)
  expect([twice.status, twice.stderr]).toEqual([6, expect.stringContaining('does not become paid')])
  const note = await run('credit', number, '--note', 'disputed', '--line', '1=10')
  expect(note.stdout).toContain(`gives back 10.60 CNY of ${number}.`)
  const verified = await run('verify', `ACME-CN-${new Date().getUTCFullYear()}-000001`)
  expect([verified.status, verified.stdout]).toEqual([0, 'identical\n'])
  const above = await run('credit', number, '--note', 'again', '--line', '1=20')
  expect([above.status, above.stderr]).toEqual([2, expect.stringContaining('17.95 left')])
})
