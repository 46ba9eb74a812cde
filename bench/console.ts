// What the console costs a browser, in Chromium on a real server with 10,000 documents: the files of the first screen,
// a list that is scrolled, beside a plain page scrolled by the same steps in turns, and a list while 1,000 of its
// documents change every second, written into the server's stream on its way.
//   node bench/console.ts           prints, and keeps results/console.md and .json; about six minutes
//   node bench/console.ts --quick   a tenth of it, and keeps nothing
import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { chromium, type Page } from 'playwright-core'
import { openConsole, signIn } from '../test/journeys/browser.ts'
import { changing } from './console-changes.ts'
import { type Answered, answers, type Scrolled, scroll } from './console-page.ts'
import { median } from './results.ts'

const quick = process.argv.includes('--quick')
const documents = quick ? 1000 : 10_000
const rounds = quick ? 1 : 5
const seconds = quick ? 3 : 10
const perSecond = 1000
const root = join(import.meta.dirname, '..')

const opened = await openConsole()
const { yard } = opened
const browser = await chromium.launch({
  executablePath: process.env.SWITCHYARD_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
const between = await changing(yard.facts.baseUrl)

/** Bytes of the files that a page has loaded, as gzip sends them. */
async function weigh(page: Page): Promise<number> {
  const names = await page.evaluate<string[]>(
    `performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname).filter(name => name.includes('/assets/'))`,
  )
  const files = await Promise.all(
    [...new Set(names)].map(name => readFile(join(root, 'apps/console/dist', name.replace('/console/', '')))),
  )
  return files.reduce((sum, file) => sum + gzipSync(file).length, 0)
}

/** Documents that nothing reconciles: what is measured is the list. */
async function fill(): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < documents) {
        const name = `project-${String(next++).padStart(5, '0')}`
        await yard.api.create({ kind: 'Project', metadata: { name, workspace: 'default' }, spec: {} })
      }
    }),
  )
}

async function fresh(origin: string): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 } })
  const page = await context.newPage()
  await page.goto(`${origin}/console`)
  await signIn(page)
  await page.locator('h1').waitFor()
  return page
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`
const ms = (value: number) => `${value.toFixed(1)} ms`

try {
  const start = await fresh(yard.facts.baseUrl)
  // Of somebody who is signed in; what the pointer stands on is fetched before somebody goes there.
  await start.mouse.move(0, 0)
  await start.reload()
  await start.locator('h1').waitFor()
  await start.waitForTimeout(3000)
  const bytes = await weigh(start)
  console.log(`first screen: ${(bytes / 1000).toFixed(1)} KB`)
  await start.context().close()

  const filling = performance.now()
  await fill()
  console.log(`${documents} documents created in ${((performance.now() - filling) / 1000).toFixed(0)} s`)

  const page = await fresh(between.origin)
  const listing = performance.now()
  await page.evaluate(`history.pushState(null, '', '/console/projects')`)
  await page.locator('.long-body > .long-row').first().waitFor({ timeout: 120_000 })
  const listed = performance.now() - listing
  const plain = await page.context().newPage()
  await plain.setContent(
    `<h1>Plain</h1><div id="list" style="height:560px;overflow:auto">${Array.from({ length: documents }, (_, index) => `<div style="height:39px">project-${index}</div>`).join('')}</div>`,
  )
  const lists: Scrolled[] = []
  const plains: Scrolled[] = []
  for (let round = 0; round < rounds; round++) {
    await plain.bringToFront()
    plains.push(await scroll(plain, '#list', seconds / 2))
    await page.bringToFront()
    lists.push(await scroll(page, '.long', seconds / 2))
    console.log('list ', lists.at(-1), '\nplain', plains.at(-1))
  }
  await plain.close()

  const still: Answered = await answers(page, seconds)
  console.log('nothing changes', still)
  between.change(perSecond)
  const moving: Answered = await answers(page, seconds)
  between.change(0)
  console.log(`${perSecond} changes a second`, moving, `${between.sent()} sent`)

  const of = (runs: readonly Scrolled[], pick: (run: Scrolled) => number) => median(runs.map(pick))
  const verdict = (isMet: boolean) => (isMet ? 'met' : 'missed')
  const inTime = of(lists, run => run.inTime)
  const results = { at: new Date().toISOString(), documents, bytes, listed, lists, plains, still, moving }
  const rows: readonly (readonly [what: string, found: string, bar?: string, verdict?: string])[] = [
    [
      'files of the first screen, gzip',
      `${(bytes / 1000).toFixed(1)} KB`,
      '350 KB',
      verdict(bytes <= 350_000),
    ],
    [`from the click to a list of ${documents.toLocaleString('en')}`, ms(listed)],
    ['frames of the list scrolled that came in time', percent(inTime), 'as the plain page', ''],
    ['the same of the plain page', percent(of(plains, run => run.inTime))],
    ['the slowest frame of the list', ms(of(lists, run => run.worst))],
    ['the slowest frame of the plain page', ms(of(plains, run => run.worst))],
    [
      'processor time of a frame of the list, all that its page does',
      ms(of(lists, run => run.busy)),
      '16.7 ms',
      verdict(of(lists, run => run.busy) < 16.7),
    ],
    ['the same of the plain page', ms(of(plains, run => run.busy))],
    [
      `longest task while ${perSecond.toLocaleString('en')} documents change a second`,
      ms(moving.longest),
      '100 ms',
      verdict(moving.longest <= 100),
    ],
    ['longest task while nothing changes', ms(still.longest)],
    [
      'longest wait of a key or a click meanwhile',
      ms(moving.slowestInput),
      '100 ms',
      verdict(moving.slowestInput <= 100),
    ],
    ['longest wait of one while nothing changes', ms(still.slowestInput)],
    ['processor time of the page a second meanwhile', ms(moving.busy)],
  ]
  const table = rows.map(([what, found, bar = '', says = '']) => `| ${what} | ${found} | ${bar} | ${says} |`)
  const written = [
    '# The console in a browser',
    '',
    `${browser.version()} of Chromium without a screen, ${process.version}, ${availableParallelism()} processors, load ${(loadavg()[0] ?? 0).toFixed(1)}; medians of ${rounds} rounds.`,
    '`node bench/console.ts` makes this file.',
    '',
    '| what | found | bar | |',
    '|---|---:|---:|---|',
    ...table,
    '',
  ].join('\n')
  console.log(written)
  if (!quick) {
    await writeFile(join(import.meta.dirname, 'results/console.md'), written)
    await writeFile(
      join(import.meta.dirname, 'results/console.json'),
      `${JSON.stringify(results, undefined, 1)}\n`,
    )
  }
} finally {
  await browser.close()
  await between[Symbol.asyncDispose]()
  await opened[Symbol.asyncDispose]()
}
