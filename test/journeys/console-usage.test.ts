// What was asked and what it cost, as people look for it in the console: every number is the one that the API says.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InvoiceDocument } from '@switchyard/kinds'
import type { Locator, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { useConsole } from './bed.ts'
import { ada, findingsOf, hasChromium, ours } from './browser.ts'
import { metered } from './metered.ts'
import { eventually } from './yard.ts'

interface Row {
  readonly request: string
  /** Null of what came before its price. */
  readonly amount: string | null
  readonly tokens: { readonly input: string; readonly output: string }
}

interface Sum {
  readonly requests: string
  readonly tokens: { readonly input: string; readonly output: string }
  readonly amounts: readonly { readonly currency: string; readonly amount: string }[]
}

interface Invoice {
  readonly id: string
  readonly state: string
  readonly number: string | null
}

const stretchesOf = (all: readonly { readonly className: string }[]) => all.map(({ className }) => className)

const money = (model: string) => `apiVersion: switchyard.dev/v1
kind: PriceBook
metadata: { name: sale }
spec:
  side: sale
  currency: USD
  from: "2026-01-01T00:00:00Z"
  publish: on_request
  rates:
    - { model: ${model}, unit: tok.in.*, price: "0.0375", per: 1000 }
    - { model: ${model}, unit: tok.out.*, price: "1.000000001", per: 1000 }
    - { model: chat, unit: tok.in.*, charge: graduated, per: 1000, steps: [{ upTo: "1000000", price: "0.5" }, { price: "0.25" }] }
---
apiVersion: switchyard.dev/v1
kind: Workspace
metadata: { name: payer }
spec:
  currency: USD
  billing: { mode: prepaid }
---
apiVersion: switchyard.dev/v1
kind: Budget
metadata: { name: month, workspace: default }
spec: { amount: "0.01", period: month }
---
apiVersion: switchyard.dev/v1
kind: LegalEntity
metadata: { name: acme }
spec: { name: Example Cloud Ltd, taxNumber: GB000000000 }
---
apiVersion: switchyard.dev/v1
kind: Workspace
metadata: { name: shop }
spec:
  currency: USD
  billing:
    invoice: { entity: acme, buyer: { name: 买方公司 }, issue: manual, taxes: [{ name: VAT, percent: "20" }] }
`

describe.skipIf(!hasChromium)('the console, of usage and money', { timeout: 180_000 }, () => {
  const opened = useConsole(async ({ yard }) => {
    const path = join(yard.folder, 'money.yaml')
    writeFileSync(path, money(yard.facts.model))
    expect(await yard.run('apply', '-f', path)).toMatchObject({ code: 0 })
  })
  const { visit, read } = opened
  let rows: readonly Row[]
  /** The number that it was issued under. */
  let invoice: string

  /** Decimal strings that the numbers of a page carry, in their order. */
  async function values(within: Page | Locator): Promise<readonly (string | null)[]> {
    const numbers = await within.locator('data.number').all()
    return Promise.all(numbers.map(number => number.getAttribute('value')))
  }

  async function push(events: readonly object[]): Promise<void> {
    const pushed = await fetch(`${opened.yard.facts.baseUrl}/api/v1/usage/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${opened.yard.facts.adminToken}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ events }),
    })
    expect(await pushed.text()).toContain('accepted')
  }

  test('money is recorded once, however often it is sent', async () => {
    const { page, complaints } = await visit('/console/balances?workspace=payer', { as: ada })
    await page.getByRole('button', { name: 'Money in or out' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Amount').fill('100.25')
    await dialog.getByLabel('Idempotency-Key').fill('payment-4711')
    await dialog.getByRole('button', { name: 'Record' }).click()
    await dialog.getByText('Recorded as transaction').waitFor()
    await dialog.getByLabel('Idempotency-Key').fill('payment-4711')
    await dialog.getByRole('button', { name: 'Record' }).click()
    await dialog.getByText('had been recorded before').waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('cell', { name: 'top-up' }).waitFor()
    const { items } = await read<{ items: readonly { balance: string }[] }>(
      '/api/v1/workspaces/payer/balances',
    )
    expect(items).toMatchObject([{ balance: '100.25' }])
    expect(await values(page)).toContain('100.25')
    expect(await findingsOf(page)).toEqual([])
    expect(complaints).toEqual([])
    await page.close()
  })

  test('a price book is read as a table and published, and usage is rated by it', async () => {
    const { page, complaints } = await visit('/console/pricebooks/-/sale?tab=rates', { as: ada })
    await page.getByRole('cell', { name: '1.000000001' }).waitFor()
    expect(await findingsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Publish' }).click()
    const asked = page.getByRole('dialog')
    expect(await asked.getByRole('button', { name: 'Publish' }).isDisabled()).toBe(true)
    await asked.getByRole('textbox').fill('sale')
    await asked.getByRole('button', { name: 'Publish' }).click()
    await page.getByText('What stands here is not published').waitFor({ state: 'detached' })
    expect(complaints).toEqual([])
    await page.close()
    const client = opened.yard.openai()
    const call = (max_tokens: number) =>
      client.chat.completions.create({
        model: opened.yard.facts.model,
        messages: [{ role: 'user', content: 'Count.' }],
        max_tokens,
      })
    await eventually('the price to hold', 30, () => call(8).catch(() => undefined))
    await call(5)
    rows = await eventually('usage', 30, async () => {
      const { items } = await read<{ items: readonly Row[] }>('/api/v1/usage/requests?workspace=default')
      return items.length >= 2 ? items : undefined
    })
  })

  test('a request is found and opened to its arithmetic', async () => {
    const [row] = rows
    if (!row) throw new Error('there is no request')
    const { page, complaints } = await visit('/console/requests', { as: ada })
    await page
      .locator('tbody tr[data-row-key]')
      .nth(rows.length - 1)
      .waitFor()
    const shown = await values(page)
    for (const { tokens, amount } of rows)
      for (const value of [tokens.input, tokens.output, ...(amount === null ? [] : [amount])])
        expect(shown).toContain(value)
    expect(await findingsOf(page)).toEqual([])
    await page.getByRole('searchbox', { name: 'Request id' }).fill(row.request)
    await page.keyboard.press('Enter')
    await page.getByText('of any time').waitFor()
    await page.locator('tbody a').first().click()
    await page.getByRole('heading', { level: 1, name: row.request }).waitFor()
    await page.getByText('1.000000001 / 1000').waitFor()
    expect(await values(page)).toContain(row.amount)
    await page.getByText(/It was sent after .*, its first content came after/).waitFor({ state: 'attached' })
    expect(await page.locator('.timeline .stretch.answering').count()).toBeGreaterThan(0)
    expect(await findingsOf(page)).toEqual([])
    expect(complaints).toEqual([])
    await page.close()
  })

  test('usage is summed as the API sums it, and a row leads to its requests', async () => {
    const { items } = await read<{ items: readonly Sum[] }>('/api/v1/usage?workspace=default&by=model')
    const [sum] = items
    const { page, complaints } = await visit('/console/usage?period=30d&workspace=default', { as: ada })
    const table = page.getByRole('region', { name: 'Usage by Model' })
    await table.locator('tbody tr[data-row-key]').first().waitFor()
    const shown = await values(table)
    expect(shown).toEqual([sum?.requests, sum?.tokens.input, sum?.tokens.output, sum?.amounts[0]?.amount])
    expect(await findingsOf(page)).toEqual([])
    await table.getByRole('link').first().click()
    await page.getByRole('heading', { level: 1, name: 'Requests' }).waitFor()
    expect(new URL(page.url()).search).toContain('model=')
    expect(complaints).toEqual([])
    await page.close()
  })

  test('an invoice is issued, and opened to its lines, their requests and the arithmetic of one', async () => {
    // Of the month before, which has ended.
    const now = new Date()
    const at = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1) - 3_600_000
    const events = [1, 2].map(number =>
      metered('shop', opened.yard.facts.model, at + number * 60_000, number),
    )
    await push(events)
    const list = '/api/v1/workspaces/shop/invoices'
    const draft = await eventually('the month to be drafted', 120, async () => {
      const { items } = await read<{ items: readonly Invoice[] }>(list)
      return items.find(({ state }) => state === 'draft')
    })
    const { page, complaints } = await visit('/console/invoices', { as: ada })
    await page.locator(`tr[data-row-key="${draft.id}"]`).getByRole('link').click()
    await page.getByRole('button', { name: 'Issue' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').fill('shop')
    await dialog.getByRole('button', { name: 'Issue' }).click()
    invoice = await eventually('the invoice', 30, async () => {
      const { items } = await read<{ items: readonly Invoice[] }>(list)
      return items.find(({ number }) => number !== null)?.number ?? undefined
    })
    await page.getByRole('heading', { level: 1, name: invoice }).waitFor()
    const told = await read<InvoiceDocument>(`${list}/${invoice}`)
    expect(told.lines.length).toBeGreaterThanOrEqual(2)
    const shown = await values(page)
    for (const { exact, net, tax, quantity } of told.lines)
      for (const value of [exact, net, tax, quantity]) expect(shown).toContain(value)
    for (const value of [told.net, told.gross, told.payable]) expect(shown).toContain(value)
    expect(await findingsOf(page)).toEqual([])

    await page.getByRole('button', { name: 'Download' }).click()
    const [kept] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'Lines as CSV' }).click(),
    ])
    expect(kept.suggestedFilename()).toBe(`${invoice}.csv`)

    await page
      .getByRole('region', { name: 'Lines' })
      .getByRole('link', { name: 'Its requests' })
      .first()
      .click()
    await page.getByRole('heading', { level: 1, name: 'Requests' }).waitFor()
    const rows = page.locator('tbody tr[data-row-key]')
    await expect.poll(() => rows.count()).toBe(events.length)
    await rows.first().getByRole('link').click()
    const [, last] = events
    await page.getByRole('heading', { level: 1, name: last?.data.request ?? '' }).waitFor()
    await page.getByText('2000 × 1.000000001 / 1000 = 2.000000002').waitFor()
    // What failed before the answer is drawn before it.
    expect(await page.locator('.timeline .track .stretch').evaluateAll(stretchesOf)).toEqual([
      'stretch failed',
      'stretch waiting',
      'stretch answering',
    ])
    expect(await findingsOf(page)).toEqual([])
    expect(complaints).toEqual([])
    await page.close()
  })

  test('a request whose gateway could not tell its times says why, in both languages', async () => {
    const now = Date.now()
    const untimed = (number: number, more: object) => {
      const { data, ...event } = metered('shop', opened.yard.facts.model, now - number * 1000, number)
      return { ...event, data: { ...data, firstTokenMs: undefined, attempts: undefined, ...more } }
    }
    const session = untimed(1, { operation: 'realtime' })
    const lost = untimed(2, { end: 'gateway_lost', status: 0 })
    await push([session, lost])
    for (const [locale, ofSession, ofLost] of [
      ['en-US', 'not measured for realtime sessions', 'not known: the gateway was lost before it told'],
      ['zh-CN', '实时会话不测量此项', '未知：网关在上报之前已中断'],
    ] as const)
      for (const [event, said, told] of [
        [session, ofSession, locale === 'en-US' ? 'the bar is the whole session' : '横条表示整个会话'],
        [
          lost,
          ofLost,
          locale === 'en-US' ? 'could tell of its attempts' : '横条止于最后一次收到其消息的时刻',
        ],
      ] as const) {
        const { page, complaints } = await visit(`/console/requests/shop/${event.data.request}`, {
          locale,
          as: ada,
        })
        await page.getByText(said, { exact: true }).waitFor({ timeout: 60_000 })
        await page.locator('.timeline figcaption').getByText(told).waitFor()
        expect(await findingsOf(page)).toEqual([])
        expect(ours(complaints)).toEqual([])
        await page.close()
      }
  })

  test('every screen of it is there in Chinese, without a complaint of the browser', async () => {
    const [row] = rows
    const { page, complaints } = await visit('/console/requests', { locale: 'zh-CN', as: ada })
    for (const [path, said] of [
      ['/requests', '请求记录'],
      [`/requests/default/${row?.request}`, '金额计算过程'],
      ['/usage?workspace=default', '用量与费用'],
      ['/balances?workspace=payer', 'payer 的流水'],
      ['/invoices', '账单'],
      [`/invoices/shop/${invoice}`, '计算依据'],
      ['/pricebooks/-/sale?tab=rates', '按量'],
      ['/pricebooks/-/sale?tab=versions', '版本 1'],
      ['/budgets/default/month?tab=spending', '使用情况'],
    ] as const) {
      await page.goto(`${opened.yard.facts.baseUrl}/console${path}`)
      await page.getByText(said).first().waitFor()
    }
    expect(complaints).toEqual([])
    await page.close()
  })
})
