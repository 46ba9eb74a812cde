// The console in a real browser, on a real server: how one comes in and stays in, in both languages.
import { gzipSync } from 'node:zlib'
import { apiVersion } from '@switchyard/kinds'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDirectory, type People } from '../../packages/api/test/sso.bed.ts'
import { useConsole } from './bed.ts'
import {
  ada,
  addViewer,
  buttonOf,
  findingsOf,
  grace,
  hasChromium,
  type Locale,
  locales,
  ours,
  signIn,
} from './browser.ts'

/** What the tests look for, as each language says it. */
const said = {
  'en-US': {
    cut: 'Not live since',
    forbidden: 'It needs the permission user:read.',
    by: 'Continue with corp',
    byTab: 'Continue with corp in a new tab',
    ended: 'Your session has ended.',
    signedIn: 'You are signed in',
    name: 'Name',
    workspace: 'Workspace',
    review: 'Review',
    create: 'Create',
    notCreate: 'It needs the permission project:create.',
    edit: 'Edit',
    delete: 'Delete',
    needs: (permission: string) => `It needs the permission ${permission}.`,
  },
  'zh-CN': {
    cut: '起不再实时更新',
    forbidden: '需要权限 user:read。',
    by: '使用 corp 登录',
    byTab: '在新标签页中使用 corp 登录',
    ended: '会话已结束。',
    signedIn: '已登录',
    name: '名称',
    workspace: '工作区',
    review: '预览变更',
    create: '创建',
    notCreate: '需要权限 project:create。',
    edit: '编辑',
    delete: '删除',
    needs: (permission: string) => `需要权限 ${permission}。`,
  },
} as const satisfies Record<Locale, unknown>

describe.skipIf(!hasChromium)('the console', { timeout: 120_000 }, () => {
  const opened = useConsole(({ yard }) => addViewer(yard))
  const { visit, read } = opened
  let directory: People | undefined

  beforeAll(async () => {
    const { api, facts } = opened.yard
    directory = await openDirectory([`${facts.baseUrl}/api/v1/sso/corp/return`], '127.0.0.1')
    const make = (kind: string, name: string, spec: object) =>
      api.create({ apiVersion, kind, metadata: { name }, spec })
    await make('Credential', 'corp', { value: 'a secret of the client' })
    await make('IdentityProvider', 'corp', {
      issuer: directory.origin,
      clientId: 'switchyard',
      credential: 'corp',
      scopes: ['openid', 'email', 'profile', 'groups'],
      allowedDomains: ['example.com'],
      allowCidrs: ['127.0.0.0/8'],
      ca: directory.ca,
      provision: 'on-login',
      groupRoles: [{ group: 'ml', role: 'platform/developer', workspace: 'default' }],
    })
  }, 60_000)
  afterAll(async () => await directory?.[Symbol.asyncDispose]())

  test.each(locales)(
    'a link into it survives signing in, a wrong password is said to be one, and a reload stays signed in (%s)',
    async locale => {
      const { model } = opened.yard.facts
      const { page, complaints } = await visit('/console/endpoints?q=tiny', { locale })
      await page.locator('input[type=email]').fill(ada.email)
      await page.locator('input[autocomplete=current-password]').fill('not the password')
      await page.locator('button[type=submit]').click()
      await page.getByRole('alert').waitFor()
      expect(await findingsOf(page)).toEqual([])
      await signIn(page)
      await page.getByRole('link', { name: model }).waitFor()
      expect(new URL(page.url()).search).toContain('q=tiny')
      await page.reload()
      await page.getByRole('link', { name: model }).click()
      await page.getByRole('heading', { level: 1, name: model }).waitFor()
      await page.getByRole('tab').last().waitFor()
      // The refused password is the one thing that a browser tells of by itself.
      expect(ours(complaints)).toEqual([])
      await page.context().close()
    },
  )

  test.each(locales)(
    'the directory of a company signs in who has a link, with what their groups are given; when the session ends over a half-filled form, nothing of it is lost (%s)',
    async locale => {
      const { yard } = opened
      if (!directory) throw new TypeError('The directory is opened before the tests.')
      const words = said[locale]
      const subject = `nia-${locale.toLowerCase()}`
      const claims = { email: `${subject}@example.com`, email_verified: true, name: 'Nia 新' }
      directory.people.set(subject, { ...claims, groups: ['ml'] })
      directory.subject = subject
      const { page, complaints } = await visit('/console/endpoints?q=tiny', { locale })
      await page.getByRole('link', { name: words.by }).waitFor()
      expect(await findingsOf(page)).toEqual([])
      await page.getByRole('link', { name: words.by }).click()
      await page.getByRole('link', { name: yard.facts.model }).waitFor()
      const { pathname, search } = new URL(page.url())
      expect([pathname, search]).toEqual(['/console/endpoints', expect.stringContaining('q=tiny')])
      await page.getByText('Nia 新').waitFor()

      await page.goto(`${yard.facts.baseUrl}/console/users`)
      await page.getByText(words.forbidden).waitFor()
      await page.goto(`${yard.facts.baseUrl}/console/routes/new`)
      await page.getByLabel(words.name, { exact: true }).fill('half-filled')
      const ended = await fetch(`${yard.facts.baseUrl}/api/v1/users/${subject}/sessions`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${yard.facts.adminToken}` },
      })
      expect(ended.ok).toBe(true)
      await page.getByText(words.ended).waitFor({ timeout: 60_000 })
      expect(await findingsOf(page, '.ant-modal')).toEqual([])
      const [beside] = await Promise.all([
        page.context().waitForEvent('page'),
        page.getByRole('link', { name: words.byTab }).click(),
      ])
      await beside.getByRole('heading', { level: 1, name: words.signedIn }).waitFor()
      expect(await findingsOf(beside)).toEqual([])
      await beside.close()
      await page.getByText(words.ended).waitFor({ state: 'detached' })
      expect(await page.getByLabel(words.name, { exact: true }).inputValue()).toBe('half-filled')
      // What is sent now is sent as her.
      const answered = page.waitForResponse(response => response.url().includes('dryRun=true'))
      await buttonOf(page, words.review).click()
      expect((await answered).status()).not.toBe(401)
      expect(ours(complaints)).toEqual([])
      await page.context().close()
    },
  )

  test.each(locales)(
    'what others change is there at once; a cut is told until it is over, and what changed meanwhile is there then (%s)',
    async locale => {
      const { yard } = opened
      const workspace = (name: string) =>
        yard.api.create({ apiVersion, kind: 'Workspace', metadata: { name }, spec: {} })
      const { page } = await visit('/console/workspaces', { locale, as: ada })
      const link = (name: string) => page.getByRole('link', { name, exact: true })
      await page.getByRole('searchbox').first().fill('o')
      await link('nova').waitFor({ state: 'detached' })
      await workspace('nova')
      await link('nova').waitFor()
      expect(await yard.run('down')).toMatchObject({ code: 0 })
      await page.getByText(said[locale].cut).waitFor({ timeout: 60_000 })
      expect(await link('nova').isVisible()).toBe(true)
      expect(await findingsOf(page)).toEqual([])
      await yard.up()
      await workspace('orion')
      await page.getByText(said[locale].cut).waitFor({ state: 'detached', timeout: 60_000 })
      await link('orion').waitFor()
      // Nobody has signed in again, and what was sought still is.
      expect(await page.getByRole('searchbox').first().inputValue()).toBe('o')
      for (const name of ['nova', 'orion']) {
        await yard.api.delete('Workspace', { name })
        await link(name).waitFor({ state: 'detached' })
      }
      await page.close()
    },
  )

  test.each(locales)(
    'whoever only views is told which permission each act takes, and a call past the screen is refused (%s)',
    async locale => {
      const { facts } = opened.yard
      const words = said[locale]
      const { page, complaints } = await visit(`/console/endpoints/default/${facts.model}`, {
        locale,
        as: grace,
      })
      for (const [name, permission] of [
        [words.edit, 'endpoint:update'],
        [words.delete, 'endpoint:delete'],
      ] as const) {
        const act = buttonOf(page, name)
        expect(await act.getAttribute('aria-disabled')).toBe('true')
        await act.focus()
        await page.getByRole('tooltip').getByText(words.needs(permission)).waitFor()
      }
      expect(await findingsOf(page)).toEqual([])
      const call = async (token: string) => {
        const answer = await fetch(`${facts.baseUrl}/api/v1/workspaces/default/endpoints/${facts.model}`, {
          method: 'PATCH',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/merge-patch+json' },
          body: JSON.stringify({ spec: { paused: true } }),
        })
        return [answer.status, await answer.text()]
      }
      const session = await fetch(`${facts.baseUrl}/api/v1/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(grace),
      })
      const { accessToken } = (await session.json()) as { readonly accessToken: string }
      expect(await call(accessToken)).toEqual([403, expect.stringContaining('endpoint:update')])
      const path = `/api/v1/workspaces/default/endpoints/${facts.model}`
      expect(await read<object>(path)).toMatchObject({ spec: { paused: false } })
      await page.goto(`${facts.baseUrl}/console/projects/new`)
      await page.getByText(words.notCreate).waitFor()
      await page.goto(`${facts.baseUrl}/console/users`)
      await page.getByText(words.forbidden).waitFor()
      expect(complaints).toEqual([])
      await page.close()
    },
  )

  test('a list draws the rows near what is seen: of all it says the count, sorts them, and lets a range of them be chosen', async () => {
    const { yard } = opened
    const count = 90
    for (let number = 1; number <= count; number++)
      await yard.api.create({
        apiVersion,
        kind: 'Project',
        metadata: { name: `row-${number}`, workspace: 'default' },
        spec: {},
      })
    const { page, complaints } = await visit('/console/projects?q=row-', { as: ada })
    const table = page.getByRole('table', { name: 'Projects' })
    const names = table.locator('tbody a')
    const placed = async () => await table.getByRole('row').last().getAttribute('aria-rowindex')
    const chosen = table.locator('tbody input:checked')
    const sort = async (direction: string) => {
      await table.getByRole('columnheader', { name: 'Name' }).getByRole('button').click()
      await table.locator(`th[aria-sort=${direction}]`).filter({ hasText: 'Name' }).waitFor()
    }
    await page.getByText(`${count} items`).waitFor()
    expect(await table.getAttribute('aria-rowcount')).toBe(String(count + 1))
    expect(await names.count()).toBeLessThan(count / 2)

    await sort('ascending')
    expect(await names.allTextContents()).toEqual(
      Array.from({ length: await names.count() }, (_, index) => `row-${index + 1}`),
    )
    await page.evaluate(`document.querySelector('.long').scrollTo(0, 1e6)`)
    await page.getByRole('link', { name: `row-${count}`, exact: true }).waitFor()
    expect(await placed()).toBe(String(count + 1))
    expect(await page.getByRole('link', { name: 'row-1', exact: true }).count()).toBe(0)
    await page.evaluate(`document.querySelector('.long').scrollTo(0, 0)`)
    await sort('descending')
    expect(await names.first().textContent()).toBe(`row-${count}`)

    const box = (number: number) => page.getByRole('checkbox', { name: `Select row-${number}`, exact: true })
    await box(count - 1).click()
    await box(count - 5).click({ modifiers: ['Shift'] })
    await page.getByText('5 selected').waitFor()
    expect(await chosen.count()).toBe(5)
    expect(await findingsOf(page)).toEqual([])
    await page.getByRole('checkbox', { name: 'Select all' }).click()
    await page.getByText(`${count} selected`).waitFor()
    await page.getByRole('checkbox', { name: 'Select all' }).click()
    await page.getByText('selected').waitFor({ state: 'detached' })

    // A link is one: what is pressed with it opens beside, without it here.
    const [beside] = await Promise.all([
      page.context().waitForEvent('page'),
      names.first().click({ modifiers: ['ControlOrMeta'] }),
    ])
    await beside.getByRole('heading', { level: 1, name: `row-${count}` }).waitFor()
    await beside.close()
    await names.first().click()
    await page.getByRole('heading', { level: 1, name: `row-${count}` }).waitFor()
    expect(ours(complaints)).toEqual([])
    await page.close()
    for (let number = 1; number <= count; number++)
      await yard.api.delete('Project', { name: `row-${number}`, workspace: 'default' })
  })

  test('its page allows nothing but its own files, and its files are kept for a year', async () => {
    const { baseUrl } = opened.yard.facts
    const answer = await fetch(`${baseUrl}/console/anything/at/all`)
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    expect(policy).not.toMatch(/https?:/)
    const html = await answer.text()
    expect(html).not.toContain('__NONCE__')
    const [, script = ''] = /src="([^"]+)"/.exec(html) ?? []
    const file = await fetch(new URL(script, baseUrl), { headers: { 'accept-encoding': 'br' } })
    expect(file.headers.get('cache-control')).toContain('immutable')
    expect(file.headers.get('content-encoding')).toBe('br')
    expect((await fetch(`${baseUrl}/console/assets/none.js`)).status).toBe(404)
  })

  test('signing in, and the first screen of somebody signed in, each take less than 350 KB of gzip', async () => {
    const { page } = await visit('/console')
    const taken = new Set<string>()
    page.on('request', request => {
      if (new URL(request.url()).pathname.startsWith('/console')) taken.add(request.url())
    })
    const weightOf = async (url: string) =>
      gzipSync(new Uint8Array(await (await fetch(url)).arrayBuffer())).length / 1000
    /** What a reload of the page takes until nothing more comes, and in kilobytes. */
    const weigh = async (isThere: () => Promise<void>) => {
      // What the pointer stands on is fetched before somebody goes there.
      await page.mouse.move(0, 0)
      taken.clear()
      await page.reload()
      await isThere()
      // The stream of changes never ends, so that the network is never idle.
      for (let known = -1; known !== taken.size; await page.waitForTimeout(1500)) known = taken.size
      expect(taken.size).toBeGreaterThan(5)
      const urls = [...taken]
      const weights = await Promise.all(urls.map(weightOf))
      const lines = urls.map((url, index) => `${weights[index]?.toFixed(1)} KB ${url}`)
      return { sum: weights.reduce((sum, one) => sum + one, 0), told: lines.toSorted().join('\n') }
    }
    const signingIn = await weigh(() => page.locator('input[type=email]').waitFor())
    await signIn(page)
    const overview = await weigh(() => page.locator('h1').waitFor())
    console.info(
      `signing in ${signingIn.sum.toFixed(0)} KB, the overview ${overview.sum.toFixed(0)} KB of gzip`,
    )
    expect(signingIn.sum, signingIn.told).toBeLessThan(350)
    expect(overview.sum, overview.told).toBeLessThan(350)
    await page.context().close()
  })
})
