// The console in a real browser: who visits it, and what the browser complains of.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { AxeBuilder } from '@axe-core/playwright'
import { apiVersion } from '@switchyard/kinds'
import {
  type Browser,
  type BrowserContext,
  chromium,
  type Locator,
  type Page,
  type Request,
} from 'playwright-core'
import { type Circumstances, startYard, type Yard } from './yard.ts'

const program = process.env.SWITCHYARD_CHROMIUM ?? '/usr/bin/chromium'
const root = resolve(import.meta.dirname, '../..')

export const hasChromium = existsSync(program)
if (!hasChromium)
  console.warn(
    `skipped: ${program} is not there, and the console is not tested. On Debian: apt-get install chromium`,
  )

/** What is said in both languages is proved in both. */
export const locales = ['en-US', 'zh-CN'] as const
export type Locale = (typeof locales)[number]

export interface Someone {
  readonly email: string
  readonly password: string
}

/** Who set the yard up. */
export const ada = { email: 'ada@example.com', name: 'Ada', password: 'correct horse battery' }

/** Who may look at the workspace `default` and do nothing there, once `addViewer` has made her. */
export const grace: Someone = { email: 'grace@example.com', password: 'another horse battery' }

export async function addViewer({ api }: Yard): Promise<void> {
  await api.create({ apiVersion, kind: 'User', metadata: { name: 'grace' }, spec: grace })
  await api.create({
    apiVersion,
    kind: 'RoleAssignment',
    metadata: { name: 'grace-views', workspace: 'default' },
    spec: { role: 'platform/viewer', subject: { kind: 'User', name: 'grace' } },
  })
}

export interface Visit {
  readonly page: Page
  /** What the browser complained of. */
  readonly complaints: readonly string[]
}

/** Without what a browser says by itself of an answer that refuses. */
export const ours = (complaints: readonly string[]): readonly string[] =>
  complaints.filter(text => !text.startsWith('Failed to load resource'))

export interface VisitOptions {
  /** `en-US` when absent. */
  readonly locale?: string
  readonly width?: number
  readonly height?: number
  readonly colorScheme?: 'light' | 'dark'
  /**
   * Signs in on the way, or goes on where this person is signed in: one browser for each, as people have it, so that a
   * page is closed alone. A browser of its own, with nobody in it, when absent.
   */
  readonly as?: Someone
}

export interface ConsoleYard {
  readonly yard: Yard
  /** Opens a path of the server, or a whole address. */
  visit(path: string, options?: VisitOptions): Promise<Visit>
  /** What the API answers to the operator. */
  read<T>(path: string): Promise<T>
}

export interface OpenConsole extends ConsoleYard {
  [Symbol.asyncDispose](): Promise<void>
}

const underWay = new WeakMap<Page, Set<Request>>()

/** How much of what the page has asked for is not there yet; what is told as it happens never ends. */
export const pendingOf = (page: Page): number => underWay.get(page)?.size ?? 0

const endless = /\/api\/v1\/watch|[?&]follow=true/

function listen(page: Page): readonly string[] {
  const complaints: string[] = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(error.message))
  const pending = new Set<Request>()
  underWay.set(page, pending)
  page.on('request', request => {
    if (!endless.test(request.url())) pending.add(request)
  })
  const over = (request: Request) => pending.delete(request)
  page.on('requestfinished', over)
  page.on('requestfailed', over)
  return complaints
}

/** Builds the console as it stands; several files of tests want it at once, and one builds. */
async function build(): Promise<void> {
  await promisify(execFile)(
    'flock',
    [join(root, 'apps/console/package.json'), 'make', '-s', 'apps/console/dist/index.html'],
    { cwd: root },
  )
}

export interface OpenOptions extends Circumstances {
  /** Nobody has set it up. */
  readonly isEmpty?: boolean
}

/** A yard that Ada has set up, and a browser. */
export async function openConsole({
  isEmpty = false,
  ...circumstances
}: OpenOptions = {}): Promise<OpenConsole> {
  const launching = chromium.launch({ executablePath: program, args: ['--no-sandbox'] })
  await build()
  const [browser, yard] = await Promise.all([launching, startYard(circumstances)])
  const { baseUrl, adminToken, setupUrl = '' } = yard.facts
  if (!isEmpty) {
    const set = await fetch(`${baseUrl}/api/v1/setup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...ada, token: new URL(setupUrl).searchParams.get('token') }),
    })
    if (set.status !== 201) throw new Error(`The set-up was answered ${set.status}: ${await set.text()}`)
  }
  const kept = new Map<string, BrowserContext>()
  return {
    yard,
    async visit(path, options = {}) {
      const { as } = options
      const key = JSON.stringify(options)
      const context = (as && kept.get(key)) ?? (await newContext(browser, options))
      if (as && !kept.has(key)) {
        kept.set(key, context)
        context.on('close', () => kept.delete(key))
      }
      const page = await context.newPage()
      const complaints = listen(page)
      await page.goto(new URL(path, baseUrl).href)
      if (as) await enter(page, as)
      return { page, complaints }
    },
    async read<T>(path: string) {
      const answer = await fetch(baseUrl + path, { headers: { authorization: `Bearer ${adminToken}` } })
      if (!answer.ok) throw new Error(`${path} was answered ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as T // what the row of the API answers
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await yard[Symbol.asyncDispose]()
    },
  }
}

function newContext(
  browser: Browser,
  { locale = 'en-US', width = 1280, height = 800, colorScheme = 'light' }: VisitOptions,
): Promise<BrowserContext> {
  return browser.newContext({
    locale,
    colorScheme,
    viewport: { width, height },
    // Nothing is waited for that only moves.
    reducedMotion: 'reduce',
    // An identity provider of the tests vouches for itself.
    ignoreHTTPSErrors: true,
  })
}

/** Waits for the console, and signs in where it asks for that. */
async function enter(page: Page, as: Someone): Promise<void> {
  const form = page.locator('input[type=email]')
  await page.locator('#content').or(form).first().waitFor()
  if (await form.isVisible()) await signIn(page, as)
}

export async function signIn(page: Page, { email, password }: Someone = ada): Promise<void> {
  await page.locator('input[type=email]').fill(email)
  await page.locator('input[autocomplete=current-password]').fill(password)
  await page.locator('button[type=submit]').click()
  await page.locator('#content').waitFor()
}

/** A button by what it says: Ant Design puts a space between two Chinese characters. */
export const buttonOf = (page: Page, name: string): Locator =>
  page.getByRole('button', {
    name: new RegExp(`^${name.replaceAll(/(?<=\p{Script=Han})(?=\p{Script=Han})/gu, '\\s*')}$`),
  })

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

/** The serious and critical findings of axe on the page as it stands, or on a part of it; of all rules when absent. */
export async function findingsOf(
  page: Page,
  within?: string,
  rules?: readonly string[],
): Promise<readonly string[]> {
  await page.waitForFunction(settled)
  // There are no frames here; otherwise each look would open a page of its own.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({
    resultTypes: ['violations'],
    ...(rules && { runOnly: { type: 'rule', values: [...rules] } }),
  })
  const { violations } = await (within === undefined ? axe : axe.include(within)).analyze()
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
