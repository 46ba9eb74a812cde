// The console in a real browser, on a real server: what a person meets there, in both languages.
import { gzipSync } from 'node:zlib'
import { kinds } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ada, type ConsoleYard, findingsOf, hasChromium, openConsole, signIn } from './browser.ts'
import type { Yard } from './yard.ts'

describe.skipIf(!hasChromium)('the console', { timeout: 120_000 }, () => {
  let opened: ConsoleYard
  let yard: Yard
  let visit: ConsoleYard['visit']

  beforeAll(async () => {
    opened = await openConsole()
    ;({ yard, visit } = opened)
  }, 240_000)
  afterAll(async () => await opened?.[Symbol.asyncDispose](), 60_000)

  const workspaceOf = (name: string) => ({
    apiVersion: 'switchyard.dev/v1',
    kind: 'Workspace',
    metadata: { name },
    spec: {},
  })

  test('a link into it survives signing in, a wrong password is said to be one, and a reload stays signed in', async () => {
    const { page, complaints } = await visit('/console/endpoints?q=tiny')
    await page.locator('input[type=email]').fill(ada.email)
    await page.locator('input[autocomplete=current-password]').fill('not the password')
    await page.locator('button[type=submit]').click()
    await page.getByText('The e-mail or the password is wrong.').waitFor()
    await signIn(page)
    await page.getByRole('link', { name: yard.facts.model }).waitFor()
    expect(new URL(page.url()).search).toContain('q=tiny')
    await page.reload()
    await page.getByRole('link', { name: yard.facts.model }).click()
    await page.getByRole('heading', { level: 1, name: yard.facts.model }).waitFor()
    await page.getByRole('tab', { name: 'Events' }).click()
    await page.getByRole('tabpanel', { name: 'Events' }).getByRole('row').nth(1).waitFor()
    // The refused password is the one thing that a browser tells of by itself.
    expect(complaints.filter(text => !text.includes('401'))).toEqual([])
    await page.context().close()
  })

  test('what others change is there at once, and a cut is told until it is over', async () => {
    const { page } = await visit('/console/workspaces')
    await signIn(page)
    await page.getByRole('link', { name: 'default' }).waitFor()
    await yard.api.create(workspaceOf('nova'))
    await page.getByRole('link', { name: 'nova' }).waitFor()
    const stopped = await yard.run('down')
    expect(stopped.code).toBe(0)
    await page.getByText('Not live since').waitFor({ timeout: 60_000 })
    expect(await page.getByRole('link', { name: 'nova' }).isVisible()).toBe(true)
    await yard.up()
    await page.getByText('Not live since').waitFor({ state: 'detached', timeout: 60_000 })
    await yard.api.delete('Workspace', { name: 'nova' })
    await page.getByRole('link', { name: 'nova' }).waitFor({ state: 'detached' })
    await page.context().close()
  })

  test('every kind has its list in both languages, without a serious finding of axe or a complaint of the browser', {
    timeout: 400_000,
  }, async () => {
    for (const locale of ['en-US', 'zh-CN']) {
      const { page, complaints } = await visit('/console', { locale, as: ada })
      expect(await page.locator('html').getAttribute('lang')).toBe(locale === 'zh-CN' ? 'zh-CN' : 'en')
      const findings: string[] = []
      for (const path of ['', ...kinds.map(({ plural }) => `/${plural}`)]) {
        if (path !== '') await page.locator(`nav a[href="/console${path}"]`).click()
        await page.locator('h1').waitFor()
        if (path !== '') await page.locator('.ant-spin-spinning').waitFor({ state: 'detached' })
        // What axe finds does not depend on the language.
        if (locale !== 'en-US') continue
        findings.push(...(await findingsOf(page)))
      }
      expect(findings).toEqual([])
      expect(complaints).toEqual([])
      await page.context().close()
    }
  })

  test('whoever may not see a kind is told which permission it takes', async () => {
    await yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind: 'User',
      metadata: { name: 'grace' },
      spec: { email: 'grace@example.com', password: 'another horse battery' },
    })
    await yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind: 'RoleAssignment',
      metadata: { name: 'grace-views', workspace: 'default' },
      spec: { role: 'platform/viewer', subject: { kind: 'User', name: 'grace' } },
    })
    const { page } = await visit('/console/users')
    await signIn(page, { email: 'grace@example.com', password: 'another horse battery' })
    await page.getByText('It needs the permission user:read.').waitFor()
    await page.goto(`${yard.facts.baseUrl}/console/endpoints`)
    await page.getByRole('link', { name: yard.facts.model }).waitFor()
    await page.context().close()
  })

  test('its page allows nothing but its own files, and its files are kept for a year', async () => {
    const answer = await fetch(`${yard.facts.baseUrl}/console/anything/at/all`)
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    expect(policy).not.toMatch(/https?:/)
    const html = await answer.text()
    expect(html).not.toContain('__NONCE__')
    const [, script = ''] = /src="([^"]+)"/.exec(html) ?? []
    const file = await fetch(new URL(script, yard.facts.baseUrl), { headers: { 'accept-encoding': 'br' } })
    expect(file.headers.get('cache-control')).toContain('immutable')
    expect(file.headers.get('content-encoding')).toBe('br')
    expect((await fetch(`${yard.facts.baseUrl}/console/assets/none.js`)).status).toBe(404)
  })

  test('signing in, and the first screen of somebody signed in, each take less than 350 KB of gzip', async () => {
    const { page } = await visit('/console')
    const taken = new Set<string>()
    page.on('request', request => {
      if (new URL(request.url()).pathname.startsWith('/console')) taken.add(request.url())
    })
    const weightOf = async (url: string) =>
      gzipSync(new Uint8Array(await (await fetch(url)).arrayBuffer())).length / 1000
    /** Kilobytes that a reload of the page takes until nothing more comes. */
    const weigh = async (isThere: () => Promise<void>) => {
      // What the pointer stands on is fetched before somebody goes there.
      await page.mouse.move(0, 0)
      taken.clear()
      await page.reload()
      await isThere()
      // The stream of changes never ends, so that the network is never idle.
      for (let known = -1; known !== taken.size; await page.waitForTimeout(1500)) known = taken.size
      expect(taken.size).toBeGreaterThan(5)
      const weights = await Promise.all([...taken].map(weightOf))
      return weights.reduce((sum, one) => sum + one, 0)
    }
    const signingIn = await weigh(() => page.locator('input[type=email]').waitFor())
    await signIn(page)
    const overview = await weigh(() => page.locator('h1').waitFor())
    console.info(`signing in ${signingIn.toFixed(0)} KB, the overview ${overview.toFixed(0)} KB of gzip`)
    expect(signingIn).toBeLessThan(350)
    expect(overview).toBeLessThan(350)
    await page.context().close()
  })
})
