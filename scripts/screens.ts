// Pictures of every screen of the console, light and dark, of a yard with something in it, into docs/screens:
//   node scripts/screens.ts            all of them, about four minutes
//   node scripts/screens.ts usage      those whose name holds the word
// Pictures above their bound are named, are not kept, and the run fails.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { ada, type ConsoleYard, openConsole } from '../test/journeys/browser.ts'
import { furnish } from '../test/journeys/furnish.ts'
import { metered } from '../test/journeys/metered.ts'
import { settle } from '../test/journeys/screen-texts.ts'
import { eventually } from '../test/journeys/yard.ts'

const wanted = process.argv[2] ?? ''
const root = join(import.meta.dirname, '..')
const folder = join(root, 'docs/screens')
/** What is pictured in Chinese too. */
const chinese = new Set(['overview', 'endpoints', 'playground', 'invoices-one', 'deploy', 'routes-flow'])
const bound = 250 * 1024

interface Screen {
  readonly name: string
  readonly path: string
  /** What a person does there before it is pictured. */
  readonly act?: (page: Page) => Promise<void>
}

/** Kinds of which a list and a page, with these tabs, are pictured: the rest look the same. */
const pictured = (model: string) =>
  [
    ['Endpoint', 'endpoints', model, ['replicas', 'logs', 'metrics']],
    ['Route', 'routes', 'assistant', ['flow']],
    ['Provider', 'providers', 'openai', ['use']],
    ['ApiKey', 'apikeys', 'shop-production', ['calling']],
    ['PriceBook', 'pricebooks', 'list-prices', ['rates']],
    ['Budget', 'budgets', 'everything-today', ['spending']],
    ['User', 'users', 'grace', ['rights']],
  ] as const

/** Addresses without parameters, as the router knows them; `signed-in` closes itself. */
async function ownScreens(): Promise<readonly Screen[]> {
  const router = await readFile(join(root, 'apps/console/src/router.tsx'), 'utf8')
  return [...router.matchAll(/\bpath: '(\/[^'$]*)'/g)]
    .map(([, path = '']) => ({ name: path === '/' ? 'overview' : path.slice(1).replaceAll('/', '-'), path }))
    .filter(({ name }) => name !== 'signed-in' && name !== 'playground')
}

/** Of each kind its list, and the page of one. */
async function kindScreens({ yard: { api, facts } }: ConsoleYard): Promise<readonly Screen[]> {
  const screens: Screen[] = []
  for (const [kind, plural, wanted, tabs] of pictured(facts.model)) {
    screens.push({ name: plural, path: `/${plural}` })
    const { items } = await api.list(kind, {})
    const first = items.find(({ metadata }) => metadata.name === wanted)
    if (!first) throw new TypeError(`there is no ${kind} ${wanted}`)
    const { workspace, name } = first.metadata
    const path = `/${plural}/${workspace ?? '-'}/${name}`
    screens.push({ name: `${plural}-one`, path })
    for (const tab of tabs) screens.push({ name: `${plural}-${tab}`, path: `${path}?tab=${tab}` })
    screens.push({ name: `${plural}-edit`, path: `${path}/edit` })
  }
  return screens.filter(({ name }) => !name.endsWith('-edit') || name === 'routes-edit')
}

async function push({ yard: { facts } }: ConsoleYard, events: readonly object[]): Promise<void> {
  const answer = await fetch(`${facts.baseUrl}/api/v1/usage/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${facts.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  })
  if (!answer.ok) throw new Error(`events are refused: ${await answer.text()}`)
}

/** A day of traffic that another meter has seen: more by day than by night. */
async function day(opened: ConsoleYard): Promise<void> {
  const now = Date.now()
  const events: object[] = []
  for (let minutes = 24 * 60; minutes > 2; ) {
    const at = Math.round(now - minutes * 60_000)
    const hour = new Date(at).getUTCHours()
    const pace = 0.3 + ((events.length * 37) % 11) / 20 + Math.max(0, 6 - Math.abs(hour - 14)) / 10
    events.push(metered('default', opened.yard.facts.model, at, (events.length % 4) + 1, pace))
    minutes -= 3 + 9 * (1 + Math.cos(((hour - 14) / 24) * 2 * Math.PI + Math.PI))
  }
  await push(opened, events)
}

/** The invoice of the month that has ended, with what another meter has pushed. */
async function invoiceScreen(opened: ConsoleYard): Promise<Screen> {
  const { yard, read } = opened
  const workspace = 'shop'
  await yard.api.create({
    kind: 'Workspace',
    metadata: { name: workspace, displayName: 'Web shop' },
    spec: {
      currency: 'USD',
      billing: {
        invoice: {
          entity: 'acme-cloud',
          buyer: { name: 'Shop & Sons Ltd.' },
          issue: 'manual',
          taxes: [{ name: 'VAT', percent: '20' }],
        },
      },
    },
  })
  const now = new Date()
  const at = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1) - 3_600_000
  const events = [1, 2, 3].map(number => metered(workspace, yard.facts.model, at + number * 60_000, number))
  await push(opened, events)
  const list = `/api/v1/workspaces/${workspace}/invoices`
  const found = (state: string) =>
    eventually(`an invoice that is ${state}`, 180, async () => {
      const { items } = await read<{ items: readonly { id: string; number: string; state: string }[] }>(list)
      return items.find(one => one.state === state)
    })
  const draft = await found('draft')
  const issued = await fetch(`${yard.facts.baseUrl}${list}/${draft.id}/actions/issue`, {
    method: 'POST',
    headers: { authorization: `Bearer ${yard.facts.adminToken}` },
  })
  if (!issued.ok) throw new Error(`the draft is not issued: ${await issued.text()}`)
  const { number } = await found('issued')
  return { name: 'invoices-one', path: `/invoices/${workspace}/${number}` }
}

async function requestScreen({ read }: ConsoleYard, workspace: string): Promise<Screen> {
  const { items } = await read<{ items: readonly { request: string }[] }>(
    `/api/v1/usage/requests?workspace=${workspace}`,
  )
  return { name: 'requests-one', path: `/requests/${workspace}/${items[0]?.request}` }
}

const playground: Screen = {
  name: 'playground',
  path: '/playground',
  async act(page) {
    if ((await page.locator('.turn').count()) > 0) return
    const composer = page.locator('.composer textarea')
    await composer.fill('Write one sentence about trains.')
    await composer.press('Enter')
    await page.locator('.taken').first().waitFor({ timeout: 60_000 })
  },
}

const palette: Screen = {
  name: 'palette',
  path: '/library',
  async act(page) {
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog').waitFor()
  },
}

const opened = await openConsole()
try {
  await furnish(opened.yard, 40)
  await day(opened)
  const invoice = await invoiceScreen(opened)
  const screens: readonly Screen[] = [
    ...(await ownScreens()),
    ...(await kindScreens(opened)),
    invoice,
    await requestScreen(opened, 'shop'),
    playground,
    palette,
  ]
  await mkdir(folder, { recursive: true })
  const tooLarge: string[] = []

  const picture = async (page: Page, { name, path, act }: Screen, suffix: string) => {
    await page.evaluate(`history.pushState(null, '', ${JSON.stringify(`/console${path}`)})`)
    await page.mouse.move(0, 0)
    await settle(page)
    await act?.(page)
    // Charts are drawn when their numbers have come.
    await page.waitForTimeout(1200)
    const bytes = await page.screenshot({ animations: 'disabled', caret: 'hide' })
    const file = `${name}${suffix}.png`
    if (bytes.length > bound) tooLarge.push(`${file}: ${Math.ceil(bytes.length / 1024)} KB`)
    else await writeFile(join(folder, file), bytes)
    console.log(file, bytes.length)
    if (act) await page.keyboard.press('Escape')
  }

  const looks = [
    { locale: 'en-US', colorScheme: 'light', suffix: '', of: screens },
    { locale: 'en-US', colorScheme: 'dark', suffix: '-dark', of: screens },
    {
      locale: 'zh-CN',
      colorScheme: 'light',
      suffix: '-zh',
      of: screens.filter(({ name }) => chinese.has(name)),
    },
  ] as const
  for (const { locale, colorScheme, suffix, of } of looks) {
    const { page } = await opened.visit('/console', { locale, as: ada })
    await page.emulateMedia({ colorScheme })
    for (const screen of of.filter(({ name }) => name.includes(wanted))) await picture(page, screen, suffix)
    await page.close()
  }
  if (tooLarge.length > 0) {
    console.error(`above ${bound / 1024} KB: ${tooLarge.join(', ')}`)
    process.exitCode = 1
  }
} finally {
  await opened[Symbol.asyncDispose]()
}
