// People, their rights, the trail and the settings, as whoever runs an installation meets them in the console.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { useConsole } from './bed.ts'
import { ada, addViewer, findingsOf, grace, hasChromium } from './browser.ts'

describe.skipIf(!hasChromium)('people in the console', { timeout: 240_000 }, () => {
  const opened = useConsole(({ yard }) => addViewer(yard))
  const { visit, read } = opened

  const make = (kind: string, name: string, spec: object, workspace?: string) =>
    opened.yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind,
      metadata: { name, ...(workspace !== undefined && { workspace }) },
      spec,
    })
  interface Rights {
    readonly places: readonly {
      readonly workspace: string | null
      readonly held: readonly { readonly permission: string }[]
    }[]
    readonly decision: { readonly allowed: boolean }
  }
  const tab = (page: Page, key: string) => page.locator(`[data-node-key=${key}]`).click()
  const pick = async (page: Page, label: string, text: string) => {
    await page.getByRole('combobox', { name: label, exact: true }).fill(text)
    await page.keyboard.press('Enter')
  }

  test('whoever is invited opens the link, chooses a password and is in the console with the promised role', async () => {
    const { page, complaints } = await visit('/console/invitations', { as: ada })
    await page.getByRole('button', { name: 'Invite a person' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('E-mail').fill('lin@example.com')
    await dialog.getByRole('button', { name: 'Add a role' }).click()
    await pick(page, 'Role', 'viewer')
    await dialog.getByRole('button', { name: 'Invite a person' }).click()
    await page.getByText('It is shown this once.').waitFor()
    const link = ((await page.locator('.once-link').textContent()) ?? '').trim()
    await page.locator('td', { hasText: 'lin@example.com' }).first().waitFor()
    expect(await findingsOf(page)).toEqual([])
    const { pathname, hash } = new URL(link)
    const other = await visit(`${pathname}${hash}`)
    await other.page.locator('#password').fill('a phrase of my own')
    await other.page.locator('#submit').click()
    await other.page.getByRole('navigation').waitFor()
    expect(new URL(other.page.url()).pathname).toMatch(/^\/console\/?$/)
    await other.page.reload()
    await other.page.getByRole('navigation').waitFor()
    await other.page.goto(`${opened.yard.facts.baseUrl}/console/audit`)
    await other.page.getByText('It needs the permission audit:read.').waitFor()
    await page.getByText('Nobody is invited at the moment.').waitFor({ timeout: 30_000 })
    expect([...complaints, ...other.complaints]).toEqual([])
    await other.page.close()
    await page.close()
  })

  test('what a person may do is what the API says of them, and a question is answered with what gives it', async () => {
    const { page, complaints } = await visit('/console', { as: ada })
    for (const name of ['grace', 'ada']) {
      await page.goto(`${opened.yard.facts.baseUrl}/console/users/-/${name}`)
      await tab(page, 'rights')
      const matrix = page.getByRole('region', { name: 'What may be done' })
      await matrix.getByRole('row').nth(1).waitFor()
      const { places } = await read<Rights>(`/api/v1/users/${name}/rights`)
      const { held } = places.find(each => each.held.length > 0) ?? { held: [] }
      const nouns = new Set(held.map(({ permission }) => permission.split(':')[0]))
      expect(await matrix.locator('tbody tr code').allTextContents()).toEqual([...nouns])
      const common = held.filter(({ permission }) => /:(read|create|update|delete)$/.test(permission))
      expect(await matrix.getByRole('img', { name: 'allowed' }).count()).toBe(common.length)
    }
    await page.goto(`${opened.yard.facts.baseUrl}/console/users/-/grace`)
    await tab(page, 'rights')
    await pick(page, 'Permission', 'endpoint:create')
    await pick(page, 'Where', 'default')
    await page.getByText('No, grace may not.').waitFor()
    await page.getByText('No role that is held there gives it.').waitFor()
    await pick(page, 'Permission', 'endpoint:logs')
    expect(
      (await read<Rights>('/api/v1/users/grace/rights?permission=endpoint:read&workspace=default')).decision
        .allowed,
    ).toBe(true)
    await pick(page, 'Permission', 'endpoint:read')
    await page.getByText('Yes, grace may.').waitFor()
    await page.getByText('By viewer · default · grace-views.').waitFor()
    expect(await findingsOf(page)).toEqual([])
    await page.goto(`${opened.yard.facts.baseUrl}/console/roles/-/viewer`)
    await tab(page, 'holders')
    await page.getByRole('link', { name: 'grace', exact: true }).waitFor()
    expect(complaints).toEqual([])
    await page.close()
  })

  test('a session that an administrator ends is ended on the screen of its person', async () => {
    const hers = await visit('/console/account', { as: grace })
    const { page, complaints } = await visit('/console/users/-/grace', { as: ada })
    await tab(page, 'sessions')
    await page.getByRole('button', { name: 'End all sessions' }).click()
    const asked = page.getByRole('dialog')
    expect(await asked.getByRole('button', { name: 'End all sessions' }).isDisabled()).toBe(true)
    await asked.getByRole('textbox').fill('grace')
    await asked.getByRole('button', { name: 'End all sessions' }).click()
    await page.getByText('Not signed in anywhere.').waitFor()
    await hers.page.getByRole('tab', { name: 'My sessions' }).click()
    await hers.page.getByText('Your session has ended.').waitFor({ timeout: 30_000 })
    expect(complaints).toEqual([])
    await hers.page.close()
    await page.close()
  })

  test('whoever lost the right meanwhile is refused by the server, and told which it takes', async () => {
    await make('User', 'otto', { email: 'otto@example.com', password: 'third horse battery' })
    await make('RoleAssignment', 'otto-rules', {
      role: 'platform/admin',
      subject: { kind: 'User', name: 'otto' },
    })
    const { page } = await visit('/console/users/-/grace', {
      as: { email: 'otto@example.com', password: 'third horse battery' },
    })
    await tab(page, 'access')
    const button = page.getByRole('button', { name: 'Make a link' })
    await button.waitFor()
    await opened.yard.api.delete('RoleAssignment', { name: 'otto-rules' })
    await make('RoleAssignment', 'otto-looks', {
      role: 'platform/auditor',
      subject: { kind: 'User', name: 'otto' },
    })
    await button.click()
    await page.getByText('You need user:update').waitFor()
    await page.reload()
    await tab(page, 'access')
    expect(await button.isDisabled()).toBe(true)
    await page.close()
  })

  test('the trail shows the change just made, becomes proved, and this browser checks the proof', async () => {
    const { page, complaints } = await visit('/console/audit?kind=User&action=user.update', { as: ada })
    const made = await fetch(`${opened.yard.facts.baseUrl}/api/v1/users/grace`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${opened.yard.facts.adminToken}`,
        'content-type': 'application/merge-patch+json',
      },
      body: JSON.stringify({ spec: { locale: 'zh' } }),
    })
    expect(made.status).toBe(200)
    const row = page.getByRole('row').filter({ hasText: 'user.update' }).first()
    await row.waitFor({ timeout: 60_000 })
    await row.getByText('Proven').waitFor({ timeout: 60_000 })
    // Words of what changed find it too, and stand in the address.
    const search = async (words: string) => {
      await page.getByRole('textbox', { name: 'Words in an entry' }).fill(words)
      await page.keyboard.press('Enter')
      await page.waitForURL(url => (url.searchParams.get('q') ?? '') === words)
    }
    await search('nothing of that')
    await page.getByText('No entry matches.').waitFor()
    await search('GRACE locale')
    await row.waitFor()
    await search('')
    await row.getByRole('button').first().click()
    await page.getByRole('cell', { name: 'spec.locale', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Check the proof here' }).click()
    await page.getByText('This browser has hashed the entry up to').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download the proof' }).click(),
    ])
    expect(download.suggestedFilename()).toMatch(/^audit-\d+\.json$/)
    expect(await findingsOf(page)).toEqual([])
    expect(complaints).toEqual([])
    await page.close()
  })

  test('the settings say what runs, and the doctor examines it', async () => {
    const { page, complaints } = await visit('/console/settings', { as: ada })
    await page.getByRole('button', { name: 'Examine now' }).click()
    await page.getByText(/\d+ in order, \d+ with a warning, \d+ failed/).waitFor({ timeout: 60_000 })
    await page.getByRole('region', { name: 'Master keys' }).getByRole('row').nth(1).waitFor()
    expect(await findingsOf(page)).toEqual([])
    expect(complaints).toEqual([])
    await page.close()
  })

  test('the screens are there in Chinese', async () => {
    const { page, complaints } = await visit('/console', { locale: 'zh-CN', as: ada })
    const seen = [
      ['/invitations', '邀请成员'],
      ['/account', '语言与主题'],
      ['/audit', '证明状态'],
      ['/settings', '系统诊断'],
    ] as const
    for (const [path, text] of seen) {
      await page.goto(`${opened.yard.facts.baseUrl}/console${path}`)
      await page.getByText(text).first().waitFor()
    }
    await page.goto(`${opened.yard.facts.baseUrl}/console/users/-/grace`)
    for (const [key, text] of [
      ['rights', '权限矩阵'],
      ['sessions', '结束全部会话'],
      ['access', '重置密码'],
    ] as const) {
      await tab(page, key)
      await page.getByText(text).first().waitFor()
      expect(await findingsOf(page)).toEqual([])
    }
    expect(complaints).toEqual([])
    await page.close()
  })
})
