// Pictures of every screen of the console, light and dark, of a yard with something in it, into docs/screens:
//   node scripts/screens.ts            all of them, about four minutes
//   node scripts/screens.ts usage      those whose name holds the word
// Pictures that stay above their bound are named, and the run fails.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { ada, openConsole } from '../test/journeys/browser.ts'
import { furnish } from '../test/journeys/furnish.ts'
import { settle } from '../test/journeys/screen-texts.ts'

const wanted = process.argv[2] ?? ''
const root = join(import.meta.dirname, '..')
const folder = join(root, 'docs/screens')
const bound = 120 * 1024

interface Screen {
  readonly name: string
  readonly path: string
}

/** Kinds of which one has a list and a page pictured: the rest look the same. */
const pictured = [
  ['Endpoint', 'endpoints'],
  ['Route', 'routes'],
  ['ApiKey', 'apikeys'],
  ['PriceBook', 'pricebooks'],
  ['Budget', 'budgets'],
] as const

/** Addresses without parameters, as the router knows them. */
async function ownScreens(): Promise<readonly Screen[]> {
  const router = await readFile(join(root, 'apps/console/src/router.tsx'), 'utf8')
  return [...router.matchAll(/\bpath: '(\/[^'$]*)'/g)].map(([, path = '']) => ({
    name: path === '/' ? 'overview' : path.slice(1).replaceAll('/', '-'),
    path,
  }))
}

const opened = await openConsole()
try {
  await furnish(opened.yard, 40)
  const screens: Screen[] = [...(await ownScreens())]
  for (const [kind, plural] of pictured) {
    screens.push({ name: plural, path: `/${plural}` })
    const [first] = (await opened.yard.api.list(kind, {})).items
    if (!first) continue
    const { workspace, name } = first.metadata
    screens.push({ name: `${plural}-one`, path: `/${plural}/${workspace ?? '-'}/${name}` })
  }
  await mkdir(folder, { recursive: true })
  const tooLarge: string[] = []

  const picture = async (page: Page, { name, path }: Screen, suffix: string) => {
    await page.evaluate(`history.pushState(null, '', ${JSON.stringify(`/console${path}`)})`)
    await settle(page)
    // Charts are drawn when their numbers have come.
    await page.waitForTimeout(1200)
    const bytes = await page.screenshot({ animations: 'disabled', caret: 'hide' })
    const file = `${name}${suffix}.png`
    if (bytes.length > bound) tooLarge.push(`${file}: ${Math.ceil(bytes.length / 1024)} KB`)
    else await writeFile(join(folder, file), bytes)
    console.log(file, bytes.length)
  }

  const looks = [
    { locale: 'en-US', colorScheme: 'light', suffix: '', of: screens },
    { locale: 'en-US', colorScheme: 'dark', suffix: '-dark', of: screens },
    {
      locale: 'zh-CN',
      colorScheme: 'light',
      suffix: '-zh',
      of: screens.filter(({ name }) => name === 'overview' || name === 'endpoints'),
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
