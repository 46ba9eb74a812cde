// Writing in the console: by form and by YAML, tried before it is saved, beside others who write, and never lost.

import { AxeBuilder } from '@axe-core/playwright'
import { kinds } from '@switchyard/kinds'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ada, type ConsoleYard, findingsOf, hasChromium, openConsole } from './browser.ts'
import type { Yard } from './yard.ts'

const grace = { email: 'grace@example.com', password: 'another horse battery' }

describe.skipIf(!hasChromium)('writing in the console', { timeout: 180_000 }, () => {
  let opened: ConsoleYard
  let yard: Yard
  let visit: ConsoleYard['visit']

  beforeAll(async () => {
    opened = await openConsole()
    ;({ yard, visit } = opened)
    await yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind: 'User',
      metadata: { name: 'grace' },
      spec: grace,
    })
    await yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind: 'RoleAssignment',
      metadata: { name: 'grace-views', workspace: 'default' },
      spec: { role: 'platform/viewer', subject: { kind: 'User', name: 'grace' } },
    })
  }, 300_000)
  afterAll(async () => await opened?.[Symbol.asyncDispose](), 60_000)

  const project = (name: string, description?: string) =>
    yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind: 'Project',
      metadata: { name, workspace: 'default', ...(description !== undefined && { description }) },
      spec: {},
    })
  const read = (kind: string, name: string) => yard.api.get(kind, { workspace: 'default', name })

  /** What the browser says by itself of an answer that refuses. */
  const own = (complaints: readonly string[]) =>
    complaints.filter(text => !text.startsWith('Failed to load resource'))

  /** Of the dialog alone: what lies behind it is dimmed. */
  const findingsOfDialog = async (page: Page) => {
    const { violations } = await new AxeBuilder({ page }).include('.ant-modal').analyze()
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id }) => id)
  }

  async function choose(page: Page, label: string, option: string) {
    await page.getByLabel(label, { exact: true }).click()
    await page.locator('.ant-select-item-option').getByText(option, { exact: true }).click()
  }

  test('a route is made by the form, with what the server adds shown before', async () => {
    const { page, complaints } = await visit('/console/routes', { as: ada })
    await page.getByRole('button', { name: 'New route' }).click()
    await page.getByLabel('Name', { exact: true }).fill('by-form')
    await choose(page, 'Workspace', 'default')
    await page.getByLabel('Names', { exact: true }).fill('public-name')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Add' }).last().click()
    await page.getByRole('group', { name: 'Targets' }).getByRole('button', { name: 'Add' }).click()
    await choose(page, 'Endpoint', yard.facts.model)
    expect(await findingsOf(page)).toEqual([])
    // What was filled in is the YAML, and what is written there is the form.
    await page.getByRole('tab', { name: 'YAML' }).click()
    await page.locator('.cm-content').getByText('public-name').waitFor()
    expect(await findingsOf(page)).toEqual([])
    await page.getByRole('tab', { name: 'Form' }).click()
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('by-form')
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByRole('dialog').getByText('strategy: weighted').waitFor()
    expect(await findingsOfDialog(page)).toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { level: 1, name: 'by-form' }).waitFor()
    expect(await read('Route', 'by-form')).toMatchObject({
      spec: { names: ['public-name'], tiers: [{ targets: [{ endpoint: yard.facts.model }] }] },
    })
    await page.getByRole('tab', { name: 'Related' }).click()
    await page.getByRole('link', { name: `default/${yard.facts.model}` }).waitFor()
    expect(own(complaints)).toEqual([])
    await page.context().close()
  })

  test('in the YAML, what is wrong is said where it stands: by the reader at once, by the server on its line', async () => {
    const { page, complaints } = await visit(`/console/endpoints/default/${yard.facts.model}/edit`, {
      as: ada,
    })
    await page.getByRole('tab', { name: 'YAML' }).click()
    const editor = page.locator('.cm-content')
    await editor.waitFor()
    const text = (replicas: string) =>
      `apiVersion: switchyard.dev/v1\nkind: Endpoint\nmetadata:\n  name: ${yard.facts.model}\n  workspace: default\nspec:\n  model:\n    name: ${yard.facts.model}\n  replicas: ${replicas}`
    const write = async (next: string) => {
      await editor.click()
      await page.keyboard.press('ControlOrMeta+a')
      // Chromium itself writes styles into what is typed over a selection, and the page's policy refuses them.
      await page.keyboard.press('Delete')
      await page.keyboard.insertText(next)
    }
    await write(text('1: 2: 3'))
    await page
      .getByText(/^Line \d+:/)
      .first()
      .waitFor()
    expect(await page.getByRole('button', { name: 'Review' }).isDisabled()).toBe(true)
    await write(text('-4'))
    await page.getByRole('button', { name: 'Review' }).click()
    await page.locator('.cm-lintRange-error').getByText('replicas').waitFor()
    await page.getByRole('tab', { name: 'Form' }).click()
    await page.locator('.ant-form-item-has-error').getByText('Replicas').waitFor()
    await page.getByLabel('Replicas', { exact: true }).fill('1')
    await page.getByLabel('Drain seconds', { exact: true }).fill('77')
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByRole('dialog').getByText('drainSeconds: 77').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('tab', { name: 'Summary' }).waitFor()
    expect(await read('Endpoint', yard.facts.model)).toMatchObject({ spec: { drainSeconds: 77 } })
    expect(own(complaints)).toEqual([])
    await page.context().close()
  })

  test('whoever was overtaken sees both versions and puts theirs on top', async () => {
    await project('shared')
    const { page } = await visit('/console/projects/default/shared/edit', { as: ada })
    await page.getByLabel('Display name', { exact: true }).fill('Ours')
    await yard.api.patch(
      'Project',
      { workspace: 'default', name: 'shared' },
      { metadata: { description: 'theirs' } },
    )
    await page.getByRole('button', { name: 'Review' }).click()
    const dialog = page.getByRole('dialog', { name: 'Changed meanwhile' })
    await dialog.getByText('Both can be kept').waitFor()
    expect(await findingsOfDialog(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Put mine on top' }).click()
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { level: 1, name: 'Ours' }).waitFor()
    expect(await read('Project', 'shared')).toMatchObject({
      metadata: { displayName: 'Ours', description: 'theirs' },
    })
    await page.context().close()
  })

  test('a session that ends over a half-filled form loses nothing of it, and leaving asks', async () => {
    const { page } = await visit('/console/projects/new', { as: ada })
    await page.getByLabel('Name', { exact: true }).fill('half-filled')
    await choose(page, 'Workspace', 'default')
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Stay' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await yard.run('down')
    await yard.up()
    const token = await fetch(`${yard.facts.baseUrl}/api/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: ada.email, password: ada.password }),
    }).then(async answer => ((await answer.json()) as { accessToken: string }).accessToken)
    const ended = await fetch(`${yard.facts.baseUrl}/api/v1/users/ada/sessions`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    })
    expect(ended.ok).toBe(true)
    await page.getByRole('button', { name: 'Review' }).click()
    await page.locator('input[autocomplete=current-password]').fill(ada.password)
    await page.locator('.ant-modal button[type=submit]').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { level: 1, name: 'half-filled' }).waitFor()
    await page.context().close()
  })

  test('a secret is written, shown as set, kept when left empty, and never comes back', async () => {
    const { page } = await visit('/console/credentials/new', { as: ada })
    await page.getByLabel('Name', { exact: true }).first().fill('sealed')
    await choose(page, 'Workspace', 'default')
    await page.locator('input[type=password]').first().fill('not-to-be-seen')
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByRole('dialog').getByText('never shown').waitFor()
    expect(await page.getByRole('dialog').textContent()).not.toContain('not-to-be-seen')
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { level: 1, name: 'sealed' }).waitFor()
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.locator('input[placeholder="Set. Leave empty to keep it."]').waitFor()
    expect(await page.content()).not.toContain('not-to-be-seen')
    await page.context().close()
  })

  test('deleting asks for the name, names what depends on it, and takes several at once', async () => {
    for (const name of ['one', 'other', 'third']) await project(name)
    const { page, complaints } = await visit(`/console/endpoints/default/${yard.facts.model}`, { as: ada })
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByText('Delete these too').waitFor()
    expect(await findingsOfDialog(page)).toEqual([])
    expect(await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true)
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await page.goto(`${yard.facts.baseUrl}/console/projects/default/third`)
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('textbox').fill('third')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.waitForURL('**/console/projects')
    for (const name of ['one', 'other'])
      await page.getByRole('checkbox', { name: `Select ${name}`, exact: true }).click()
    await page.getByText('2 selected').waitFor()
    expect(await findingsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('textbox').fill('2')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    for (const name of ['one', 'other', 'third'])
      await page.getByRole('link', { name, exact: true }).waitFor({ state: 'detached' })
    expect(own(complaints)).toEqual([])
    await page.context().close()
  })

  test('whoever only views is told which permission each button takes', async () => {
    const { page } = await visit(`/console/endpoints/default/${yard.facts.model}`, { as: grace })
    for (const [name, verb] of [
      ['Edit', 'update'],
      ['Delete', 'delete'],
    ] as const) {
      const button = page.getByRole('button', { name })
      expect(await button.getAttribute('aria-disabled')).toBe('true')
      await button.focus()
      await page.getByRole('tooltip').getByText(`It needs the permission endpoint:${verb}.`).waitFor()
    }
    await page.goto(`${yard.facts.baseUrl}/console/projects/new`)
    await page.getByText('It needs the permission project:create.').waitFor()
    await page.context().close()
  })

  test('every kind opens its form in both languages without a complaint, and a handful without a finding of axe', {
    timeout: 600_000,
  }, async () => {
    const looked = ['endpoints', 'guardrails', 'credentials', 'pricebooks', 'clusters']
    for (const locale of ['en-US', 'zh-CN']) {
      const { page, complaints } = await visit('/console', { locale, as: ada })
      const findings: string[] = []
      // Keys have a page of their own.
      for (const { plural } of kinds.filter(({ kind, system }) => !system && kind !== 'ApiKey')) {
        await page.goto(`${yard.facts.baseUrl}/console/${plural}/new`)
        await page.locator('.writing input').first().waitFor()
        if (locale === 'en-US' && looked.includes(plural)) findings.push(...(await findingsOf(page)))
      }
      expect(findings).toEqual([])
      expect(own(complaints)).toEqual([])
      await page.context().close()
    }
  })
})
