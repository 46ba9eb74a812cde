// Writing in the console: by form and by YAML, tried before it is saved, beside others who write, and never lost.

import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { useConsole } from './bed.ts'
import { ada, findingsOf, hasChromium, ours } from './browser.ts'

describe.skipIf(!hasChromium)('writing in the console', { timeout: 180_000 }, () => {
  const opened = useConsole()
  const { visit } = opened

  const project = (name: string, description?: string) =>
    opened.yard.api.create({
      apiVersion: 'switchyard.dev/v1',
      kind: 'Project',
      metadata: { name, workspace: 'default', ...(description !== undefined && { description }) },
      spec: {},
    })
  const read = (kind: string, name: string) => opened.yard.api.get(kind, { workspace: 'default', name })

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
    await choose(page, 'Endpoint', opened.yard.facts.model)
    expect(await findingsOf(page)).toEqual([])
    // What was filled in is the YAML, and what is written there is the form.
    await page.getByRole('tab', { name: 'YAML' }).click()
    await page.locator('.cm-content').getByText('public-name').waitFor()
    expect(await findingsOf(page)).toEqual([])
    await page.getByRole('tab', { name: 'Form' }).click()
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('by-form')
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByRole('dialog').getByText('strategy: weighted').waitFor()
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { level: 1, name: 'by-form' }).waitFor()
    expect(await read('Route', 'by-form')).toMatchObject({
      spec: { names: ['public-name'], tiers: [{ targets: [{ endpoint: opened.yard.facts.model }] }] },
    })
    await page.getByRole('tab', { name: 'Related' }).click()
    await page.getByRole('link', { name: `default/${opened.yard.facts.model}` }).waitFor()
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('in the YAML, what is wrong is said where it stands: by the reader at once, by the server on its line', async () => {
    const { page, complaints } = await visit(`/console/endpoints/default/${opened.yard.facts.model}/edit`, {
      as: ada,
    })
    await page.getByRole('tab', { name: 'YAML' }).click()
    const editor = page.locator('.cm-content')
    await editor.waitFor()
    const text = (replicas: string) =>
      `apiVersion: switchyard.dev/v1\nkind: Endpoint\nmetadata:\n  name: ${opened.yard.facts.model}\n  workspace: default\nspec:\n  model:\n    name: ${opened.yard.facts.model}\n  replicas: ${replicas}`
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
    expect(await read('Endpoint', opened.yard.facts.model)).toMatchObject({ spec: { drainSeconds: 77 } })
    expect(ours(complaints)).toEqual([])
    await page.close()
  })

  test('whoever was overtaken sees both versions and puts theirs on top', async () => {
    await project('shared')
    const { page } = await visit('/console/projects/default/shared/edit', { as: ada })
    await page.getByLabel('Display name', { exact: true }).fill('Ours')
    await opened.yard.api.patch(
      'Project',
      { workspace: 'default', name: 'shared' },
      { metadata: { description: 'theirs' } },
    )
    await page.getByRole('button', { name: 'Review' }).click()
    const dialog = page.getByRole('dialog', { name: 'Changed meanwhile' })
    await dialog.getByText('Both can be kept').waitFor()
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    await dialog.getByRole('button', { name: 'Put mine on top' }).click()
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { level: 1, name: 'Ours' }).waitFor()
    expect(await read('Project', 'shared')).toMatchObject({
      metadata: { displayName: 'Ours', description: 'theirs' },
    })
    await page.close()
  })

  test('a session that ends over a half-filled form loses nothing of it, and leaving asks', async () => {
    const { page } = await visit('/console/projects/new', { as: ada })
    await page.getByLabel('Name', { exact: true }).fill('half-filled')
    await choose(page, 'Workspace', 'default')
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Stay' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    const { baseUrl, adminToken } = opened.yard.facts
    const ended = await fetch(`${baseUrl}/api/v1/users/ada/sessions`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${adminToken}` },
    })
    expect(ended.ok).toBe(true)
    // What is asked for without a session waits for the next one, whether the page knows already or not.
    await page.getByRole('button', { name: 'Review' }).dispatchEvent('click')
    await page.locator('input[autocomplete=current-password]').fill(ada.password)
    await page.locator('.ant-modal button[type=submit]').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { level: 1, name: 'half-filled' }).waitFor()
    await page.close()
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
    await page.close()
  })

  test('deleting asks for the name, names what depends on it, and takes several at once', async () => {
    for (const name of ['one', 'other', 'third']) await project(name)
    const { page, complaints } = await visit(`/console/endpoints/default/${opened.yard.facts.model}`, {
      as: ada,
    })
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByText('Delete these too').waitFor()
    expect(await findingsOf(page, '.ant-modal')).toEqual([])
    expect(await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true)
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await page.goto(`${opened.yard.facts.baseUrl}/console/projects/default/third`)
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
    expect(ours(complaints)).toEqual([])
    await page.close()
  })
})
