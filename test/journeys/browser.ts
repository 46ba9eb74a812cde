// The console in a real browser: who visits it, and what the browser complains of.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type Circumstances, startYard, type Yard } from './yard.ts'

const program = process.env.SWITCHYARD_CHROMIUM ?? '/usr/bin/chromium'
const root = resolve(import.meta.dirname, '../..')

export const hasChromium = existsSync(program)
if (!hasChromium)
  console.warn(
    `skipped: ${program} is not there, and the console is not tested. On Debian: apt-get install chromium`,
  )

export interface Someone {
  readonly email: string
  readonly password: string
}

/** Who set the yard up. */
export const ada = { email: 'ada@example.com', name: 'Ada', password: 'correct horse battery' }

export interface Visit {
  readonly page: Page
  /** What the browser complained of. */
  readonly complaints: readonly string[]
}

export interface VisitOptions {
  /** `en-US` when absent. */
  readonly locale?: string
  readonly width?: number
  readonly height?: number
  /** Signs in on the way. */
  readonly as?: Someone
}

export interface ConsoleYard {
  readonly yard: Yard
  /** Opens a path of the server in a browser of its own. */
  visit(path: string, options?: VisitOptions): Promise<Visit>
  [Symbol.asyncDispose](): Promise<void>
}

/** A yard that Ada has set up, with the console built as it stands, and a browser. */
export async function openConsole(circumstances?: Circumstances): Promise<ConsoleYard> {
  // Several files of tests want it at once, and one builds.
  await promisify(execFile)(
    'flock',
    [join(root, 'apps/console/package.json'), 'make', '-s', 'apps/console/dist/index.html'],
    { cwd: root },
  )
  const yard = await startYard(circumstances)
  const { setupUrl = '' } = yard.facts
  const set = await fetch(`${yard.facts.baseUrl}/api/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...ada, token: new URL(setupUrl).searchParams.get('token') }),
  })
  if (set.status !== 201) throw new Error(`The set-up was answered ${set.status}: ${await set.text()}`)
  const browser: Browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] })
  return {
    yard,
    async visit(path, { locale = 'en-US', width = 1280, height = 800, as } = {}) {
      const context = await browser.newContext({ locale, viewport: { width, height } })
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', message => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
      })
      page.on('pageerror', error => complaints.push(error.message))
      await page.goto(yard.facts.baseUrl + path)
      if (as) await signIn(page, as)
      return { page, complaints }
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await yard[Symbol.asyncDispose]()
    },
  }
}

export async function signIn(page: Page, { email, password }: Someone = ada): Promise<void> {
  await page.locator('input[type=email]').fill(email)
  await page.locator('input[autocomplete=current-password]').fill(password)
  await page.locator('button[type=submit]').click()
  await page.getByRole('navigation').waitFor()
}

interface Moving {
  readonly playState: string
  readonly effect: { getComputedTiming(): { readonly endTime: number } } | null
}

/** Runs in the page: colours on their way from one to another are neither. What turns for ever is passed over. */
function settled(): boolean {
  const { document } = globalThis as unknown as { document: { getAnimations(): readonly Moving[] } }
  return document
    .getAnimations()
    .every(
      ({ playState, effect }) =>
        playState !== 'running' || effect?.getComputedTiming().endTime === Number.POSITIVE_INFINITY,
    )
}

/** The serious and critical findings of axe on the page as it stands. */
export async function findingsOf(page: Page): Promise<readonly string[]> {
  await page.waitForFunction(settled)
  const { violations } = await new AxeBuilder({ page }).analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${new URL(page.url()).pathname} ${id}: ${nodes
          .map(({ html, target, failureSummary = '' }) => `${target.join(' ')} ${html} ${failureSummary}`)
          .join(' | ')
          .slice(0, 600)}`,
    )
}
